"""Which frames belong to which note, by given onsets."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(pitch, onsets, *, n_regions=100, note_on_only=True, xp=np):
    """Mark the frames from each onset to the next.

    A region begins at frame 0 and wherever ``onsets[t] >= 1``. ``y[t, r] = 1`` if frame t lies in
    region r.

    Parameters
    ----------
    pitch : array, shape (..., n_frames)
        Quantised pitch or velocity, 0 in silence.
    onsets : array, shape (..., n_frames)
        1 where a note begins, otherwise 0.
    n_regions : int
        Number of regions that the result has room for, at least 1; later ones are left out.
    note_on_only : bool
        True: frames whose pitch is not above 0 belong to no region.

    Returns
    -------
    array, shape (..., n_frames, n_regions)
        Masks of 0 and 1.

    Raises
    ------
    ParameterError
        If n_regions is less than 1.

    Notes
    -----
    Gradient: 0, the masks do not change with small changes; pitch 0 and onset 1 are jumps.
    Precision: exact.
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, get_note_mask_from_onset.
    Differences: onsets of 2 and more skip numbers of regions in magenta, here they count once.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> pitch, onsets = np.array([60.0, 60.0, 60.0, 0.0]), np.array([1.0, 0.0, 1.0, 0.0])
    >>> ddsp_ref.note_mask_from_onsets(pitch, onsets, n_regions=2).T
    array([[1., 1., 0., 0.],
           [0., 0., 1., 0.]])
    """
    region = np.cumsum([0, *(onsets[1:] >= 1)])
    mask = 1.0 * (region[:, None] == np.arange(n_regions))
    return mask * (pitch[:, None] > 0) if note_on_only else mask


def vjp(pitch, onsets, *, n_regions=100, note_on_only=True):
    edges = onsets >= 1
    edges[:, 0] = False
    region = np.cumsum(edges, axis=1)
    belongs = region < n_regions
    if note_on_only:
        belongs &= pitch > 0
    y = np.zeros((*pitch.shape, n_regions), pitch.dtype)
    sequence, frame = np.nonzero(belongs)
    y[sequence, frame, region[sequence, frame]] = 1

    def pullback(y_bar):
        return np.zeros_like(pitch), np.zeros_like(onsets)

    return y, pullback


def check(dims, *, n_regions=100, note_on_only=True):
    require(n_regions >= 1, f"n_regions is {n_regions}, must be at least 1, e.g. 100")


def cases():
    pitch = np.array([60.0, 60.0, 0.0, 62.0, 62.0])
    onsets = np.array([1.0, 0.0, 0.0, 1.0, 1.0])
    regions = np.array([0, 0, 0, 1, 2])
    every = 1.0 * (regions[:, None] == np.arange(3))
    three = {"n_regions": 3}
    return [
        Case("by hand", [pitch, onsets], three, every * (pitch[:, None] > 0), grad=False),
        Case("by hand, silence too", [pitch, onsets], {**three, "note_on_only": False}, every,
             grad=False),
        Case("room for two", [pitch, onsets], {"n_regions": 2, "note_on_only": False},
             every[:, :2], grad=False),
        Case("away from jumps", [pitch + 1, np.array([[0.0, 0.3, 3.0, 0.0, 5.0]])], three),
        Case("no regions", [pitch, onsets], {"n_regions": 0}, error="n_regions is 0, must be at"),
        Case("onsets of another length", [pitch, onsets[:3]],
             error=r"onsets has shape \(3,\), must be \(\.\.\., n_frames\) with n_frames=5"),
    ]  # fmt: skip


note_mask_from_onsets = Op(
    "note_mask_from_onsets",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames),(n_frames)->(n_frames,n_regions)",
    source="magenta/ddsp 3.7.0, ddsp/training/nn.py, get_note_mask_from_onset",
)
