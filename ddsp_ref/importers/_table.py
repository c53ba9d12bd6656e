"""Sorted tables of keys and values: the format of LevelDB that TensorFlow's indexes have.

Source: LevelDB, doc/table_format.md; TensorFlow, tensorflow/core/lib/io/format.cc and block.cc.
"""

from __future__ import annotations

import struct

from ddsp_ref.importers._crc32c import crc32c, mask_crc
from ddsp_ref.importers._protobuf import WireError, read_varint

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TRAILER = 5  # of a block: the kind of compression, the masked checksum
MAX_KEY = 4096
MAX_KEYS_IN_ALL = 64 << 20
MAX_ENTRIES = 100_000


class TableError(ValueError):
    """The bytes are not a whole table; the caller says of which file."""


def read_table(data: bytes) -> dict[bytes, bytes]:
    """Return all keys and values of a table, in their order, every checksum verified.

    Raises `TableError` if anything is damaged, out of order, or compressed.
    """
    try:
        return _read_table(data)
    except WireError as error:
        raise TableError(str(error)) from None


def _read_table(data: bytes) -> dict[bytes, bytes]:
    if len(data) < _FOOTER:
        raise TableError(f"{len(data)} bytes are too few for an index, it is truncated")
    footer = data[-_FOOTER:]
    if struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise TableError("the mark at its end is missing: it is truncated, or no index")
    place = _read_handle(footer, 0)[2]  # of the metaindex, which TensorFlow leaves empty
    offset, size, _ = _read_handle(footer, place)
    entries: dict[bytes, bytes] = {}
    last, n_bytes = None, 0
    seen = set()
    for _, handle in _read_block(data, offset, size):
        offset, size, _ = _read_handle(handle, 0)
        if offset in seen:  # or a small file unpacks to the same block again and again
            raise TableError(f"a block is named twice, at byte {offset}")
        seen.add(offset)
        for key, value in _read_block(data, offset, size):
            if last is not None and key <= last:
                raise TableError(f"keys are out of order in the block at byte {offset}")
            n_bytes += len(key)
            if n_bytes > MAX_KEYS_IN_ALL or len(entries) >= MAX_ENTRIES:
                raise TableError("it has too many entries")
            entries[key] = value
            last = key
    return entries


def _read_handle(data: bytes, place: int) -> tuple[int, int, int]:
    """Return offset and size of a block, and the place after the handle."""
    offset, place = read_varint(data, place)
    size, place = read_varint(data, place)
    return offset, size, place


def _read_block(data: bytes, offset: int, size: int) -> list[tuple[bytes, bytes]]:
    end = offset + size
    if end + _TRAILER > len(data) - _FOOTER:
        raise TableError(f"a block reaches past the end, from byte {offset} on")
    stored = struct.unpack_from("<I", data, end + 1)[0]
    if mask_crc(crc32c(data[offset : end + 1])) != stored:
        raise TableError(f"the checksum of the block at byte {offset} is wrong")
    if data[end] != 0:
        raise TableError(
            f"the block at byte {offset} is compressed; TensorFlow saves indexes uncompressed"
        )
    return _split_block(data[offset:end], offset)


def _split_block(block: bytes, offset: int) -> list[tuple[bytes, bytes]]:
    """Return keys and values; a key repeats the start of the one before it."""
    if len(block) < 4:
        raise TableError(f"the block at byte {offset} is too short")
    n_restarts = struct.unpack("<I", block[-4:])[0]
    end = len(block) - 4 - 4 * n_restarts
    if end < 0:
        raise TableError(f"the block at byte {offset} is shorter than its list of restarts")
    entries, key, place, n_bytes = [], b"", 0, 0
    while place < end:
        n_shared, place = read_varint(block, place)
        n_new, place = read_varint(block, place)
        n_value, place = read_varint(block, place)
        if n_shared > len(key) or place + n_new + n_value > end:
            raise TableError(f"an entry of the block at byte {offset} reaches past its end")
        if n_shared + n_new > MAX_KEY:
            raise TableError(f"a key has {n_shared + n_new} bytes, more than {MAX_KEY}")
        key = key[:n_shared] + block[place : place + n_new]
        n_bytes += len(key)
        if n_bytes > MAX_KEYS_IN_ALL or len(entries) >= MAX_ENTRIES:
            raise TableError("it has too many entries")
        place += n_new
        entries.append((key, block[place : place + n_value]))
        place += n_value
    return entries
