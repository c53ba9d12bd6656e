"""What a TensorFlow checkpoint says about its tensors: the messages of the index.

Source: TensorFlow, tensorflow/core/protobuf/tensor_bundle.proto and trackable_object_graph.proto.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ddsp_ref.importers._protobuf import WireError, as_signed, expect, read_fields

MAX_SHARDS = 10_000

STRING = 7
BFLOAT16 = 14
_DTYPES = {
    1: "<f4",
    2: "<f8",
    3: "<i4",
    4: "u1",
    5: "<i2",
    6: "i1",
    8: "<c8",
    9: "<i8",
    10: "?",
    BFLOAT16: "<u2",
    17: "<u2",
    18: "<c16",
    19: "<f2",
    22: "<u4",
    23: "<u8",
}


@dataclass
class Entry:
    """Where a tensor lies, and what it is."""

    dtype: int = 0
    shape: tuple[int, ...] = ()
    shard: int = 0
    offset: int = 0
    size: int = 0
    crc: int | None = None
    sliced: bool = False

    @property
    def stored(self) -> np.dtype | None:
        """The dtype of the bytes; None if there is none of fixed size."""
        return np.dtype(_DTYPES[self.dtype]) if self.dtype in _DTYPES else None


def parse_header(message: bytes) -> tuple[int, bool, int]:
    """Return the number of shards, whether bytes are big-endian, the least version to read it."""
    n_shards, big_endian, needs = 0, False, 0
    for number, value in read_fields(message):
        if number == 1:
            n_shards = as_signed(expect(value, int))
        elif number == 2:
            big_endian = expect(value, int) != 0
        elif number == 3:
            version = dict(read_fields(expect(value, bytes)))
            needs = expect(version.get(2, 0), int)
    return n_shards, big_endian, needs


def parse_entry(message: bytes) -> Entry:
    """Return what an entry of the index says."""
    entry = Entry()
    for number, value in read_fields(message):
        if number == 1:
            entry.dtype = expect(value, int)
        elif number == 2:
            entry.shape = _parse_shape(expect(value, bytes))
        elif number == 3:
            entry.shard = as_signed(expect(value, int))
        elif number == 4:
            entry.offset = as_signed(expect(value, int))
        elif number == 5:
            entry.size = as_signed(expect(value, int))
        elif number == 6:
            entry.crc = expect(value, int)
        elif number == 7:
            entry.sliced = True
    return entry


def _parse_shape(message: bytes) -> tuple[int, ...]:
    shape = []
    for number, value in read_fields(message):
        if number == 2:
            sizes = [expect(v, int) for n, v in read_fields(expect(value, bytes)) if n == 1]
            shape.append(as_signed(sizes[-1]) if sizes else 0)
        elif number == 3 and value:
            raise WireError("a shape of unknown rank")
    return tuple(shape)


def parse_object_graph(message: bytes) -> dict[str, str]:
    """Return the full name of every variable, by its key in the checkpoint."""
    names = {}
    for number, node in read_fields(message):
        if number != 1:
            continue
        for field, attribute in read_fields(expect(node, bytes)):
            if field != 2:
                continue
            texts = {
                n: expect(v, bytes).decode("utf-8", "replace")
                for n, v in read_fields(expect(attribute, bytes))
                if n in (2, 3)
            }
            if texts.get(3):
                names[texts[3]] = texts.get(2, "")
    return names
