"""Viterbi decoding over pitch and voicing: exact, banded, in little memory."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit

# The logarithm of "impossible": every move and every observation stays conceivable.
LOG_FLOOR = math.log(float(np.finfo(np.float64).tiny))


class Observations(NamedTuple):
    """What was heard in every frame, sparse: most pitch bins have no probability.

    Attributes
    ----------
    offsets : ndarray, shape (n_frames + 1,), int64
        The candidates of frame `t` are `offsets[t]` to `offsets[t + 1]` of the next two.
    bins : ndarray, shape (n_candidates,), int16
        Pitch bin of a candidate.
    log_probabilities : ndarray, shape (n_candidates,), float32
        Log-probability of a candidate; bins without one have `LOG_FLOOR`.
    log_unvoiced : ndarray, shape (n_frames,), float64
        Log-probability of each of the unvoiced bins.
    """

    offsets: np.ndarray
    bins: np.ndarray
    log_probabilities: np.ndarray
    log_unvoiced: np.ndarray


def define_transitions(n_bins: int, reach: int, switch_prob: float) -> np.ndarray:
    """Tabulate the log-probability of every move between pitch x voicing states.

    Parameters
    ----------
    n_bins : int
        Number of pitch bins. States are the voiced bins, then the unvoiced bins.
    reach : int
        How many bins the pitch may move from one frame to the next; the probability falls
        linearly to 0 at `reach + 1`.
    switch_prob : float
        Probability that voicing changes, above 0 and below 1.

    Returns
    -------
    ndarray, shape (2 * n_bins, 2 * n_bins), float64
        Entry [i, j] for the move from state i to state j; `LOG_FLOOR` where it is impossible.

    Examples
    --------
    >>> np.exp(define_transitions(3, 1, 0.5)[:3, :3]).round(3)
    array([[0.333, 0.167, 0.   ],
           [0.125, 0.25 , 0.125],
           [0.   , 0.167, 0.333]])
    """
    i = np.arange(n_bins)
    triangle = np.maximum(0.0, 1.0 - np.abs(i[:, None] - i) / (reach + 1))
    within = triangle / triangle.sum(axis=1, keepdims=True)
    between = np.array([[1.0 - switch_prob, switch_prob], [switch_prob, 1.0 - switch_prob]])
    return np.log(np.kron(between, within) + np.finfo(np.float64).tiny)


def define_viterbi(log_observed: np.ndarray, log_moves: np.ndarray) -> np.ndarray:
    """Find the most probable sequence of states with a full table, as the readable truth.

    Parameters
    ----------
    log_observed : ndarray, shape (n_frames, n_states)
        Log-probability of what was observed in a frame, given the state.
    log_moves : ndarray, shape (n_states, n_states)
        Log-probability of the move from one state (row) to another (column).

    Returns
    -------
    ndarray, shape (n_frames,), int64
        The states. All states are equally probable at first; of equals the lowest is taken.

    Examples
    --------
    >>> moves = np.log([[0.9, 0.1], [0.1, 0.9]])
    >>> define_viterbi(np.log([[0.9, 0.1], [0.4, 0.6], [0.9, 0.1]]), moves)
    array([0, 0, 0])
    """
    best = np.array(log_observed, dtype=np.float64)
    came_from = np.zeros(best.shape, dtype=np.int64)
    for t in range(1, len(best)):
        ways = best[t - 1][:, None] + log_moves
        came_from[t] = ways.argmax(axis=0)
        best[t] += ways.max(axis=0)
    states = np.zeros(len(best), dtype=np.int64)
    if len(best):
        states[-1] = best[-1].argmax()
    for t in range(len(best) - 1, 0, -1):
        states[t - 1] = came_from[t, states[t]]
    return states


def log_moves(n_bins: int, reach: int, switch_prob: float) -> tuple:
    """Return the logarithms of the probabilities of moves, as `advance` and `trace` take them."""
    band = min(reach, n_bins - 1)
    triangle = 1.0 - np.abs(np.arange(-band, band + 1)) / (reach + 1)
    row_sums = np.convolve(np.ones(n_bins), triangle)[band : band + n_bins]
    return np.log(triangle), np.log(row_sums), math.log1p(-switch_prob), math.log(switch_prob)


def first_scores(observations: Observations, n_bins: int) -> np.ndarray:
    """Return the scores of the first frame, shape (2, n_bins): voiced states, then unvoiced."""
    scores = np.empty((2, n_bins))
    scores[0], scores[1] = LOG_FLOOR, observations.log_unvoiced[0]
    candidates = slice(observations.offsets[0], observations.offsets[1])
    scores[0, observations.bins[candidates]] = observations.log_probabilities[candidates]
    return scores


@njit
def advance(
    scores, start, stop, offsets, bins, log_probabilities, log_unvoiced,
    log_triangle, log_row_sums, log_stay, log_switch,
):  # fmt: skip
    """Fill scores[t - start] for the frames start < t < stop; scores[0] is given.

    The best way into a bin within its own voicing (`own`) is the maximum over the band; the four
    voicing changes share it. One way more leads from the best state of all to anywhere.
    """
    n_bins = scores.shape[2]
    width = len(log_triangle)
    reach = width // 2
    padded = np.full((2, n_bins + 2 * reach), -np.inf)
    own = np.empty((2, n_bins))
    heard = np.full(n_bins, LOG_FLOOR)
    for t in range(start + 1, stop):
        before, now = scores[t - start - 1], scores[t - start]
        leap = -np.inf
        for v in range(2):
            for j in range(n_bins):
                leap = max(leap, before[v, j])
                padded[v, reach + j] = before[v, j] - log_row_sums[j]
                own[v, j] = -np.inf
            for d in range(width):
                for j in range(n_bins):
                    way = padded[v, j + d] + log_triangle[d]
                    own[v, j] = way if way > own[v, j] else own[v, j]
        leap += LOG_FLOOR
        for n in range(offsets[t], offsets[t + 1]):
            heard[bins[n]] = log_probabilities[n]
        for j in range(n_bins):
            voiced, unvoiced = own[0, j], own[1, j]
            now[0, j] = max(leap, voiced + log_stay, unvoiced + log_switch) + heard[j]
            now[1, j] = max(leap, voiced + log_switch, unvoiced + log_stay) + log_unvoiced[t]
        for n in range(offsets[t], offsets[t + 1]):
            heard[bins[n]] = LOG_FLOOR


@njit
def trace(scores, start, stop, log_triangle, log_row_sums, log_stay, log_switch, path):
    """Walk back from path[stop - 1] to path[start], asking each time which way was the best.

    That the ways are computed again, for one state per frame, saves storing where every state
    came from.
    """
    n_bins = scores.shape[2]
    reach = len(log_triangle) // 2
    for t in range(stop - 1, start, -1):
        voicing, pitch = path[t] // n_bins, path[t] % n_bins
        before = scores[t - start - 1]
        leap = 0
        best = -np.inf
        top = -np.inf
        for v in range(2):
            for j in range(n_bins):
                if before[v, j] > top:
                    top = before[v, j]
                    leap = v * n_bins + j
            change = log_stay if v == voicing else log_switch
            for j in range(max(0, pitch - reach), min(n_bins, pitch + reach + 1)):
                way = before[v, j] - log_row_sums[j] + log_triangle[pitch - j + reach] + change
                if way > best:
                    best = way
                    path[t - 1] = v * n_bins + j
        if top + LOG_FLOOR > best:
            path[t - 1] = leap


def viterbi(
    observations: Observations, n_bins: int, *, reach: int, switch_prob: float, segment: int = 256
) -> tuple[np.ndarray, np.ndarray]:
    """Find the most probable course of pitch and voicing.

    Parameters
    ----------
    observations : Observations
        What was heard in every frame.
    n_bins : int
        Number of pitch bins, at least 1.
    reach : int
        How many bins the pitch may move from one frame to the next, at least 0; the probability
        falls linearly to 0 at `reach + 1`.
    switch_prob : float
        Probability that voicing changes from one frame to the next, above 0 and below 1.
    segment : int
        Frames whose scores are in memory at a time, at least 1. The result does not depend on it.

    Returns
    -------
    pitch_bins : ndarray, shape (n_frames,), int64
        Pitch bin of every frame, of unvoiced frames too.
    voiced : ndarray, shape (n_frames,), bool
        Whether the frame is voiced.

    Raises
    ------
    ParameterError
        If a setting is out of its range.

    Notes
    -----
    The path of `define_viterbi` on `define_transitions` (or one as probable: where nothing is
    heard there are several). There, moves beyond `reach` all have the same tiny probability, so
    the best of them starts at the best state: what is left is a band of `2 * reach + 1` moves.

    Scores are kept for one segment and for the first frame of each segment; on the way back a
    segment is computed a second time from its first frame. Memory is then 16 bytes times `n_bins`
    times (`segment` + n_frames / `segment`).

    Source: Mauch and Dixon (2014), section 2.2; `librosa.sequence.viterbi` finds the same path.

    Examples
    --------
    Two frames with a candidate in bin 2 and one without, five bins:

    >>> heard = Observations(
    ...     offsets=np.array([0, 1, 2, 2]),
    ...     bins=np.array([2, 2], dtype=np.int16),
    ...     log_probabilities=np.log([0.9, 0.9]).astype(np.float32),
    ...     log_unvoiced=np.log([0.02, 0.02, 0.2]),
    ... )
    >>> pitch_bins, voiced = viterbi(heard, 5, reach=1, switch_prob=0.01)
    >>> pitch_bins, voiced
    (array([2, 2, 2]), array([ True,  True, False]))
    """
    require(n_bins >= 1, f"viterbi: n_bins is {n_bins}, must be at least 1")
    require(reach >= 0, f"viterbi: reach is {reach}, must be at least 0")
    require(segment >= 1, f"viterbi: segment is {segment}, must be at least 1")
    require(
        0.0 < switch_prob < 1.0,
        f"viterbi: switch_prob is {switch_prob}, must be above 0 and below 1; 0.01 is usual",
    )
    n_frames = len(observations.log_unvoiced)
    path = np.zeros(n_frames, dtype=np.int64)
    if n_frames == 0:
        return path, path.astype(bool)

    moves = log_moves(n_bins, reach, switch_prob)
    first = first_scores(observations, n_bins)

    # Neighbouring segments share a frame: the last of the one is the first of the other.
    starts = range(0, max(1, n_frames - 1), segment)
    spans = [(start, min(start + segment + 1, n_frames)) for start in starts]
    scores = np.empty((min(segment + 1, n_frames), 2, n_bins))
    scores[0] = first
    checkpoints = np.empty((len(spans), 2, n_bins))
    for checkpoint, (start, stop) in zip(checkpoints, spans):
        checkpoint[...] = scores[0]
        advance(scores, start, stop, *observations, *moves)
        if stop < n_frames:
            scores[0] = scores[stop - start - 1]
    path[-1] = scores[stop - start - 1].argmax()
    for checkpoint, (start, stop) in zip(checkpoints[::-1], spans[::-1]):
        if stop < n_frames:
            scores[0] = checkpoint
            advance(scores, start, stop, *observations, *moves)
        trace(scores, start, stop, *moves, path)
    return path % n_bins, path < n_bins
