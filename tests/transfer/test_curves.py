"""Curves go to files and come back, edited or not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.transfer.adjust import adjust
from ddsp_ref.transfer.curves import Curves, read_curves, write_curves
from ddsp_ref.transfer.render import render

from .test_adjust import VIOLIN, hum

N = 120
CURVES = Curves(
    np.geomspace(200.0, 900.0, N).astype(np.float32),
    np.linspace(-60.0, 5.0, N).astype(np.float32),
    250,
)


@pytest.mark.parametrize("suffix", ["csv", "json"])
@pytest.mark.parametrize("rate", [250, 252, 100.0])
def test_what_is_written_is_read(tmp_path, suffix, rate):
    path = tmp_path / f"curves.{suffix}"
    write_curves(path, Curves(CURVES.f0_hz, CURVES.loudness_db, rate))
    again = read_curves(path)
    assert again.frame_rate == rate
    np.testing.assert_allclose(again.f0_hz, CURVES.f0_hz, atol=1e-4)
    np.testing.assert_allclose(again.loudness_db, CURVES.loudness_db, atol=1e-4)
    assert again.f0_hz.dtype == again.loudness_db.dtype == np.float32


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_a_reader_sees_where_the_curves_come_from_and_edits_are_heard(tmp_path, suffix):
    heard = hum(60.0)
    adjusted = adjust(heard, VIOLIN)
    path = tmp_path / f"curves.{suffix}"
    write_curves(path, adjusted, heard)
    if suffix == "csv":
        names = path.read_text().split("\n", 1)[0].split(",")
    else:
        content = json.loads(path.read_text())
        names = [name for name, value in content.items() if isinstance(value, list)]
        assert content["note"][100] == 1
    assert names == [
        "time_s", "f0_hz", "loudness_db", "note", "likelihood",
        "heard_f0_hz", "heard_loudness_db", "f0_confidence", "voiced",
    ]  # fmt: skip
    again = read_curves(path)
    np.testing.assert_allclose(
        render(again, VIOLIN).audio, render(adjusted, VIOLIN).audio, atol=2e-4
    )
    path.write_text(re.sub(r"261\.62\d+", "300.0", path.read_text()))
    edited = read_curves(path)
    np.testing.assert_allclose(edited.f0_hz, 300.0, rtol=1e-6)


def test_points_by_hand_are_joined(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("\ufefftime_s;loudness_db;f0_hz;word\n0;-20;220;do\n1;-20;440;re\n")
    curves = read_curves(path)
    assert (len(curves.f0_hz), curves.frame_rate) == (2, 1.0)
    np.testing.assert_allclose(curves.at(250).f0_hz[125], 220 * np.sqrt(2), rtol=1e-6)
    path.write_text("time_s\tf0_hz\tloudness_db\n5\t220\t-20\n5.5\t440\t-20\n7\t440\t-100\n")
    curves = read_curves(path)
    assert (len(curves.f0_hz), curves.frame_rate) == (501, 250.0)
    np.testing.assert_allclose(curves.f0_hz[[0, 125, 500]], [220.0, 440.0, 440.0], rtol=1e-5)
    assert curves.loudness_db[-1] == -100.0  # some instruments hear that; `render` knows which


def test_rows_that_were_deleted_are_bridged(tmp_path):
    path = tmp_path / "curves.csv"
    write_curves(path, CURVES)
    rows = path.read_text().splitlines()
    path.write_text("\n".join(rows[:50] + rows[60:]))
    again = read_curves(path)
    assert len(again.f0_hz) == N
    np.testing.assert_allclose(again.f0_hz, CURVES.f0_hz, rtol=1e-5)


HEAD = "time_s,f0_hz,loudness_db\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", None, "there is no file"),
        ("a.txt", HEAD, r"columns are read from \.csv or \.json files"),
        ("a.csv", "", "has no column f0_hz and no loudness_db and no time_s"),
        ("a.csv", "time_s,f0_hz\n0,1\n", "has no column loudness_db"),
        ("a.csv", HEAD + "0,440,-20\n", "has 1 rows, must have at least 2"),
        ("a.csv", HEAD + "0,440,-20\n1,high,-20\n", "f0_hz is 'high' in row 2, must be a finite"),
        ("a.csv", HEAD + "0,440,-20\n1,440\n", "loudness_db is '' in row 2, must be a finite"),
        ("a.csv", HEAD + "0,440,-20\n1,nan,-20\n", "f0_hz is 'nan' in row 2"),
        ("a.csv", HEAD + "0,440,-20\n1,0,-20\n", "f0_hz is 0 in row 2, must be above 0 and at mo"),
        ("a.csv", HEAD + "0,440,-20\n1,440,999\n", "loudness_db is 999 in row 2, must be from -12"),
        ("a.csv", HEAD + "1,440,-20\n1,440,-20\n", "time_s is 1 in row 2, must be later than the"),
        ("a.csv", HEAD + "0,440,-20\n1e9,440,-20\n", "lasts 1000000000 s, at most 14400 work"),
        ("a.csv", b"\xff\xfe\x00", "cannot be read"),
        ("a.json", "[1, 2]", "must hold a JSON object"),
        ("a.json", "{", "cannot be read"),
        ("a.json", "[" * 100_000, "cannot be read"),
        ("a.json", '{"frame_rate": 0, "f0_hz": [1, 1], "loudness_db": [0, 0]}', "frame_rate is 0"),
        ("a.json", '{"frame_rate": 9, "f0_hz": [1, 1], "loudness_db": [0]}', "different lengths"),
        ("a.json", '{"frame_rate": 9, "f0_hz": [1, [1]], "loudness_db": [0, 0]}', "must be a fin"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(tmp_path, name, content, message):
    path = Path(tmp_path / name)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.write_text(content)
    with pytest.raises(ParameterError, match=message):
        read_curves(path)


def test_curves_are_not_written_anywhere(tmp_path):
    with pytest.raises(ParameterError, match=r"curves are written as \.csv, \.json"):
        write_curves(tmp_path / "curves.npz", CURVES)
    with pytest.raises(ParameterError, match=r"the folder .* does not exist"):
        write_curves(tmp_path / "no" / "curves.csv", CURVES)
