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
from ddsp_ref.transfer.live import LiveTransfer
from ddsp_ref.transfer.live_level import LoudnessFollower, NoteGate

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


def follower():
    """A follower for an instrument that knows -40 to 10 dB."""
    return LoudnessFollower(np.linspace(-40, 10, 101).tolist(), 250, -80.0)


def test_loudness_comes_to_what_the_instrument_knows(rng):
    """Notes of -60 dB have its median after ten seconds; silence stays silence."""
    notes, on = rng.normal(-60, 2, 2500), np.ones(2500, bool)
    one, other = follower(), follower()
    parts = cuts(2500, np.random.default_rng(1), 40)
    found = np.concatenate([one.push(notes[part], on[part]) for part in parts])
    assert found[:20].mean() < -55  # nothing is known yet
    assert abs(np.median(found[-250:]) + 15) < 1
    np.testing.assert_allclose(found, other.push(notes, on))
    assert (one.push(np.full(3, -80.0), ~on[:3]) == -80).all()


def test_loudness_does_not_jump():
    """10 dB per second, whatever is learned of the notes."""
    one = follower()
    for level in (-55.0, -5.0, -30.0):
        found = one.push(np.full(1000, level), np.ones(1000, bool))
        assert np.abs(np.diff(found)).max() < 10 / 250 + 1e-9


def test_what_is_much_softer_than_the_notes_is_none(rng):
    gate = NoteGate(250)
    on = np.ones(250, bool)
    assert gate.push(np.full(250, -20.0), on).all()
    assert gate.push(np.full(250, -45.0), on).all()
    assert not gate.push(np.full(2500, -56.0), on).any()
    assert gate.push(np.full(250, -20.0), on).all()
    assert not gate.push(np.full(250, -20.0), ~on).any()
    assert not NoteGate(250).push(np.full(250, -61.0), on).any()


def test_a_hum_in_a_pause_does_not_swell():
    """Ten seconds after a tone, a hum 35 dB below it is no louder than at once."""
    time = np.arange(12 * 16000) / 16000
    hum = sum(np.sin(2 * np.pi * 100 * k * time) / k for k in range(1, 8))
    tone = np.where(time < 2, 0.2 * np.sin(2 * np.pi * 440 * time), 0.0)
    played = LiveTransfer("flute", 16000).push((tone + 0.002 * hum).astype(np.float32))

    def level(begin):
        return np.sqrt(np.mean(played[begin * 16000 : (begin + 1) * 16000] ** 2))

    assert level(1) > 20 * level(11)
    assert level(11) < 2 * level(4)


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
    with pytest.raises(ParameterError, match=r"push: audio has shape \(5, 1\)"):
        LiveTransfer(tiny_instrument(), 48000).push(np.zeros((5, 1), np.float32))
    with pytest.raises(ParameterError, match="dtype int16, must be"):
        LiveTransfer(tiny_instrument(), 16000).push(np.zeros(5, np.int16))
    with pytest.raises(ParameterError, match="f0_range_hz is"):
        LiveTransfer(tiny_instrument(), 16000, f0_range_hz=(0, 500))


def test_low_ranges_have_long_frames():
    live = LiveTransfer(tiny_instrument(), 16000, f0_range_hz=(20.0, 500.0))
    assert live.latency > LiveTransfer(tiny_instrument(), 16000).latency


def test_notes_out_of_range_are_remarked():
    """The instrument knows G3 to C7."""
    for hz, where in ((110, "below"), (440, None)):
        tone = 0.2 * np.sin(2 * np.pi * hz / 16000 * np.arange(16000)).astype(np.float32)
        live = LiveTransfer(tiny_instrument(), 16000)
        live.push(tone)
        if where:
            (remark,) = live.remarks
            assert f"notes were {where} the range of tiny" in remark
            assert "pitch shift of 1 octave" in remark
        else:
            assert live.remarks == ()
