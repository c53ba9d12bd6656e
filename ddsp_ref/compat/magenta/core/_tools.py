"""Nested dictionaries and shapes, as the graphs of processors need them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ddsp_ref.compat.magenta._function import function
from ddsp_ref.compat.magenta._pieces import moveaxis, pad
from ddsp_ref.compat.magenta._record import Traced, apply, map_tree
from ddsp_ref.errors import require


def make_iterable(x):
    """Return a list around what cannot be iterated, or is an array; nothing for None."""
    if x is None:
        return []
    if isinstance(x, (np.ndarray, Traced)) or not isinstance(x, Iterable):
        return [x]
    return x


def to_dict(x, keys):
    """Return a dictionary of values under those keys; a dictionary stays what it is."""
    if isinstance(x, dict):
        return x
    values = make_iterable(x)
    require(
        len(keys) == len(values),
        f"core.to_dict: keys has {len(keys)} names for {len(values)} values, must be as many",
    )
    return dict(zip(keys, values, strict=True))


def nested_keys(nested_dict: dict[str, Any], delimiter: str = "/", prefix: str = "") -> list[str]:
    """Return the paths to all leaves of a nested dictionary."""
    found = []
    for key, value in nested_dict.items():
        path = f"{prefix}{delimiter}{key}" if prefix else key
        if isinstance(value, dict):
            found += nested_keys(value, delimiter, path)
        else:
            found.append(path)
    return found


def nested_lookup(nested_key: str, nested_dict: dict[str, Any], delimiter: str = "/") -> Any:
    """Return what stands at a path. A missing key raises KeyError, as in the original."""
    value = nested_dict
    for key in nested_key.split(delimiter):
        if key not in value:
            known = ", ".join(nested_keys(nested_dict, delimiter))
            raise KeyError(f"{key!r}, a part of {nested_key!r}, is not there; there are {known}")
        value = value[key]
    return value


def leaf_key(nested_key: str, delimiter: str = "/") -> str:
    """Return the last part of a path."""
    return nested_key.split(delimiter)[-1]


def map_shape(x: dict[str, Any]) -> dict[str, Any]:
    """Return the shapes of a nested dictionary of arrays, as lists."""
    return map_tree(lambda array: list(np.shape(array)), x)


@function("x")
def pad_axis(x, padding=(0, 0), axis=0, **pad_kwargs):
    """Pad one axis. Takes `mode` and `constant_values` of tf.pad."""
    widths = [(0, 0)] * x.ndim
    widths[axis] = tuple(padding)
    mode = pad_kwargs.pop("mode", "constant").lower()
    return pad(x, widths=tuple(widths), mode=mode, **pad_kwargs)


@function("x")
def diff(x, axis=-1):
    """Return differences of neighbours along an axis; see `difference`."""
    require(-x.ndim <= axis < x.ndim, f"axis is {axis}, must be from {-x.ndim} to {x.ndim - 1}")
    last = moveaxis(x, start=axis, stop=-1)
    return moveaxis(apply("difference", last), start=-1, stop=axis)
