"""Which frames are notes, and the pitch between them."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.analysis.runs import runs
from ddsp_ref.transfer.notes import fill_pitch, find_notes

RATE = 250


def make(*stretches):
    """Return voiced, confidence, loudness for (seconds, voiced, confidence, dB) in a row."""
    counts = [round(seconds * RATE) for seconds, *_ in stretches]
    return [np.repeat(np.array(c), counts) for c in list(zip(*stretches))[1:]]


def seconds(mask):
    return [(start / RATE, stop / RATE) for start, stop in runs(mask)]


@pytest.mark.parametrize(
    ("stretches", "expected"),
    [
        ([(1.0, True, 0.9, 0.0)], [(0.0, 1.0)]),
        ([(1.0, False, 0.0, 0.0)], []),
        # a chirp of 20 ms is no note, one of 60 ms is
        ([(0.2, False, 0.0, 0.0), (0.02, True, 0.9, 0.0), (0.2, False, 0.0, 0.0)], []),
        (
            [(0.2, False, 0.0, 0.0), (0.06, True, 0.9, 0.0), (0.2, False, 0.0, 0.0)],
            [(0.2, 0.26)],
        ),
        # pYIN finds a path through noise as well, at its least confidence
        ([(1.0, True, 0.01, 0.0)], []),
        # a rough voice among clear notes lasts longer than what is found in noise
        (
            [(0.5, True, 0.9, 0.0), (0.1, False, 0.01, 0.0), (0.3, True, 0.01, 0.0)],
            [(0.0, 0.5), (0.6, 0.9)],
        ),
        ([(0.5, True, 0.9, 0.0), (0.1, False, 0.01, 0.0), (0.1, True, 0.01, 0.0)], [(0.0, 0.5)]),
        # hum in the pauses, 50 dB below the voice
        ([(1.0, True, 0.9, 0.0), (1.0, True, 0.9, -50.0)], [(0.0, 1.0)]),
        # a hiss of 100 ms ends a note, an unclear pitch of 100 ms does not
        (
            [(1.0, True, 0.9, 0.0), (0.1, False, 0.01, 0.0), (1.0, True, 0.9, 0.0)],
            [(0.0, 1.0), (1.1, 2.1)],
        ),
        ([(1.0, True, 0.9, 0.0), (0.1, False, 0.1, 0.0), (1.0, True, 0.9, 0.0)], [(0.0, 2.1)]),
        ([(1.0, True, 0.9, 0.0), (0.02, False, 0.0, 0.0), (1.0, True, 0.9, 0.0)], [(0.0, 2.02)]),
    ],
)
def test_notes(stretches, expected):
    assert seconds(find_notes(*make(*stretches), RATE)) == expected


def test_no_gap_is_closed_at_the_ends():
    voiced = np.array([False] * 4 + [True] * 50 + [False] * 4)
    assert runs(find_notes(voiced, np.full(58, 0.9), np.zeros(58), RATE)) == [(4, 54)]


def test_long_gaps_change_pitch_where_it_is_quietest():
    midi = np.repeat([60.0, 33.0, 72.0], 40)
    known = midi != 33.0
    loudness = np.zeros(120)
    loudness[70] = -60.0
    filled = fill_pitch(midi, known, loudness, RATE)
    assert (filled[:70] == 60.0).all()
    assert (filled[70:] == 72.0).all()


def test_short_gaps_glide():
    midi = np.concatenate([np.full(20, 60.0), np.full(9, 33.0), np.full(20, 70.0)])
    filled = fill_pitch(midi, midi != 33.0, np.zeros(49), RATE)
    np.testing.assert_allclose(filled[19:30], np.linspace(60.0, 70.0, 11))


def test_pitch_is_held_at_the_ends_and_known_frames_stay():
    midi = np.array([1.0, 60.0, 61.0, 2.0])
    filled = fill_pitch(midi, np.array([False, True, True, False]), np.zeros(4), RATE)
    assert filled.tolist() == [60.0, 60.0, 61.0, 61.0]
    assert fill_pitch(midi, np.zeros(4, bool), np.zeros(4), RATE).tolist() == midi.tolist()
