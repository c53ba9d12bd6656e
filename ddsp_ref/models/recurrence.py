"""Decoders that remember through a gated recurrent layer: the original's, and ddsp_pytorch's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ddsp_ref.errors import ParameterError, require
from ddsp_ref.jit import ranges, read_only, run_parts
from ddsp_ref.models.decoder import Controls, Decoder, check_sizes
from ddsp_ref.models.parameters import Parameters, glorot_uniform, orthogonal
from ddsp_ref.ops._products import product
from ddsp_ref.ops.layers.gru import as_weights, gru, run

# Frames of a piece. Long enough that preparing the matrices for it costs little, and short enough
# that a few seconds are several pieces.
_PIECE = 512
_FAR = 1e4  # neither loudness nor its deviation, nor one over it, is more


@dataclass(frozen=True)
class RnnSettings:
    """Sizes of `RnnDecoder`.

    Attributes
    ----------
    n_channels : int
        Width of the fully connected layers; 512 in the original.
    n_layers : int
        Layers per stack; 3 in the original.
    n_hidden : int
        Width of the recurrent layer; 512 in the original.
    """

    n_channels: int = 192
    n_layers: int = 2
    n_hidden: int = 192

    def __post_init__(self) -> None:
        check_sizes(self, "n_channels", "n_layers", "n_hidden")


class RnnDecoder(Decoder):
    """Decode with memory: two stacks, a gated recurrent layer beside them, one stack, one dense.

    Parameters
    ----------
    settings : RnnSettings
        Sizes.
    n_harmonics, n_bands : int
        Sizes of the outputs.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/decoders.py, RnnFcDecoder, with
    `input_keys = ('ld_scaled', 'f0_scaled')` as in solo_instrument.gin.
    """

    def init(self, rng: np.random.Generator) -> Parameters:
        """Return parameters to start from."""
        s = self.settings
        recurrent = {
            "decoder/gru/kernel": glorot_uniform(rng, (2 * s.n_channels, 3 * s.n_hidden)),
            "decoder/gru/recurrent_kernel": orthogonal(rng, (s.n_hidden, 3 * s.n_hidden)),
            "decoder/gru/bias": np.zeros(3 * s.n_hidden, np.float32),
            "decoder/gru/recurrent_bias": np.zeros(3 * s.n_hidden, np.float32),
        }
        outputs = self._init_outputs(rng, 2 * s.n_channels + s.n_hidden)
        return self._init_inputs(rng) | recurrent | outputs

    def _gru_arrays(self, params: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        names = ("kernel", "recurrent_kernel", "bias", "recurrent_bias")
        return [params[f"decoder/gru/{name}"] for name in names]

    def _last_stack_sees(self, x, hidden, f0, loudness):
        return [x, hidden]

    def _chunk(self, params, loudness, f0, state):
        x = np.concatenate(self._inputs_value(params, loudness, f0), axis=-1)
        if state is None:
            state = np.zeros((*x.shape[:-2], self.settings.n_hidden), x.dtype)
        hidden = gru(x, state, *self._gru_arrays(params))
        seen = self._last_stack_sees(x, hidden, f0, loudness)
        return self._outputs_value(params, np.concatenate(seen, axis=-1)), hidden[..., -1, :]

    def _frames(self, params, loudness, f0):
        """Decode: the recurrence is a queue, so what goes before and after it is done beside it.

        In every round one thread takes a piece through the recurrence; another prepares the piece
        after that, and whoever is free finishes the one before. Several sequences keep all threads
        busy by themselves: their pieces go one step after the other.
        """
        pieces = ranges(f0.shape[-2], _PIECE)
        dtype = np.result_type(f0, loudness, params["decoder/gru/kernel"])
        kernel, recurrent_kernel, *biases = (
            read_only(a.astype(dtype, copy=False)) for a in self._gru_arrays(params)
        )
        weights = as_weights(recurrent_kernel)
        n_out = 1 + self.n_harmonics + self.n_bands
        y = np.empty((*f0.shape[:-1], n_out), params["decoder/controls/bias"].dtype)
        n_sequences = math.prod(f0.shape[:-2])
        state = np.zeros((n_sequences, self.settings.n_hidden), dtype)
        waiting, remembered = {}, {}

        def part(i, array):
            return array[..., slice(*pieces[i]), :]

        def before(i):
            x = np.concatenate(self._inputs_value(params, part(i, loudness), part(i, f0)), axis=-1)
            waiting[i] = x, product(x, kernel)

        def remember(i):
            nonlocal state
            x, gates = waiting.pop(i)
            gates = gates.reshape(n_sequences, *gates.shape[-2:])
            hidden, _ = run(gates, read_only(state), weights, *biases)
            state = np.ascontiguousarray(hidden[:, -1])
            remembered[i] = x, hidden.reshape(*x.shape[:-1], hidden.shape[-1])

        def after(i):
            seen = self._last_stack_sees(*remembered.pop(i), part(i, f0), part(i, loudness))
            part(i, y)[...] = self._outputs_value(params, np.concatenate(seen, axis=-1))

        for i in range(-1, len(pieces) + 1):
            stages = (remember, i), (before, i + 1), (after, i - 1)
            parts = [part for part in stages if 0 <= part[1] < len(pieces)]
            for beside in [parts] if n_sequences == 1 else [[part] for part in parts]:
                run_parts(lambda stage, k: stage(k), beside)
        return y

    def vjp(
        self, params: Mapping[str, np.ndarray], f0_scaled: np.ndarray, loudness_scaled: np.ndarray
    ) -> tuple[Controls, Callable]:
        """Return the controls and a pullback; see `MlpDecoder.vjp`."""
        loudness, f0, inputs_pullback = self._inputs_vjp(params, f0_scaled, loudness_scaled)
        x = np.concatenate([loudness, f0], axis=-1)
        start = np.zeros((*x.shape[:-2], self.settings.n_hidden), x.dtype)
        hidden, gru_pullback = gru.vjp(x, start, *self._gru_arrays(params))
        controls, outputs_pullback = self._outputs_vjp(params, np.concatenate([x, hidden], axis=-1))
        n_inputs = x.shape[-1]

        def pullback(bars: Controls) -> tuple[Parameters, np.ndarray, np.ndarray]:
            joined_bar, gradients = outputs_pullback(bars)
            from_gru, _, *gru_bars = gru_pullback(joined_bar[..., n_inputs:])
            x_bar = joined_bar[..., :n_inputs] + from_gru
            more, f0_bar, loudness_bar = inputs_pullback(*np.split(x_bar, 2, axis=-1))
            names = ("kernel", "recurrent_kernel", "bias", "recurrent_bias")
            gradients |= {f"decoder/gru/{n}": g for n, g in zip(names, gru_bars)}
            return gradients | more, f0_bar, loudness_bar

        return controls, pullback


@dataclass(frozen=True)
class PytorchSettings:
    """Sizes of `PytorchDecoder`, and the scale of its loudness.

    Attributes
    ----------
    n_hidden : int
        Width of all layers; 512 in the original.
    n_layers : int
        Layers per stack; 3 in the original.
    loudness_mean, loudness_std : float
        Of the training material, in the unit of `compute_loudness_ddsp_pytorch`.
    """

    n_hidden: int = 512
    n_layers: int = 3
    loudness_mean: float = 0.0
    loudness_std: float = 1.0

    def __post_init__(self) -> None:
        check_sizes(self, "n_hidden", "n_layers")
        mean, std = self.loudness_mean, self.loudness_std
        numbers = all(type(x) in (int, float) and abs(x) <= _FAR for x in (mean, std))
        require(
            numbers and std >= 1 / _FAR,
            f"PytorchSettings: loudness_mean and loudness_std are {mean!r} and {std!r}, must be "
            f"numbers, the second above 0, such as -4.5 and 2.1",
        )

    @property
    def n_channels(self) -> int:
        """Width of the fully connected layers."""
        return self.n_hidden


class PytorchDecoder(RnnDecoder):
    """Decode as ddsp_pytorch does; it is told f0 in Hz, and plays, but does not learn here.

    Parameters
    ----------
    settings : PytorchSettings
        Sizes.
    n_harmonics, n_bands : int
        Sizes of the outputs.

    Notes
    -----
    Other than `RnnDecoder`: the last stack sees the recurrent layer and the two inputs themselves,
    layers are normalised with an epsilon of 1e-5 and rectified with a slope of 0.01. Source:
    acids-ircam/ddsp_pytorch, ddsp/model.py, DDSP, and PyTorch's defaults.
    """

    layer_settings: Mapping[str, float] = {"epsilon": 1e-5, "slope": 0.01}

    def init(self, rng: np.random.Generator) -> Parameters:
        """Return parameters to start from."""
        return super().init(rng) | self._init_outputs(rng, self.settings.n_hidden + 2)

    def _last_stack_sees(self, x, hidden, f0, loudness):
        return [hidden, f0, loudness]

    def vjp(
        self, params: Mapping[str, np.ndarray], f0_scaled: np.ndarray, loudness_scaled: np.ndarray
    ) -> tuple[Controls, Callable]:
        """Refuse: learning goes on with the decoder "rnn"."""
        raise ParameterError(
            "a model of ddsp_pytorch plays, but cannot be trained on here; train an instrument of "
            "its own with `ddsp-ref train --decoder rnn`"
        )
