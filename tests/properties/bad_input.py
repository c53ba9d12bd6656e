"""Wrong uses that follow from the registry: which calls to make, and what they did."""

from __future__ import annotations

import inspect
import warnings

import numpy as np

from ddsp_ref.errors import ParameterError

from ..check import as_tuple

# Zero or less that has a meaning of its own, as the docstrings of the ops say.
MEANINGFUL = {
    "window_size": "0: as long as the response",
    "delay_compensation": "negative: half the response",
    "min_length": "0 or less: nothing is shorter",
}


def right_case(op):
    """Return a right use of an op, with its arrays in float64."""
    case = next(case for case in op.cases() if case.error is None and case.grad)
    return [np.asarray(a, np.float64) for a in case.arrays], case.settings


def core(op, i, array):
    """Return the numbers of the axes of array i that the signature names."""
    return range(array.ndim - len(op._inputs[i].dims), array.ndim)


def wrong_ranks(op, arrays):
    """Yield (what, index, array): one axis is missing, or a shared array has one too many."""
    for i, array in enumerate(arrays):
        n_core = len(op._inputs[i].dims)
        if n_core:
            one = array.reshape(-1, *array.shape[array.ndim - n_core :])[0]
            yield "an axis is missing", i, one[0]
        if op._inputs[i].shared:
            yield "an axis too many", i, array[None]


def mismatches(op, arrays):
    """Yield (what, index, array): a dimension that two arrays share differs in one of them."""
    dims = [term.dims for term in op._inputs]
    for i, array in enumerate(arrays):
        for dim, axis in zip(dims[i], core(op, i, array)):
            if sum(dim in other for other in dims) > 1:
                yield f"{dim} differs", i, np.concatenate([array, array.take([0], axis)], axis)


def empties(op, arrays):
    """Yield (what, index, array): a dimension of size 0."""
    for i, array in enumerate(arrays):
        for dim, axis in zip(op._inputs[i].dims, core(op, i, array)):
            yield f"{dim} is 0", i, array.take([], axis)


def wrong_contents(op, arrays):
    """Yield (what, index, array): numbers that are none, or of a type that has no gradient."""
    for i, array in enumerate(arrays):
        for value in (np.nan, np.inf, -np.inf):
            bad = array.copy()
            bad.flat[-1] = value
            yield f"{value} inside", i, bad
        for dtype in (complex, str, object, "datetime64[s]"):
            yield f"dtype {np.dtype(dtype)}", i, np.zeros(array.shape).astype(dtype)
        if array.ndim:
            yield "ragged lists", i, [[1.0, 2.0], [3.0]]


def wrong_settings(op):
    """Yield (setting, value, must be refused)."""
    for name, default in op.settings.items():
        kind = op._kinds[name]
        if not kind.none:
            yield name, None, True
        if isinstance(default, str):
            yield from ((name, value, True) for value in ("no such choice", "", 1, False, 2.5))
            continue
        if isinstance(default, bool):
            yield from ((name, value, True) for value in ("yes", 1, 0.0, [True]))
            continue
        yield from ((name, value, True) for value in ("16", [], {}, np.nan, np.inf, -np.inf))
        if isinstance(default, tuple):
            yield from ((name, value, True) for value in (7, (), (0,), (-4,), (2.5,), ("4",)))
            continue
        yield from ((name, value, True) for value in (True, False, 2j, [4], np.array([4])))
        whole = float not in kind.types
        if whole:
            yield from ((name, value, True) for value in (2.5, 4.0))
        positive = (whole or name.endswith("_rate")) and name not in MEANINGFUL
        yield from ((name, value, positive) for value in (0, -1, -7))
        if not whole:
            extreme = (0.0, -0.5, 1e-9, 1e9, -1e9, 1e-30, 1e30, -1e30)
            yield from ((name, value, False) for value in extreme)


def outcome(op, arrays, settings, argument, refuse):
    """Return what is wrong with the answer to a call, or None; `refuse`: an error is due."""
    complaints = []
    for call in (op, op.vjp, op.define):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                y = call(*arrays, **settings)
                if call == op.vjp:
                    y, pullback = y
                    bars = tuple(np.ones_like(part) for part in as_tuple(y))
                    y = (*as_tuple(y), *pullback(bars if isinstance(y, tuple) else bars[0]))
        except ParameterError as error:
            text = str(error)
            # what only fits no other setting may be put down to that one
            words = [argument] if refuse else [argument, *op.settings]
            if not (text.startswith(f"{op.name}: ") and any(word in text for word in words)):
                complaints.append(f"says {text!r}, without {op.name} and {argument}")
        except Exception as error:
            complaints.append(f"{type(error).__name__}: {error}")
        else:
            if refuse:
                complaints.append("is taken")
            elif not all(np.isfinite(part).all() for part in as_tuple(y)):
                complaints.append("gives numbers that are not finite")
    return complaints[0] if complaints else None


def failures_of_arrays(op):
    """Return a line for every array that was not refused as it should be."""
    arrays, settings = right_case(op)
    lines = []
    for kind in (wrong_ranks, mismatches, empties, wrong_contents):
        for what, i, bad in kind(op, arrays):
            changed = [*arrays[:i], bad, *arrays[i + 1 :]]
            # of two arrays that differ the message names the later one
            name = op.array_names[i] if kind is not mismatches else ""
            said = outcome(op, changed, settings, name, refuse=True)
            if said:
                lines.append(f"{op.name}: {op.array_names[i]}, {what} -> {said}")
    return lines


def failures_of_settings(op):
    """Return a line for every setting that was not refused, or did not work, as it should."""
    arrays, settings = right_case(op)
    lines = []
    for name, value, refuse in wrong_settings(op):
        said = outcome(op, arrays, {**settings, name: value}, name, refuse)
        if said:
            lines.append(f"{op.name}: {name}={value!r} -> {said}")
    return lines


def documented_kind(op, name):
    """Return the type that the docstring gives for a setting."""
    found = [line for line in inspect.getdoc(op).splitlines() if " : " in line]
    return next(line.split(" : ")[1] for line in found if name in line.split(" : ")[0].split(", "))
