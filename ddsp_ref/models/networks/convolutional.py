"""Stacks of dilated convolutions in time."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.networks.basic import Activation
from ddsp_ref.models.networks.conv1d import Conv1d
from ddsp_ref.models.networks.network import (
    Chain,
    Network,
    Pullback,
    Weight,
    Weights,
    count_weights,
    named,
    split_weights,
)
from ddsp_ref.models.networks.normalization import ConditionalNorm, Normalize
from ddsp_ref.models.networks.spectral_norm import sn_u, spectral_normalize


class DilatedConvStack(Network):
    """Residual blocks of rectifier, dilated convolution and normalisation.

    `net(x, weights)`, or `net((x, z), weights)` if it is conditional; x is (..., n_frames, n_in),
    z (..., n_frames, n_z) or (..., 1, n_z).

    Parameters
    ----------
    ch : int
        Number of channels of every layer, and of the output.
    layers_per_stack, stacks : int
        How many convolutions; dilation starts anew in each stack.
    kernel_size : int
        Number of taps.
    dilation : int
        Layer i of a stack has the dilation ``dilation ** i``; negative: ``(-dilation) **
        (layers_per_stack - i - 1)``, so that it falls.
    norm_type : str or None
        'layer', 'instance', 'group' or None, see `Normalize`.
    resample_type : str or None
        'upsample' or 'downsample'.
    resample_stride : int
        By how much each resampling layer does.
    stacks_per_resample : int
        Stacks for each resampling layer.
    resample_after_convolve : bool
        True: stacks first, then resampling. False: the other way round.
    spectral_norm : bool
        True: each kernel has a vector `sn_u` at the end of the weights, that `normalized` uses;
        the value does not depend on it, and its cotangent is 0.
    ortho_init : bool
        True: kernels start orthogonal.
    shift_only : bool
        True: conditioning shifts, but does not scale.
    conditional : bool
        True: scale and shift come from z, otherwise they are weights.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, DilatedConvStack. As there, the weights of
    all convolutions stand before those of all norms, and these before the resampling layers.
    """

    def __init__(
        self,
        ch: int = 256,
        layers_per_stack: int = 5,
        stacks: int = 2,
        kernel_size: int = 3,
        dilation: float = 2,
        norm_type: str | None = None,
        resample_type: str | None = None,
        resample_stride: int = 1,
        stacks_per_resample: int = 1,
        resample_after_convolve: bool = True,
        spectral_norm: bool = False,
        ortho_init: bool = False,
        shift_only: bool = False,
        conditional: bool = False,
    ) -> None:
        _check_counts(layers_per_stack, stacks, stacks_per_resample, resample_stride, dilation)
        self.conditional = conditional

        def norm() -> Network:
            if conditional:
                return ConditionalNorm(norm_type, shift_only)
            return Normalize(norm_type)

        def dilated(i: int) -> Network:
            rate = dilation**i if dilation > 0 else (-dilation) ** (layers_per_stack - i - 1)
            conv = Conv1d(ch, kernel_size, dilation=int(rate), ortho_init=ortho_init)
            return Chain(Activation("relu"), conv)

        n_layers = stacks * layers_per_stack
        self.n_layers, self.ch = n_layers, ch
        n_resample = 0
        if resample_type is not None:  # after whole groups of stacks, or before each begun one
            n_begun = -(-stacks // stacks_per_resample)
            n_resample = stacks // stacks_per_resample if resample_after_convolve else n_begun
        self.plan = _plan(n_layers, n_resample, resample_after_convolve)
        self.parts: list[Network] = [
            Conv1d(ch, kernel_size, ortho_init=ortho_init),
            *(dilated(i % layers_per_stack) for i in range(n_layers)),
            *(norm() for _ in range(n_layers)),
            *(_resample(ch, resample_type, resample_stride, ortho_init) for _ in range(n_resample)),
        ]
        convs = [*range(n_layers + 1), *range(2 * n_layers + 1, len(self.parts))]
        self.kernels = [2 * i for i in convs] if spectral_norm else []  # every part has two weights
        self.n_own = count_weights(self.parts)
        self.n_weights = self.n_own + len(self.kernels)

    def weights(self, n_in: int | tuple[int, int]) -> list[Weight]:
        n_x, n_z = self._sizes(n_in)
        n = self.n_layers
        found = named("conv_in", self.parts[0].weights(n_x))
        for i, layer in enumerate(self.parts[1 : n + 1]):
            conv = layer.parts[1]  # the rectifier before it has no weights
            found += named(f"layers/{i}", conv.weights(self.ch))
        for i, norm in enumerate(self.parts[n + 1 : 2 * n + 1]):
            own = norm.weights((self.ch, n_z) if self.conditional else self.ch)
            found += named(f"norms/{i}", own)
        for i, resample in enumerate(self.parts[2 * n + 1 :]):
            found += named(f"resample_layers/{i}", resample.weights(self.ch))
        return found + [sn_u(found[i]) for i in self.kernels]

    def normalized(self, weights: Weights, power_iterations: int = 1) -> list[np.ndarray]:
        """Return the weights as the original changes them before each step of training.

        Parameters
        ----------
        weights : sequence of arrays
            As `shapes` lists them, of a network with spectral_norm.
        power_iterations : int
            How often the estimate of the largest singular value is improved.

        Returns
        -------
        list of ndarray
            Kernels divided by their largest singular value, and the improved vectors `sn_u`.
        """
        require(self.kernels, "DilatedConvStack.normalized: spectral_norm is False, must be True")
        require(
            len(weights) == self.n_weights,
            f"DilatedConvStack: got {len(weights)} weights, must be {self.n_weights}",
        )
        changed = list(weights)
        for j, i in enumerate(self.kernels, start=self.n_own):
            changed[i], changed[j] = spectral_normalize(weights[i], weights[j], power_iterations)
        return changed

    def _sizes(self, n_in: int | tuple[int, int]) -> tuple[int, int]:
        if not self.conditional:
            require(
                isinstance(n_in, int), f"DilatedConvStack: got inputs of {n_in} channels, takes one"
            )
            return n_in, 0
        require(
            isinstance(n_in, tuple) and len(n_in) == 2,
            f"DilatedConvStack: inputs have {n_in} channels, must be two: x and z",
        )
        return n_in

    def n_out(self, n_in: int | tuple[int, int]) -> int:
        return self.ch

    def _vjp(self, x: np.ndarray | tuple, weights: Weights) -> tuple[np.ndarray, Pullback]:
        x, z = x if self.conditional else (x, None)
        own = split_weights(weights, self.parts)
        x, conv_in_pullback = self.parts[0]._vjp(x, own[0])
        steps = []
        for is_block, i in self.plan:
            if is_block:
                j = i + self.n_layers
                y, layer_pullback = self.parts[i]._vjp(x, own[i])
                y, norm_pullback = self.parts[j]._vjp((y, z) if self.conditional else y, own[j])
                x = x + y
                steps.append((i, layer_pullback, norm_pullback))
            else:
                x, resample_pullback = self.parts[i]._vjp(x, own[i])
                steps.append((i, resample_pullback, None))

        def pullback(x_bar):
            bars = [[] for _ in self.parts]
            z_bar = None if z is None else np.zeros(z.shape, x_bar.dtype)
            for i, first, norm_pullback in reversed(steps):
                if norm_pullback is None:
                    x_bar, bars[i] = first(x_bar)
                    continue
                y_bar, bars[i + self.n_layers] = norm_pullback(x_bar)
                if z is not None:
                    y_bar, more = y_bar
                    z_bar = z_bar + more
                block_bar, bars[i] = first(y_bar)
                x_bar = x_bar + block_bar
            x_bar, bars[0] = conv_in_pullback(x_bar)
            flat = [bar for part in bars for bar in part]
            flat += [np.zeros_like(u) for u in weights[self.n_own :]]
            return (x_bar if z is None else (x_bar, z_bar)), flat

        return x, pullback

    def _value(self, x: np.ndarray | tuple, weights: Weights) -> np.ndarray:
        x, z = x if self.conditional else (x, None)
        own = split_weights(weights, self.parts)
        x = self.parts[0]._value(x, own[0])
        for is_block, i in self.plan:
            y = self.parts[i]._value(x, own[i])
            if is_block:
                j = i + self.n_layers
                y = x + self.parts[j]._value((y, z) if self.conditional else y, own[j])
            x = y
        return x


def _check_counts(
    layers_per_stack: int, stacks: int, per_resample: int, stride: int, dilation: float
) -> None:
    counts = {
        "layers_per_stack": layers_per_stack,
        "stacks": stacks,
        "stacks_per_resample": per_resample,
        "resample_stride": stride,
    }
    for name, value in counts.items():
        require(value >= 1, f"DilatedConvStack: {name} is {value}, must be at least 1")
    require(
        abs(dilation) >= 1,
        f"DilatedConvStack: dilation is {dilation}, must be at least 1, or at most -1",
    )


def _resample(ch: int, kind: str, stride: int, ortho_init: bool) -> Network:
    """Return one resampling layer."""
    require(
        kind in ("upsample", "downsample"),
        f"DilatedConvStack: resample_type is {kind!r}, must be 'upsample', 'downsample' or None",
    )
    if kind == "downsample":
        return Conv1d(ch, stride, stride, ortho_init=ortho_init)
    return Conv1d(ch, 2 * stride, stride, transpose=True, ortho_init=ortho_init)


def _plan(n_layers: int, n_resample: int, after: bool) -> list[tuple[bool, int]]:
    """Return the order in which parts are run: whether it is a block, and where it stands."""
    if not n_resample:
        return [(True, i + 1) for i in range(n_layers)]
    every = n_layers // n_resample
    plan = []
    for i in range(n_layers):
        resample = (False, 2 * n_layers + 1 + i // every)
        if not after and i % every == 0:
            plan.append(resample)
        plan.append((True, i + 1))
        if after and (i + 1) % every == 0:
            plan.append(resample)
    require(
        max(i for _, i in plan) <= 2 * n_layers + n_resample,
        f"DilatedConvStack: {n_resample} resampling layers do not share out {n_layers} layers; "
        "stacks must be a multiple of stacks_per_resample",
    )
    return plan
