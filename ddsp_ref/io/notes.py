"""Pitches as people write them: C4, F#3."""

from __future__ import annotations

import math

_LETTERS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def note_name(midi: float) -> str:
    """Return the name of the note nearest to a MIDI number.

    Parameters
    ----------
    midi : float
        69 is A4, 440 Hz; every semitone counts 1.

    Returns
    -------
    str
        Letter, sharp if there is one, octave. Half-way goes up.

    Examples
    --------
    >>> note_name(69), note_name(60), note_name(54.4), note_name(0)
    ('A4', 'C4', 'F#3', 'C-1')
    """
    number = math.floor(midi + 0.5)
    return f"{_LETTERS[number % 12]}{number // 12 - 1}"


def note_of_hz(f_hz: float) -> str:
    """Return the name of the note nearest to a frequency above 0.

    Examples
    --------
    >>> note_of_hz(440.0), note_of_hz(196.0)
    ('A4', 'G3')
    """
    return note_name(69.0 + 12.0 * math.log2(f_hz / 440.0))
