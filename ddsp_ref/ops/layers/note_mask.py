"""Which frames belong to which note, by changes of a quantised pitch."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(pitch, *, n_regions=100, note_on_only=True, xp=np):
    """Mark the frames of each region of constant pitch.

    A region begins at frame 0 and wherever ``pitch[t] != pitch[t - 1]``; the last frame begins
    none. ``y[t, r] = 1`` if frame t lies in region r.

    Parameters
    ----------
    pitch : array, shape (..., n_frames)
        Quantised pitch or velocity, 0 in silence.
    n_regions : int
        Number of regions that the result has room for, at least 1; later ones are left out.
    note_on_only : bool
        True: regions whose mean pitch is not above 0 stay empty.

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
    Gradient: 0, the masks do not change with small changes of pitch; those that part two equal
    neighbours are a jump.
    Precision: exact.
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, get_note_mask.
    Differences: magenta returns two frames for one.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.note_mask(np.array([0.0, 60.0, 60.0, 62.0, 62.0]), n_regions=3).T
    array([[0., 0., 0., 0., 0.],
           [0., 1., 1., 0., 0.],
           [0., 0., 0., 1., 1.]])
    """
    n_frames = len(pitch)
    change = np.abs(pitch[1:] - pitch[:-1]) > 0
    edges = [True, *change[:-1], False][:n_frames]
    region = np.cumsum(edges) - 1
    mask = 1.0 * (region[:, None] == np.arange(n_regions))
    if note_on_only:
        mask = mask * (xp.sum(mask * pitch[:, None], axis=0) > 0)
    return mask


def vjp(pitch, *, n_regions=100, note_on_only=True):
    n_batch, n_frames = pitch.shape
    edges = np.zeros((n_batch, n_frames), bool)
    edges[:, 1:-1] = pitch[:, 1:-1] != pitch[:, :-2]
    region = np.cumsum(edges, axis=1)
    y = np.zeros((n_batch, n_frames, n_regions), pitch.dtype)
    for b in range(n_batch):
        on = np.ones(n_frames, bool)
        if note_on_only:
            on = np.bincount(region[b], pitch[b].astype(np.float64))[region[b]] > 0
        frames = np.flatnonzero(on & (region[b] < n_regions))
        y[b, frames, region[b, frames]] = 1

    def pullback(y_bar):
        return (np.zeros_like(pitch),)

    return y, pullback


def check(dims, *, n_regions=100, note_on_only=True):
    require(n_regions >= 1, f"n_regions is {n_regions}, must be at least 1, e.g. 100")


def cases():
    pitch = np.array([0.0, 60.0, 60.0, 62.0, 0.0, 0.0, 64.0, 64.0])
    regions = np.array([0, 1, 1, 2, 3, 3, 4, 4])
    every = 1.0 * (regions[:, None] == np.arange(5))
    notes = every * np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    late = np.array([60.0, 60.0, 62.0])  # the last frame stays in the region before it
    short = {"n_regions": 5}
    return [
        Case("by hand", [pitch], short, notes, grad=False),
        Case("by hand, silence too", [pitch], {**short, "note_on_only": False}, every, False),
        Case("room for two", [pitch], {"n_regions": 2}, notes[:, :2], grad=False),
        Case("change at the last frame", [late], {"n_regions": 2}, np.array([[1.0, 0.0]] * 3),
             False),
        Case("no two equal", [np.arange(1.0, 7.0).reshape(2, 3)], {"n_regions": 3}),
        Case("one frame", [np.array([[60.0], [0.0]])], {"n_regions": 1}, [[[1.0]], [[0.0]]], False),
        Case("no regions", [pitch], {"n_regions": 0}, error="n_regions is 0, must be at least 1"),
        Case("no frames", [pitch[:0]], error="n_frames must be at least 1"),
    ]  # fmt: skip


note_mask = Op(
    "note_mask",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames)->(n_frames,n_regions)",
    source="magenta/ddsp 3.7.0, ddsp/training/nn.py, get_note_mask",
)
