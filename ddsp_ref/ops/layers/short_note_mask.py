"""Which frames belong to notes that are too short."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op


def define(mask, lengths, pitches, *, min_length=40, xp=np):
    """Mark the frames of sounding notes that are shorter than a given length.

    ``y[t] = sum_r mask[t, r]`` over the notes with ``lengths[r] < min_length`` and
    ``pitches[r] > 0``

    Parameters
    ----------
    mask : array, shape (..., n_frames, n_notes)
        Masks of 0 and 1, as from `note_mask`.
    lengths : array, shape (..., n_notes)
        Length of each note in frames, as from `note_lengths`.
    pitches : array, shape (..., n_notes)
        Pitch of each note, 0 for silence.
    min_length : int
        Length in frames from which on a note is long enough.

    Returns
    -------
    array, shape (..., n_frames)
        1 in short notes, otherwise 0.

    Raises
    ------
    ParameterError
        If the shapes do not fit together.

    Notes
    -----
    Gradient: that of the sum for mask; 0 for lengths and pitches, which only decide.
    Precision: exact for masks of 0 and 1.
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, get_short_note_loss_mask.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> mask = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> ddsp_ref.short_note_mask(mask, mask.sum(0), np.array([60.0, 62.0]), min_length=2)
    array([1., 0., 0.])
    """
    return xp.sum(mask * ((lengths < min_length) & (pitches > 0)), axis=1)


def vjp(mask, lengths, pitches, *, min_length=40):
    short = ((lengths < min_length) & (pitches > 0)).astype(mask.dtype)

    def pullback(y_bar):
        mask_bar = y_bar[:, :, None] * short[:, None]
        return mask_bar, np.zeros_like(lengths), np.zeros_like(pitches)

    return (mask @ short[:, :, None])[:, :, 0], pullback


def cases():
    rng = np.random.default_rng(0)
    by_hand = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    lengths, pitches = np.array([1.0, 2.0, 1.0]), np.array([60.0, 62.0, 0.0])
    mask = rng.random((2, 6, 4))
    return [
        Case("by hand", [by_hand, lengths, pitches], {"min_length": 2},
             np.array([1.0, 0.0, 0.0, 0.0]), grad=False),
        Case("by hand, all short", [by_hand, lengths, pitches], {}, np.array([1.0, 1.0, 1.0, 0.0]),
             grad=False),
        Case("typical", [mask, 50 * rng.random((2, 4)) + 15, rng.standard_normal((2, 4))]),
        Case("other notes", [mask, np.ones(3), np.ones(4)],
             error=r"lengths has shape \(3,\), must be \(\.\.\., n_notes\) with n_notes=4"),
    ]  # fmt: skip


short_note_mask = Op(
    "short_note_mask",
    define,
    vjp=vjp,
    cases=cases,
    signature="(n_frames,n_notes),(n_notes),(n_notes)->(n_frames)",
    source="magenta/ddsp 3.7.0, ddsp/training/nn.py, get_short_note_loss_mask",
)
