"""Notes to piano rolls and back."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.analysis._checks import number, real_array, whole
from ddsp_ref.analysis.notes import ROUNDING, Notes
from ddsp_ref.analysis.runs import runs


def notes_of_roll(
    piano_roll: np.ndarray, frame_rate: float, *, lowest_midi: int = 0, velocity: int = 70
) -> Notes:
    """Turn a piano roll into notes.

    Parameters
    ----------
    piano_roll : array, shape (n_frames, n_pitches)
        Above 0 where a note sounds.
    frame_rate : float
        Frames per second.
    lowest_midi : int
        Pitch of the first column.
    velocity : int
        Of all notes, 0 to 127.

    Returns
    -------
    Notes
        In the order of their ends; those that end together in the order of their pitches.

    Raises
    ------
    ParameterError
        If the roll is not 2-D or the rate not above 0.

    Notes
    -----
    Source: note_seq, sequences_lib.py, pianoroll_to_note_sequence, without a shortest duration.

    Examples
    --------
    >>> notes_of_roll(np.array([[0, 1], [1, 1], [1, 0]]), 10, lowest_midi=60).rows()[:, :3]
    array([[61. ,  0. ,  0.2],
           [60. ,  0.1,  0.3]])
    """
    roll = real_array("notes_of_roll: piano_roll", piano_roll, n_axes=2)
    number("notes_of_roll: frame_rate", frame_rate, 0.0, above=True)
    spans = [(b, k, a) for k, column in enumerate(roll.T > 0) for a, b in runs(column)]
    ends, columns, starts = np.array(sorted(spans), int).reshape(-1, 3).T
    velocities = np.full(len(spans), velocity)
    total = len(roll) / frame_rate
    return Notes(columns + lowest_midi, starts / frame_rate, ends / frame_rate, velocities, total)


def roll_of_notes(
    notes: Notes, frame_rate: float, n_frames: int, *, lowest_midi: int = 0, n_pitches: int = 128
) -> np.ndarray:
    """Turn notes into a piano roll.

    Parameters
    ----------
    notes : Notes
        Those outside of the roll are left out.
    frame_rate : float
        Frames per second.
    n_frames, n_pitches : int
        Size of the roll, at least 1 each.
    lowest_midi : int
        Pitch of the first column.

    Returns
    -------
    array, shape (n_frames, n_pitches), bool
        True from the frame that a note starts in to the frame that it ends in, at least for one.

    Raises
    ------
    ParameterError
        If a number is out of its range.

    Notes
    -----
    Source: note_seq, sequences_lib.py, sequence_to_pianoroll, its field `active`.

    Examples
    --------
    >>> notes = notes_of_roll(np.array([[0, 1], [1, 1], [1, 0]]), 250)
    >>> roll_of_notes(notes, 250, 3, n_pitches=2).astype(int)
    array([[0, 1],
           [1, 1],
           [1, 0]])
    """
    number("roll_of_notes: frame_rate", frame_rate, 0.0, above=True)
    whole("roll_of_notes: n_frames", n_frames, 1)
    whole("roll_of_notes: n_pitches", n_pitches, 1)
    roll = np.zeros((n_frames, n_pitches), bool)
    for pitch, start_s, end_s in zip(notes.pitches_midi, notes.starts_s, notes.ends_s):
        column = pitch - lowest_midi
        if 0 <= column < n_pitches:
            start = math.floor(start_s * frame_rate + ROUNDING)
            stop = math.ceil(end_s * frame_rate - ROUNDING)
            roll[max(start, 0) : max(stop, start + 1, 0), column] = True
    return roll
