"""Mean distances of arrays: the original's arrays of any shape as the rows that ops take."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ddsp_ref.compat.magenta._function import function
from ddsp_ref.compat.magenta._pieces import unbroadcast
from ddsp_ref.compat.magenta._record import Piece, apply
from ddsp_ref.compat.magenta.processors import as_array
from ddsp_ref.errors import ParameterError


@Piece
def spread(x, *, shape):
    """Repeat axes of 1: the original's arrays may have any shapes that fit each other."""
    return np.broadcast_to(x, shape), lambda bar: (unbroadcast(bar, x.shape),)


def by_rows(op: str, a: Any, b: Any, weights: Any, loss_type: str, **settings: Any) -> Any:
    """Apply an op of two arrays and their weights, None for no weights, to rows of all three."""
    arrays = [as_array(x) for x in (a, b, np.ones(1, np.float32) if weights is None else weights)]
    shapes = [x.shape for x in arrays]
    try:
        shape = np.broadcast_shapes((1,), *shapes)
    except ValueError:
        raise ParameterError(
            f"the arrays have shapes {shapes[0]} and {shapes[1]}, the weights {shapes[2]}; axes "
            "counted from the last must be equal or 1"
        ) from None
    rows = [_rows(x, shape) for x in arrays[:2]]
    weights = arrays[2]
    n_columns = weights.shape[-1] if weights.ndim else 1
    rows.append(
        weights.reshape(1, 1) if weights.size == 1 else _rows(weights, (*shape[:-1], n_columns))
    )
    return apply(op, *rows, loss_type=loss_type.upper(), **settings)


def _rows(x: Any, shape: tuple[int, ...]) -> Any:
    x = x if x.shape == shape else spread(x, shape=shape)
    return x.reshape(math.prod(shape[:-1]), shape[-1])


@function("target", "value", "weights")
def mean_difference(target, value, loss_type="L1", weights=None):
    """Return the mean distance of two arrays, "L1", "L2" or "COSINE".

    "COSINE", which fails in the original on TensorFlow 2, is what it was on TensorFlow 1.
    """
    return by_rows("mean_difference", target, value, weights, loss_type)


@function("amp", "amp_target", "weights")
def amp_loss(amp, amp_target, loss_type="L1", weights=None, log=False, amin=1e-5):
    """Return the mean distance of amplitudes, or of their logarithms; see `amplitude_loss`."""
    settings = {"log": log, "floor": amin} if log else {}
    return by_rows("amplitude_loss", amp, amp_target, weights, loss_type, **settings)


@function("f_hz", "f_hz_target", "weights")
def freq_loss(f_hz, f_hz_target, loss_type="L1", weights=None):
    """Return the mean distance of frequencies in semitones; see `frequency_loss`."""
    return by_rows("frequency_loss", f_hz, f_hz_target, weights, loss_type)
