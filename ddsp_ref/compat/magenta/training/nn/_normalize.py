"""Normalisation of channels in groups, without weights."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.compat.magenta._function import function
from ddsp_ref.compat.magenta._record import apply
from ddsp_ref.errors import require


@function("x")
def normalize_op(x, norm_type="layer", eps=1e-5):
    """Normalise (batch, height, width, channels) over all but the batch, in groups of channels.

    See `group_norm`: "layer" is one group, "instance" a group for each channel, "group" 32 groups.
    """
    known = ("layer", "instance", "group", None)
    require(norm_type in known, f"norm_type is {norm_type!r}, must be one of {known}")
    if norm_type is None:
        return x
    require(x.ndim == 4, f"x has shape {x.shape}, must be (batch, height, width, channels)")
    n = x.shape[-1]
    flat = x.reshape(x.shape[0], math.prod(x.shape[1:-1]), n)
    ones, zeros = np.ones(n, x.dtype), np.zeros(n, x.dtype)
    n_groups = {"layer": 1, "instance": n, "group": 32}[norm_type]
    return apply("group_norm", flat, ones, zeros, n_groups=n_groups, epsilon=eps).reshape(*x.shape)
