"""Folders of recordings: found in a fixed order, analysed once, split by performance."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from ddsp_ref.errors import ParameterError, TrainingError
from ddsp_ref.models import dataset as ds
from ddsp_ref.models import recordings

from .synthetic import recording, tone


@pytest.fixture
def folder(tmp_path):
    """Two tones at other rates and in other formats, a silent file and a broken one."""
    root = tmp_path / "audio"
    (root / "sub").mkdir(parents=True)
    soundfile.write(root / "b.flac", tone(220.0, 0.6, rate=16000), 16000)
    soundfile.write(root / "sub" / "a.wav", np.stack([tone(330.0, 0.5, rate=8000)] * 2, 1), 8000)
    soundfile.write(root / "silent.wav", np.zeros(4000), 8000)
    (root / "broken.wav").write_text("not audio")
    (root / "notes.txt").write_text("not audio either")
    return root


def load(folder, cache, **settings):
    return ds.load_dataset(
        folder, cache, sample_rate=8000, frame_rate=250, progress=False, **settings
    )


def test_reads_what_can_be_read(folder, tmp_path):
    found = load(folder, tmp_path / "cache", held_out=0)
    assert [r.name for r in found.recordings] == ["b.flac", "sub/a.wav"]
    assert [s.split(":")[0] for s in found.skipped] == ["broken.wav", "silent.wav"]
    one = found.recordings[0]
    assert one.audio.dtype == np.float32
    assert len(one.audio) == one.n_frames * 32
    assert one.features.loudness_db.shape == one.features.voiced.shape == (one.n_frames,)
    middle = slice(one.n_frames // 3, one.n_frames * 2 // 3)
    np.testing.assert_allclose(one.features.f0_hz[middle], 220.0, rtol=0.01)


def test_analyses_once(folder, tmp_path, monkeypatch):
    first = load(folder, tmp_path / "cache")
    (folder / "b.flac").rename(folder / "c.flac")  # found by content, not by name
    for name in ("broken.wav", "silent.wav"):
        (folder / name).unlink()
    monkeypatch.setattr(recordings, "extract_features", None)
    second = load(folder, tmp_path / "cache")
    np.testing.assert_array_equal(
        first.recordings[0].features.f0_hz, second.recordings[0].features.f0_hz
    )


def test_a_damaged_cache_is_made_anew(folder, tmp_path):
    first = load(folder, tmp_path / "cache")
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(b"damaged")
    second = load(folder, tmp_path / "cache")
    np.testing.assert_array_equal(first.recordings[0].audio, second.recordings[0].audio)


def test_copies_at_other_pitches(folder, tmp_path):
    cache = tmp_path / "cache"
    found = load(folder, cache, held_out=0, pitch_copies=(-12, 7))
    assert [(r.name, r.semitones) for r in found.training] == [
        ("b.flac", 0), ("b.flac", -12), ("b.flac", 7),
    ]  # fmt: skip
    # an octave down, the file of 8000 Hz would have an empty upper half of its spectrum
    assert "nothing would be left above 2000 Hz" in found.skipped[-1]
    for copy in found.training:
        ratio = 2 ** (copy.semitones / 12)
        assert len(copy.audio) == pytest.approx(0.6 * 8000 / ratio, abs=40)
        middle = slice(copy.n_frames // 3, copy.n_frames * 2 // 3)
        np.testing.assert_allclose(copy.features.f0_hz[middle], 220.0 * ratio, rtol=0.01)
    again = load(folder, cache, held_out=0, pitch_copies=(-12, 7))
    assert load(folder, cache, held_out=["b*"], pitch_copies=(7,)).held_out[0].semitones == 0
    np.testing.assert_array_equal(again.training[2].audio, found.training[2].audio)


def test_nothing_to_learn_from(folder, tmp_path):
    with pytest.raises(TrainingError, match="does not exist"):
        load(tmp_path / "nowhere", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="holds no audio file"):
        load(tmp_path / "empty", tmp_path)
    for name in ("b.flac", "sub/a.wav"):
        (folder / name).unlink()
    with pytest.raises(TrainingError, match=r"no recording in .* can be used; the first: broken"):
        load(folder, tmp_path)
    soundfile.write(folder / "d.wav", tone(220.0, 0.5, rate=8000), 8000)
    with pytest.raises(TrainingError, match="every recording is held out"):
        load(folder, tmp_path, held_out=["*"])


def test_parts_of_one_performance_stay_together():
    names = {f"x_mov{m}_part{p:02d}.wav": 100 for m in range(8) for p in range(3)}
    for seed in range(5):
        chosen = ds.choose_held_out(names, 0.2, seed)
        assert {n[:6] for n in chosen}.isdisjoint({n[:6] for n in set(names) - chosen})
        assert 0.1 <= len(chosen) / len(names) <= 0.3


def test_choice_is_stable_and_depends_on_the_seed():
    names = {f"{i}.wav": 10 + i for i in range(30)}
    chosen = ds.choose_held_out(names, 0.2, 0)
    assert chosen == ds.choose_held_out(dict(reversed(names.items())), 0.2, 0)
    assert chosen != ds.choose_held_out(names, 0.2, 1)
    assert ds.choose_held_out(names, 0, 0) == set()
    assert ds.choose_held_out({"only.wav": 5}, 0.5, 0) == set()


def test_patterns():
    names = {"a1.wav": 1, "a2.wav": 1, "b.wav": 1}
    assert ds.choose_held_out(names, ["a*"], 0) == {"a1.wav", "a2.wav"}
    with pytest.raises(ParameterError, match=r"held_out is 'c\*', must fit .* as 'a1"):
        ds.choose_held_out(names, ["c*"], 0)
    with pytest.raises(ParameterError, match=r"held_out is 0.9"):
        ds.choose_held_out(names, 0.9, 0)


def test_levels():
    quiet, loud = recording("x_1.wav", 200.0, 0.5), recording("y_1.wav", 200.0, 0.5)
    loud = ds._amplify(loud, 12.0)
    one, two = ds.equalise_levels([quiet, loud], "^[a-z]")
    np.testing.assert_allclose(one.audio, two.audio, rtol=1e-5)
    np.testing.assert_allclose(one.features.loudness_db, two.features.loudness_db, atol=1e-4)
    np.testing.assert_allclose(one.audio, quiet.audio * 10 ** (6 / 20), rtol=1e-5)


def test_range_of_pitch(folder, tmp_path):
    narrow = load(folder, tmp_path / "cache", f0_range_hz=(300.0, 2000.0))
    wide = load(folder, tmp_path / "cache")  # the cache keeps the two apart
    assert min(r.features.f0_hz.min() for r in narrow.recordings) >= 300.0
    assert min(r.features.f0_hz.min() for r in wide.recordings) < 230.0
    with pytest.raises(ParameterError, match="f0_range_hz is 5, 3, must be two rising"):
        load(folder, tmp_path / "cache", f0_range_hz=(5, 3))
