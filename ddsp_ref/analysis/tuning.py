"""Where the notes of a recording lie between the keys of a piano, and moving them there."""

from __future__ import annotations

import numpy as np

from ddsp_ref.analysis._checks import mask_array, number, real_array, same_shape
from ddsp_ref.errors import require

SCALES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_MAJOR = np.array([0, 2, 4, 5, 7, 9, 11])
_N_OCTAVES = 10  # of the scales that a pitch is compared with, upwards from their key in octave -1


def _from_chromatic(f0_midi: np.ndarray, tuning_factor: float) -> np.ndarray:
    """Return how far each pitch is above its nearest note, -0.5 (excluded) to 0.5."""
    above = (f0_midi - tuning_factor) % 1.0
    above[above > 0.5] -= 1.0
    return above


def _from_scale(f0_midi: np.ndarray, notes: np.ndarray) -> np.ndarray:
    """Return how far each pitch is above the nearest of some notes, the lower one if two are."""
    after = np.searchsorted(notes, f0_midi).clip(1, len(notes) - 1)
    below, above = f0_midi - notes[after - 1], f0_midi - notes[after]
    return np.where(np.abs(below) <= np.abs(above), below, above)


def _scale_notes(scale: int) -> np.ndarray:
    return (_MAJOR + 12 * np.arange(_N_OCTAVES)[:, None]).ravel() + float(scale)


def get_tuning_factor(
    f0_midi: np.ndarray,
    f0_confidence: np.ndarray,
    mask_on: np.ndarray,
    *,
    whole_notes: bool = True,
) -> float:
    """Find by how much the notes of a recording are sharp of the keys of a piano.

    Of 101 offsets, a cent apart, the one with the least sum of two costs, both weighted with the
    confidence and normalised to mean 0 and deviation 1 over all offsets: the distance of the pitch
    from the nearest note, and how often the nearest note changes.

    Parameters
    ----------
    f0_midi : array, shape (n_frames,)
        Pitch as a MIDI note number.
    f0_confidence : array, shape (n_frames,)
        Its confidence, 0 to 1.
    mask_on : array, shape (n_frames,), bool
        Where notes sound, somewhere at least.
    whole_notes : bool
        Whether a change of the nearest note is a change of its number. The original subtracts the
        distance from the pitch and looks for any difference, rounding errors included: False.

    Returns
    -------
    float
        Semitones, -0.5 to 0.5.

    Raises
    ------
    ParameterError
        If the shapes differ or no note sounds.

    Notes
    -----
    Memory does not grow with the number of offsets.
    Source: magenta/ddsp 3.7.0, ddsp/colab/colab_utils.py, get_tuning_factor.
    Differences: `whole_notes`, which moves the result by a few cents. Where all offsets have the
    same cost, as the changes of a single long note, the original divides 0 by 0 and returns -0.5;
    here that cost counts nothing.

    Examples
    --------
    >>> f0_midi = np.repeat([60.23, 64.23, 67.23], 10)
    >>> round(get_tuning_factor(f0_midi, np.ones(30), np.full(30, True)), 9)
    0.23
    """
    name = "get_tuning_factor"
    f0_midi = real_array(f"{name}: f0_midi", f0_midi)
    f0_confidence = real_array(f"{name}: f0_confidence", f0_confidence)
    same_shape(f"{name}: f0_confidence", f0_confidence, "f0_midi", f0_midi.shape)
    mask_on = mask_array(f"{name}: mask_on", mask_on, "f0_midi", f0_midi.shape)
    require(mask_on.any(), f"{name}: mask_on is False everywhere, at least one note must sound")

    pitch = f0_midi[mask_on].astype(np.float64)
    weights = f0_confidence[mask_on].astype(np.float64)
    offsets = np.linspace(-0.5, 0.5, 101)
    distances, changes = np.empty(101), np.zeros(101)
    for i, offset in enumerate(offsets):
        above = _from_chromatic(pitch, offset)
        distances[i] = np.mean(weights * np.abs(above))
        notes = pitch - above
        if whole_notes:
            notes = np.rint(notes - offset)
        if len(notes) > 1:
            changes[i] = np.mean(weights[:-1] * (np.diff(notes) != 0))
    return float(offsets[np.argmin(_normalised(changes) + _normalised(distances))])


def _normalised(cost: np.ndarray) -> np.ndarray:
    deviation = cost.std()
    return (cost - cost.mean()) / deviation if deviation > 0 else np.zeros_like(cost)


def infer_scale(f0_midi: np.ndarray) -> int:
    """Find the major scale that a melody fits best.

    Parameters
    ----------
    f0_midi : array, shape (n_frames,)
        Pitch of the notes as a MIDI note number.

    Returns
    -------
    int
        Semitones from C, 0 to 11; its name is ``SCALES[i]``. The least mean distance of the
        pitch from the notes of the scale; of equals the lowest.

    Raises
    ------
    ParameterError
        If there is no frame.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/colab/colab_utils.py, auto_tune.

    Examples
    --------
    >>> SCALES[infer_scale(np.array([62.0, 64.0, 66.0, 67.0, 69.0, 71.0, 73.0]))]
    'D'
    """
    f0_midi = real_array("infer_scale: f0_midi", f0_midi).astype(np.float64)
    far = [np.mean(np.abs(_from_scale(f0_midi, _scale_notes(i)))) for i in range(len(SCALES))]
    return int(np.argmin(far))


def auto_tune(
    f0_midi: np.ndarray,
    tuning_factor: float,
    mask_on: np.ndarray,
    *,
    amount: float = 0.0,
    chromatic: bool = False,
    tuned_scale: bool = False,
) -> np.ndarray:
    """Pull a pitch towards the notes of the chromatic scale, or of the major scale it is in.

    Parameters
    ----------
    f0_midi : array, shape (n_frames,)
        Pitch as a MIDI note number.
    tuning_factor : float
        How much the notes are sharp of the keys of a piano, in semitones, -0.5 to 0.5; see
        `get_tuning_factor`. Of no effect on the major scale, unless `tuned_scale` is set.
    mask_on : array, shape (n_frames,), bool
        Where notes sound; the key is inferred from these frames, all frames are moved.
    amount : float
        0: nothing is moved; 1: all the way to the note.
    chromatic : bool
        Whether every semitone is a note; otherwise those of the major scale of `infer_scale`.
    tuned_scale : bool
        Whether the notes of the major scale are sharp by the tuning factor too. The original
        always takes those of the piano, so a recording that is out of tune with it is moved.

    Returns
    -------
    array, shape (n_frames,)
        Pitch, of the dtype of f0_midi.

    Raises
    ------
    ParameterError
        If the shapes differ, a number is out of its range, or no note sounds and a key is to be
        inferred.

    Notes
    -----
    Memory: a few numbers per frame, for any number of notes and scales.
    Source: magenta/ddsp 3.7.0, ddsp/colab/colab_utils.py, auto_tune.
    Differences: the original prints the key; `infer_scale` returns it. `tuned_scale` is new.

    Examples
    --------
    >>> f0_midi, mask_on = np.array([60.2, 61.4, 64.3]), np.full(3, True)
    >>> auto_tune(f0_midi, 0.2, mask_on, amount=1.0, chromatic=True).round(9)
    array([60.2, 61.2, 64.2])
    >>> auto_tune(f0_midi, 0.2, mask_on, amount=0.5).round(9)
    array([60.1 , 61.7 , 64.15])
    """
    f0_midi = real_array("auto_tune: f0_midi", f0_midi)
    mask_on = mask_array("auto_tune: mask_on", mask_on, "f0_midi", f0_midi.shape)
    number("auto_tune: tuning_factor", tuning_factor, -0.5, 0.5)
    number("auto_tune: amount", amount, 0.0, 1.0)
    pitch = f0_midi.astype(np.float64)
    if chromatic:
        above = _from_chromatic(pitch, tuning_factor)
    else:
        require(
            mask_on.any(), "auto_tune: mask_on is False everywhere, there is nothing to infer "
            "the key from; pass chromatic=True",
        )  # fmt: skip
        shifted = pitch - tuning_factor if tuned_scale else pitch
        above = _from_scale(shifted, _scale_notes(infer_scale(shifted[mask_on])))
    return (pitch - amount * above).astype(f0_midi.dtype)
