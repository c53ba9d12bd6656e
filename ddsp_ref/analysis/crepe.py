"""Decoding of CREPE's activations: the path of the pitch through all frames."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.analysis._checks import number, real_array, whole
from ddsp_ref.errors import require
from ddsp_ref.jit import njit
from ddsp_ref.ops.spectral.activations_to_f0 import activations_to_f0


@njit
def _forward(activations, gain, log_near, log_far, moves, leaps, score):
    """Fill the table of moves and the start of each frame's leap; score becomes the last frame's.

    A move is how far the pitch came from, 127 for a leap from the best place of all. The places
    that a bin can be reached from are met from the lowest to the highest, and the lowest of
    equals is kept. Moves are floats on the way: loops over one kind of number become vector code.
    """
    n_frames, n_bins = activations.shape
    width = len(log_near)
    reach = width // 2
    padded = np.full(n_bins + 2 * reach, -np.inf)
    best, move = np.empty(n_bins), np.empty(n_bins)
    for j in range(n_bins):
        score[j] = gain * activations[0, j]
    for t in range(1, n_frames):
        leap, top = 0, -np.inf
        for i in range(n_bins):
            way = score[i] + log_far[i]
            if way > top:
                leap, top = i, way
        for j in range(n_bins):
            padded[reach + j] = score[j]
            best[j] = -np.inf
        for d in range(width):
            shift = float(d - reach)
            for j in range(n_bins):
                way = padded[j + d] + log_near[d, j]
                better = way > best[j]
                move[j] = shift if better else move[j]
                best[j] = way if better else best[j]
        for j in range(n_bins):
            moves[t, j] = int(move[j])
            if top > best[j] or (top == best[j] and leap < j + move[j]):
                best[j] = top
                moves[t, j] = 127
            score[j] = best[j] + gain * activations[t, j]
        leaps[t] = leap


@njit
def _backward(moves, leaps, path):
    for t in range(len(path) - 1, 0, -1):
        move = moves[t, path[t]]
        path[t - 1] = leaps[t] if move == 127 else path[t] + move


def viterbi_centers(
    activations: np.ndarray,
    *,
    reach: int = 11,
    self_emission: float = 0.1,
    min_transition: float = 1e-5,
) -> np.ndarray:
    """Find the most probable path of the pitch through the bins of a pitch network.

    A frame says ``a[j] log(1 + self_emission n_bins / (1 - self_emission))`` for bin j, a move by
    d bins has the weight ``max(reach + 1 - |d|, min_transition)`` before the rows are normalised,
    and at first all bins are equally probable.

    Parameters
    ----------
    activations : array, shape (..., n_frames, n_bins)
        Activations of every bin, 0 to 1. Leading axes are recordings of their own.
    reach : int
        How many bins the pitch may move from one frame to the next, 0 to 126.
    self_emission : float
        Probability beyond chance that the bin of the pitch is the active one, above 0 and below 1.
    min_transition : float
        Weight of longer moves, 0 to 1; 0 forbids them.

    Returns
    -------
    array, shape (..., n_frames), int64
        Bin of every frame, for `activations_to_f0`. Of equally probable paths the lowest.

    Raises
    ------
    ParameterError
        If there is no frame or a setting is out of its range.

    Notes
    -----
    Exact: the path that a full table of n_bins x n_bins moves gives, in a band of
    ``2 * reach + 1`` moves and the best of the longer ones. Memory: a byte for each activation.

    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, PretrainedCREPE.viterbi_decode and
    create_hmm. Where the original's hidden Markov model takes activations as fractional counts,
    what they add to every state alike has been left out.
    Differences: the package crepe, which magenta/ddsp's `compute_f0` calls, gives only the bin of
    the largest activation to its path and forbids moves of 12 bins and more: pass
    ``activations == activations.max(-1, keepdims=True)`` as numbers and ``min_transition=0``.

    Examples
    --------
    A frame that is off by itself is overruled by its neighbours:

    >>> activations = np.zeros((5, 360))
    >>> activations[np.arange(5), [100, 101, 300, 101, 102]] = 1.0
    >>> viterbi_centers(activations)
    array([100, 101, 101, 101, 102])
    """
    name = "viterbi_centers"
    activations = real_array(f"{name}: activations", activations, n_axes=None)
    require(
        activations.ndim >= 2,
        f"{name}: activations has shape {activations.shape}, must be (..., n_frames, n_bins)",
    )
    reach = whole(f"{name}: reach", reach, 0)
    require(reach <= 126, f"{name}: reach is {reach}, must be at most 126")
    number(f"{name}: self_emission", self_emission, 0.0, 1.0, above=True)
    require(self_emission < 1, f"{name}: self_emission is {self_emission}, must be below 1")
    number(f"{name}: min_transition", min_transition, 0.0, 1.0)

    *batch, n_frames, n_bins = activations.shape
    log_near, log_far = _log_moves(n_bins, reach, float(min_transition))
    gain = math.log1p(self_emission * n_bins / (1.0 - self_emission))
    heard = activations.reshape(-1, n_frames, n_bins)
    paths = np.empty((len(heard), n_frames), np.int64)
    for one, path in zip(heard, paths):
        moves, leaps = np.zeros((n_frames, n_bins), np.int8), np.zeros(n_frames, np.int64)
        score = np.empty(n_bins)
        _forward(np.ascontiguousarray(one), gain, log_near, log_far, moves, leaps, score)
        path[-1] = score.argmax()
        _backward(moves, leaps, path)
    return paths.reshape(*batch, n_frames)


def _log_moves(n_bins: int, reach: int, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Return log-probabilities: [d, j] of the move to j from j + d - reach, [i] of a leap from i.

    From beyond the bins a move has the probability 0.
    """
    i = np.arange(n_bins)
    weights = np.maximum(reach + 1.0 - np.abs(i[:, None] - i), least)
    sums = np.full(n_bins + 2 * reach, np.inf)
    sums[reach : reach + n_bins] = weights.sum(axis=1)
    triangle = reach + 1.0 - np.abs(np.arange(-reach, reach + 1))
    with np.errstate(divide="ignore"):
        near = np.log(triangle[:, None] / np.lib.stride_tricks.sliding_window_view(sums, n_bins))
        return near, np.log(least / sums[reach : reach + n_bins])


def decode_activations(
    activations: np.ndarray, *, viterbi: bool = False, edges: str = "repeat"
) -> tuple[np.ndarray, np.ndarray]:
    """Turn the activations of CREPE into frequency and confidence.

    Parameters
    ----------
    activations : array, shape (..., n_frames, n_bins)
        Activations of every bin, 0 to 1; CREPE has 360 bins.
    viterbi : bool
        Follow the most probable path through all frames, see `viterbi_centers`. Otherwise every
        frame is read by itself, around its largest activation.
    edges : {"repeat", "cut"}
        Which bins are averaged, see `activations_to_f0`.

    Returns
    -------
    f0_hz : array, shape (..., n_frames)
        Frequency in Hz.
    f0_confidence : array, shape (..., n_frames)
        The largest activation of the frame.

    Raises
    ------
    ParameterError
        If there is no frame, or edges is neither of the two.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, PretrainedCREPE.predict_f0_and_confidence,
    without the network.

    Examples
    --------
    >>> activations = np.zeros((2, 360))
    >>> activations[[0, 1], [228, 229]] = 0.8, 0.4
    >>> f0_hz, f0_confidence = decode_activations(activations)
    >>> f0_hz.round(2), f0_confidence
    (array([441.54, 446.67]), array([0.8, 0.4]))
    """
    name = "decode_activations"
    activations = real_array(f"{name}: activations", activations, n_axes=None)
    centers = viterbi_centers(activations) if viterbi else activations.argmax(axis=-1)
    return activations_to_f0(activations, centers.astype(activations.dtype), edges=edges)
