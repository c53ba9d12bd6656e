"""What NumPy writes into pickles: arrays, scalars, dtypes and bytes, made from checked parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ddsp_ref.importers._input import MAX_AXES, array_of
from ddsp_ref.importers._pickle_machine import Call, Name

_CORES = ("numpy.core", "numpy._core")
RECONSTRUCT = {f"{core}.multiarray._reconstruct" for core in _CORES}
SCALAR = {f"{core}.multiarray.scalar" for core in _CORES}
FROM_BUFFER = {f"{core}.numeric._frombuffer" for core in _CORES}
_ENCODE = "_codecs.encode"
_BYTES = {"builtins.bytes", "__builtin__.bytes", "builtins.bytearray", "__builtin__.bytearray"}
NAMES = {*RECONSTRUCT, *SCALAR, *FROM_BUFFER, *_BYTES, _ENCODE, "numpy.dtype", "numpy.ndarray"}

_DTYPES = {"b1", *(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)), "f2", "f4", "f8"}

MAX_DEPTH = 40
_MAX_VALUES = 200_000


class ContentError(ValueError):
    """A pickle that can be read holds what does not fit together."""


class Plain:
    """Turns what a pickle describes into plain values and arrays.

    Parameters
    ----------
    n_bytes : int
        Of the file. What is made of it may be little larger: parts can be used again and again.
    other : callable
        Makes the value of a `Call` whose name is none of NumPy's, or raises `ContentError`.
    """

    def __init__(self, n_bytes: int, other: Callable[[Call, Plain, int], object]) -> None:
        self._bytes_left = 4 * n_bytes + 4096
        self._values_left = _MAX_VALUES
        self._other = other

    def value(self, value: object, depth: int = 0) -> object:
        """Return the plain value; raises `ContentError` for what has none."""
        self._values_left -= 1
        if depth > MAX_DEPTH or self._values_left < 0:
            raise ContentError("it is nested too deeply, or holds too many values")
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, bytes):
            return self._spend(value)
        if isinstance(value, list | tuple):
            return type(value)(self.value(v, depth + 1) for v in value)
        if isinstance(value, dict):
            return {k: self.value(v, depth + 1) for k, v in value.items()}
        if isinstance(value, Call):
            return self._call(value, depth)
        what = value.text if isinstance(value, Name) else "something outside of the pickle"
        raise ContentError(f"{what} stands where a value should stand")

    def _call(self, call: Call, depth: int) -> object:
        if call.name in RECONSTRUCT:
            return self._reconstructed(call)
        if call.name in SCALAR and len(call.args) == 2 and call.state is None:
            return self._array(call.args[1], call.args[0], ())[()]
        if call.name in FROM_BUFFER and len(call.args) == 4 and call.state is None:
            data, dtype, shape, order = call.args
            return self._array(data, dtype, shape, order == "F")
        if call.name == _ENCODE or call.name in _BYTES:
            return self._data(call)
        if call.name in NAMES:
            raise ContentError(f"{call.name} is used in an unknown way")
        return self._other(call, self, depth)

    def _reconstructed(self, call: Call) -> np.ndarray:
        if call.args[:1] != (Name("numpy.ndarray"),):
            raise ContentError("an array is of a class that is not NumPy's own")
        if not isinstance(call.state, tuple) or len(call.state) != 5:
            raise ContentError("an array has no content")
        _, shape, dtype, fortran, data = call.state
        return self._array(data, dtype, shape, bool(fortran))

    def _array(
        self, data: object, dtype: object, shape: object, fortran: bool = False
    ) -> np.ndarray:
        shape = tuple(shape) if isinstance(shape, list | tuple) else None
        if shape is None or len(shape) > MAX_AXES or not all(type(n) is int for n in shape):
            raise ContentError("the shape of an array is not a tuple of whole numbers")
        stored = _dtype(dtype)
        array = array_of(self._data(data), stored, shape[::-1] if fortran else shape)
        if array is None:
            raise ContentError(f"an array of shape {str(shape)[:80]} does not fit its bytes")
        return np.ascontiguousarray(array.T) if fortran and len(shape) > 1 else array

    def _data(self, value: object) -> bytes:
        """Return bytes; pickles of protocol 2 hold them as text and a call that encodes it."""
        if isinstance(value, Call) and value.state is None:
            if value.name == _ENCODE and value.args[1:] == ("latin1",):
                return self._encoded(value.args[0])
            if value.name in _BYTES and value.args == ():
                return b""
        if isinstance(value, bytes):
            return self._spend(value)
        raise ContentError("bytes are missing where an array needs them")

    def _encoded(self, text: object) -> bytes:
        if not isinstance(text, str):
            raise ContentError("bytes that are written as text are no text")
        self._spend(text)
        try:
            return text.encode("latin1")
        except UnicodeEncodeError:
            raise ContentError("bytes that are written as text go beyond 255") from None

    def _spend(self, data: bytes | str) -> bytes | str:
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise ContentError("the same bytes are used too often")
        return data


def _dtype(value: object) -> np.dtype:
    if not isinstance(value, Call) or value.name != "numpy.dtype" or not value.args:
        raise ContentError("an array has no dtype")
    code = value.args[0]
    if not isinstance(code, str) or code not in _DTYPES:
        raise ContentError(f"an array is of dtype {str(code)[:40]!r}; numbers can be read")
    order = value.state[1] if isinstance(value.state, tuple) and len(value.state) > 2 else "|"
    if order not in ("<", ">", "|", "="):
        raise ContentError("the byte order of an array is not known")
    return np.dtype(code).newbyteorder("<" if order in "|=" else order)
