"""Recordings that nobody should make, and what is said of them."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from ddsp_ref.transfer.pipeline import timbre_transfer

from .tiny import melody, tiny_instrument

pytestmark = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="whole recordings in plain Python take minutes"
)
RATE = 16000


def play(audio, **settings):
    result = timbre_transfer(audio.astype(np.float32), RATE, tiny_instrument(), **settings)
    assert np.isfinite(result.audio).all()
    assert len(result.audio) == len(audio)
    return result


def test_what_is_clipped_is_played_and_told():
    clipped = np.clip(8 * melody(), -1, 1)
    result = play(clipped)
    assert "the recording is clipped" in result.remarks[0]
    assert "remark     the recording is clipped" in result.summary()
    assert result.report()["remarks"] == list(result.remarks)
    assert play(melody()).remarks == ()


def test_several_voices_are_played_and_told():
    """A chord: no trough of the autocorrelation is deep enough for all three notes at once."""
    chord = sum(melody(2.0, f_hz=f) for f in (262.0, 330.0, 391.0)) / 3
    result = play(chord)
    assert any("one voice or instrument at a time" in remark for remark in result.remarks)


def test_speech_is_played_with_its_pauses():
    """Syllables whose pitch falls, with hisses in between."""
    rng = np.random.default_rng(5)
    time = np.arange(2 * RATE) / RATE
    f0 = 150.0 * 2 ** (-0.8 * (time % 0.4) + 0.2 * np.sin(3 * time))
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    hiss = rng.uniform(-1, 1, len(time))
    syllable = (time % 0.4) < 0.25
    result = play(np.where(syllable, 0.2 * voice, 0.02 * hiss))
    assert result.adjusted.octaves == 1
    frames = syllable[:: RATE // 250]
    told = result.adjusted.loudness_db
    assert np.median(told[frames]) > np.median(told[~frames]) + 15
    # no glide that nobody spoke: the pitch stays near that of the syllables
    spoken = result.adjusted.f0_hz[frames]
    assert result.adjusted.f0_hz.min() > 0.9 * spoken.min()
    assert result.adjusted.f0_hz.max() < 1.1 * spoken.max()


@pytest.mark.parametrize(("f_hz", "octaves"), [(55.0, 2), (2300.0, -1)])
def test_tunes_at_the_edge_of_hearing_are_moved_into_the_range(f_hz, octaves):
    result = play(melody(1.5, f_hz=f_hz))
    assert result.adjusted.octaves == octaves
    midi = 69 + 12 * np.log2(result.adjusted.f0_hz / 440.0)
    assert (midi > 54).all()
    assert (midi < 104).all()


def test_a_tune_out_of_every_reach_is_told():
    result = play(melody(), pitch_shift=-8.0)
    assert result.adjusted.f0_hz.min() >= 20.0
    assert 0.0 < np.abs(result.audio).max() <= 1.0
