"""Mean and deviation of features over each note."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.jit import njit
from ddsp_ref.op import Case, Op

# Below this fraction of the mean a deviation is that of rounding: the features are constant.
ROUNDING = 1e-12


def define(x, mask, *, xp=np):
    """Take mean and standard deviation of features over the frames of each note.

    ``mean[r] = sum_t mask[t, r] x[t] / n[r]``, ``n[r] = sum_t mask[t, r]`` and
    ``std[r] = sqrt(sum_t (mask[t, r] (x[t] - mean[r]))^2 / n[r])``; both 0 where n is 0.

    Parameters
    ----------
    x : array, shape (..., n_frames, n_channels)
        Features.
    mask : array, shape (..., n_frames, n_notes)
        Masks of 0 and 1, as from `note_mask`.

    Returns
    -------
    mean : array, shape (..., n_notes, n_channels)
        Mean over each note.
    std : array, shape (..., n_notes, n_channels)
        Population standard deviation over each note.

    Raises
    ------
    ParameterError
        If the shapes do not fit together.

    Notes
    -----
    Gradient: of the formula, for x and for mask. Where a deviation is 0 (one frame, constant
    features, empty note) its gradient is taken as 0, and so is that of an empty note's mask.
    Precision: two passes in double precision; a deviation below 1e-12 of the mean counts as 0.
    Memory: no array of frames times notes times channels.
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, get_note_moments.
    Differences: where a deviation is 0, and so wherever one mask is empty, magenta's gradient is
    not a number for all frames. Features need a channel axis.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> x, mask = np.array([[1.0], [3.0], [7.0]]), np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> mean, std = ddsp_ref.note_moments(x, mask)
    >>> mean.ravel(), std.ravel()
    (array([2., 7.]), array([1., 0.]))
    """
    n = xp.sum(mask, axis=0)[:, None]
    n = xp.where(n == 0, 1.0, n)
    mean = xp.dot(mask.T, x) / n
    off = mask[:, :, None] * (x[:, None, :] - mean)
    return mean, xp.sqrt(xp.sum(off**2, axis=0) / n)


@njit
def _kernel(x, mask, counts, mean, std):
    n_batch, n_frames, n_channels = x.shape
    n_notes = mask.shape[2]
    for b in range(n_batch):
        for t in range(n_frames):
            for r in range(n_notes):
                m = np.float64(mask[b, t, r])
                if m != 0:
                    counts[b, r] += m
                    for c in range(n_channels):
                        mean[b, r, c] += m * x[b, t, c]
        for r in range(n_notes):
            if counts[b, r] == 0:
                counts[b, r] = 1.0
            for c in range(n_channels):
                mean[b, r, c] /= counts[b, r]
        for t in range(n_frames):
            for r in range(n_notes):
                m = np.float64(mask[b, t, r])
                if m != 0:
                    for c in range(n_channels):
                        off = m * (x[b, t, c] - mean[b, r, c])
                        std[b, r, c] += off * off
        for r in range(n_notes):
            for c in range(n_channels):
                std[b, r, c] = math.sqrt(max(std[b, r, c] / counts[b, r], 0.0))
                if std[b, r, c] <= ROUNDING * abs(mean[b, r, c]):
                    std[b, r, c] = 0.0


@njit
def _kernel_vjp(x_bar, mask_bar, x, mask, counts, mean, mean_bar, n_bar, std, std_bar):
    """Add what comes through std to x_bar and mask_bar.

    mean_bar is overwritten with the cotangent of the sums over frames, n_bar with that of the
    counts, std_bar with that of half the sums of squares.
    """
    n_batch, n_frames, n_channels = x.shape
    n_notes = mask.shape[2]
    for b in range(n_batch):
        for r in range(n_notes):
            for c in range(n_channels):
                s = std[b, r, c]
                std_bar[b, r, c] = std_bar[b, r, c] / (s * counts[b, r]) if s > 0 else 0.0
        for t in range(n_frames):
            for r in range(n_notes):
                m = np.float64(mask[b, t, r])
                if m != 0:
                    for c in range(n_channels):
                        off = x[b, t, c] - mean[b, r, c]
                        along = std_bar[b, r, c] * m * off
                        x_bar[b, t, c] += m * along
                        mean_bar[b, r, c] -= m * along
                        mask_bar[b, t, r] += along * off
        for r in range(n_notes):
            n_bar[b, r] = 0.0
            for c in range(n_channels):
                s = std[b, r, c]
                mean_bar[b, r, c] /= counts[b, r]
                n_bar[b, r] -= mean_bar[b, r, c] * mean[b, r, c]
                n_bar[b, r] -= 0.5 * std_bar[b, r, c] * s * s


def vjp(x, mask):
    n_batch, _, n_channels = x.shape
    n_notes = mask.shape[2]
    counts = np.zeros((n_batch, n_notes))
    mean, std = np.zeros((2, n_batch, n_notes, n_channels))
    _kernel(x, mask, counts, mean, std)
    empty = ~mask.any(axis=1)

    def pullback(bars):
        mean_bar, std_bar = (bar.astype(np.float64) for bar in bars)
        mean_bar[empty] = 0  # an empty note's mask is left where it is
        x_bar, mask_bar = np.zeros(x.shape), np.zeros(mask.shape)
        n_bar = np.empty(counts.shape)
        _kernel_vjp(x_bar, mask_bar, x, mask, counts, mean, mean_bar, n_bar, std, std_bar)
        x_bar += mask @ mean_bar
        mask_bar += x @ mean_bar.transpose(0, 2, 1)
        mask_bar += n_bar[:, None]
        return x_bar.astype(x.dtype), mask_bar.astype(mask.dtype)

    return (mean.astype(x.dtype), std.astype(x.dtype)), pullback


def cases():
    rng = np.random.default_rng(0)
    x, weights = rng.standard_normal((2, 8, 3)), rng.random((2, 8, 4)) + 0.1
    notes = 1.0 * (np.array([0, 0, 1, 1, 1, 3, 3, 3])[:, None] == np.arange(5))
    by_hand = np.array([[1.0, 0.0], [3.0, 4.0], [7.0, 7.0]])
    mask = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    return [
        # the second note has one frame, the third none: their deviations have a kink
        Case("by hand", [by_hand, mask], {},
             (np.array([[2.0, 2.0], [7.0, 7.0], [0.0, 0.0]]),
              np.array([[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]])), grad=False),
        Case("soft masks", [x, weights]),
        Case("notes", [x, notes[:, [0, 1, 3]]]),
        Case("empty notes", [x, notes], grad=False),
        Case("mask of another length", [x, notes[:5]],
             error=r"mask has shape \(5, 5\), must be \(\.\.\., n_frames, n_notes\) with n_frames"),
    ]  # fmt: skip


note_moments = Op(
    "note_moments",
    define,
    vjp=vjp,
    cases=cases,
    signature="(n_frames,n_channels),(n_frames,n_notes)->(n_notes,n_channels),(n_notes,n_channels)",
    source="magenta/ddsp 3.7.0, ddsp/training/nn.py, get_note_moments",
)
