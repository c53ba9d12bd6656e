"""FlatBuffers: tables of numbered fields, every place checked before it is read.

Source: FlatBuffers, docs, "FlatBuffer internals".
"""

from __future__ import annotations

import struct

import numpy as np

_MAX_STRUCTURE = 16 << 20


class FlatBufferError(ValueError):
    """The bytes are no tables; `place` is where."""

    def __init__(self, message: str, place: int) -> None:
        super().__init__(message)
        self.place = place


class Bytes:
    """The bytes of a file, and how many may still be read in all.

    Tables may share parts, so that a small file could stand for very much: what is read is counted,
    the structure and the long vectors of values apart.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._left = min(8 * len(data) + 65536, _MAX_STRUCTURE)
        self._values_left = 4 * len(data)

    def unpack(self, code: str, place: int) -> int | float:
        size = struct.calcsize(code)
        if not 0 <= place <= len(self.data) - size:
            raise FlatBufferError("it is truncated, or a place in it lies outside", place)
        self.spend(size, place)
        return struct.unpack_from(code, self.data, place)[0]

    def spend(self, n: int, place: int) -> None:
        self._left -= n
        if self._left < 0:
            raise FlatBufferError("the same parts of it are used too often", place)

    def spend_values(self, n: int, place: int) -> None:
        self._values_left -= n
        if self._values_left < 0:
            raise FlatBufferError("the same values of it are used too often", place)

    def root(self) -> Table:
        return Table(self, int(self.unpack("<I", 0)))


class Table:
    """A table; fields that are absent have their defaults."""

    def __init__(self, source: Bytes, place: int) -> None:
        self._source, self.place = source, place
        self._fields = place - int(source.unpack("<i", place))
        self._size = int(source.unpack("<H", self._fields))

    def _field(self, number: int) -> int | None:
        at = 4 + 2 * number
        if at + 2 > self._size:
            return None
        offset = int(self._source.unpack("<H", self._fields + at))
        return self.place + offset if offset else None

    def number(self, field: int, code: str = "<i", default: int | float = 0) -> int | float:
        """Return a number of a struct code."""
        place = self._field(field)
        return default if place is None else self._source.unpack(code, place)

    def _target(self, field: int) -> int | None:
        place = self._field(field)
        return None if place is None else place + int(self._source.unpack("<I", place))

    def table(self, field: int) -> Table | None:
        """Return a table that a field refers to."""
        place = self._target(field)
        return None if place is None else Table(self._source, place)

    def vector(self, field: int, dtype: str, values: bool = False) -> np.ndarray | None:
        """Return a vector of numbers, which has no memory of its own.

        Of `values` there may be much; the rest is structure.
        """
        place = self._target(field)
        if place is None:
            return None
        count = int(self._source.unpack("<I", place))
        n_bytes = count * np.dtype(dtype).itemsize
        if n_bytes > len(self._source.data) - place - 4:
            raise FlatBufferError(f"a list of {count} numbers reaches past the end", place)
        (self._source.spend_values if values else self._source.spend)(n_bytes, place)
        return np.frombuffer(self._source.data, dtype, count, place + 4)

    def text(self, field: int) -> str:
        """Return a text, empty if there is none."""
        data = self.vector(field, "u1")
        return "" if data is None else data.tobytes().decode("utf-8", "replace")

    def tables(self, field: int) -> list[Table]:
        """Return the tables of a vector."""
        offsets = self.vector(field, "<u4")
        if offsets is None:
            return []
        start = int(self._target(field) or 0) + 4
        return [Table(self._source, start + 4 * i + int(n)) for i, n in enumerate(offsets)]
