"""The whole pipeline with a tiny instrument: pitch, length, level, errors."""

from __future__ import annotations

import dataclasses

import numba
import numpy as np
import pytest

import ddsp_ref
from ddsp_ref.errors import InstrumentError, NoPitchError, ParameterError
from ddsp_ref.models.features import extract_features as features_of_training
from ddsp_ref.models.instrument import save_instrument
from ddsp_ref.transfer.features import extract_features
from ddsp_ref.transfer.instruments import find_instrument
from ddsp_ref.transfer.pipeline import timbre_transfer

from .tiny import melody, tiny_instrument

pytestmark = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="whole recordings in plain Python take minutes"
)


def transfer(audio=None, sample_rate=16000, instrument=None, **settings):
    audio = melody(sample_rate=sample_rate) if audio is None else audio
    return timbre_transfer(audio, sample_rate, instrument or tiny_instrument(), **settings)


def followed(result, octaves):
    """Share of the frames voiced in input and output whose pitch is within 50 cents."""
    heard = result.input
    again = extract_features(result.audio, result.sample_rate, heard.frame_rate)
    both = heard.voiced & again.voiced
    assert both.mean() > 0.5
    octaves_off = np.log2(again.f0_hz[both] / heard.f0_hz[both]) - octaves
    return np.mean(np.abs(octaves_off) < 50 / 1200)


def test_the_output_follows_the_pitch_of_the_input():
    result = transfer()
    assert result.adjusted.octaves == 0
    assert followed(result, 0) > 0.95


def test_a_low_voice_is_moved_up_by_an_octave():
    result = transfer(melody(f_hz=120.0))
    assert result.adjusted.octaves == 1
    assert followed(result, 1) > 0.95


def test_shifts_are_those_asked_for():
    assert followed(transfer(pitch_shift=7 / 12), 7 / 12) > 0.95


@pytest.mark.parametrize("sample_rate", [8000, 11025, 16000, 44100, 48000, 96000])
@pytest.mark.parametrize("n_samples", [20_000, 20_001])
def test_the_output_is_exactly_as_long_as_the_input(sample_rate, n_samples):
    audio = melody(3.0, sample_rate)[:n_samples]
    result = transfer(audio, sample_rate)
    assert result.audio.shape == (n_samples,)
    assert result.sample_rate == sample_rate
    assert result.audio.dtype == np.float32
    assert np.isfinite(result.audio).all()
    assert np.abs(result.audio).max() <= 1


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_another_output_rate(rate):
    result = transfer(melody(1.5, 44100), 44100, output_sample_rate=rate)
    assert (result.sample_rate, len(result.audio)) == (rate, round(1.5 * rate))


def test_channels_are_averaged_and_float64_is_fine():
    mono = melody()
    both = np.stack([mono, mono]).astype(np.float64)
    np.testing.assert_array_equal(transfer(both).audio, transfer(mono).audio)


def test_the_same_seed_gives_the_same_samples():
    np.testing.assert_array_equal(transfer(seed=1).audio, transfer(seed=1).audio)
    assert not np.array_equal(transfer(seed=1).audio, transfer(seed=2).audio)


def test_only_what_would_clip_is_scaled():
    tiny = tiny_instrument()
    loud = {
        **tiny.parameters,
        "decoder/controls/bias": tiny.parameters["decoder/controls/bias"] + 9,
    }
    result = transfer(instrument=dataclasses.replace(tiny, parameters=loud))
    assert result.gain_db < 0
    assert np.abs(result.audio).max() == pytest.approx(1.0, abs=1e-6)
    assert "so that nothing is clipped" in result.summary()


def test_the_room_can_be_left_out():
    tiny = tiny_instrument()
    room = np.zeros(800, np.float32)
    room[400] = 0.5 / tiny.config.reverb_gain * 10 ** (tiny.config.reverb_decay_db / 40)
    echo = dataclasses.replace(
        tiny, parameters={**tiny.parameters, "reverb/impulse_response": room}
    )
    wet = transfer(instrument=echo).audio
    dry = transfer(instrument=echo, reverb=0.0).audio
    assert np.abs(wet[1000:] - dry[1000:] - 0.5 * dry[600:-400]).max() < 1e-5
    assert np.abs(wet - dry).max() > 0.01


def test_features_are_those_of_the_training():
    heard = extract_features(melody(), 16000)
    expected = features_of_training(melody(), 16000, 250)
    for name in ("f0_hz", "f0_confidence", "voiced", "loudness_db"):
        np.testing.assert_array_equal(getattr(heard, name), getattr(expected, name))
    assert len(heard.times) == len(heard.f0_hz) == 375


def test_stages_are_told_and_timed():
    stages = []
    result = transfer(progress=stages.append)
    assert stages == ["resample", "pitch", "loudness", "adjust", "render"]
    assert list(result.timings) == stages
    assert 0 < result.real_time_factor < 100


def test_the_summary_names_what_happened():
    text = transfer(melody(f_hz=120.0), loudness_shift=3.0, pitch_shift=1.0).summary()
    for part in ("tiny", "1.50 s at 16000 Hz", "voiced", "B2", "+1 octave to fit", "+3 dB asked"):
        assert part in text


def test_the_summary_says_what_was_not_done():
    mute = dataclasses.replace(tiny_instrument(), statistics={})
    result = transfer(instrument=mute)
    assert "shift      not adjusted" in result.summary()
    assert "remark     the automatic adjustment was skipped: tiny comes without" in result.summary()
    assert result.report()["adjusted"] is False
    no_notes = dataclasses.replace(result.adjusted, notes=np.zeros(375, bool))
    result = dataclasses.replace(result, adjusted=no_notes)
    assert "pitch      3" in result.summary()


def test_the_summary_tells_the_tuning():
    text = transfer(autotune=0.5).summary()
    assert "cents from A4 = 440 Hz, drawn to " in text
    assert "major by 0.5" in text
    text = transfer(autotune=0.5, tuning="chromatic").summary()
    assert "drawn to the chromatic scale by 0.5" in text


def test_the_public_name():
    assert ddsp_ref.timbre_transfer is timbre_transfer


@pytest.mark.parametrize("audio", [np.zeros(16000), np.full(16000, 1e-5)])
def test_silence(audio):
    with pytest.raises(NoPitchError, match="the recording is silent"):
        transfer(audio)


@pytest.mark.parametrize("adjust", [True, False])
def test_no_pitch(rng, adjust):
    for audio in (rng.uniform(-0.5, 0.5, 32000), np.full(16000, 0.5), np.eye(1, 16000, 99)[0]):
        with pytest.raises(NoPitchError, match="no pitch was found"):
            transfer(audio, adjust=adjust)


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (np.where(np.arange(16000) == 77, np.nan, melody(1.0)), "audio is nan at sample 77"),
        (np.where(np.arange(16000) == 77, np.inf, melody(1.0)), "audio is inf at sample 77"),
        (melody(0.05), r"audio lasts 0.050 s, must last at least 0.1 s"),
        (np.zeros(0), "audio lasts 0.000 s"),
        (np.zeros(16000, np.int16), "dtype int16"),
        (np.zeros((16000, 2)), r"shape \(16000, 2\)"),
        (np.zeros((1, 1, 16000)), r"shape \(1, 1, 16000\)"),
    ],
)
def test_what_is_no_audio(audio, message):
    with pytest.raises(ParameterError, match=message):
        transfer(audio)


@pytest.mark.parametrize(
    "settings",
    [{"sample_rate": 100}, {"output_sample_rate": 10**6}, {"pitch_shift": 99.0}, {"reverb": -1.0}],
)
def test_absurd_settings(settings):
    with pytest.raises(ParameterError, match="must be"):
        transfer(melody(), **{"sample_rate": 16000, **settings})


def test_instruments_by_folder_and_unknown_ones(tmp_path):
    save_instrument(tmp_path / "mine", tiny_instrument())
    assert find_instrument(tmp_path / "mine").name == "tiny"
    result = transfer(instrument=str(tmp_path / "mine"))
    np.testing.assert_array_equal(result.audio, transfer().audio)
    for unknown in ("kazoo", "", "x" * 300, "a\0b", str(tmp_path / "nowhere")):
        with pytest.raises(InstrumentError, match="there is no instrument"):
            timbre_transfer(melody(), 16000, unknown)


def test_a_damaged_instrument(tmp_path):
    save_instrument(tmp_path / "mine", tiny_instrument())
    weights = tmp_path / "mine" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InstrumentError, match="damaged"):
        transfer(instrument=tmp_path / "mine")
