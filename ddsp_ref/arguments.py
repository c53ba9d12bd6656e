"""What an op may be given: signature, arrays, settings; and what a pullback keeps of them."""

from __future__ import annotations

import inspect
import math
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ddsp_ref.errors import ParameterError, require
from ddsp_ref.jit import COMPILED, njit_relaxed, read_only


@dataclass(frozen=True)
class Term:
    """One array of a signature: its core dimensions, and whether it is shared by the batch."""

    dims: tuple[str, ...]
    shared: bool


def parse_signature(text: str) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """Split '(n_frames),[n_in,n_out]->(n_samples)' into the terms before and after the arrow.

    Round brackets: the array may have leading batch axes. Square brackets: it is shared.
    """
    sides = text.replace(" ", "").split("->")
    pattern = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")

    def terms(side: str) -> tuple[Term, ...]:
        found = []
        for match in pattern.finditer(side):
            body = match.group(1) if match.group(1) is not None else match.group(2)
            dims = tuple(dim for dim in body.split(",") if dim)
            found.append(Term(dims, match.group(1) is None))
        return tuple(found)

    inputs, outputs = map(terms, sides)
    return inputs, outputs


# bool counts as int in Python, but True is no number of samples.
_NUMBER = (int, float, np.integer, np.floating)
_WHOLE = (int, np.integer)
_SWITCH = (bool, np.bool_)
_BEYOND = 1 << 40
_FLOATS = np.dtype(np.float32), np.dtype(np.float64)


class Kind(NamedTuple):
    """What a setting may be, for all ops alike; ranges are the business of their `check`."""

    types: tuple[type, ...]  # empty: anything
    rule: str
    none: bool  # None is allowed as well


def setting_kind(name: str, default: Any, may_be_none: bool = False) -> Kind:
    """Return the kind of a setting, from its default and its name.

    True or False: a switch. A number, None, or no default: a number; a whole one where the
    default is one, or where the name is that of a count (`n_...`, `..._size`, `stride`), but
    rates need not be whole. Text and tuples: nothing is said here.
    """
    if isinstance(default, bool):
        return Kind(_SWITCH, "must be True or False", may_be_none)
    open_ = default is None or default is inspect.Parameter.empty
    if not open_ and not isinstance(default, _NUMBER):
        return Kind((), "", may_be_none)
    example = "" if open_ else f", e.g. {default}"
    none = may_be_none or default is None
    count = name.startswith("n_") or name.endswith("_size") or name == "stride"
    count = count or isinstance(default, int)
    what = "whole number" if count and not name.endswith("_rate") else "number"
    types = _WHOLE if what == "whole number" else _NUMBER
    return Kind(types, f"must be a {what}{' or None' if none else ''}{example}", none)


def check_setting(what: str, value: Any, kind: Kind) -> None:
    """Raise `ParameterError` unless the value of a setting is of its kind, and finite."""
    if value is None and kind.none:
        return
    finite = not isinstance(value, (float, np.floating)) or math.isfinite(value)
    require(finite, f"{what} is {value}, must be finite")
    if kind.types:
        fits = isinstance(value, kind.types)
        if kind.types is not _SWITCH:
            fits = fits and not isinstance(value, bool)
        require(fits, f"{what} is {value!r}, {kind.rule}")
        if kind.types is _WHOLE:  # NumPy has errors of its own for arrays beyond any memory
            require(abs(value) < _BEYOND, f"{what} is {value}, must be below {_BEYOND}")


@njit_relaxed
def _spoil(flat):
    """Return 0, or NaN if one number is not finite: in one pass, a quarter of a NumPy sum."""
    total = flat.dtype.type(0)
    for i in range(flat.size):
        total += flat[i] * 0
    return total


def _is_finite(array: np.ndarray) -> bool:
    if not COMPILED or not array.flags.c_contiguous:
        return bool(np.isfinite(array).all())
    return math.isfinite(_spoil(read_only(array.reshape(-1))))


def float_array(what: str, value: Any) -> np.ndarray:
    """Return a finite floating-point array: float16 becomes float32, integers float64."""
    try:
        array = np.asarray(value)
    except ValueError:  # nested lists of different lengths
        raise ParameterError(f"{what} is no array: its rows differ in length") from None
    if array.dtype not in _FLOATS:
        if array.dtype == np.float16:
            array = array.astype(np.float32)
        elif array.dtype.kind in "iub":
            array = array.astype(np.float64)
        else:
            raise ParameterError(f"{what} has dtype {array.dtype}, must be float32 or float64")
    if not _is_finite(array):
        where = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
        raise ParameterError(f"{what} is {array[where]} at index {where}, must be finite")
    return array


def holds(kept: Any, array: np.ndarray) -> bool:
    """Return whether a pullback keeps this array, or a view of it, in its closure."""
    if isinstance(kept, np.ndarray):
        return np.may_share_memory(kept, array)
    if isinstance(kept, (tuple, list)):
        return any(holds(item, array) for item in kept)
    cells = getattr(kept, "__closure__", None) or ()
    return any(holds(cell.cell_contents, array) for cell in cells)
