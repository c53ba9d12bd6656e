"""The files of an instrument: missing, damaged, mixed up."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ddsp_ref.errors import InstrumentError
from ddsp_ref.io.instruments import HEADER, WEIGHTS, read_instrument_files, write_instrument_files


@pytest.fixture
def folder(tmp_path):
    write_instrument_files(tmp_path / "i", {"name": "é"}, {"a": np.arange(3, dtype=np.float32)})
    return tmp_path / "i"


def test_round_trip(folder):
    header, weights = read_instrument_files(folder)
    assert header == {"name": "é"}
    np.testing.assert_array_equal(weights["a"], [0, 1, 2])
    assert sorted(p.name for p in folder.iterdir()) == [HEADER, WEIGHTS]


def test_missing(folder, tmp_path):
    with pytest.raises(InstrumentError, match=r"the instrument .*nowhere does not exist"):
        read_instrument_files(tmp_path / "nowhere")
    for name in (WEIGHTS, HEADER):
        (folder / name).unlink()
        with pytest.raises(InstrumentError, match=f"{name} is missing"):
            read_instrument_files(folder)


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000, "\x00"])
def test_bad_json(folder, text):
    (folder / HEADER).write_text(text)
    with pytest.raises(InstrumentError, match=r"is damaged: instrument\.json"):
        read_instrument_files(folder)


def test_not_text(folder):
    (folder / HEADER).write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InstrumentError, match=r"is damaged: instrument\.json"):
        read_instrument_files(folder)


@pytest.mark.parametrize("version", [0, 2, None, "1"])
def test_unknown_schema(folder, version):
    header = json.loads((folder / HEADER).read_text())
    (folder / HEADER).write_text(json.dumps({**header, "schema_version": version}))
    with pytest.raises(InstrumentError, match=r"has schema_version .*; this version .* reads 1"):
        read_instrument_files(folder)


def test_damaged_weights(folder):
    good = (folder / WEIGHTS).read_bytes()
    for size in (0, 5, len(good) // 2, len(good) - 1):
        (folder / WEIGHTS).write_bytes(good[:size])
        with pytest.raises(InstrumentError, match=r"is damaged: weights\.safetensors"):
            read_instrument_files(folder)
    (folder / WEIGHTS).write_bytes(good[:-1] + b"\x01")
    with pytest.raises(InstrumentError, match=r"is not the file that instrument\.json belongs to"):
        read_instrument_files(folder)


def test_wrong_dtype(folder):
    write_instrument_files(folder, {}, {"a": np.zeros(3)})
    with pytest.raises(InstrumentError, match="a has dtype float64, must be float32 or float16"):
        read_instrument_files(folder)


def test_not_plain_json(tmp_path):
    with pytest.raises(InstrumentError, match="is not plain JSON"):
        write_instrument_files(tmp_path / "i", {"x": float("nan")}, {})
    with pytest.raises(InstrumentError, match="cannot make the folder"):
        write_instrument_files(tmp_path / "no" / "i", {}, {})
