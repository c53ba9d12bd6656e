"""Residual networks of images, for spectrograms: time is height, frequency is width."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.networks.basic import Activation, activation
from ddsp_ref.models.networks.conv2d import Conv2d, NormReluConv
from ddsp_ref.models.networks.network import (
    Chain,
    Layer,
    Network,
    Pullback,
    Weight,
    Weights,
    count_weights,
    named,
    split_weights,
)
from ddsp_ref.models.networks.normalization import ConditionalNorm, Normalize
from ddsp_ref.ops.layers.max_pool_1d import max_pool_1d


def _two(who: str, x: object, conditional: bool) -> tuple:
    """Return input and conditioning, or their sizes; None for what is not there."""
    if not conditional:
        require(not isinstance(x, tuple), f"{who}: got several inputs, takes one")
        return x, None
    require(isinstance(x, tuple) and len(x) == 2, f"{who}: takes two inputs, x and z")
    return x


class ResidualLayer(Network):
    """Normalisation and rectifier, then three convolutions and a way around them, added up.

    `net(x, weights)`, or `net((x, z), weights)` if it is conditional; images (..., time,
    frequency, ch).

    Parameters
    ----------
    ch : int
        Channels inside; 4 * ch come out.
    stride : int
        Step in frequency.
    shortcut : bool
        True: the way around is a convolution. False: it is the input, which must have 4 * ch
        channels.
    norm_type : str or None
        See `Normalize`.
    conditional, shift_only : bool
        See `ConditionalNorm`.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, ResidualLayer.
    """

    def __init__(
        self,
        ch: int,
        stride: int,
        shortcut: bool,
        norm_type: str | None,
        conditional: bool = False,
        shift_only: bool = False,
    ) -> None:
        self.ch, self.shortcut, self.conditional = ch, shortcut, conditional
        require(
            shortcut or stride == 1,
            f"ResidualLayer: stride is {stride}, must be 1 without a shortcut",
        )
        norm = ConditionalNorm(norm_type, shift_only, 2) if conditional else Normalize(norm_type, 2)
        bottleneck = Chain(
            Conv2d(ch, 1, 1),
            NormReluConv(ch, 3, stride, norm_type),
            NormReluConv(4 * ch, 1, 1, norm_type),
        )
        projection = [Conv2d(4 * ch, 1, stride)] if shortcut else []
        self.parts = [norm, *projection, bottleneck]
        self.n_weights = count_weights(self.parts)
        self.relu = Activation("relu")

    def weights(self, n_in: int | tuple[int, int]) -> list[Weight]:
        n_x, _ = _two("ResidualLayer", n_in, self.conditional)
        require(
            self.shortcut or n_x == 4 * self.ch,
            f"ResidualLayer: x has {n_x} channels, must have {4 * self.ch} without a shortcut",
        )
        names = ["norm_input", *(["conv_proj"] if self.shortcut else []), "bottleneck"]
        sizes = [n_in, *([n_x] * (len(names) - 1))]
        return [
            weight
            for name, part, size in zip(names, self.parts, sizes)
            for weight in named(name, part.weights(size))
        ]

    def n_out(self, n_in: int | tuple[int, int]) -> int:
        return 4 * self.ch

    def _vjp(self, x: np.ndarray | tuple, weights: Weights) -> tuple[np.ndarray, Pullback]:
        own = split_weights(weights, self.parts)
        normal, norm_pullback = self.parts[0]._vjp(x, own[0])
        inner, relu_pullback = self.relu._vjp(normal, [])
        around = x[0] if self.conditional else x
        if self.shortcut:
            around, proj_pullback = self.parts[1]._vjp(inner, own[1])
        through, bottleneck_pullback = self.parts[-1]._vjp(inner, own[-1])

        def pullback(y_bar):
            inner_bar, bottleneck_bars = bottleneck_pullback(y_bar)
            proj_bars = []
            if self.shortcut:
                more, proj_bars = proj_pullback(y_bar)
                inner_bar = inner_bar + more
            normal_bar, _ = relu_pullback(inner_bar)
            x_bar, norm_bars = norm_pullback(normal_bar)
            if not self.shortcut:
                x_bar = (x_bar[0] + y_bar, x_bar[1]) if self.conditional else x_bar + y_bar
            return x_bar, norm_bars + proj_bars + bottleneck_bars

        return through + around, pullback


class _Conditioned(Network):
    """Networks one after the other, of which some take the conditioning signal as well."""

    def __init__(self, parts: Sequence[Network], conditional: bool) -> None:
        self.parts, self.conditional = list(parts), conditional
        self.takes_z = [conditional and getattr(part, "conditional", False) for part in parts]
        self.n_weights = count_weights(self.parts)

    def weights(self, n_in: int | tuple[int, int]) -> list[Weight]:
        n, n_z = _two(type(self).__name__, n_in, self.conditional)
        found: list[Weight] = []
        for i, (part, takes_z) in enumerate(zip(self.parts, self.takes_z)):
            size = (n, n_z) if takes_z else n
            found += named(f"layers/{i}", part.weights(size))
            n = part.n_out(size)
        return found

    def n_out(self, n_in: int | tuple[int, int]) -> int:
        n, n_z = _two(type(self).__name__, n_in, self.conditional)
        for part, takes_z in zip(self.parts, self.takes_z):
            n = part.n_out((n, n_z) if takes_z else n)
        return n

    def _value(self, x: np.ndarray | tuple, weights: Weights) -> np.ndarray:
        x, z = x if self.conditional else (x, None)
        for part, takes_z, own in zip(self.parts, self.takes_z, split_weights(weights, self.parts)):
            x = part._value((x, z) if takes_z else x, own)
        return x

    def _vjp(self, x: np.ndarray | tuple, weights: Weights) -> tuple[np.ndarray, Pullback]:
        x, z = x if self.conditional else (x, None)
        steps = []
        for part, takes_z, own in zip(self.parts, self.takes_z, split_weights(weights, self.parts)):
            x, step = part._vjp((x, z) if takes_z else x, own)
            steps.append((step, takes_z))

        def pullback(x_bar):
            bars: list[np.ndarray] = []
            z_bar = None if z is None else np.zeros(z.shape, x_bar.dtype)
            for step, takes_z in reversed(steps):
                x_bar, own = step(x_bar)
                if takes_z:
                    x_bar, more = x_bar
                    z_bar = z_bar + more
                bars = own + bars
            return (x_bar if z is None else (x_bar, z_bar)), bars

        return x, pullback


class ResidualStack(_Conditioned):
    """Blocks of `ResidualLayer`, then normalisation and nonlinearity.

    Parameters
    ----------
    filters, block_sizes, strides : sequence of int
        Of each block: its channels, its number of layers, the stride of its first layer.
    norm_type : str or None
        See `Normalize`.
    conditional, shift_only : bool
        See `ConditionalNorm`.
    nonlinearity : str
        At the end.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, ResidualStack.
    """

    def __init__(
        self,
        filters: Sequence[int],
        block_sizes: Sequence[int],
        strides: Sequence[int],
        norm_type: str | None,
        conditional: bool = False,
        shift_only: bool = False,
        nonlinearity: str | None = "relu",
    ) -> None:
        parts: list[Network] = []
        for ch, n_layers, stride in zip(filters, block_sizes, strides):
            for i in range(max(n_layers, 1)):
                step = stride if i == 0 else 1
                parts.append(ResidualLayer(ch, step, i == 0, norm_type, conditional, shift_only))
        super().__init__([*parts, Normalize(norm_type, 2), activation(nonlinearity)], conditional)


class _Pool(Layer):
    """The largest of three neighbouring bins, every second one."""

    def __init__(self) -> None:
        super().__init__(max_pool_1d, pool_size=3, stride=2)


class ResNet(_Conditioned):
    """A residual network of a spectrogram: frequency shrinks by 32, time stays.

    `net(x, weights)` or `net((x, z), weights)`; x is (..., time, frequency, ch).

    Parameters
    ----------
    size : str
        'small', 'medium' or 'large': 1024, 1024 or 2048 channels come out.
    norm_type : str or None
        See `Normalize`.
    conditional, shift_only : bool
        See `ConditionalNorm`.

    Notes
    -----
    Source: He et al. 2016; magenta/ddsp 3.7.0, ddsp/training/nn.py, ResNet.
    """

    def __init__(
        self,
        size: str = "large",
        norm_type: str | None = "layer",
        conditional: bool = False,
        shift_only: bool = False,
    ) -> None:
        sizes = {"small": (32, [2, 3, 4]), "medium": (32, [3, 4, 6]), "large": (64, [3, 4, 6])}
        require(size in sizes, f"ResNet: size is {size!r}, must be one of {', '.join(sizes)}")
        ch, blocks = sizes[size]
        rest = (norm_type, conditional, shift_only)
        parts = [
            Conv2d(64, 7, 2),
            _Pool(),
            ResidualStack([ch, 2 * ch, 4 * ch], blocks, [1, 2, 2], *rest),
            ResidualStack([8 * ch], [3], [2], *rest),
        ]
        super().__init__(parts, conditional)
