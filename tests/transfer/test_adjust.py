"""Pitch and loudness are brought to what an instrument knows."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import NoPitchError, ParameterError
from ddsp_ref.models.features import Features
from ddsp_ref.transfer.adjust import adjust, choose_octave, fit_loudness, fold_octaves

RATE = 250
VIOLIN = {
    "f0_midi": {"quantiles": np.linspace(55.0, 97.0, 101).tolist()},
    "loudness_db": {"quantiles": np.linspace(-30.0, 10.0, 101).tolist()},
}


def hum(midi=69.0, n_frames=250, loudness_db=-20.0):
    """Features of a note with a rest in front and behind."""
    note = np.zeros(n_frames, bool)
    note[50:-50] = True
    return Features(
        f0_hz=np.where(note, 440.0 * 2 ** ((midi - 69) / 12), 97.0).astype(np.float32),
        f0_confidence=np.where(note, 0.9, 0.0).astype(np.float32),
        voiced=note,
        loudness_db=np.where(note, loudness_db, -70.0).astype(np.float32),
    )


def play(heard, **settings):
    return adjust(heard, RATE, VIOLIN, highest_hz=3500.0, **settings)


@pytest.mark.parametrize(
    ("midi", "octaves"), [(33.0, 2), (45.0, 1), (54.0, 1), (57.0, 0), (90.0, 0), (105.0, -1)]
)
def test_a_melody_moves_by_the_fewest_octaves_into_the_range(midi, octaves):
    assert choose_octave(np.full(10, midi), VIOLIN["f0_midi"]["quantiles"]) == octaves


def test_a_few_notes_outside_do_not_move_the_melody():
    midi = np.concatenate([np.full(95, 60.0), np.full(5, 50.0)])
    assert choose_octave(midi, VIOLIN["f0_midi"]["quantiles"]) == 0


def test_pitch_follows_by_whole_octaves_and_the_shift_asked_for():
    heard = hum(45.0)
    played = play(heard, pitch_shift=7 / 12)
    cents = 1200 * np.log2(played.f0_hz[heard.voiced] / heard.f0_hz[heard.voiced])
    assert played.octaves == 1
    np.testing.assert_allclose(cents, 1200 + 700, atol=0.1)
    # and the rests have the pitch of the note, not what the tracker made of them
    np.testing.assert_allclose(played.f0_hz, played.f0_hz[100], rtol=1e-5)


def test_notes_get_the_loudness_of_the_instrument():
    heard = hum(loudness_db=-55.0)
    played = play(heard)
    np.testing.assert_allclose(np.median(played.loudness_db[heard.voiced]), -10.0, atol=0.1)
    assert played.loudness_db[:30].max() < -60
    assert played.loudness_db_change == pytest.approx(45.0, abs=0.1)


def test_silence_stays_silence():
    heard = hum(loudness_db=-55.0)
    heard.loudness_db[:50] = -80.0
    assert (play(heard).loudness_db[:40] == -80.0).all()


def test_dynamics_are_kept_in_order_and_compressed_at_the_top():
    loudness = np.linspace(-60.0, 30.0, 500)
    fitted = fit_loudness(loudness, np.ones(500, bool), RATE, VIOLIN["loudness_db"]["quantiles"])
    assert (np.diff(fitted) > 0).all()
    assert fitted.max() < 15.0


def test_shifts_of_loudness_come_on_top():
    quiet, loud = play(hum()), play(hum(), loudness_shift=6.0)
    notes = hum().voiced
    np.testing.assert_allclose(loud.loudness_db[notes] - quiet.loudness_db[notes], 6.0, atol=1e-5)


def test_without_fitting_only_the_shifts_are_done():
    heard = hum(45.0)
    played = play(heard, fit=False, pitch_shift=1.0, loudness_shift=-3.0)
    np.testing.assert_allclose(played.f0_hz, 2 * heard.f0_hz, rtol=1e-6)
    np.testing.assert_allclose(played.loudness_db, heard.loudness_db - 3.0)
    assert played.octaves == 0


def test_pitch_stays_audible():
    assert play(hum(60.0), pitch_shift=8.0).f0_hz.max() <= 3500.0
    assert play(hum(60.0), pitch_shift=-8.0).f0_hz.min() >= 20.0
    np.testing.assert_allclose(
        fold_octaves(np.array([5.0, 20.0, 100.0, 3500.0, 7001.0]), 20.0, 3500.0),
        [20.0, 20.0, 100.0, 3500.0, 1750.25],
    )


def test_dtype_and_length_are_those_of_the_features():
    for n_frames in (111, 125, 250):
        played = play(hum(n_frames=n_frames))
        assert played.f0_hz.shape == played.loudness_db.shape == (n_frames,)
        assert played.f0_hz.dtype == played.loudness_db.dtype == np.float32


def test_no_note_is_an_error():
    heard = hum()
    heard.voiced[:] = False
    for fit in (True, False):
        with pytest.raises(NoPitchError, match="no pitch was found"):
            play(heard, fit=fit)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pitch_shift": 9.0}, "pitch_shift is 9.0 octaves, must be from -8 to 8"),
        ({"pitch_shift": float("nan")}, "pitch_shift is nan"),
        ({"loudness_shift": -121.0}, "loudness_shift is -121.0 dB, must be from -120 to 120"),
    ],
)
def test_absurd_shifts(settings, message):
    with pytest.raises(ParameterError, match=message):
        play(hum(), **settings)
