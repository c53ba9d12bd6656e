"""Convolution of images as a layer."""

from __future__ import annotations

from ddsp_ref.errors import require
from ddsp_ref.models.networks.basic import Activation
from ddsp_ref.models.networks.initializers import glorot_uniform, zeros
from ddsp_ref.models.networks.network import Chain, Layer, Weight
from ddsp_ref.models.networks.normalization import Normalize
from ddsp_ref.ops.layers.conv_2d import conv_2d


class Conv2d(Layer):
    """A convolution of images, (..., time, frequency, ch), with a stride in frequency.

    Parameters
    ----------
    ch : int
        Number of output channels.
    k : int
        Taps in each direction.
    s : int
        Step between output bins.
    """

    def __init__(self, ch: int, k: int, s: int) -> None:
        for name, value in (("ch", ch), ("k", k), ("s", s)):
            require(value >= 1, f"Conv2d: {name} is {value}, must be at least 1")
        super().__init__(conv_2d, column_stride=s)
        self.ch, self.k = ch, k

    def weights(self, n_in: int) -> list[Weight]:
        return [
            Weight("kernel", (self.k, self.k, n_in, self.ch), glorot_uniform),
            Weight("bias", (self.ch,), zeros),
        ]

    def n_out(self, n_in: int) -> int:
        return self.ch


class NormReluConv(Chain):
    """Normalisation, rectifier, convolution.

    Parameters
    ----------
    ch, k, s : int
        See `Conv2d`.
    norm_type : str or None
        See `Normalize`.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, NormReluConv.
    """

    def __init__(self, ch: int, k: int, s: int, norm_type: str | None) -> None:
        super().__init__(Normalize(norm_type, 2), Activation("relu"), Conv2d(ch, k, s))
