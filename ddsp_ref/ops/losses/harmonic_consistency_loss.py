"""Distance of the controls of two harmonic synthesizers."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op

from . import amplitude_loss, frequency_loss


def define(
    amplitudes,
    target_amplitudes,
    harmonic_distribution,
    target_distribution,
    f0_hz,
    target_f0_hz,
    *,
    amp_weight=1.0,
    dist_weight=1.0,
    f0_weight=1.0,
    amp_threshold=1e-4,
    xp=np,
):
    """Compare amplitude, harmonic distribution and pitch of two harmonic sounds.

    ``amp = amp_weight mean |A - A'|``, ``dist = dist_weight mean |s (D - D')|`` and
    ``f0 = f0_weight mean |s (m(f) - m(f'))|``, with the targets dashed, m the MIDI note number of
    `hz_to_midi`, and s = 1 in frames whose target amplitude is at least amp_threshold, else 0.

    Parameters
    ----------
    amplitudes : array, shape (..., n_frames)
        Overall amplitude A, linear scale.
    target_amplitudes : array, shape (..., n_frames)
        What it should be.
    harmonic_distribution : array, shape (..., n_frames, n_harmonics)
        Relative amplitude D of each partial.
    target_distribution : array, shape (..., n_frames, n_harmonics)
        What it should be.
    f0_hz : array, shape (..., n_frames)
        Fundamental frequency f in Hz.
    target_f0_hz : array, shape (..., n_frames)
        What it should be, in Hz.
    amp_weight, dist_weight, f0_weight : float
        Weights of the three losses, at least 0.
    amp_threshold : float
        Smallest target amplitude of a frame whose distribution and pitch are compared.

    Returns
    -------
    amp_loss : array, shape (...)
        Loss of the amplitudes.
    dist_loss : array, shape (...)
        Loss of the distributions.
    f0_loss : array, shape (...)
        Loss of the fundamental frequencies, in semitones for a weight of 1.

    Raises
    ------
    ParameterError
        If a weight is negative.

    Notes
    -----
    Gradient: that of the formula, with 0 for an absolute value at 0; s is a constant, so the
    target amplitudes have a gradient through the first loss only.
    Precision: float64 inside, whatever the inputs.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, HarmonicConsistencyLoss.
    Differences: the original rounds the threshold to float32 before it compares. Silent frames
    count in the number that the mean divides by, here as there.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> loud, shares, f0_hz = np.array([0.5]), np.array([[0.75, 0.25]]), np.array([220.0])
    >>> losses = ddsp_ref.harmonic_consistency_loss(
    ...     loud, 2 * loud, shares, shares[:, ::-1], f0_hz, 2 * f0_hz)
    >>> [float(loss) for loss in losses]
    [0.5, 0.5, 12.0]
    """
    sounds = xp.where(target_amplitudes >= amp_threshold, 1.0, 0.0)
    note, target_note = (
        xp.where(hz > 0, 12.0 * xp.log2(xp.where(hz > 0, hz, 440.0) / 440.0) + 69.0, 0.0)
        for hz in (f0_hz, target_f0_hz)
    )
    shares_apart = xp.abs(harmonic_distribution - target_distribution)
    return (
        amp_weight * xp.mean(xp.abs(amplitudes - target_amplitudes)),
        dist_weight * xp.mean(sounds[:, None] * shares_apart),
        f0_weight * xp.mean(sounds * xp.abs(note - target_note)),
    )


def vjp(
    amplitudes,
    target_amplitudes,
    harmonic_distribution,
    target_distribution,
    f0_hz,
    target_f0_hz,
    *,
    amp_weight=1.0,
    dist_weight=1.0,
    f0_weight=1.0,
    amp_threshold=1e-4,
):
    dtype = amplitudes.dtype.type
    factors = dtype(amp_weight), dtype(dist_weight), dtype(f0_weight)
    column = (*amplitudes.shape, 1)
    level, target_level, f0, target_f0 = (
        x.reshape(column) for x in (amplitudes, target_amplitudes, f0_hz, target_f0_hz)
    )
    sounds = (target_level.astype(np.float64) >= amp_threshold).astype(dtype)
    all_frames = np.ones((len(level), 1, 1), dtype)
    amp, pull_amp = amplitude_loss.vjp(level, target_level, all_frames)
    dist, pull_dist = amplitude_loss.vjp(harmonic_distribution, target_distribution, sounds)
    note, pull_note = frequency_loss.vjp(f0, target_f0, sounds)

    def pullback(bars):
        amp_bar, dist_bar, note_bar = (factor * bar for factor, bar in zip(factors, bars))
        level_bars = (bar.reshape(amplitudes.shape) for bar in pull_amp(amp_bar)[:2])
        f0_bars = (bar.reshape(amplitudes.shape) for bar in pull_note(note_bar)[:2])
        return *level_bars, *pull_dist(dist_bar)[:2], *f0_bars

    return tuple(factor * loss for factor, loss in zip(factors, (amp, dist, note))), pullback


def check(dims, *, amp_weight=1.0, dist_weight=1.0, f0_weight=1.0, amp_threshold=1e-4):
    weights = {"amp_weight": amp_weight, "dist_weight": dist_weight, "f0_weight": f0_weight}
    for name, weight in weights.items():
        require(weight >= 0, f"{name} is {weight}, must be at least 0, e.g. 1")


def cases():
    rng = np.random.default_rng(0)
    level, target_level = rng.uniform(0.1, 1.0, (2, 5))
    shares, target_shares = rng.uniform(0.1, 1.0, (2, 5, 3))
    f0, target_f0 = rng.uniform(100.0, 500.0, (2, 5))
    typical = [level, target_level, shares, target_shares, f0, target_f0]
    loud, target_loud = np.array([0.5, 0.25]), np.array([1.0, 0.01])
    left, right = np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.5, 0.5], [1.0, 0.0]])
    low, high = np.array([110.0, 440.0]), np.array([440.0, 1000.0])
    pair = [loud, target_loud, left, right, low, high]
    threshold = {"amp_threshold": 0.02}
    # 0.5 and 0.24 apart; the second frame is not heard: 0.5 and 0.5 of four values, 24 of two
    by_hand = 0.37, 0.25, 12.0
    weights = {"amp_weight": 2.0, "dist_weight": 3.0, "f0_weight": 0.5}
    return [
        Case("by hand", pair, threshold, tuple(map(np.array, by_hand))),
        Case("by hand, weights", pair, threshold | weights,
             (np.array(0.74), np.array(0.75), np.array(6.0))),
        Case("typical", typical),
        Case("some silent", typical, {"amp_threshold": 0.5} | weights),
        Case("batch", [np.stack([x, 0.9 * x]) for x in typical]),
        Case("at the threshold", [loud, np.array([1.0, 0.125]), *pair[2:]],
             {"amp_threshold": 0.125},
             (np.array(0.3125), np.array(0.5), np.array(12.0 + 6 * np.log2(1000.0 / 440.0))),
             grad=False),
        Case("no pitch", [*pair[:4], np.zeros(2), np.array([440.0, 0.0])], {},
             (np.array(0.37), np.array(0.5), np.array(34.5)), grad=False),
        Case("all silent", typical, {"amp_threshold": 2.0},
             (np.array(np.mean(np.abs(level - target_level))), np.array(0.0), np.array(0.0))),
        Case("negative weight", pair, {"f0_weight": -1.0}, error="f0_weight is -1.0, must be at l"),
        Case("frames", [*pair[:5], high[:1]], error=r"target_f0_hz has shape \(1,\), must be"),
    ]  # fmt: skip


harmonic_consistency_loss = Op(
    "harmonic_consistency_loss",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames),(n_frames),(n_frames,n_harmonics),(n_frames,n_harmonics),"
    "(n_frames),(n_frames)->(),(),()",
    source="magenta/ddsp 3.7.0, ddsp/losses.py, HarmonicConsistencyLoss",
)
