"""What the page does, without the page: hearing once, limits, downloads, messages."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from ddsp_ref.app.page import steps
from ddsp_ref.errors import AudioFileError, DdspRefError, NoPitchError, ParameterError
from ddsp_ref.io.audio import read_audio, write_audio
from ddsp_ref.jit import COMPILED
from ddsp_ref.transfer.curves import read_curves

CONTROLS = {
    "pitch_shift": 0, "semitones": 0, "loudness_shift": 0, "adjust": True, "threshold": 1,
    "quiet": 20, "autotune": 0, "tuning": "key", "reverb": 1,
}  # fmt: skip


def test_semitones_count_on_top_of_octaves():
    controls = steps.make_controls(**CONTROLS | {"pitch_shift": -1, "semitones": 7})
    assert controls.pitch_shift == pytest.approx(-5 / 12)


@pytest.mark.parametrize("name", ["pitch_shift", "quiet"])
def test_an_empty_number_field(name):
    with pytest.raises(DdspRefError):
        steps.make_controls(**CONTROLS | {name: None})


def test_a_slider_whose_field_is_empty_stands_where_it_began():
    pytest.importorskip("gradio")
    from ddsp_ref.app.page.layout import _slider

    slider = _slider(-12, 12, 3, step=1)
    assert [slider.preprocess(number) for number in (None, 5, -12)] == [3, 5, -12]


def test_names_are_for_people():
    assert steps.instrument_names()["Tenor Saxophone"] == "tenor_saxophone"
    assert steps.instrument_names()["Violin (imis)"] == "violin:imis"
    assert steps.find_player("violin:imis").voice == "imis"


def test_nothing_to_hear_yet():
    with pytest.raises(AudioFileError, match="no recording yet"):
        steps.hear(None, "violin", "pyin", False)


def test_files_that_are_too_long_are_not_decoded(tmp_path, monkeypatch):
    path = tmp_path / "long.flac"
    write_audio(path, np.zeros(16000 * 30), 16000)
    monkeypatch.setattr(steps, "LONGEST_SECONDS", 20)
    monkeypatch.setattr(steps, "read_audio", None)
    with pytest.raises(AudioFileError, match=r"long\.flac is 0\.5 minutes long, must be at most"):
        steps.hear(str(path), "violin", "pyin", False)
    monkeypatch.setattr(steps, "LARGEST_BYTES", 1 << 10)
    with pytest.raises(AudioFileError, match="MB, must be at most"):
        steps.hear(str(path), "violin", "pyin", False)


@pytest.mark.parametrize(("seconds", "fits"), [(0.5, False), (1, True), (20, True), (21, False)])
def test_length_of_what_is_recorded(seconds, fits, tmp_path):
    path = str(tmp_path / "take.wav")
    write_audio(path, np.zeros(int(seconds * 8000)), 8000)
    if fits:
        assert steps.check_recorded(path) == path
    else:
        with pytest.raises(AudioFileError, match="must be 1 to 20 s"):
            steps.check_recorded(path)


def test_bad_files_are_said_to_be(tmp_path):
    path = tmp_path / "text.wav"
    path.write_text("no audio")
    with pytest.raises(AudioFileError, match=r"text\.wav"):
        steps.hear(str(path), "violin", "pyin", False)
    write_audio(tmp_path / "silence.wav", np.zeros(16000), 16000)
    with pytest.raises(NoPitchError, match="silent"):
        steps.hear(str(tmp_path / "silence.wav"), "violin", "pyin", False)


@pytest.mark.skipif(not COMPILED, reason="whole recordings in plain Python take minutes")
def test_from_file_to_downloads(folder):
    hearing = steps.hear("in.wav", "tiny", "pyin", False)
    assert steps.hear("in.wav", "tiny", "pyin", False, hearing) is hearing
    assert steps.hear("in.wav", "tiny", "pyin", True, hearing) is not hearing
    assert steps.hear("in.wav", "tiny", "pyin", False, hearing, (None, 2500)) is hearing
    narrow = steps.hear("in.wav", "tiny", "pyin", False, hearing, (200, 2500))
    assert narrow.heard.f0_hz.min() >= 200
    with pytest.raises(ParameterError, match=r"f0_range_hz is \(3000, 2500.0\), must be"):
        steps.hear("in.wav", "tiny", "pyin", False, hearing, (3000, None))
    made = steps.perform(hearing, "tiny", steps.make_controls(**CONTROLS | {"semitones": 2}))
    assert "in.wav" in steps.tell_heard(hearing)
    assert "faster than real time" in steps.tell_played(hearing, made)
    audio, rate = read_audio(steps.write_sound(folder, hearing, made))
    assert (len(audio), rate) == (len(hearing.heard.audio), hearing.heard.sample_rate)
    table, text = steps.write_curves_files(folder, hearing, made)
    np.testing.assert_allclose(read_curves(table).f0_hz, made.adjusted.f0_hz, rtol=1e-4)
    assert len(json.loads(text.read_text())["f0_hz"]) == len(made.adjusted.f0_hz)
    drawn = steps.figures(hearing, made)
    archive = zipfile.ZipFile(steps.write_figures(folder, hearing, drawn))
    assert set(archive.namelist()) == {f"{name}.png" for name in drawn}
    assert all(archive.read(name).startswith(b"\x89PNG") for name in archive.namelist())


def test_controls_out_of_range():
    with pytest.raises(ParameterError, match="quiet is 70"):
        steps.make_controls(**CONTROLS | {"quiet": 70})
