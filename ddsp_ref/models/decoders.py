"""Decoders: from pitch and loudness to the raw controls of the synthesizers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ddsp_ref.models.convolution import ConvDecoder, ConvSettings
from ddsp_ref.models.decoder import Controls, Decoder, check_sizes
from ddsp_ref.models.network_decoder import NetworkDecoder, NetworkSettings
from ddsp_ref.models.parameters import Parameters
from ddsp_ref.models.recurrence import (
    PytorchDecoder,
    PytorchSettings,
    RnnDecoder,
    RnnSettings,
)


@dataclass(frozen=True)
class MlpSettings:
    """Sizes of `MlpDecoder`.

    Attributes
    ----------
    n_channels : int
        Width of every layer.
    n_layers : int
        Layers per stack.
    """

    n_channels: int = 128
    n_layers: int = 3

    def __post_init__(self) -> None:
        check_sizes(self, "n_channels", "n_layers")


class MlpDecoder(Decoder):
    """Decode every frame by itself: two stacks, joined, one stack, one dense layer.

    Parameters
    ----------
    settings : MlpSettings
        Sizes.
    n_harmonics, n_bands : int
        Sizes of the outputs.
    """

    def init(self, rng: np.random.Generator) -> Parameters:
        """Return parameters to start from."""
        return self._init_inputs(rng) | self._init_outputs(rng, 2 * self.settings.n_channels)

    def _chunk(self, params, loudness, f0, state):
        x = np.concatenate(self._inputs_value(params, loudness, f0), axis=-1)
        return self._outputs_value(params, x), None

    def vjp(
        self, params: Mapping[str, np.ndarray], f0_scaled: np.ndarray, loudness_scaled: np.ndarray
    ) -> tuple[Controls, Callable]:
        """Return the controls and a pullback.

        Parameters
        ----------
        params : mapping of str to ndarray
            Parameters, as from `init`.
        f0_scaled, loudness_scaled : ndarray, shape (..., n_frames)
            Pitch and loudness, both roughly from 0 to 1.

        Returns
        -------
        dict of str to ndarray
            The controls, as from calling the decoder.
        function
            From cotangents of the controls to gradients by name, `f0_scaled_bar`,
            `loudness_scaled_bar`.
        """
        loudness, f0, inputs_pullback = self._inputs_vjp(params, f0_scaled, loudness_scaled)
        x = np.concatenate([loudness, f0], axis=-1)
        controls, outputs_pullback = self._outputs_vjp(params, x)

        def pullback(bars: Controls) -> tuple[Parameters, np.ndarray, np.ndarray]:
            x_bar, gradients = outputs_pullback(bars)
            more, f0_bar, loudness_bar = inputs_pullback(*np.split(x_bar, 2, axis=-1))
            return gradients | more, f0_bar, loudness_bar

        return controls, pullback


DECODERS: dict[str, tuple[type, type]] = {
    "mlp": (MlpDecoder, MlpSettings),
    "rnn": (RnnDecoder, RnnSettings),
    "conv": (ConvDecoder, ConvSettings),
}
# and those that come trained
PLAYED: dict[str, tuple[type, type]] = DECODERS | {
    "ddsp_pytorch": (PytorchDecoder, PytorchSettings),
    "magenta": (NetworkDecoder, NetworkSettings),
}
