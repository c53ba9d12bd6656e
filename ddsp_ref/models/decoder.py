"""What all decoders share: inputs, outputs, and playing piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.parameters import Parameters
from ddsp_ref.models.stacks import (
    dense_value,
    dense_vjp,
    init_dense,
    init_stack,
    stack_value,
    stack_vjp,
)

Controls = dict[str, np.ndarray]

# Frames that the forward pass takes at once: its intermediate arrays stay in the cache.
_CHUNK = 2048


def check_sizes(settings: object, *names: str) -> None:
    """Refuse settings whose attributes of these names are not whole numbers above 0."""
    for name in names:
        value = getattr(settings, name)
        require(
            isinstance(value, int) and value >= 1,
            f"{type(settings).__name__}: {name} is {value!r}, must be a whole number, at least 1",
        )


class Decoder:
    """Two stacks of inputs and one of outputs; a subclass says what is in between."""

    layer_settings: Mapping[str, float] = {}  # of `fc_layer`, other than its own

    def __init__(self, settings: Any, n_harmonics: int, n_bands: int) -> None:
        self.settings, self.n_harmonics, self.n_bands = settings, n_harmonics, n_bands

    def _init_inputs(self, rng: np.random.Generator) -> Parameters:
        s = self.settings
        return init_stack(rng, "decoder/loudness_stack", 1, s.n_channels, s.n_layers) | init_stack(
            rng, "decoder/f0_stack", 1, s.n_channels, s.n_layers
        )

    def _init_outputs(self, rng: np.random.Generator, n_in: int) -> Parameters:
        s = self.settings
        n_out = 1 + self.n_harmonics + self.n_bands
        return init_stack(rng, "decoder/out_stack", n_in, s.n_channels, s.n_layers) | init_dense(
            rng, "decoder/controls", s.n_channels, n_out
        )

    def _split(self, y: np.ndarray) -> Controls:
        stop = 1 + self.n_harmonics
        return {
            "amplitudes": y[..., 0],
            "harmonic_distribution": y[..., 1:stop],
            "noise_magnitudes": y[..., stop:],
        }

    def _join(self, bars: Controls) -> np.ndarray:
        order = (bars["amplitudes"][..., None], bars["harmonic_distribution"])
        return np.concatenate([*order, bars["noise_magnitudes"]], axis=-1)

    def _chunk(
        self, params: Mapping[str, np.ndarray], loudness: np.ndarray, f0: np.ndarray, state: Any
    ) -> tuple[np.ndarray, Any]:
        """Return raw outputs and the state after the last frame."""
        raise NotImplementedError

    def __call__(
        self, params: Mapping[str, np.ndarray], f0_scaled: np.ndarray, loudness_scaled: np.ndarray
    ) -> Controls:
        """Return the controls, piece by piece, so that memory grows with the result alone.

        Parameters
        ----------
        params : mapping of str to ndarray
            Parameters, as from `init`.
        f0_scaled, loudness_scaled : ndarray, shape (..., n_frames)
            Pitch and loudness, both roughly from 0 to 1.

        Returns
        -------
        dict of str to ndarray
            `amplitudes` (..., n_frames), `harmonic_distribution` (..., n_frames, n_harmonics) and
            `noise_magnitudes` (..., n_frames, n_bands): network outputs, any real numbers.
        """
        return self._split(self._frames(params, loudness_scaled[..., None], f0_scaled[..., None]))

    def advance(
        self,
        params: Mapping[str, np.ndarray],
        f0_scaled: np.ndarray,
        loudness_scaled: np.ndarray,
        state: Any = None,
    ) -> tuple[Controls, Any]:
        """Return the controls of the next frames, and the state to go on from after them.

        Parameters
        ----------
        params : mapping of str to ndarray
            Parameters, as from `init`.
        f0_scaled, loudness_scaled : ndarray, shape (..., n_frames)
            Pitch and loudness, both roughly from 0 to 1.
        state : array or None
            As from the call before; None at the beginning.

        Returns
        -------
        dict of str to ndarray
            As from calling the decoder.
        array or None
            What the decoder remembers.
        """
        y, state = self._chunk(params, loudness_scaled[..., None], f0_scaled[..., None], state)
        return self._split(y), state

    def _frames(
        self, params: Mapping[str, np.ndarray], loudness: np.ndarray, f0: np.ndarray
    ) -> np.ndarray:
        """Return raw outputs."""
        n_out = 1 + self.n_harmonics + self.n_bands
        y = np.empty((*f0.shape[:-1], n_out), params["decoder/controls/bias"].dtype)
        state = None
        for start in range(0, f0.shape[-2], _CHUNK):
            piece = slice(start, start + _CHUNK)
            y[..., piece, :], state = self._chunk(
                params, loudness[..., piece, :], f0[..., piece, :], state
            )
        return y

    def _inputs_vjp(
        self, params: Mapping[str, np.ndarray], f0_scaled: np.ndarray, loudness_scaled: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, Callable]:
        n_layers = self.settings.n_layers
        loudness, loudness_pullback = stack_vjp(
            params, "decoder/loudness_stack", n_layers, loudness_scaled[..., None]
        )
        f0, f0_pullback = stack_vjp(params, "decoder/f0_stack", n_layers, f0_scaled[..., None])

        def pullback(loudness_bar: np.ndarray, f0_bar: np.ndarray) -> tuple:
            loudness_scaled_bar, gradients = loudness_pullback(loudness_bar)
            f0_scaled_bar, more = f0_pullback(f0_bar)
            return gradients | more, f0_scaled_bar[..., 0], loudness_scaled_bar[..., 0]

        return loudness, f0, pullback

    def _outputs_vjp(self, params: Mapping[str, np.ndarray], x: np.ndarray) -> tuple:
        x, stack_pullback = stack_vjp(params, "decoder/out_stack", self.settings.n_layers, x)
        y, dense_pullback = dense_vjp(params, "decoder/controls", x)

        def pullback(bars: Controls) -> tuple[np.ndarray, Parameters]:
            x_bar, gradients = dense_pullback(self._join(bars))
            x_bar, more = stack_pullback(x_bar)
            return x_bar, gradients | more

        return self._split(y), pullback

    def _outputs_value(self, params: Mapping[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        n_layers, settings = self.settings.n_layers, self.layer_settings
        x = stack_value(params, "decoder/out_stack", n_layers, x, **settings)
        return dense_value(params, "decoder/controls", x)

    def _inputs_value(
        self, params: Mapping[str, np.ndarray], loudness: np.ndarray, f0: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        n_layers, settings = self.settings.n_layers, self.layer_settings
        return (
            stack_value(params, "decoder/loudness_stack", n_layers, loudness, **settings),
            stack_value(params, "decoder/f0_stack", n_layers, f0, **settings),
        )
