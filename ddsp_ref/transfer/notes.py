"""Which frames belong to notes, and what the pitch does between them."""

from __future__ import annotations

import numpy as np

from ddsp_ref.analysis.runs import runs

# Shorter gaps belong to the note around them; so do longer ones that still have a pitch, or
# several: a glide, a note that another one sounds into.
_SHORTEST_GAP = 0.024  # seconds
_TONAL_GAP, _TONAL_CONFIDENCE = 0.200, 0.03
# Shorter stretches of pitch are chance. So are those that pYIN follows for want of better: where
# no trough is below any threshold, it gives the deepest one a probability of 0.01. It does so in
# rough voices as well, and then for longer than in noise.
_SHORTEST_NOTE, _SHORTEST_UNSURE_NOTE = 0.040, 0.200
_LEAST_CONFIDENCE = 0.02
# Gaps up to this long are glided over; longer ones keep the pitch and change it where it is quiet.
_GLIDE = 0.060
# Notes are not that much quieter than the loud ones of the same recording.
_DYNAMIC_RANGE_DB = 45.0


def find_notes(
    voiced: np.ndarray, confidence: np.ndarray, loudness_db: np.ndarray, frame_rate: float
) -> np.ndarray:
    """Tell which frames belong to a note.

    Parameters
    ----------
    voiced : ndarray, shape (n_frames,), bool
        Where a pitch was found.
    confidence : ndarray, shape (n_frames,)
        How sure that is, 0 to 1.
    loudness_db : ndarray, shape (n_frames,)
        Loudness of every frame.
    frame_rate : float
        Frames per second.

    Returns
    -------
    ndarray, shape (n_frames,), bool
        True on stretches of pitch that are not more than 45 dB below the loud ones and last at
        least 40 ms; 200 ms if their mean confidence is below 0.02, and then only if there are
        others. Gaps of less than 24 ms between them are closed; so are those up to 200 ms with a
        mean confidence of at least 0.03.

    Examples
    --------
    >>> voiced = np.array([False] + [True] * 20 + [False] * 3 + [True] * 20 + [False] * 9 + [True])
    >>> runs(find_notes(voiced, 0.9 * voiced, np.zeros(54), 250))
    [(1, 44)]
    """
    if not voiced.any():
        return np.zeros(len(voiced), bool)
    loud = float(np.quantile(loudness_db[voiced], 0.95))
    notes = voiced & (loudness_db > loud - _DYNAMIC_RANGE_DB)
    for start, stop in runs(~notes):
        tonal = confidence[start:stop].mean() >= _TONAL_CONFIDENCE
        longest = frame_rate * (_TONAL_GAP if tonal else _SHORTEST_GAP)
        if start > 0 and stop < len(notes) and stop - start < longest:
            notes[start:stop] = True
    any_sure = False
    for start, stop in runs(notes):
        sure = confidence[start:stop].mean() >= _LEAST_CONFIDENCE
        shortest = _SHORTEST_NOTE if sure else _SHORTEST_UNSURE_NOTE
        notes[start:stop] = stop - start >= shortest * frame_rate
        any_sure |= bool(sure and notes[start])
    return notes & any_sure


def fill_pitch(
    midi: np.ndarray, known: np.ndarray, loudness_db: np.ndarray, frame_rate: float
) -> np.ndarray:
    """Replace the pitch of frames that have none by what does not catch the ear.

    Parameters
    ----------
    midi : ndarray, shape (n_frames,)
        Pitch of every frame as a MIDI number.
    known : ndarray, shape (n_frames,), bool
        Where it means something.
    loudness_db : ndarray, shape (n_frames,)
        Loudness of every frame.
    frame_rate : float
        Frames per second.

    Returns
    -------
    ndarray, shape (n_frames,)
        Gaps up to 60 ms are glided over; in longer ones the pitch stays that of the note before
        up to the quietest frame, then is that of the note after. All of `midi` if nothing is known.

    Examples
    --------
    >>> midi = np.array([60.0, 11.0, 64.0, 99.0])
    >>> fill_pitch(midi, np.array([True, False, True, False]), np.zeros(4), 250)
    array([60., 62., 64., 64.])
    """
    where = np.flatnonzero(known)
    if len(where) == 0:
        return np.array(midi)
    filled = np.interp(np.arange(len(midi)), where, midi[where]).astype(midi.dtype)
    for start, stop in runs(~known):
        if start > 0 and stop < len(midi) and stop - start > _GLIDE * frame_rate:
            change = start + int(np.argmin(loudness_db[start:stop]))
            filled[start:change] = midi[start - 1]
            filled[change:stop] = midi[stop]
    return filled
