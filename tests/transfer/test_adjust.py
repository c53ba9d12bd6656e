"""Pitch and loudness are brought to what an instrument knows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ddsp_ref.errors import NoPitchError, ParameterError
from ddsp_ref.transfer.adjust import adjust, tune
from ddsp_ref.transfer.controls import Controls
from ddsp_ref.transfer.features import Heard
from ddsp_ref.transfer.octaves import choose_octave, fold_octaves

from .tiny import tiny_instrument

RATE, SAMPLE_RATE = 250, 16000
QUANTILES = np.linspace(55.0, 97.0, 101).tolist()
TINY = tiny_instrument()
VIOLIN = dataclasses.replace(
    TINY,
    name="violin",
    statistics={
        "f0_midi": {"quantiles": QUANTILES},
        "loudness_db": {"quantiles": np.linspace(-30.0, 10.0, 101).tolist()},
    },
)
SILENT = dataclasses.replace(VIOLIN, statistics={})


def hum(midi=69.0, n_frames=250, loudness_db=-20.0):
    """Features of a note, or of several one after the other, with a rest in front and behind."""
    note = np.zeros(n_frames, bool)
    note[50:-50] = True
    pitch = np.repeat(midi, -(-n_frames // np.size(midi)))[:n_frames]
    return Heard(
        f0_hz=np.where(note, 440.0 * 2 ** ((pitch - 69) / 12), 97.0).astype(np.float32),
        f0_confidence=np.where(note, 0.9, 0.0).astype(np.float32),
        voiced=note,
        loudness_db=np.where(note, loudness_db, -70.0).astype(np.float32),
        audio=np.zeros(n_frames * 64, np.float32),
        sample_rate=SAMPLE_RATE,
        frame_rate=RATE,
    )


def play(heard, instrument=VIOLIN, **settings):
    return adjust(heard, instrument, Controls(**settings))


@pytest.mark.parametrize(
    ("midi", "octaves"), [(33.0, 2), (45.0, 1), (54.0, 1), (57.0, 0), (90.0, 0), (105.0, -1)]
)
def test_a_melody_moves_by_the_fewest_octaves_into_the_range(midi, octaves):
    assert choose_octave(np.full(10, midi), QUANTILES) == octaves


def test_a_few_notes_outside_do_not_move_the_melody():
    midi = np.concatenate([np.full(95, 60.0), np.full(5, 50.0)])
    assert choose_octave(midi, QUANTILES) == 0


def test_pitch_follows_by_whole_octaves_and_the_shift_asked_for():
    heard = hum(45.0)
    played = play(heard, pitch_shift=7 / 12)
    cents = 1200 * np.log2(played.f0_hz[heard.voiced] / heard.f0_hz[heard.voiced])
    assert played.octaves == 1
    np.testing.assert_allclose(cents, 1200 + 700, atol=0.1)
    # and the rests have the pitch of the note, not what the tracker made of them
    np.testing.assert_allclose(played.f0_hz, played.f0_hz[100], rtol=1e-5)


def test_a_hum_in_the_pauses_does_not_count():
    """Two thirds of the notes are 45 dB below the others: these are as loud as without them."""
    level = np.where(np.arange(2500) < 800, -10.0 + 3 * np.sin(np.arange(2500)), -55.0)
    both, alone = hum(n_frames=2500, loudness_db=level), hum(n_frames=850, loudness_db=level[:850])
    with_hum, without = play(both), play(alone)
    assert with_hum.notes[1000:2400].all()
    first = slice(100, 750)
    np.testing.assert_allclose(with_hum.loudness_db[first], without.loudness_db[first], atol=0.3)
    assert with_hum.loudness_db[1000:2400].max() < without.loudness_db[first].min() - 35


def test_notes_get_the_loudness_of_the_instrument():
    heard = hum(loudness_db=-55.0)
    played = play(heard)
    np.testing.assert_allclose(np.median(played.loudness_db[heard.voiced]), -10.0, atol=0.1)
    assert played.loudness_db_change == pytest.approx(45.0, abs=0.1)
    assert played.adjusted


def test_what_is_no_note_is_turned_down_as_far_as_asked():
    heard = hum()
    plain, quiet = play(heard, quiet=0.0), play(heard, quiet=24.0)
    down = plain.loudness_db - quiet.loudness_db
    np.testing.assert_allclose(down[:20], np.minimum(24.0, plain.loudness_db[:20] + 80), atol=1e-4)
    assert (down[quiet.notes] == 0).all()
    assert (np.diff(down[25:52]) <= 1e-5).all(), "it fades in"
    everything = play(heard, threshold=0.0, quiet=24.0)
    assert everything.notes.all()


@pytest.mark.parametrize("threshold", [0.5, 1.0, 2.0])
def test_notes_are_what_reaches_the_threshold(threshold):
    heard = hum(loudness_db=np.linspace(-60.0, 0.0, 250))
    played = play(heard, threshold=threshold)
    assert (played.notes == (played.likelihood >= threshold)).all()
    assert played.threshold == threshold
    assert 0.1 < played.notes.mean() < 0.7


def test_no_note_at_the_threshold_skips_the_adjustment_and_says_so():
    heard = hum(loudness_db=-40.0)
    heard.loudness_db[:40] = heard.loudness_db[-40:] = 0.0
    played = play(heard, threshold=1.9, pitch_shift=1.0)
    assert not played.notes.any()
    assert not played.adjusted
    assert "no note reaches the threshold 1.9, the most is" in played.remarks[0]
    np.testing.assert_array_equal(played.loudness_db, heard.loudness_db)
    np.testing.assert_allclose(played.f0_hz, 2 * heard.f0_hz, rtol=1e-6)


def test_an_instrument_without_statistics_skips_the_adjustment_and_says_so():
    heard = hum(45.0)
    played = play(heard, SILENT, loudness_shift=3.0)
    assert not played.adjusted
    assert "skipped: violin comes without statistics" in played.remarks[0]
    np.testing.assert_allclose(played.f0_hz, heard.f0_hz, rtol=1e-6)
    np.testing.assert_allclose(played.loudness_db, heard.loudness_db + 3.0, rtol=1e-6)


def test_notes_out_of_reach_are_told():
    wide = hum(np.array([20.0, 130.0]))
    played = play(wide)
    assert "of the notes are out of the range of violin, G#3 to C7" in played.remarks[0]
    assert play(hum(45.0)).remarks == ()


def test_silence_stays_silence():
    heard = hum(loudness_db=-55.0)
    heard.loudness_db[:50] = -80.0
    assert (play(heard).loudness_db[:40] == -80.0).all()


def test_shifts_of_loudness_come_on_top():
    quiet, loud = play(hum()), play(hum(), loudness_shift=6.0)
    notes = hum().voiced
    np.testing.assert_allclose(loud.loudness_db[notes] - quiet.loudness_db[notes], 6.0, atol=1e-5)


def test_without_adjustment_only_the_shifts_are_done():
    heard = hum(45.0)
    played = play(heard, adjust=False, pitch_shift=1.0, loudness_shift=-3.0, autotune=1.0)
    np.testing.assert_allclose(played.f0_hz, 2 * heard.f0_hz, rtol=1e-6)
    np.testing.assert_allclose(played.loudness_db, heard.loudness_db - 3.0)
    assert played.octaves == 0
    assert played.key is None
    assert not played.adjusted
    assert played.remarks == ()


def test_autotune_draws_to_the_key_that_the_melody_is_in():
    heard = hum(60.3 + np.array([0.0, 2, 4, 5.2, 7, 9, 11, 12]))
    on = heard.voiced
    played = play(heard, autotune=1.0)
    assert played.key == "C major"
    assert played.tuning_cents == pytest.approx(30.0, abs=1.5)
    offsets = 12 * np.log2(played.f0_hz[on] / 440.0) - played.tuning_cents / 100
    np.testing.assert_allclose(offsets, offsets.round(), atol=1e-4)
    half = play(heard, autotune=0.5)
    away = [1200 * np.log2(p.f0_hz[on] / heard.f0_hz[on]) for p in (half, played)]
    np.testing.assert_allclose(2 * away[0], away[1], atol=0.01)
    assert play(heard, autotune=0.5, tuning="chromatic").key is None
    assert play(heard).tuning_cents is None


def test_a_melody_that_is_in_tune_with_itself_stays_where_it_is():
    midi = np.repeat(62.3 + np.array([0.0, 2, 4, 5, 7, 9, 11]), 20)
    for tuning in ("key", "chromatic"):
        tuned, cents, _ = tune(midi, np.ones(140), np.full(140, True), 1.0, tuning)
        np.testing.assert_allclose(tuned, midi, atol=1e-9)
        assert cents == pytest.approx(30.0)


def test_shifts_beyond_the_instrument_are_told():
    assert play(hum(72.0)).remarks == ()
    (low,) = play(hum(72.0), pitch_shift=-3.0).remarks
    assert low == "100% of the notes are out of the range of violin, G#3 to C7"
    wide = hum(np.repeat([45.0, 93.0], 125))  # no octave takes both in
    (best,) = play(wide).remarks
    assert "in the best octave too; if they were heard an octave off, f0_range_hz helps" in best
    assert play(hum(72.0), loudness_shift=10.0).remarks == ()
    (loud,) = play(hum(72.0), loudness_shift=30.0).remarks
    assert "are asked to be louder than violin was ever heard, 9 dB: only a part" in loud


def test_pitch_stays_audible():
    for shift in (8.0, -8.0):
        played = play(hum(60.0), pitch_shift=shift)
        assert 20.0 <= played.f0_hz.min() <= played.f0_hz.max() <= 3520.0
        assert played.remarks == (
            "100% of the notes are out of the range of violin, G#3 to C7",
            "what would be below 20 or above 3520 Hz is played in another octave",
        )
    np.testing.assert_allclose(
        fold_octaves(np.array([5.0, 20.0, 100.0, 3500.0, 7001.0]), 20.0, 3500.0),
        [20.0, 20.0, 100.0, 3500.0, 1750.25],
    )


def test_dtype_and_length_are_those_of_the_features():
    for n_frames in (111, 125, 250):
        played = play(hum(n_frames=n_frames))
        assert played.f0_hz.shape == played.loudness_db.shape == (n_frames,)
        assert played.f0_hz.dtype == played.loudness_db.dtype == np.float32


def test_nothing_that_was_heard_is_changed():
    heard = hum(45.0)
    before = [np.array(x) for x in (heard.f0_hz, heard.loudness_db, heard.f0_confidence)]
    play(heard, autotune=1.0, pitch_shift=1.0)
    for old, new in zip(before, (heard.f0_hz, heard.loudness_db, heard.f0_confidence)):
        np.testing.assert_array_equal(old, new)


def test_no_note_is_an_error():
    heard = hum()
    heard.voiced[:] = False
    for fit in (True, False):
        with pytest.raises(NoPitchError, match="no pitch was found"):
            play(heard, adjust=fit)


def test_features_of_other_rates_are_refused():
    heard = dataclasses.replace(hum(), frame_rate=100)
    with pytest.raises(ParameterError, match="are of 16000 Hz and 100 frames/s, the instrument"):
        play(heard)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pitch_shift": 9.0}, "pitch_shift is 9.0 octaves, must be from -8 to 8"),
        ({"pitch_shift": float("nan")}, "pitch_shift is nan"),
        ({"loudness_shift": -121.0}, "loudness_shift is -121.0 dB, must be from -120 to 120"),
        ({"threshold": 2.1}, "threshold is 2.1, must be from 0 to 2"),
        ({"quiet": -1}, "quiet is -1 dB, must be from 0 to 60"),
        ({"autotune": "much"}, "autotune is much, must be from 0 to 1"),
        ({"autotune": True}, "autotune is True, must be from 0 to 1"),
        ({"reverb": None}, "reverb is None, must be from 0 to 4"),
        ({"tuning": "pythagorean"}, "tuning is 'pythagorean', must be 'key' or 'chromatic'"),
        ({"seed": -1}, "seed is -1, must be a whole number of at least 0"),
        ({"seed": 1.5}, "seed is 1.5, must be a whole number of at least 0"),
    ],
)
def test_controls_out_of_range(settings, message):
    with pytest.raises(ParameterError, match=message):
        Controls(**settings)
