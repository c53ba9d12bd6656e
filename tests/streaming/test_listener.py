"""Features of a sound that comes in blocks, against those of the whole."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.jit import COMPILED
from ddsp_ref.models.features import extract_features, level_of
from ddsp_ref.streaming.listener import Listener

from ..transfer.tiny import melody
from .parts import cuts

pytestmark = pytest.mark.skipif(
    not COMPILED,
    reason="seconds of sound in plain Python take minutes; kernels are tested apart",
)


def listen(audio, parts, **settings):
    """Return the frames that were told block by block, and how many samples were known then."""
    listener = Listener(16000, 250, **settings)
    told = [listener.push(audio[part]) for part in parts]
    n_told = np.cumsum([len(heard.f0_hz) for heard in told])
    for part, n in zip(parts, n_told):
        assert listener.n_told(part.stop) == n
    told.append(listener.finish())
    return [np.concatenate(arrays) for arrays in zip(*told)], listener


@pytest.mark.parametrize("lag_seconds", [0.0, 0.02])
def test_frames_do_not_depend_on_blocks(lag_seconds, rng):
    audio = melody(0.5) + 0.01 * rng.standard_normal(8000).astype(np.float32)
    one, _ = listen(audio, [slice(0, 8000)], lag_seconds=lag_seconds)
    other, _ = listen(audio, cuts(8000, rng, 900), lag_seconds=lag_seconds)
    for a, b in zip(one, other):
        np.testing.assert_array_equal(a, b)


def test_loudness_is_that_of_the_whole_and_pitch_nearly(rng):
    audio = melody(1.5)
    (f0_hz, confidence, voiced, loudness_db), _ = listen(audio, cuts(24000, rng, 500))
    whole = extract_features(audio, 16000, 250)
    np.testing.assert_allclose(loudness_db, whole.loudness_db, atol=1e-4)
    np.testing.assert_allclose(confidence, whole.f0_confidence, atol=1e-6)
    assert np.mean(voiced != whole.voiced) < 0.02
    both = voiced & whole.voiced
    cents = 1200 * np.abs(np.log2(f0_hz / whole.f0_hz))[both]
    assert np.median(cents) < 1
    assert np.mean(cents > 30) < 0.02


@pytest.mark.parametrize(
    ("level", "ahead"),
    [("loudness", 512), ("loudness_v1", 2048), ("power", 512), ("loudness_ddsp_pytorch", 1024)],
)
def test_any_level_is_that_of_the_whole(level, ahead, rng):
    audio = melody(0.5) + 0.01 * rng.standard_normal(8000).astype(np.float32)
    (_, _, _, found), listener = listen(audio, cuts(8000, rng, 900), level=level)
    # the whole of ddsp_pytorch is mirrored at its ends
    inner = slice(16, -16) if level == "loudness_ddsp_pytorch" else slice(None)
    np.testing.assert_allclose(found[inner], level_of(audio, 16000, 250, level)[inner], atol=1e-4)
    assert listener.latency == 5 * 64 + ahead


def test_where_there_is_no_pitch_the_last_one_is_held():
    tone = np.sin(2 * np.pi * 440 / 16000 * np.arange(4800))
    audio = np.concatenate([np.zeros(3200), tone, np.zeros(8000)]).astype(np.float32)
    (f0_hz, _, voiced, _), _ = listen(audio, [slice(0, len(audio))])
    assert f0_hz[0] == pytest.approx(np.sqrt(50 * 2500))  # nothing was heard yet
    assert not voiced[-100:].any()
    np.testing.assert_allclose(f0_hz[-100:], 440, rtol=1e-3)


def test_noise_has_no_pitch_but_where_a_frame_is_confident(rng):
    audio = 0.1 * rng.standard_normal(16000).astype(np.float32)
    (_, confidence, voiced, _), _ = listen(audio, [slice(0, 16000)])
    first = np.flatnonzero(voiced)[:1]
    assert (confidence[first] >= 0.02).all()
    assert voiced.mean() < 0.2


def test_latency_is_what_has_to_be_known():
    listener = Listener(16000, 250, lag_seconds=0.0, frame_seconds=0.04)
    assert listener.latency == 320  # half of a frame; the window of loudness has 256
    silence = np.zeros(1, np.float32)
    assert len(listener.push(np.zeros(319, np.float32)).f0_hz) == 0
    assert len(listener.push(silence).f0_hz) == 1
    assert Listener(16000, 250, lag_seconds=0.02).latency == 512 + 5 * 64


def test_memory_does_not_grow():
    listener = Listener(16000, 250)
    for _ in range(20):
        listener.push(np.zeros(4000, np.float32))
    assert len(listener._sound) < 4000
    assert len(listener._pitch._waiting) == 5


def test_bad_settings():
    for settings, words in (
        ({"f0_range_hz": (500, 400)}, "fmin_hz is 500.0, must be below fmax_hz"),
        ({"frame_seconds": 0.02}, r"must be from 0.04 \(two periods of 50 Hz\)"),
        ({"frame_seconds": np.nan}, "frame_seconds is nan"),
        ({"f0_range_hz": (0, 400)}, "begins at 0, must be above 0"),
        ({"lag_seconds": 2}, "lag_seconds is 2, must be from 0 to 1"),
    ):
        with pytest.raises(ParameterError, match=words):
            Listener(16000, 250, **settings)
    with pytest.raises(ParameterError, match="level is 'power', which is not followed"):
        Listener(48000, 250, level="power")
    with pytest.raises(ParameterError, match="must divide the sample rate 44100"):
        Listener(44100, 250)
    with pytest.raises(ParameterError, match=r"audio has shape \(2, 3\)"):
        Listener(16000, 250).push(np.zeros((2, 3)))


def test_what_is_no_number_leaves_no_trace():
    listener, other = Listener(16000, 250), Listener(16000, 250)
    with pytest.raises(ParameterError, match="audio is nan at sample 1, must be finite"):
        listener.push(np.array([0.1, np.nan]))
    for one, same in zip(listener.push(melody(0.3)), other.push(melody(0.3))):
        np.testing.assert_array_equal(one, same)


def test_the_end_is_the_end():
    listener = Listener(16000, 250)
    told = [listener.push(melody(0.3)), listener.finish()]
    assert sum(len(heard.f0_hz) for heard in told) == 75
    assert len(listener.finish().f0_hz) == 0
    with pytest.raises(ParameterError, match="take another Listener"):
        listener.push(np.zeros(64))
