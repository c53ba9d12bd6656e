"""Protocol buffers on the wire: numbered fields, nothing about what they mean."""

from __future__ import annotations

from collections.abc import Iterator

# Field numbers and lengths; a varint of more bytes does not fit 64 bits.
_MAX_VARINT = 10


class WireError(ValueError):
    """The bytes are not a message; the caller says of which file."""


def read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Return an unsigned number of 7 bits a byte, and the place after it."""
    value = 0
    for i in range(_MAX_VARINT):
        if place + i >= len(data):
            raise WireError("a number is cut off")
        byte = data[place + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            if value >= 2**64:
                break
            return value, place + i + 1
    raise WireError("a number is longer than 64 bits")


def read_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (number, value) of every field: int for numbers, bytes for what has a length.

    Fixed-width numbers come as unsigned integers.
    """
    place = 0
    while place < len(data):
        key, place = read_varint(data, place)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise WireError("a field has the number 0")
        value: int | bytes
        if kind == 0:
            value, place = read_varint(data, place)
        elif kind in (1, 5):
            width = 8 if kind == 1 else 4
            value, place = int.from_bytes(_take(data, place, width), "little"), place + width
        elif kind == 2:
            length, place = read_varint(data, place)
            value, place = _take(data, place, length), place + length
        else:
            raise WireError(f"a field is of the unknown wire type {kind}")
        yield number, value


def _take(data: bytes, place: int, length: int) -> bytes:
    if length > len(data) - place:
        raise WireError(f"a field of {length} bytes is cut off")
    return data[place : place + length]


def as_signed(value: int) -> int:
    """Return the int64 that an unsigned varint of 64 bits stands for."""
    return value - 2**64 if value >= 2**63 else value


def expect(value: int | bytes, kind: type) -> int | bytes:
    """Return `value` if the field is of the wire type that its meaning needs."""
    if not isinstance(value, kind):
        raise WireError("a field is of another wire type than its meaning needs")
    return value
