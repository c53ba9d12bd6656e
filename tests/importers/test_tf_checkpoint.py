"""TensorFlow's checkpoints: a real one whole, hand-made ones for every dtype and damage."""

from __future__ import annotations

import shutil
import struct

import numpy as np
import pytest

from ddsp_ref.errors import ImportFormatError
from ddsp_ref.importers._crc32c import crc32c, mask_crc
from ddsp_ref.importers.tf_checkpoint import (
    find_checkpoint,
    read_tf_bundle,
    read_tf_checkpoint,
    read_variable_names,
)

from .writers import FIXTURES, block, entry, header, masked_crc, proto, table, texts, write_bundle

REAL = FIXTURES / "vst_small"


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        # RFC 3720, B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_checksum_is_that_of_the_standard(data, crc):
    assert crc32c(data) == crc
    assert crc32c(data[5:], crc32c(data[:5])) == crc
    assert mask_crc(crc) == masked_crc(data)


def test_a_checkpoint_of_magenta():
    variables = read_tf_checkpoint(REAL)
    shapes = {name: array.shape for name, array in variables.items()}
    decoder = "model/decoder"
    assert len(shapes) == 19
    assert shapes[f"{decoder}/dense_out/kernel"] == (24, 64)
    assert shapes[f"{decoder}/rnn/rnn/cell/kernel"] == (48, 96)
    assert shapes[f"{decoder}/rnn/rnn/cell/recurrent_kernel"] == (32, 96)
    assert shapes[f"{decoder}/rnn/rnn/cell/bias"] == (2, 96)
    assert shapes[f"{decoder}/input_stacks/1/layer_with_weights-0/layer_with_weights-0/kernel"] == (
        1,
        24,
    )
    assert shapes["model/processor_group/reverb/magnitudes"] == (50, 32)
    assert variables["save_counter"].shape == ()
    assert variables["save_counter"] == 1
    floats = [v for v in variables.values() if v.dtype == np.float32]
    assert len(floats) == 18
    assert all(np.isfinite(v).all() and v.flags.owndata for v in floats)
    # the bytes that stand there, without any of the reader
    raw = np.fromfile(REAL / "ckpt-3.data-00000-of-00001", "<f4", 64, offset=112212)
    np.testing.assert_array_equal(variables[f"{decoder}/dense_out/bias"], raw)


def test_optimizer_names_and_texts():
    assert len(read_tf_checkpoint(REAL, optimizer=True)) == 57
    names = read_variable_names(REAL)
    assert set(read_tf_checkpoint(REAL)) <= set(names)
    assert names["save_counter"] == "save_counter"
    graph = read_tf_bundle(REAL / "ckpt-3", ["_CHECKPOINTABLE_OBJECT_GRAPH"])
    assert b"input_stacks" in graph["_CHECKPOINTABLE_OBJECT_GRAPH"].item()
    with pytest.raises(ImportFormatError, match="holds no tensor 'nothing'"):
        read_tf_bundle(REAL, ["nothing"])


@pytest.mark.parametrize("way", ["ckpt-3", "ckpt-3.index", "."])
def test_the_ways_to_name_a_checkpoint(way):
    assert len(read_tf_checkpoint(REAL / way)) == 19


def test_the_newest_checkpoint(tmp_path):
    for name in ("ckpt-9", "ckpt-100", "ckpt-20"):
        write_bundle(tmp_path / name, {})
    assert find_checkpoint(tmp_path).name == "ckpt-100"
    state = tmp_path / "checkpoint"
    state.write_text('model_checkpoint_path: "/old/place/ckpt-20"\n')
    assert find_checkpoint(tmp_path).name == "ckpt-20"
    state.write_text('model_checkpoint_path: "ckpt-7"\n')
    assert find_checkpoint(tmp_path).name == "ckpt-100"
    with pytest.raises(ImportFormatError, match=r"no file ends in \.index"):
        find_checkpoint(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("number", "dtype"),
    [
        (1, "f4"), (2, "f8"), (3, "i4"), (4, "u1"), (5, "i2"), (6, "i1"), (8, "c8"), (9, "i8"),
        (10, "?"), (17, "u2"), (18, "c16"), (19, "f2"), (22, "u4"), (23, "u8"),
    ],
)  # fmt: skip
def test_every_dtype(tmp_path, number, dtype):
    for shape in ((), (2, 3), (0, 4), (1,)):
        array = np.arange(np.prod(shape, dtype=int)).astype(dtype).reshape(shape)
        data = b"pad" + array.tobytes()
        made = {"v/.ATTRIBUTES/VARIABLE_VALUE": entry(number, shape, 3, data[3:])}
        got = read_tf_checkpoint(write_bundle(tmp_path / "ckpt-1", made, data))["v"]
        assert got.dtype == array.dtype
        np.testing.assert_array_equal(got, array, strict=True)


def test_bfloat16_texts_and_shards(tmp_path):
    brain = np.array([0x3FC0, 0xC010], "<u2").tobytes()  # 1.5 and -2.25
    words, crc = texts([b"", b"two", b"x" * 300])
    made = {
        "a": entry(14, (2,), 0, brain),
        "b": entry(7, (3,), 0, words, shard=1, crc=crc),
    }
    prefix = write_bundle(tmp_path / "ckpt-1", made, head=header(2))
    (tmp_path / "ckpt-1.data-00000-of-00002").write_bytes(brain)
    (tmp_path / "ckpt-1.data-00001-of-00002").write_bytes(words)
    got = read_tf_bundle(prefix)
    np.testing.assert_array_equal(got["a"], np.array([1.5, -2.25], np.float32), strict=True)
    assert got["b"].tolist() == [b"", b"two", b"x" * 300]
    assert list(read_tf_checkpoint(prefix)) == ["a"]
    (tmp_path / "ckpt-1.data-00001-of-00002").unlink()
    with pytest.raises(ImportFormatError, match=r"data-00001-of-00002: does not exist, but the in"):
        read_tf_bundle(prefix)


DATA = np.arange(4, dtype="<f4").tobytes()
WORDS, WORDS_CRC = texts([b"one"])


@pytest.mark.parametrize(
    ("made", "head", "message"),
    [
        (entry(1, (5,), 0, DATA), None, r"takes 20 bytes, but its entry says 16"),
        (entry(1, (4,), 8, DATA), None, r"is truncated: 'v' reaches past its end \(byte 8\)"),
        (entry(1, (4,), -8, DATA), None, r"is truncated: 'v' reaches past its end"),
        (entry(1, (4,), 0, DATA, shard=1), None, r"in data file 1 of 1"),
        (entry(1, (4,), 0, DATA, crc=1), None, r"checksum of 'v' is wrong: the file is damaged"),
        (entry(1, (-4, -1), 0, DATA), None, r"impossible shape '\(-4, -1\)'"),
        (entry(1, (2**39, 2**39, 0), 0, b""), None, r"impossible shape"),
        (entry(1, (1,) * 33, 0, DATA[:4]), None, r"impossible shape"),
        (entry(21, (4,), 0, DATA), None, r"'v' is of dtype number 21, which is not read"),
        (entry(1, (4,), 0, DATA, more=[(7, b"")]), None, r"split into slices"),
        (entry(7, (1,), 0, WORDS, crc=7), None, r"checksum of 'v' is wrong"),
        (entry(7, (1,), 0, WORDS[:-1], crc=7), None, r"its texts do not fill their place"),
        (entry(7, (2**30,), 0, WORDS, crc=7), None, r"1073741824 texts, more than"),
        (entry(1, (10**9,), 0, DATA, size=4 * 10**9), None, r"larger in all than the data files"),
        (proto((1, b"x")), None, r"of another wire type"),
        (b"\x0b", None, r"unknown wire type 3"),
        (b"\xff" * 11, None, r"longer than 64 bits"),
        (b"\x12\x7f", None, r"a field of 127 bytes is cut off"),
        (entry(1, (4,), 0, DATA), header(0), r"says that it has 0 data files"),
        (entry(1, (4,), 0, DATA), header(10**6), r"says that it has 1000000 data files"),
        (entry(1, (4,), 0, DATA), header(1, (2, 1)), r"its numbers are big-endian"),
        (entry(1, (4,), 0, DATA), header(1, (3, proto((2, 9)))), r"it needs format version 9"),
    ],
)
def test_entries_that_are_refused(tmp_path, made, head, message):
    data = WORDS if made.startswith(b"\x08\x07") else DATA  # dtype 7: texts
    prefix = write_bundle(tmp_path / "ckpt-1", {"v": made}, data, head)
    with pytest.raises(ImportFormatError, match=message):
        read_tf_bundle(prefix)


PAIRS = [(b"", header()), (b"v", entry(1, (4,), 0, DATA))]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (b"", "0 bytes are too few"),
        (table([block(PAIRS)])[:-1], "the mark at its end is missing"),
        (table([block(PAIRS)])[20:], "reaches past the end|checksum"),
        (table([block(PAIRS[1:])]), "it has no header"),
        (table([block(PAIRS)], kind=1), "is compressed"),
        (table([block(PAIRS[::-1])]), "keys are out of order"),
        (table([block(PAIRS), block(PAIRS)]), "keys are out of order"),
        (table([block(PAIRS)[:-4] + struct.pack("<I", 9999)]), "shorter than its list of restarts"),
        (table([b"\5\0\0" + struct.pack("<2I", 0, 1)]), "reaches past its end"),
        (table([b"xx"]), "too short"),
        (table([block([*PAIRS, (b"w" * 5000, b"")])]), "a key has 5000 bytes"),
        (table([block([(b"%06d" % i, b"") for i in range(100_001)])]), "too many entries"),
    ],
)
def test_indexes_that_are_refused(tmp_path, index, message):
    (tmp_path / "ckpt-1.index").write_bytes(index)
    with pytest.raises(ImportFormatError, match=f"index of the checkpoint is damaged: .*{message}"):
        read_tf_bundle(tmp_path / "ckpt-1")


def test_a_block_that_is_named_again_and_again(tmp_path):
    content = block(PAIRS)
    index = block([(b"%d" % i, b"\0" + bytes([len(content)])) for i in range(3)])
    data = content + b"\0" + struct.pack("<I", masked_crc(content + b"\0"))
    footer = b"\0\0" + bytes([len(data)]) + bytes([len(index)])
    data += index + b"\0" + struct.pack("<I", masked_crc(index + b"\0"))
    data += footer.ljust(40, b"\0") + table([])[-8:]
    (tmp_path / "ckpt-1.index").write_bytes(data)
    with pytest.raises(ImportFormatError, match="a block is named twice, at byte 0"):
        read_tf_bundle(tmp_path / "ckpt-1")


@pytest.mark.parametrize("keep", [0, 1000, 100_000, 168_329])
def test_truncated_data(tmp_path, keep):
    shutil.copytree(REAL, tmp_path / "c")
    data = tmp_path / "c" / "ckpt-3.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:keep])
    with pytest.raises(ImportFormatError, match="truncated"):
        read_tf_bundle(tmp_path / "c")


def test_damaged_data(tmp_path):
    shutil.copytree(REAL, tmp_path / "c")
    data = tmp_path / "c" / "ckpt-3.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[112300] ^= 1
    data.write_bytes(content)
    with pytest.raises(ImportFormatError, match=r"checksum of 'model/decoder/dense_out/bias"):
        read_tf_checkpoint(tmp_path / "c")


def test_two_entries_with_one_name(tmp_path):
    made = {k: entry(1, (4,), 0, DATA) for k in ("v", "v/.ATTRIBUTES/VARIABLE_VALUE")}
    prefix = write_bundle(tmp_path / "ckpt-1", made, DATA * 2)
    with pytest.raises(ImportFormatError, match="two variables are called 'v'"):
        read_tf_checkpoint(prefix)
