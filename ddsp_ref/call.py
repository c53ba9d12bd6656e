"""The inputs of one call in the form that the fast path of an op wants, and the way back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ddsp_ref.errors import ParameterError, require
from ddsp_ref.jit import read_only

Arrays = tuple[np.ndarray, ...]


# Settings of these types are told apart by type and value; others are checked at every call.
_PLAIN = (bool, int, float, str, type(None))
_MOST_KNOWN = 64
_FLOAT32 = np.dtype(np.float32)


def _checked(op: Any, shapes: tuple, settings: dict[str, Any]) -> tuple[dict, tuple[int, ...]]:
    """Return all settings and the batch shape; what was found to fit is not checked again."""
    plain = all(type(value) in _PLAIN for value in settings.values())
    key = (shapes, *((name, type(value), value) for name, value in settings.items()))
    known = op._known.get(key) if plain else None
    if known:
        return known
    op.check(*shapes, **settings)
    found = op._defaults | settings, op._batch_shape(shapes)
    if plain:
        if len(op._known) >= _MOST_KNOWN:
            op._known.clear()
        op._known[key] = found
    return found


class Call:
    """Checked inputs of an `Op`: contiguous, of one precision, with one batch axis."""

    def __init__(self, op: Any, arrays: tuple[Any, ...], settings: dict[str, Any]) -> None:
        given = op._as_float(arrays)
        self.op = op
        self.shapes = [a.shape for a in given]
        self.dtypes = [a.dtype for a in given]
        self.settings, self.batch = _checked(op, tuple(self.shapes), settings)
        alike = all(dtype is _FLOAT32 for dtype in self.dtypes)  # asking NumPy takes a microsecond
        self.dtype = _FLOAT32 if alike else np.result_type(np.float32, *self.dtypes)
        self.arrays = [self._flatten(i, a) for i, a in enumerate(given)]

    def _flatten(self, i: int, array: np.ndarray) -> np.ndarray:
        term = self.op._inputs[i]
        core = array.shape[array.ndim - len(term.dims) :]
        if not term.shared:
            lead = array.shape[: array.ndim - len(core)]
            alone = self.op._unit_batch[i] and math.prod(lead) == 1
            if lead != self.batch and not alone:
                array = np.broadcast_to(array, self.batch + core)
            array = array.reshape((1 if alone else math.prod(self.batch), *core))
        return read_only(np.ascontiguousarray(array, self.dtype))

    def restore(self, flat: Any) -> Any:
        if isinstance(flat, tuple):
            return tuple(y.reshape(self.batch + y.shape[1:]) for y in flat)
        return flat.reshape(self.batch + flat.shape[1:])

    def flatten_cotangent(self, y_bar: Any, flat_y: Any) -> Any:
        if isinstance(flat_y, tuple):
            require(
                isinstance(y_bar, (tuple, list)) and len(y_bar) == len(flat_y),
                f"{self.op.name}: the pullback takes a tuple of {len(flat_y)} cotangents",
            )
            pairs = zip(y_bar, flat_y, strict=True)
            return tuple(self.flatten_cotangent(*pair) for pair in pairs)
        y_bar = np.asarray(y_bar)
        wanted = self.batch + flat_y.shape[1:]
        if y_bar.dtype.kind not in "fiub" or y_bar.shape != wanted:  # written out only if needed
            has = f"{self.op.name}: y_bar has"
            require(
                y_bar.dtype.kind in "fiub",
                f"{has} dtype {y_bar.dtype}, must be float32 or float64",
            )
            raise ParameterError(f"{has} shape {y_bar.shape}, must be that of the value, {wanted}")
        return read_only(np.ascontiguousarray(y_bar.reshape(flat_y.shape), flat_y.dtype))

    def restore_cotangents(self, cotangents: Arrays, wrt: Sequence[int]) -> Arrays:
        each = enumerate(zip(cotangents, self.shapes, self.dtypes, strict=True))
        return tuple(self._restore_one(*one) if i in wrt else None for i, one in each)

    def _restore_one(self, x_bar: np.ndarray, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        if x_bar.size != math.prod(shape):  # the input was broadcast: its copies add up
            core = x_bar.shape[1:]
            x_bar = x_bar.reshape(self.batch + core)
            lead = shape[: len(shape) - len(core)]
            padded = (1,) * (len(self.batch) - len(lead)) + lead
            axes = tuple(i for i, (n, m) in enumerate(zip(padded, self.batch)) if n != m)
            x_bar = x_bar.sum(axis=axes)
        own = x_bar.flags.writeable  # what is not belongs to the caller, or to the residuals
        return x_bar.reshape(shape).astype(dtype, copy=not own)
