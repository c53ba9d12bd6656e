"""Two-way mismatch of a trace of sinusoids and the best candidates for its fundamental."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op
from ddsp_ref.ops.layers import softmax

from . import two_way_mismatch


def define(
    f0_candidates_hz,
    frequencies_hz,
    amplitudes,
    *,
    sinusoids_weight=1.0,
    harmonics_weight=1.0,
    sinusoids_scale=0.5,
    harmonics_scale=0.2,
    n_harmonic_points=10,
    n_harmonic_gaussians=30,
    softmin_temperature=1.0,
    sample_rate=16000,
    xp=np,
):
    """Pull sinusoids and candidates for their fundamental frequency towards harmony.

    ``y = mean_{t,c}(m[t, c] exp(-m[t, c] / T) / sum_d exp(-m[t, d] / T))`` with
    ``m = sinusoids_weight s + harmonics_weight h``, where s and h are the two losses of
    `two_way_mismatch` for frame t and candidate c, and T is softmin_temperature.

    Parameters
    ----------
    f0_candidates_hz : array, shape (..., n_frames, n_candidates)
        Candidates for the fundamental frequency in Hz.
    frequencies_hz : array, shape (..., n_frames, n_sinusoids)
        Frequencies of the sinusoids in Hz.
    amplitudes : array, shape (..., n_frames, n_sinusoids)
        Their amplitudes, linear scale, at least 0.
    sinusoids_weight, harmonics_weight : float
        Weights of the two directions, at least 0.
    sinusoids_scale, harmonics_scale : float
        Widths of the Gaussians, positive; see `two_way_mismatch`.
    n_harmonic_points, n_harmonic_gaussians : int
        Numbers of harmonics, at least 1; see `two_way_mismatch`.
    softmin_temperature : float
        Positive; the lower, the more only the best candidate of a frame counts.
    sample_rate : float
        Samples per second, positive.

    Returns
    -------
    array, shape (...)
        Loss, a mean over frames and candidates.

    Raises
    ------
    ParameterError
        If a weight is negative, or a width, number, temperature or rate is not positive.

    Notes
    -----
    Gradient: that of the formula, with respect to all three arrays and through the shares of the
    candidates as well; no candidate is chosen. A candidate whose mismatch is more than T above
    the mean of the frame, weighted by the shares, is pushed to be worse.
    Precision: float64 inside, whatever the inputs.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, TWMLoss; after Maher and Beauchamp 1994.
    Differences: those of `two_way_mismatch`. TWMLoss.predict_f0 is the candidate with the
    smallest m, see the example there. As there, the mean over candidates makes the loss of one
    good candidate among n the n-th part of its mismatch.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> partials = 220.0 * np.arange(1, 11)[None]
    >>> for f0_hz in (110.0, 219.0, 220.0, 440.0):
    ...     print(ddsp_ref.two_way_mismatch_loss([[f0_hz]], partials, 1 / partials).round(2))
    38.32
    4.08
    4.07
    20.82
    """
    settings = {
        "sinusoids_scale": sinusoids_scale,
        "harmonics_scale": harmonics_scale,
        "n_harmonic_points": n_harmonic_points,
        "n_harmonic_gaussians": n_harmonic_gaussians,
        "sample_rate": sample_rate,
    }
    frames = []
    for frame in zip(f0_candidates_hz, frequencies_hz, amplitudes):
        sinusoids, harmonics = two_way_mismatch.define(*frame, **settings, xp=xp)
        mismatch = sinusoids_weight * sinusoids + harmonics_weight * harmonics
        exponents = -mismatch / softmin_temperature
        shares = xp.exp(exponents - xp.max(exponents))
        frames.append(xp.mean(mismatch * shares / xp.sum(shares)))
    return xp.mean(xp.stack(frames))


def vjp(
    f0_candidates_hz,
    frequencies_hz,
    amplitudes,
    *,
    sinusoids_weight=1.0,
    harmonics_weight=1.0,
    softmin_temperature=1.0,
    **settings,
):
    given = f0_candidates_hz, frequencies_hz, amplitudes
    n_batch, n_frames, n_candidates = f0_candidates_hz.shape
    # every frame of every batch by itself: a batch of frames
    frames = [x.reshape(n_batch * n_frames, x.shape[2]).astype(np.float64) for x in given]
    (sinusoids, harmonics), pull_mismatch = two_way_mismatch.vjp(*frames, **settings)
    mismatch = sinusoids_weight * sinusoids + harmonics_weight * harmonics
    shares, pull_shares = softmax.vjp(mismatch / -softmin_temperature)
    per_frame = np.mean(mismatch * shares, axis=1)

    def pullback(y_bar):
        product_bar = np.repeat(y_bar.astype(np.float64) / (n_frames * n_candidates), n_frames)
        product_bar = product_bar[:, None]
        (exponents_bar,) = pull_shares(product_bar * mismatch)
        mismatch_bar = product_bar * shares - exponents_bar / softmin_temperature
        bars = pull_mismatch((sinusoids_weight * mismatch_bar, harmonics_weight * mismatch_bar))
        return tuple(bar.reshape(x.shape) for bar, x in zip(bars, given))

    y = per_frame.reshape(n_batch, n_frames).mean(axis=1)
    return y.astype(f0_candidates_hz.dtype), pullback


def check(
    dims,
    *,
    sinusoids_weight=1.0,
    harmonics_weight=1.0,
    softmin_temperature=1.0,
    **settings,
):
    weights = {"sinusoids_weight": sinusoids_weight, "harmonics_weight": harmonics_weight}
    for name, weight in weights.items():
        require(0 <= weight < math.inf, f"{name} is {weight}, must be at least 0, e.g. 1")
    require(
        softmin_temperature > 0,
        f"softmin_temperature is {softmin_temperature}, must be positive, e.g. 1",
    )
    two_way_mismatch.check(dims, **settings)


def cases():
    rng = np.random.default_rng(0)
    f0, hz = rng.uniform(100.0, 900.0, (2, 3)), rng.uniform(100.0, 4000.0, (2, 4))
    typical, a4, one = [f0, hz, rng.uniform(0.1, 1.0, (2, 4))], np.array([[440.0]]), np.ones((1, 1))
    few = {"n_harmonic_points": 3, "n_harmonic_gaussians": 2, "sinusoids_scale": 2.0}
    few |= {"harmonics_scale": 0.5}
    # one Gaussian and one harmonic: the first candidate hits both; 220 Hz is two widths beside in
    # one direction and six in the other
    single = few | {"n_harmonic_points": 1, "n_harmonic_gaussians": 1}
    number, semitone = (math.log(s * math.sqrt(2 * math.pi)) for s in (0.5, 2.0))
    two = np.array([[440.0, 220.0]])
    hit, miss = number + semitone, number + 2.0 + semitone + 18.0
    # 20 / T = ln 4: shares of 4/5 and 1/5
    warm = {"softmin_temperature": 20.0 / math.log(4.0)}
    weights = {"sinusoids_weight": 0.5, "harmonics_weight": 2.0}
    return [
        Case("by hand", [a4, a4, one], single, np.array(hit)),
        Case("by hand, two candidates", [two, a4, one], single | warm,
             np.array((0.8 * hit + 0.2 * miss) / 2)),
        Case("by hand, weights", [a4 / 2, a4, one], single | weights,
             np.array(0.5 * (number + 2.0) + 2.0 * (semitone + 18.0))),
        Case("typical", typical, few | weights | {"softmin_temperature": 5.0}),
        Case("defaults", [x[:1] for x in typical]),
        Case("batch", [np.stack([x, 0.9 * x]) for x in typical], few | warm),
        Case("silent", [f0, hz, np.zeros((2, 4))], few, grad=False),
        Case("negative weight", typical, {"harmonics_weight": -1.0}, error="weight is -1.0, must"),
        Case("cold", typical, {"softmin_temperature": 0.0}, error="temperature is 0.0, must be p"),
        Case("no width", typical, {"sinusoids_scale": 0.0}, error="sinusoids_scale is 0.0, must"),
        Case("frames", [f0[:1], *typical[1:]], error=r"frequencies_hz has shape \(2, 4\)"),
    ]  # fmt: skip


two_way_mismatch_loss = Op(
    "two_way_mismatch_loss",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames,n_candidates),(n_frames,n_sinusoids),(n_frames,n_sinusoids)->()",
    source="magenta/ddsp 3.7.0, ddsp/losses.py, TWMLoss; Maher and Beauchamp 1994",
)
