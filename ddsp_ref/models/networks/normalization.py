"""Normalisation over time and channels, with learned or conditional scale and shift."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.networks.basic import Dense
from ddsp_ref.models.networks.initializers import ones, zeros
from ddsp_ref.models.networks.network import Network, Pullback, Weight, Weights
from ddsp_ref.ops.layers.group_norm import group_norm
from ddsp_ref.ops.layers.scale_and_shift import scale_and_shift

EPSILON = 1e-5
N_GROUPS = 32  # of the norm type 'group'


def check_norm_type(who: str, norm_type: str | None) -> None:
    """Raise `ParameterError` unless the original knows this type."""
    require(
        norm_type in (None, "layer", "instance", "group"),
        f"{who}: norm_type is {norm_type!r}, must be 'layer', 'instance', 'group' or None",
    )


def normalize_vjp(
    x: np.ndarray,
    scale: np.ndarray,
    shift: np.ndarray,
    norm_type: str | None,
    n_position_axes: int = 1,
    eps: float = EPSILON,
) -> tuple[np.ndarray, Pullback]:
    """Normalise over the axes of position and the channels of a group, scale and shift.

    Parameters
    ----------
    x : ndarray, shape (..., positions..., n_channels)
        Input.
    scale, shift : ndarray, shape (n_channels,)
        Applied after; ones and zeros for the normalisation alone.
    norm_type : str or None
        'layer': all channels together; 'instance': each by itself; 'group': 32 groups; None:
        nothing is normalised.
    n_position_axes : int
        Axes before the last over which means are taken: 0, 1 (time) or 2 (images).
    eps : float
        Added to the variance.

    Returns
    -------
    ndarray
        Result, in the shape of x.
    function
        From its cotangent to those of x, scale and shift.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, normalize_op.
    """
    n_channels = x.shape[-1]
    if norm_type is None:
        return scale_and_shift.vjp(x, scale, shift)
    require(
        x.ndim > n_position_axes,
        f"normalize: x has shape {x.shape}, must have {n_position_axes} axes before the channels",
    )
    split = x.ndim - 1 - n_position_axes
    flat_shape = (*x.shape[:split], math.prod(x.shape[split:-1]), n_channels)
    n_groups = {"layer": 1, "instance": n_channels, "group": N_GROUPS}[norm_type]
    y, norm_pullback = group_norm.vjp(
        x.reshape(flat_shape), scale, shift, n_groups=n_groups, epsilon=eps
    )

    def pullback(y_bar: np.ndarray) -> tuple[np.ndarray, ...]:
        x_bar, scale_bar, shift_bar = norm_pullback(y_bar.reshape(flat_shape))
        return x_bar.reshape(x.shape), scale_bar, shift_bar

    return y.reshape(x.shape), pullback


class Normalize(Network):
    """Normalisation over time and channels, then a learned scale and shift of each channel.

    Parameters
    ----------
    norm_type : str or None
        'layer', 'instance', 'group' or None, see `normalize_vjp`.
    n_position_axes : int
        Axes before the channels that are no batch. The original finds them from the number of
        axes: 0 for [batch, ch], 1 for [batch, time, ch], 2 for [batch, height, width, ch].

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, Normalize. Both weights have the shape
    (1, 1, 1, ch).
    """

    n_weights = 2

    def __init__(self, norm_type: str | None = "layer", n_position_axes: int = 1) -> None:
        check_norm_type("Normalize", norm_type)
        self.norm_type, self.n_position_axes = norm_type, n_position_axes

    def weights(self, n_in: int) -> list[Weight]:
        shape = (1, 1, 1, n_in)
        return [Weight("scale", shape, ones), Weight("shift", shape, zeros)]

    def _vjp(self, x: np.ndarray, weights: Weights) -> tuple[np.ndarray, Pullback]:
        flat = [np.reshape(weight, -1) for weight in weights]
        y, norm_pullback = normalize_vjp(x, *flat, self.norm_type, self.n_position_axes)

        def pullback(y_bar):
            x_bar, *bars = norm_pullback(y_bar)
            return x_bar, [bar.reshape(1, 1, 1, -1) for bar in bars]

        return y, pullback


class ConditionalScaleAndShift(Network):
    """Scale and shift by what a dense layer makes of a second input.

    `net((x, z), weights)`; the axes of z before its channels are those of x, or 1.

    Parameters
    ----------
    shift_only : bool
        True: no scale.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, ConditionalScaleAndShift.
    """

    n_weights = 2

    def __init__(self, shift_only: bool = False) -> None:
        self.shift_only = shift_only

    def _dense(self, n_channels: int) -> Dense:
        return Dense(n_channels if self.shift_only else 2 * n_channels)

    def weights(self, n_in: tuple[int, int]) -> list[Weight]:
        require(
            isinstance(n_in, tuple) and len(n_in) == 2,
            f"{type(self).__name__}: inputs have {n_in} channels, must be two: x and z",
        )
        return self._dense(n_in[0]).weights(n_in[1])

    def n_out(self, n_in: tuple[int, int]) -> int:
        return n_in[0]

    def _vjp(self, x: tuple, weights: Weights) -> tuple[np.ndarray, Pullback]:
        x, z = x
        n = x.shape[-1]
        controls, dense_pullback = self._dense(n)._vjp(z, weights)
        if self.shift_only:
            scale, shift = np.ones(n, controls.dtype), controls
        else:
            scale, shift = controls[..., :n], controls[..., n:]
        y, own_pullback = scale_and_shift.vjp(x, scale, shift)

        def pullback(y_bar):
            x_bar, scale_bar, shift_bar = own_pullback(y_bar)
            if self.shift_only:
                controls_bar = shift_bar
            else:
                controls_bar = np.concatenate([scale_bar, shift_bar], axis=-1)
            z_bar, bars = dense_pullback(controls_bar)
            return (x_bar, z_bar), bars

        return y, pullback


class ConditionalNorm(ConditionalScaleAndShift):
    """Normalisation over time and channels, then a conditional scale and shift.

    `net((x, z), weights)`; the axes of z before its channels are those of x, or 1.

    Parameters
    ----------
    norm_type : str or None
        'layer', 'instance', 'group' or None, see `normalize_vjp`.
    shift_only : bool
        True: no scale.
    n_position_axes : int
        Axes before the channels that are no batch: 1 for sequences, 2 for images.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, ConditionalNorm.
    """

    def __init__(
        self,
        norm_type: str | None = "instance",
        shift_only: bool = False,
        n_position_axes: int = 1,
    ) -> None:
        check_norm_type("ConditionalNorm", norm_type)
        super().__init__(shift_only)
        self.norm_type, self.n_position_axes = norm_type, n_position_axes

    def _vjp(self, x: tuple, weights: Weights) -> tuple[np.ndarray, Pullback]:
        x, z = x
        if self.norm_type is None:
            return super()._vjp((x, z), weights)
        one, zero = np.ones(x.shape[-1], x.dtype), np.zeros(x.shape[-1], x.dtype)
        normal, norm_pullback = normalize_vjp(x, one, zero, self.norm_type, self.n_position_axes)
        y, own_pullback = super()._vjp((normal, z), weights)

        def pullback(y_bar):
            (normal_bar, z_bar), bars = own_pullback(y_bar)
            return (norm_pullback(normal_bar)[0], z_bar), bars

        return y, pullback
