"""Decoders of the original: from features to the raw controls of synthesizers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.networks.basic import Dense, FcStack
from ddsp_ref.models.networks.by_name import (
    NamedNetwork,
    Outputs,
    Splits,
    concatenate_vjp,
    join_splits,
    split_to_dict,
)
from ddsp_ref.models.networks.convolutional import DilatedConvStack
from ddsp_ref.models.networks.network import (
    Network,
    Pullback,
    Sizes,
    Value,
    Weight,
    Weights,
    count_weights,
    named,
    split_weights,
)
from ddsp_ref.models.networks.recurrent import Rnn, StatelessRnn


class RnnFcDecoder(NamedNetwork):
    """A stack for each input, a recurrent layer beside them, one stack, one dense layer.

    Parameters
    ----------
    rnn_channels : int
        Number of recurrent units.
    rnn_type : str
        'gru' or 'lstm'.
    ch : int
        Number of channels of the stacks.
    layers_per_stack : int
        Layers of each; 0: what comes in goes on as it is.
    stateless : bool
        True: the carried state is one more input and output, named 'state'.
    input_keys : sequence of str
        Names of the inputs, each (..., n_frames, n).
    output_splits : sequence of (str, int)
        Names and sizes of the outputs.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/decoders.py, RnnFcDecoder.
    """

    def __init__(
        self,
        rnn_channels: int = 512,
        rnn_type: str = "gru",
        ch: int = 512,
        layers_per_stack: int = 3,
        stateless: bool = False,
        input_keys: Sequence[str] = ("ld_scaled", "f0_scaled", "z"),
        output_splits: Splits = (("amps", 1), ("harmonic_distribution", 40)),
    ) -> None:
        self.stateless, self.output_splits = stateless, tuple(map(tuple, output_splits))
        self.n_stacks = len(input_keys)
        self.input_keys = (*input_keys, "state") if stateless else tuple(input_keys)
        require(self.n_stacks >= 1, "RnnFcDecoder: input_keys is empty, must name an input")
        rnn = StatelessRnn(rnn_channels, rnn_type) if stateless else Rnn(rnn_channels, rnn_type)
        self.rnn_channels = rnn_channels
        self.parts: list[Network] = [
            *(FcStack(ch, layers_per_stack) for _ in range(self.n_stacks)),
            rnn,
            FcStack(ch, layers_per_stack),
            Dense(sum(size for _, size in self.output_splits)),
        ]
        self.n_weights = count_weights(self.parts)

    def _weights(self, n_in: tuple) -> list[Weight]:
        n_inputs = n_in[: self.n_stacks]
        n_joined = sum(stack.n_out(n) for stack, n in zip(self.parts, n_inputs))
        n_rnn = (n_joined, n_in[-1]) if self.stateless else n_joined
        n_beside = n_joined + self.rnn_channels
        n_out = self.parts[self.n_stacks + 1].n_out(n_beside)  # as it is, without layers
        sizes = [*n_inputs, n_rnn, n_beside, n_out]
        names = [f"input_stacks/{i}" for i in range(self.n_stacks)]
        names += ["rnn", "out_stack", "dense_out"]
        return [
            weight
            for name, part, size in zip(names, self.parts, sizes)
            for weight in named(name, part.weights(size))
        ]

    def n_out(self, n_in: Sizes) -> dict[str, int]:
        state = {"state": self.parts[self.n_stacks].n_carried} if self.stateless else {}
        return dict(self.output_splits) | state

    def _run_vjp(self, inputs: tuple, weights: Weights) -> tuple[Outputs, Pullback]:
        n = self.n_stacks
        own = split_weights(weights, self.parts)
        stacks = [self.parts[i]._vjp(inputs[i], own[i]) for i in range(n)]
        joined, join_pullback = concatenate_vjp([y for y, _ in stacks])
        rnn_in = (joined, inputs[n]) if self.stateless else joined
        rnn_out, rnn_pullback = self.parts[n]._vjp(rnn_in, own[n])
        hidden = rnn_out[0] if self.stateless else rnn_out
        beside, beside_pullback = concatenate_vjp([joined, hidden])
        y, out_pullback = self.parts[n + 1]._vjp(beside, own[n + 1])
        y, dense_pullback = self.parts[n + 2]._vjp(y, own[n + 2])
        outputs = split_to_dict(y, self.output_splits)
        if self.stateless:
            outputs["state"] = rnn_out[1]

        def pullback(bars):
            y_bar, dense_bars = dense_pullback(join_splits(bars, self.output_splits))
            beside_bar, out_bars = out_pullback(y_bar)
            joined_bar, hidden_bar = beside_pullback(beside_bar)
            rnn_bar = (hidden_bar, bars["state"]) if self.stateless else hidden_bar
            more, rnn_bars = rnn_pullback(rnn_bar)
            states = [more[1]] if self.stateless else []
            joined_bar = joined_bar + (more[0] if self.stateless else more)
            results = [step(bar) for (_, step), bar in zip(stacks, join_pullback(joined_bar))]
            stack_bars = [bar for _, found in results for bar in found]
            x_bars = tuple([x_bar for x_bar, _ in results] + states)
            return x_bars, stack_bars + rnn_bars + out_bars + dense_bars

        return outputs, pullback


class DilatedConvDecoder(NamedNetwork):
    """A `DilatedConvStack` of all inputs side by side, and one dense layer.

    Parameters
    ----------
    ch, kernel_size, layers_per_stack, stacks, dilation, norm_type, resample_stride
        See `DilatedConvStack`; resample_stride above 1 upsamples.
    stacks_per_resample, resample_after_convolve, spectral_norm, ortho_init
        The same.
    input_keys : sequence of str
        Names of the inputs, each (..., n_frames, n).
    output_splits : sequence of (str, int)
        Names and sizes of the outputs.
    conditioning_keys : sequence of str or None
        Names of inputs that scale and shift every layer instead. A text counts as its letters,
        as in the original, whose default is 'z'.
    precondition_stack : Network or None
        What the conditioning inputs, side by side, go through first.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/decoders.py, DilatedConvDecoder. The weights of the
    dense layer come first.
    """

    def __init__(
        self,
        ch: int = 256,
        kernel_size: int = 3,
        layers_per_stack: int = 5,
        stacks: int = 2,
        dilation: float = 2,
        norm_type: str | None = "layer",
        resample_stride: int = 1,
        stacks_per_resample: int = 1,
        resample_after_convolve: bool = True,
        input_keys: Sequence[str] = ("ld_scaled", "f0_scaled"),
        output_splits: Splits = (("amps", 1), ("harmonic_distribution", 60)),
        conditioning_keys: Sequence[str] | None = ("z",),
        precondition_stack: Network | None = None,
        spectral_norm: bool = False,
        ortho_init: bool = False,
    ) -> None:
        z_keys = tuple(conditioning_keys or ())
        require(
            z_keys or precondition_stack is None,
            "DilatedConvDecoder: precondition_stack is given, and conditioning_keys is "
            f"{conditioning_keys!r}, must name an input",
        )
        require(input_keys, "DilatedConvDecoder: input_keys is empty, must name an input")
        self.input_keys, self.n_z = (*input_keys, *z_keys), len(z_keys)
        self.output_splits = tuple(map(tuple, output_splits))
        self.precondition_stack = precondition_stack
        self.stack = DilatedConvStack(
            ch=ch,
            kernel_size=kernel_size,
            layers_per_stack=layers_per_stack,
            stacks=stacks,
            dilation=dilation,
            norm_type=norm_type,
            resample_type="upsample" if resample_stride > 1 else None,
            resample_stride=resample_stride,
            stacks_per_resample=stacks_per_resample,
            resample_after_convolve=resample_after_convolve,
            conditional=bool(z_keys),
            spectral_norm=spectral_norm,
            ortho_init=ortho_init,
        )
        self.dense_out = Dense(sum(size for _, size in self.output_splits))
        pre = [] if precondition_stack is None else [precondition_stack]
        self.parts: list[Network] = [self.dense_out, *pre, self.stack]
        self.n_weights = count_weights(self.parts)

    def _weights(self, n_in: tuple) -> list[Weight]:
        n_x, n_z = sum(n_in[: len(n_in) - self.n_z]), sum(n_in[len(n_in) - self.n_z :])
        found = named("dense_out", self.dense_out.weights(self.stack.ch))
        if self.precondition_stack is not None:
            found += named("precondition_stack", self.precondition_stack.weights(n_z))
            n_z = self.precondition_stack.n_out(n_z)
        return found + named("stack", self.stack.weights((n_x, n_z) if self.n_z else n_x))

    def n_out(self, n_in: Sizes) -> dict[str, int]:
        return dict(self.output_splits)

    def _value(self, x: Value, weights: Weights) -> Outputs:
        inputs, own = self._in_order(x), split_weights(weights, self.parts)
        n_x = len(inputs) - self.n_z
        y: Value = np.concatenate(inputs[:n_x], axis=-1)
        if self.n_z:
            z = np.concatenate(inputs[n_x:], axis=-1)
            y = (
                y,
                z if self.precondition_stack is None else self.precondition_stack._value(z, own[1]),
            )
        y = self.dense_out._value(self.stack._value(y, own[-1]), own[0])
        return split_to_dict(y, self.output_splits)

    def _run_vjp(self, inputs: tuple, weights: Weights) -> tuple[Outputs, Pullback]:
        n_x = len(inputs) - self.n_z
        own = split_weights(weights, self.parts)
        x, x_pullback = concatenate_vjp(inputs[:n_x])
        if self.n_z:
            z, z_pullback = concatenate_vjp(inputs[n_x:])
            if self.precondition_stack is not None:
                z, pre_pullback = self.precondition_stack._vjp(z, own[1])
        y, stack_pullback = self.stack._vjp((x, z) if self.n_z else x, own[-1])
        y, dense_pullback = self.dense_out._vjp(y, own[0])

        def pullback(bars):
            y_bar, dense_bars = dense_pullback(join_splits(bars, self.output_splits))
            x_bar, stack_bars = stack_pullback(y_bar)
            if not self.n_z:
                return tuple(x_pullback(x_bar)), dense_bars + stack_bars
            x_bar, z_bar = x_bar
            pre_bars = []
            if self.precondition_stack is not None:
                z_bar, pre_bars = pre_pullback(z_bar)
            return (*x_pullback(x_bar), *z_pullback(z_bar)), dense_bars + pre_bars + stack_bars

        return split_to_dict(y, self.output_splits), pullback
