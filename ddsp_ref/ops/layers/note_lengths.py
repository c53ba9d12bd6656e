"""How many frames each note has."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op


def define(mask, *, xp=np):
    """Count the frames of each note.

    ``y[r] = sum_t mask[t, r]``

    Parameters
    ----------
    mask : array, shape (..., n_frames, n_notes)
        Masks of 0 and 1, as from `note_mask`.

    Returns
    -------
    array, shape (..., n_notes)
        Number of frames of each note, 0 for empty ones.

    Raises
    ------
    ParameterError
        If there are no frames or no notes.

    Notes
    -----
    Gradient: 1.
    Precision: summed in double precision.
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, get_note_lengths.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.note_lengths(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    array([2., 1.])
    """
    return xp.sum(mask, axis=0)


def vjp(mask):
    def pullback(y_bar):
        return (np.broadcast_to(y_bar[:, None], mask.shape),)

    return mask.sum(axis=1, dtype=np.float64).astype(mask.dtype), pullback


def cases():
    by_hand = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    return [
        Case("by hand", [by_hand], {}, np.array([2.0, 1.0, 0.0])),
        Case("typical", [np.random.default_rng(0).random((2, 7, 3))]),
        Case("no notes", [np.zeros((4, 0))], error="n_notes must be at least 1"),
    ]


note_lengths = Op(
    "note_lengths",
    define,
    vjp=vjp,
    cases=cases,
    signature="(n_frames,n_notes)->(n_notes)",
    source="magenta/ddsp 3.7.0, ddsp/training/nn.py, get_note_lengths",
)
