"""Features replaced by their mean over the note they lie in."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op
from ddsp_ref.ops.layers.note_moments import note_moments


def define(x, mask, *, xp=np):
    """Spread mean and standard deviation of each note over its frames.

    ``y[t] = sum_r mask[t, r] mean[r]``, mean and deviation as in `note_moments`; 0 in frames that
    belong to no note.

    Parameters
    ----------
    x : array, shape (..., n_frames, n_channels)
        Features.
    mask : array, shape (..., n_frames, n_notes)
        Masks of 0 and 1, as from `note_mask`.

    Returns
    -------
    mean : array, shape (..., n_frames, n_channels)
        Mean over the note of each frame.
    std : array, shape (..., n_frames, n_channels)
        Population standard deviation over the note of each frame.

    Raises
    ------
    ParameterError
        If the shapes do not fit together.

    Notes
    -----
    Gradient: of the formula, for x and for mask; what `note_moments` says of deviations of 0
    and of empty notes holds here.
    Precision: that of `note_moments` and of one matrix product.
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, pool_over_notes.
    Differences: magenta's gradient is not a number wherever one mask is empty.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> x, mask = np.array([[1.0], [3.0], [7.0]]), np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> mean, std = ddsp_ref.pool_over_notes(x, mask)
    >>> mean.ravel(), std.ravel()
    (array([2., 2., 7.]), array([1., 1., 0.]))
    """
    mean, std = 0.0, 0.0
    for r in range(mask.shape[1]):
        own = mask[:, r : r + 1]
        n = xp.sum(own)
        n = xp.where(n == 0, 1.0, n)
        centre = xp.sum(own * x, axis=0) / n
        mean = mean + own * centre
        std = std + own * xp.sqrt(xp.sum((own * (x - centre)) ** 2, axis=0) / n)
    return mean, std


def vjp(x, mask):
    (mean, std), moments_pullback = note_moments.vjp(x, mask)
    transposed = mask.transpose(0, 2, 1)

    def pullback(bars):
        mean_bar, std_bar = bars
        x_bar, mask_bar = moments_pullback((transposed @ mean_bar, transposed @ std_bar))
        mask_bar += mean_bar @ mean.transpose(0, 2, 1)
        mask_bar += std_bar @ std.transpose(0, 2, 1)
        return x_bar, mask_bar

    return (mask @ mean, mask @ std), pullback


def cases():
    rng = np.random.default_rng(0)
    x, weights = rng.standard_normal((2, 8, 3)), rng.random((2, 8, 4)) + 0.1
    notes = 1.0 * (np.array([0, 0, 1, 1, 1, 3, 3, 3])[:, None] == np.arange(5))
    by_hand = np.array([[1.0, 0.0], [3.0, 4.0], [7.0, 7.0]])
    mask = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    return [
        # the last frame belongs to no note, and the second note has no frame
        Case("by hand", [by_hand, mask], {},
             (np.array([[2.0, 2.0], [2.0, 2.0], [0.0, 0.0]]),
              np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]])), grad=False),
        Case("soft masks", [x, weights]),
        Case("notes", [x, notes[:, [0, 1, 3]]]),
        Case("empty notes", [x, notes], grad=False),
        Case("mask of another length", [x, notes[:5]],
             error=r"mask has shape \(5, 5\), must be \(\.\.\., n_frames, n_notes\) with n_frames"),
    ]  # fmt: skip


pool_over_notes = Op(
    "pool_over_notes",
    define,
    vjp=vjp,
    cases=cases,
    signature="(n_frames,n_channels),(n_frames,n_notes)"
    "->(n_frames,n_channels),(n_frames,n_channels)",
    source="magenta/ddsp 3.7.0, ddsp/training/nn.py, pool_over_notes",
)
