"""Distance of two sets of sinusoids by how unlikely each is, given the other."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op

from . import sinusoidal_nll


def define(
    amplitudes_a,
    frequencies_a_hz,
    amplitudes_b,
    frequencies_b_hz,
    *,
    weight_a=1.0,
    weight_b=1.0,
    weight_mean_amp=1.0,
    scale_a=0.1,
    scale_b=0.1,
    xp=np,
):
    """Compare two traces of sinusoids by densities around each other's frequencies.

    ``y = mean_t(weight_a nll(a[t] | b[t]) + weight_b nll(b[t] | a[t])
    + weight_mean_amp |mean(A[t]) - mean(B[t])|)``, with nll as in `sinusoidal_nll`, and A and B the
    amplitudes: a density does not change when all of them grow.

    Parameters
    ----------
    amplitudes_a : array, shape (..., n_frames, n_a)
        Amplitudes of the first sinusoids, linear scale, at least 0.
    frequencies_a_hz : array, shape (..., n_frames, n_a)
        Their frequencies in Hz.
    amplitudes_b : array, shape (..., n_frames, n_b)
        Amplitudes of the second sinusoids.
    frequencies_b_hz : array, shape (..., n_frames, n_b)
        Their frequencies in Hz.
    weight_a, weight_b, weight_mean_amp : float
        Weights of the three terms, at least 0. A weight of 0 saves the work.
    scale_a, scale_b : float
        Widths of the Gaussians around the first and the second sinusoids, in semitones, positive.

    Returns
    -------
    array, shape (...)
        Loss, a mean over frames.

    Raises
    ------
    ParameterError
        If a weight is negative or a scale is not positive.

    Notes
    -----
    Gradient: that of the formula, with respect to all four arrays; 0 for ``|A - B|`` at 0.
    Precision: float64 inside, whatever the inputs.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, KDEConsistencyLoss.
    Differences: those of `sinusoidal_nll`. There are no recorded outputs of the original class;
    the tests work it out with SciPy's normal distribution instead.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> amps, a4 = np.array([[0.5]]), np.array([[440.0]])
    >>> for hz in (430.0, 435.0, 440.0):
    ...     print(ddsp_ref.kde_consistency_loss(amps, a4, amps, np.array([[hz]])).round(3))
    13.073
    1.147
    -2.767
    """
    loss = 0.0
    sides = (amplitudes_a, frequencies_a_hz), (amplitudes_b, frequencies_b_hz)
    for weight, own, other, scale in (
        (weight_a, sides[0], sides[1], scale_b),
        (weight_b, sides[1], sides[0], scale_a),
    ):
        if weight > 0:
            frames = [
                sinusoidal_nll.define(*frame, scale=scale, xp=xp) for frame in zip(*own, *other)
            ]
            loss = loss + weight * xp.mean(xp.stack(frames))
    gap = xp.mean(amplitudes_a, axis=1) - xp.mean(amplitudes_b, axis=1)
    return loss + weight_mean_amp * xp.mean(xp.abs(gap))


def vjp(
    amplitudes_a,
    frequencies_a_hz,
    amplitudes_b,
    frequencies_b_hz,
    *,
    weight_a=1.0,
    weight_b=1.0,
    weight_mean_amp=1.0,
    scale_a=0.1,
    scale_b=0.1,
):
    given = amplitudes_a, frequencies_a_hz, amplitudes_b, frequencies_b_hz
    n_batch, n_frames = amplitudes_a.shape[:2]
    # every frame of every batch by itself: a batch of frames
    a, a_hz, b, b_hz = (x.reshape(n_batch * n_frames, x.shape[2]).astype(np.float64) for x in given)
    gap = np.mean(a, axis=1) - np.mean(b, axis=1)
    loss = weight_mean_amp * np.abs(gap)
    pulls = []
    if weight_a > 0:
        nll, pull = sinusoidal_nll.vjp(a, a_hz, b, b_hz, scale=scale_b)
        loss += weight_a * nll
        pulls.append((weight_a, pull, (0, 1, 2, 3)))
    if weight_b > 0:
        nll, pull = sinusoidal_nll.vjp(b, b_hz, a, a_hz, scale=scale_a)
        loss += weight_b * nll
        pulls.append((weight_b, pull, (2, 3, 0, 1)))

    def pullback(y_bar):
        frame_bar = np.repeat(y_bar.astype(np.float64) / n_frames, n_frames)
        gap_bar = (weight_mean_amp * frame_bar * np.sign(gap))[:, None]
        bars = [
            np.repeat(gap_bar / a.shape[1], a.shape[1], axis=1),
            np.zeros_like(a_hz),
            np.repeat(-gap_bar / b.shape[1], b.shape[1], axis=1),
            np.zeros_like(b_hz),
        ]
        for weight, pull, places in pulls:
            for place, bar in zip(places, pull(weight * frame_bar)):
                bars[place] += bar
        return tuple(bar.reshape(x.shape) for bar, x in zip(bars, given))

    return loss.reshape(n_batch, n_frames).mean(axis=1).astype(amplitudes_a.dtype), pullback


def check(dims, *, weight_a=1.0, weight_b=1.0, weight_mean_amp=1.0, scale_a=0.1, scale_b=0.1):
    weights = {"weight_a": weight_a, "weight_b": weight_b, "weight_mean_amp": weight_mean_amp}
    for name, weight in weights.items():
        require(0 <= weight < math.inf, f"{name} is {weight}, must be at least 0, e.g. 1")
    for name, scale in (("scale_a", scale_a), ("scale_b", scale_b)):
        require(0 < scale < math.inf, f"{name} is {scale}, must be positive, e.g. 0.1")


def cases():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.1, 1.0, (4, 3)), rng.uniform(0.1, 1.0, (4, 2))
    a_hz, b_hz = rng.uniform(100.0, 900.0, (4, 3)), rng.uniform(100.0, 900.0, (4, 2))
    typical = [a, a_hz, b, b_hz]
    low, high = np.array([[220.0], [440.0]]), np.array([[440.0], [440.0]])
    quiet, loud = np.full((2, 1), 0.25), np.array([[0.5], [1.0]])
    pair, scales = [quiet, low, loud, high], {"scale_a": 2.0, "scale_b": 3.0}
    # twelve semitones are 6 and 4 widths, 18 and 8 in the logarithm, in one frame of two
    narrow, wide = (math.log(s * math.sqrt(2 * math.pi)) for s in (2.0, 3.0))
    alone = {"weight_a": 0.0, "weight_b": 0.0, "weight_mean_amp": 2.0}
    return [
        Case("by hand", pair, scales, np.array(4.0 + wide + 9.0 + narrow + 0.5)),
        Case("by hand, one way", pair, scales | {"weight_b": 0.0, "weight_a": 2.0},
             np.array(8.0 + 2 * wide + 0.5)),
        Case("by hand, other way", pair, scales | {"weight_a": 0.0}, np.array(9.5 + narrow)),
        Case("by hand, amplitudes", pair, alone, np.array(1.0)),
        Case("typical", typical, scales),
        Case("narrow", typical),
        Case("batch", [np.stack([x, 0.9 * x]) for x in typical], scales),
        Case("equal", [a, a_hz, a, a_hz], scales, grad=False),
        Case("silent", [np.zeros((1, 2)), a_hz[:1, :2], b[:1], b_hz[:1]], scales, grad=False),
        Case("negative weight", typical, {"weight_a": -1.0}, error="weight_a is -1.0, must be at"),
        Case("no scale", typical, {"scale_b": 0.0}, error="scale_b is 0.0, must be positive"),
        Case("frames", [a, a_hz, b[:3], b_hz[:3]], error=r"amplitudes_b has shape \(3, 2\)"),
    ]  # fmt: skip


kde_consistency_loss = Op(
    "kde_consistency_loss",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames,n_a),(n_frames,n_a),(n_frames,n_b),(n_frames,n_b)->()",
    source="magenta/ddsp 3.7.0, ddsp/losses.py, KDEConsistencyLoss",
)
