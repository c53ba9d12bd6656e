"""A decoder that looks back through dilated convolutions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ddsp_ref.models.decoder import Controls, Decoder, check_sizes
from ddsp_ref.models.parameters import Parameters, glorot_uniform
from ddsp_ref.ops.layers.conv_1d import conv_1d
from ddsp_ref.ops.layers.layer_norm import layer_norm
from ddsp_ref.ops.layers.leaky_relu import leaky_relu


@dataclass(frozen=True)
class ConvSettings:
    """Sizes of `ConvDecoder`.

    Attributes
    ----------
    n_channels : int
        Width of the fully connected layers.
    n_layers : int
        Layers per stack.
    n_hidden : int
        Width of the convolutions.
    n_convolutions : int
        How many; each looks three times as far back as the one before.
    """

    n_channels: int = 128
    n_layers: int = 2
    n_hidden: int = 64
    n_convolutions: int = 5

    def __post_init__(self) -> None:
        check_sizes(self, "n_channels", "n_layers", "n_hidden", "n_convolutions")


# With three taps and dilations of 1, 3, 9, ... every past frame in reach is seen once: no gaps.
_N_TAPS = 3
_PARTS = ("kernel", "bias", "gamma", "beta")


class ConvDecoder(Decoder):
    """Decode with a memory of fixed length: as `RnnDecoder`, with convolutions for the recurrence.

    Parameters
    ----------
    settings : ConvSettings
        Sizes.
    n_harmonics, n_bands : int
        Sizes of the outputs.

    Notes
    -----
    Causal. Each convolution (dilation ``3 ** i``, layer normalisation, leaky ReLU) but the first
    adds to its input. Five reach 242 frames back, 0.97 s at 250 frames/s. Source of dilated causal
    convolutions: van den Oord et al. 2016, WaveNet, section 2.1.
    """

    def init(self, rng: np.random.Generator) -> Parameters:
        """Return parameters to start from."""
        s, params = self.settings, self._init_inputs(rng)
        for i in range(s.n_convolutions):
            n_in = s.n_hidden if i else 2 * s.n_channels
            flat = glorot_uniform(rng, (_N_TAPS * n_in, s.n_hidden))
            params[f"decoder/convolution/{i}/kernel"] = flat.reshape(_N_TAPS, n_in, s.n_hidden)
            for part, fill in (("bias", 0), ("gamma", 1), ("beta", 0)):
                params[f"decoder/convolution/{i}/{part}"] = np.full(s.n_hidden, fill, np.float32)
        return params | self._init_outputs(rng, 2 * s.n_channels + s.n_hidden)

    def _layers(self, params: Mapping[str, np.ndarray]) -> list[tuple[int, list[np.ndarray]]]:
        return [
            (_N_TAPS**i, [params[f"decoder/convolution/{i}/{part}"] for part in _PARTS])
            for i in range(self.settings.n_convolutions)
        ]

    def _chunk(self, params, loudness, f0, state):
        x = np.concatenate(self._inputs_value(params, loudness, f0), axis=-1)
        hidden, remembered = x, []
        for i, (dilation, (kernel, bias, gamma, beta)) in enumerate(self._layers(params)):
            n_before = (_N_TAPS - 1) * dilation  # frames of its input that a layer looks back at
            before = np.zeros((*x.shape[:-2], n_before, hidden.shape[-1]), x.dtype)
            seen = np.concatenate([before if state is None else state[i], hidden], axis=-2)
            remembered.append(seen[..., -n_before:, :])
            y = conv_1d(seen, kernel, bias, dilation=dilation, causal=True)[..., n_before:, :]
            y = leaky_relu(layer_norm(y, gamma, beta))
            hidden = y if dilation == 1 else hidden + y
        return self._outputs_value(params, np.concatenate([x, hidden], axis=-1)), remembered

    def vjp(
        self, params: Mapping[str, np.ndarray], f0_scaled: np.ndarray, loudness_scaled: np.ndarray
    ) -> tuple[Controls, Callable]:
        """Return the controls and a pullback; see `MlpDecoder.vjp`."""
        loudness, f0, inputs_pullback = self._inputs_vjp(params, f0_scaled, loudness_scaled)
        x = np.concatenate([loudness, f0], axis=-1)
        hidden, hidden_pullback = self._hidden_vjp(params, x)
        controls, outputs_pullback = self._outputs_vjp(params, np.concatenate([x, hidden], axis=-1))
        n_inputs = x.shape[-1]

        def pullback(bars: Controls) -> tuple[Parameters, np.ndarray, np.ndarray]:
            joined_bar, gradients = outputs_pullback(bars)
            from_hidden, own = hidden_pullback(joined_bar[..., n_inputs:])
            x_bar = joined_bar[..., :n_inputs] + from_hidden
            more, f0_bar, loudness_bar = inputs_pullback(*np.split(x_bar, 2, axis=-1))
            return gradients | own | more, f0_bar, loudness_bar

        return controls, pullback

    def _hidden_vjp(self, params: Mapping[str, np.ndarray], x: np.ndarray) -> tuple:
        hidden, pullbacks = x, []
        for dilation, (kernel, bias, gamma, beta) in self._layers(params):
            y, convolve = conv_1d.vjp(hidden, kernel, bias, dilation=dilation, causal=True)
            y, normalise = layer_norm.vjp(y, gamma, beta)
            y, rectify = leaky_relu.vjp(y)
            hidden = y if dilation == 1 else hidden + y
            pullbacks.append((convolve, normalise, rectify))

        def pullback(hidden_bar: np.ndarray) -> tuple[np.ndarray, Parameters]:
            gradients: Parameters = {}
            for i, (convolve, normalise, rectify) in reversed(list(enumerate(pullbacks))):
                y_bar, gamma_bar, beta_bar = normalise(*rectify(hidden_bar))
                x_bar, kernel_bar, bias_bar = convolve(y_bar)
                bars = (kernel_bar, bias_bar, gamma_bar, beta_bar)
                names = (f"decoder/convolution/{i}/{part}" for part in _PARTS)
                gradients |= dict(zip(names, bars, strict=True))
                hidden_bar = hidden_bar + x_bar if i else x_bar
            return hidden_bar, gradients

        return hidden, pullback
