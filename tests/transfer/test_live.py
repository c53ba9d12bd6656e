"""A transfer while it is being played: delay, levels, and what comes in by accident."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import InstrumentError, ParameterError
from ddsp_ref.jit import COMPILED
from ddsp_ref.models.features import extract_features
from ddsp_ref.streaming.listener import Listener
from ddsp_ref.streaming.player import Player
from ddsp_ref.transfer.controls import Controls
from ddsp_ref.transfer.live import LiveTransfer, LoudnessFollower

from ..streaming.parts import cuts
from .tiny import melody, tiny_instrument

pytestmark = pytest.mark.skipif(
    not COMPILED,
    reason="seconds of sound in plain Python take minutes; kernels are tested apart",
)


def play(live, audio, parts):
    blocks = []
    for part in parts:
        blocks.append(live.push(audio[part]))
        assert blocks[-1].shape == audio[part].shape
    return np.concatenate(blocks)


@pytest.mark.parametrize("sample_rate", [16000, 44100])
def test_sound_does_not_depend_on_blocks(sample_rate, rng):
    audio = melody(0.4, sample_rate)
    n = len(audio)
    one = play(LiveTransfer(tiny_instrument(), sample_rate), audio, [slice(0, n)])
    other = play(LiveTransfer(tiny_instrument(), sample_rate), audio, cuts(n, rng, 700))
    np.testing.assert_allclose(other, one, atol=1e-5)
    assert np.abs(one).max() > 1e-3


def test_without_adjustment_it_is_listening_and_playing_later_by_the_latency():
    audio = melody(0.5)
    live = LiveTransfer(tiny_instrument(), 16000, Controls(adjust=False))
    found = live.push(np.concatenate([audio, np.zeros(live.latency, np.float32)]))
    listener = Listener(16000, 250)
    heard = listener.push(np.concatenate([audio, np.zeros(listener.latency + 64, np.float32)]))
    wanted = Player(tiny_instrument()).push(heard.f0_hz, heard.loudness_db)[64 : 64 + len(audio)]
    np.testing.assert_allclose(found[live.latency :], wanted, atol=1e-6)


@pytest.mark.parametrize("sample_rate", [16000, 48000])
def test_latency_is_what_is_measured(sample_rate):
    """The loudness of what goes out follows that of what comes in, later by the latency."""
    n, begin = sample_rate, sample_rate // 2
    time = np.arange(n) / sample_rate
    tone = np.where(np.arange(n) >= begin, 0.3, 0.001) * np.sin(2 * np.pi * 440 * time)
    live = LiveTransfer("flute", sample_rate, Controls(adjust=False, reverb=0))
    found = live.push(tone.astype(np.float32))
    level = np.abs(found)
    before, after = level[begin // 2 : begin].max(), level[-begin // 4 :].max()
    assert after > 10 * before
    rise = int(np.argmax(level > (before + after) / 2))
    # loudness is that of windows of 32 ms: the rise begins before the onset reaches their middle
    assert abs(rise - begin - live.latency) < 0.016 * sample_rate


def test_pitch_is_shifted_and_tuned():
    tone = 0.3 * np.sin(2 * np.pi * 446 / 16000 * np.arange(16000)).astype(np.float32)
    for controls, hz in (
        (Controls(), 446),
        (Controls(pitch_shift=1.0), 892),
        (Controls(autotune=1.0, tuning="chromatic"), 440),
    ):
        played = LiveTransfer(tiny_instrument(), 16000, controls).push(tone)
        heard = extract_features(played[4000:], 16000, 250)
        # 3 cents: the instrument's weights are random, and there is noise in its sound
        assert np.median(heard.f0_hz) == pytest.approx(hz, rel=2e-3)


def test_loudness_comes_to_what_the_instrument_knows(rng):
    """Notes of -60 dB, on an instrument that knows -40 to 10 dB: its median after some seconds."""
    follower = LoudnessFollower(np.linspace(-40, 10, 101).tolist(), 250, -80.0)
    notes, on = rng.normal(-60, 2, 2500), np.ones(2500, bool)
    parts = cuts(2500, np.random.default_rng(1), 40)
    found = np.concatenate([follower.push(notes[part], on[part]) for part in parts])
    assert found[:20].mean() < -55  # nothing is known yet
    assert abs(np.median(found[-250:]) + 15) < 1
    whole = LoudnessFollower(np.linspace(-40, 10, 101).tolist(), 250, -80.0).push(notes, on)
    np.testing.assert_allclose(found, whole)
    assert (follower.push(np.full(3, -80.0), ~on[:3]) == -80).all()  # silence stays silence


def test_what_is_no_note_is_turned_down(rng):
    noise = 0.05 * rng.standard_normal(16000).astype(np.float32)
    loud = LiveTransfer(tiny_instrument(), 16000, Controls(quiet=0)).push(noise)
    soft = LiveTransfer(tiny_instrument(), 16000, Controls(quiet=60)).push(noise)
    assert np.abs(soft[8000:]).mean() < np.abs(loud[8000:]).mean()


def test_nonsense_from_a_sound_card_does_no_harm():
    live = LiveTransfer(tiny_instrument(), 16000)
    bad = np.array([np.nan, np.inf, -np.inf, 1e30] * 500, np.float32)
    assert np.isfinite(live.push(bad)).all()
    tone = melody(1.0)
    played = live.push(tone)
    assert np.isfinite(played).all()
    assert np.abs(played[-2000:]).max() > 1e-4


def test_what_is_refused():
    with pytest.raises(ParameterError, match="take tuning='chromatic'"):
        LiveTransfer(tiny_instrument(), 16000, Controls(autotune=0.5))
    with pytest.raises(ParameterError, match="sample_rate is 100"):
        LiveTransfer(tiny_instrument(), 100)
    with pytest.raises(InstrumentError, match="bagpipe"):
        LiveTransfer("bagpipe", 16000)
    with pytest.raises(ParameterError, match="f0_range_hz is"):
        LiveTransfer(tiny_instrument(), 16000, f0_range_hz=(0, 500))
