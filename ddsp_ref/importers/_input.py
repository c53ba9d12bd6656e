"""What all readers share: bounded reading, one form of refusal, arrays of a declared shape."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ddsp_ref.errors import ImportFormatError

# NumPy before 2.0 has arrays of at most this many axes.
MAX_AXES = 32
_MAX_LENGTH = 2**40


def refusal(path: object, what: str, where: str = "", remedy: str = "") -> ImportFormatError:
    """Return the error that says in one sentence what is wrong, where, and what would work."""
    text = f"{path}: {what}"
    if where:
        text += f" ({where})"
    return ImportFormatError(f"{text}; {remedy}" if remedy else text)


def show(value: object) -> str:
    """Return a name from a file as it may be printed: quoted, escaped, not too long."""
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= 80 else text[:77] + "...")


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading, unless it is missing or no file."""
    try:
        if not path.is_file():
            raise refusal(path, "is a folder, not a file" if path.is_dir() else "does not exist")
        return open(path, "rb")
    except OSError as error:
        raise refusal(path, f"cannot be read: {error.strerror}") from None


def read_bytes(path: Path, limit: int) -> bytes:
    """Read a whole file, unless it is missing, no file, or longer than `limit` bytes."""
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(min(size, limit) + 1)  # not more: that much memory is taken beforehand
    if len(data) > limit:
        raise refusal(path, f"is longer than {limit} bytes, which no file of its kind is")
    return data


def count_of(shape: Sequence[int]) -> int | None:
    """Return the number of values of a shape, or None if no array can have that shape."""
    if len(shape) > MAX_AXES or any(not 0 <= n < _MAX_LENGTH for n in shape):
        return None
    # An empty array may not have absurd other axes either: NumPy counts their product.
    return math.prod(shape) if math.prod(n or 1 for n in shape) < _MAX_LENGTH else None


def array_of(data: bytes, dtype: np.dtype, shape: Sequence[int]) -> np.ndarray | None:
    """Return bytes as an array that owns its memory, or None if they do not fit the shape."""
    count = count_of(shape)
    if count is None or count * dtype.itemsize != len(data):
        return None
    array = np.frombuffer(data, dtype).reshape(tuple(shape))
    return array.astype(dtype.newbyteorder("="))


def widen_bfloat16(bits: np.ndarray) -> np.ndarray:
    """Return the float32 numbers whose upper halves are given as uint16."""
    return np.left_shift(bits.astype(np.uint32), 16).view(np.float32)
