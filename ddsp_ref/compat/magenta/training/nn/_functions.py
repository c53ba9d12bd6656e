"""Nonlinearities by name, straight-through estimators, splitting, shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddsp_ref.compat.magenta._function import Function, function
from ddsp_ref.compat.magenta._record import apply
from ddsp_ref.errors import require

_SELU = {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}
# TensorFlow keeps this slope as a float32, in networks of float64 too.
_SLOPE = float(np.float32(0.2))

_OPS = {
    "crelu": ("crelu", {}),
    "elu": ("elu", {}),
    "exponential": ("exponential", {}),
    "gelu": ("gelu", {}),
    "hard_sigmoid": ("hard_sigmoid", {}),
    "leaky_relu": ("leaky_relu", {"slope": _SLOPE}),
    "mish": ("mish", {}),
    "relu": ("relu", {}),
    "relu6": ("relu6", {}),
    "selu": ("elu", _SELU),
    "sigmoid": ("sigmoid", {}),
    "silu": ("swish", {}),
    "softmax": ("softmax", {}),
    "softplus": ("softplus", {}),
    "softsign": ("softsign", {}),
    "swish": ("swish", {}),
    "tanh": ("tanh", {}),
}


def _nonlinearity(name: str) -> Function:
    op, settings = _OPS[name]

    def body(x):
        return apply(op, x, **settings)

    body.__name__, body.__doc__ = name, f"Apply `{op}`."
    return Function(body, ("x",))


@function("x")
def linear(x):
    """Return x."""
    return x


_NONLINEARITIES = {name: _nonlinearity(name) for name in _OPS} | {"linear": linear, None: linear}


def get_nonlinearity(nonlinearity: Any) -> Any:
    """Return a nonlinearity by its name in Keras or tf.nn; a function stays what it is."""
    if callable(nonlinearity):
        return nonlinearity
    known = ", ".join(sorted(name for name in _NONLINEARITIES if name))
    require(
        nonlinearity in _NONLINEARITIES,
        f"nn.get_nonlinearity: nonlinearity is {nonlinearity!r}, must be one of {known}",
    )
    return _NONLINEARITIES[nonlinearity]


def ensure_4d(x):
    """Return (batch, time, 1, channels) of (batch, channels) or (batch, time, channels)."""
    if x.ndim == 2:
        return x[:, None, None, :]
    return x[:, :, None, :] if x.ndim == 3 else x


def inv_ensure_4d(x, n_dims):
    """Undo `ensure_4d`."""
    if n_dims == 2:
        return x[:, 0, 0, :]
    return x[:, :, 0, :] if n_dims == 3 else x


@function("tensor")
def split_to_dict(tensor, tensor_splits):
    """Split the last axis into (name, size) parts."""
    sizes = [size for _, size in tensor_splits]
    require(
        sum(sizes) == tensor.shape[-1],
        f"tensor_splits add up to {sum(sizes)}, must be the {tensor.shape[-1]} channels of tensor",
    )
    stops = np.cumsum(sizes)
    return {
        name: tensor[..., stop - size : stop]
        for (name, size), stop in zip(tensor_splits, stops, strict=True)
    }


@function("x")
def polyphase_resample(x, stride=2, resample_type="down", trim_or_pad="pad"):
    """Move frames into channels ("down") or back ("up"); see `polyphase_resample`."""
    for name, value, known in (
        ("resample_type", resample_type, ("up", "down")),
        ("trim_or_pad", trim_or_pad, ("trim", "pad")),
    ):
        require(value in known, f"{name} is {value!r}, must be {known[0]!r} or {known[1]!r}")
    require(x.ndim in (3, 4), f"x has shape {x.shape}, must have 3 or 4 axes")
    flat = x[:, :, 0, :] if x.ndim == 4 else x
    up, trim = resample_type == "up", trim_or_pad == "trim"
    y = apply("polyphase_resample", flat, stride=stride, up=up, trim=trim)
    return y[:, :, None, :] if x.ndim == 4 else y
