"""Convolution in time as a layer."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.networks.initializers import glorot_uniform, orthogonal, zeros
from ddsp_ref.models.networks.network import Network, Pullback, Weight, Weights
from ddsp_ref.ops.layers.conv_1d import conv_1d
from ddsp_ref.ops.layers.conv_1d_transpose import conv_1d_transpose


class Conv1d(Network):
    """A convolution in time; its kernel has an axis of 1 more, as a Keras Conv2D of width 1.

    Parameters
    ----------
    ch : int
        Number of output channels.
    k : int
        Number of taps.
    stride, dilation : int
        See `conv_1d`.
    transpose : bool
        True: upsample by stride, see `conv_1d_transpose`.
    ortho_init : bool
        True: the kernel starts orthogonal.
    """

    n_weights = 2

    def __init__(
        self,
        ch: int,
        k: int,
        stride: int = 1,
        dilation: int = 1,
        transpose: bool = False,
        ortho_init: bool = False,
    ) -> None:
        for name, value in (("ch", ch), ("k", k), ("stride", stride), ("dilation", dilation)):
            require(value >= 1, f"Conv1d: {name} is {value}, must be at least 1")
        self.ch, self.k, self.transpose = ch, k, transpose
        self.op = conv_1d_transpose if transpose else conv_1d
        self.settings = {"stride": stride} | ({} if transpose else {"dilation": dilation})
        self.start = orthogonal if ortho_init else glorot_uniform

    def weights(self, n_in: int) -> list[Weight]:
        channels = (self.ch, n_in) if self.transpose else (n_in, self.ch)
        return [
            Weight("kernel", (self.k, 1, *channels), self.start),
            Weight("bias", (self.ch,), zeros),
        ]

    def n_out(self, n_in: int) -> int:
        return self.ch

    def _value(self, x: np.ndarray, weights: Weights) -> np.ndarray:
        kernel, bias = weights
        return self.op(x, kernel[:, 0], bias, **self.settings)

    def _vjp(self, x: np.ndarray, weights: Weights) -> tuple[np.ndarray, Pullback]:
        kernel, bias = weights
        y, conv_pullback = self.op.vjp(x, kernel[:, 0], bias, **self.settings)

        def pullback(y_bar):
            x_bar, kernel_bar, bias_bar = conv_pullback(y_bar)
            return x_bar, [kernel_bar[:, None], bias_bar]

        return y, pullback
