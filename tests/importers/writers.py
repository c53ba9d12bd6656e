"""Writers of the formats that the importers read: independent texts, small and slow."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

FIXTURES = Path(__file__).parent / "fixtures"

# --- TensorFlow's checkpoints -------------------------------------------------------------------


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC = _crc_table()


def masked_crc(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 255]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


def varint(n: int) -> bytes:
    n %= 2**64
    out = b""
    while n > 127:
        out += bytes([n % 128 + 128])
        n //= 128
    return out + bytes([n])


def proto(*fields: tuple[int, int | bytes]) -> bytes:
    """A message; a float stands for a fixed 32-bit number."""
    out = b""
    for number, value in fields:
        if isinstance(value, bytes):
            out += varint(number * 8 + 2) + varint(len(value)) + value
        elif isinstance(value, float):
            out += varint(number * 8 + 5) + struct.pack("<I", int(value))
        else:
            out += varint(number * 8) + varint(value)
    return out


def entry(dtype: int, shape: tuple, offset: int, data: bytes, shard: int = 0, **other) -> bytes:
    dims = b"".join(proto((2, proto((1, n)))) for n in shape)
    size, crc = other.get("size", len(data)), other.get("crc", masked_crc(data))
    fields = [(1, dtype), (2, dims), (3, shard), (4, offset), (5, size), (6, float(crc))]
    return proto(*fields, *other.get("more", ()))


def block(pairs: list[tuple[bytes, bytes]], restart: int = 16) -> bytes:
    out, restarts, last = b"", [], b""
    for i, (key, value) in enumerate(pairs):
        shared = 0
        if i % restart == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value))
        out += key[shared:] + value
        last = key
    restarts = restarts or [0]
    return out + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def table(blocks: list[bytes], lasts: list[bytes] | None = None, kind: int = 0) -> bytes:
    """A table of blocks that are written already; `lasts` are keys not before their last."""
    out, handles = b"", []
    lasts = lasts or [b"%d" % i for i in range(len(blocks))]
    for content in [*blocks, block([])]:
        handles.append(varint(len(out)) + varint(len(content)))
        out += content + bytes([kind])
        out += struct.pack("<I", masked_crc(content + bytes([kind])))
    index = block(list(zip(lasts, handles)))
    footer = handles[-1] + varint(len(out)) + varint(len(index))
    out += index + b"\0" + struct.pack("<I", masked_crc(index + b"\0"))
    return out + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def header(n_shards: int = 1, *more: tuple[int, int | bytes]) -> bytes:
    return proto((1, n_shards), (3, proto((1, 1))), *more)


def write_bundle(
    prefix: Path, entries: dict[str, bytes], data: bytes = b"", head: bytes | None = None
) -> Path:
    pairs = [(b"", header() if head is None else head)]
    pairs += sorted((key.encode(), value) for key, value in entries.items())
    half = len(pairs) // 2
    prefix.with_name(prefix.name + ".index").write_bytes(
        table([block(pairs[:half]), block(pairs[half:])])
    )
    prefix.with_name(prefix.name + ".data-00000-of-00001").write_bytes(data)
    return prefix


def texts(values: list[bytes]) -> tuple[bytes, int]:
    """The bytes of a tensor of texts, and their checksum, which counts lengths as uint32."""
    lengths = b"".join(varint(len(value)) for value in values)
    fixed = b"".join(struct.pack("<I", len(value)) for value in values)
    tail = struct.pack("<I", masked_crc(fixed)) + b"".join(values)
    return lengths + tail, masked_crc(fixed + tail)


# --- FlatBuffers --------------------------------------------------------------------------------


class Vector:
    """A vector of numbers."""

    def __init__(self, dtype: str, values: object) -> None:
        array = np.asarray(values, dtype)
        self.data = struct.pack("<I", array.size) + array.tobytes()


class Scalar:
    """A number within a table."""

    def __init__(self, code: str, value: int | float) -> None:
        self.data = struct.pack(code, value)


def text(value: str) -> Vector:
    return Vector("u1", list(value.encode()))


def flatbuffer(root: dict, identifier: bytes = b"TFL3") -> bytes:
    """Tables are dicts from field numbers to Scalar, Vector, dict, or list of dicts."""
    out = bytearray(4) + identifier
    struct.pack_into("<I", out, 0, _put_table(out, root))
    return bytes(out)


def _put_table(out: bytearray, fields: dict) -> int:
    out += bytes(-len(out) % 8)
    n = max(fields, default=-1) + 1
    slots, body = [0] * n, bytearray(4)
    for number, value in sorted(fields.items()):
        body += bytes(-len(body) % 8)
        slots[number] = len(body)
        body += value.data if isinstance(value, Scalar) else bytes(4)
    vtable = len(out)
    out += struct.pack(f"<{n + 2}H", 4 + 2 * n, len(body), *slots)
    out += bytes(-len(out) % 8)
    place = len(out)
    struct.pack_into("<i", body, 0, place - vtable)
    out += body
    for number, value in fields.items():
        if not isinstance(value, Scalar):
            at = place + slots[number]
            struct.pack_into("<I", out, at, _put(out, value) - at)
    return place


def _put(out: bytearray, value: object) -> int:
    if isinstance(value, dict):
        return _put_table(out, value)
    out += bytes(-len(out) % 8)
    place = len(out)
    if isinstance(value, Vector):
        out += value.data
        return place
    out += struct.pack("<I", len(value)) + bytes(4 * len(value))
    for i, part in enumerate(value):
        at = place + 4 + 4 * i
        struct.pack_into("<I", out, at, _put_table(out, part) - at)
    return place


def tflite_model(**changes: object) -> dict:
    """A model of one fully connected layer: out = relu(x @ weights.T + bias)."""
    weights = np.arange(6, dtype="<f4").reshape(2, 3)
    tensors = [
        {0: Vector("<i4", [1, 3]), 2: Scalar("<I", 0), 3: text("x"), 7: Vector("<i4", [-1, 3])},
        {0: Vector("<i4", [2, 3]), 2: Scalar("<I", 1), 3: text("weights")},
        {
            0: Vector("<i4", [2]),
            1: Scalar("<b", 9),
            2: Scalar("<I", 2),
            3: text("bias"),
            4: {2: Vector("<f4", [0.5]), 3: Vector("<i8", [1]), 6: Scalar("<i", 0)},
        },
        {0: Vector("<i4", [1, 2]), 2: Scalar("<I", 0), 3: text("out")},
    ]
    operators = [
        {
            0: Scalar("<I", 0),
            1: Vector("<i4", [0, 1, 2]),
            2: Vector("<i4", [3]),
            3: Scalar("<B", 8),
            4: {0: Scalar("<b", 1), 2: Scalar("<?", True)},
        }
    ]
    buffers = [{}, {0: Vector("u1", list(weights.tobytes()))}, {0: Vector("i1", [3, -1])}]
    graph = {
        0: tensors,
        1: Vector("<i4", [0]),
        2: Vector("<i4", [3]),
        3: operators,
        4: text("main"),
    }
    model = {
        0: Scalar("<I", 3),
        1: [{0: Scalar("<b", 9), 2: Scalar("<i", 4), 3: Scalar("<i", 9)}],
        2: [graph],
        3: text("by hand"),
        4: buffers,
        7: [
            {
                0: [{0: text("x"), 1: Scalar("<I", 0)}],
                1: [{0: text("y"), 1: Scalar("<I", 3)}],
                2: text("serving_default"),
            }
        ],
    }
    for name, change in changes.items():
        part = {"model": model, "graph": graph, "tensor": tensors[1], "operator": operators[0]}
        part["buffer"] = buffers[1]
        part[name].update(change)
    return model
