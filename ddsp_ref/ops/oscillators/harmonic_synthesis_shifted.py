"""Harmonic synthesis with every partial shifted away from its whole multiple of f0."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op
from ddsp_ref.ops.oscillators._amplitude_methods import DEFINITIONS, check_synthesis
from ddsp_ref.ops.oscillators._sinusoidal_kernels import synthesize_vjp


def define(
    f0_hz,
    amplitudes,
    harmonic_shifts,
    harmonic_distribution,
    *,
    n_samples,
    sample_rate=16000,
    amp_resample_method="window",
    xp=np,
):
    """Sum sinusoids near whole multiples of a gliding fundamental frequency.

    ``y[t] = sum_k A_k[t] sin(2 pi phi_k[t])``, ``phi_k[t] = sum_{s <= t} f_k[s] / sample_rate`` in
    cycles, with ``f_k = k f0 (1 + harmonic_shifts[k])`` and ``A_k = amplitudes *
    harmonic_distribution[k]``, both made at frames and brought to samples; a partial is silent
    where ``f_k[t] >= sample_rate / 2``.

    Parameters
    ----------
    f0_hz : array, shape (..., n_frames)
        Fundamental frequency in Hz.
    amplitudes : array, shape (..., n_frames)
        Overall amplitude, linear scale.
    harmonic_shifts : array, shape (..., n_frames, n_harmonics)
        How far each partial is off, as a fraction of its frequency; 0 is harmonic.
    harmonic_distribution : array, shape (..., n_frames, n_harmonics)
        Share of each partial; used as it is, see `normalize_harmonics`.
    n_samples : int
        Length of the audio; frame i sits at sample ``i * n_samples / n_frames``.
    sample_rate : float
        Samples per second, positive.
    amp_resample_method : {"window", "linear", "nearest", "cubic"}
        How amplitudes go to sample rate: overlapping Hann windows, straight lines, steps, or
        cubics with the settings of `resample_cubic`.

    Returns
    -------
    array, shape (..., n_samples)
        Audio.

    Raises
    ------
    ParameterError
        If shapes do not fit, or with "window" if n_samples is no multiple of n_frames.

    Notes
    -----
    Gradient: those of f0 and shifts are sums over all later samples, so they grow with length. At
    the Nyquist limit a partial switches off; the gradient there is that of the side it is on.
    Precision: as in `sinusoidal_synthesis`, phase is float64, waves are of the input's precision.
    Differences: magenta adds up float32 phase and is off by 3 rad after 4 s. Without shifts
    `harmonic_synthesis` gives the same and is several times faster.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, harmonic_synthesis with harmonic_shifts.

    Examples
    --------
    The second partial, a quarter too high, is at 2500 Hz:

    >>> import numpy as np, ddsp_ref
    >>> y = ddsp_ref.harmonic_synthesis_shifted(
    ...     np.full(2, 1000.0), np.ones(2), [[0, 0.25]] * 2, [[0, 1]] * 2, n_samples=4,
    ...     sample_rate=10000)
    >>> y.round(4) + 0.0
    array([ 1.,  0., -1.,  0.])
    """
    n_frames, n_harmonics = harmonic_shifts.shape
    ticks = np.arange(n_samples) * n_frames
    left = ticks // n_samples
    right = np.minimum(left + 1, n_frames - 1)
    fraction = ((ticks % n_samples) / n_samples)[:, None]

    f = f0_hz[:, None] * np.arange(1, n_harmonics + 1) * (1 + harmonic_shifts)
    f = (1 - fraction) * f[left] + fraction * f[right]
    partials = amplitudes[:, None] * harmonic_distribution
    envelopes = DEFINITIONS[amp_resample_method](partials, n_samples=n_samples, xp=xp)
    waves = xp.sin(2 * np.pi * xp.cumsum(f / sample_rate, axis=0))
    return xp.sum(xp.where(f < sample_rate / 2, envelopes * waves, 0.0), axis=1)


def vjp(
    f0_hz,
    amplitudes,
    harmonic_shifts,
    harmonic_distribution,
    *,
    n_samples,
    sample_rate=16000,
    amp_resample_method="window",
):
    f0, stretch = f0_hz[..., None].astype(np.float64), 1.0 + harmonic_shifts.astype(np.float64)
    k = np.arange(1, harmonic_shifts.shape[2] + 1)
    shares, overall = harmonic_distribution, amplitudes[..., None]
    y, _, pull = synthesize_vjp(
        k * f0 * stretch,
        overall.astype(np.float64) * shares,
        np.zeros((len(shares), shares.shape[2])),
        n_samples=n_samples,
        sample_rate=sample_rate,
        method=amp_resample_method,
        nyquist=sample_rate / 2,
        dtype=shares.dtype,
    )

    def pullback(y_bar):
        frequencies_bar, partials_bar, _ = pull(y_bar)
        scaled_bar = k * frequencies_bar
        f0_bar = (scaled_bar * stretch).sum(axis=2)
        return f0_bar, (partials_bar * shares).sum(axis=2), scaled_bar * f0, partials_bar * overall

    return y, pullback


def check(dims, *, n_samples, sample_rate=16000, amp_resample_method="window"):
    check_synthesis(dims["n_frames"], n_samples, sample_rate, amp_resample_method)


def cases():
    def controls(n_frames, n_harmonics, low, high):
        i, k = np.arange(n_frames), np.arange(n_harmonics)
        shifts = 0.1 * np.sin(1 + 2 * i[:, None] + k)
        shares = (1 + np.sin(i[:, None] + k)) / (1 + k)
        return [np.linspace(low, high, n_frames), 0.5 + 0.4 * np.cos(i), shifts, shares]

    # f0 is 1/16 cycle per sample; partial 1 doubled, partial 2 halved: 1/8 and 1/16 cycle
    t = np.arange(1, 5)
    by_hand = 3 * np.sin(2 * np.pi * t / 8) + 6 * np.sin(2 * np.pi * t / 16)
    one = [np.array([1.0]), np.array([3.0]), np.array([[1.0, -0.5]]), np.array([[1.0, 2.0]])]
    linear = {"amp_resample_method": "linear"}
    exact = [np.array([6400.0]), np.ones(1), np.array([[0.25]]), np.ones((1, 1))]
    return [
        Case("by hand", one, {"n_samples": 4, "sample_rate": 16}, by_hand),
        Case("window", controls(5, 4, 200.0, 500.0), {"n_samples": 40}),
        Case("linear", controls(5, 3, 200.0, 500.0), {"n_samples": 40, **linear}),
        Case("nearest", controls(5, 3, 200.0, 500.0),
             {"n_samples": 33, "amp_resample_method": "nearest"}),
        Case("cubic", controls(5, 3, 200.0, 500.0),
             {"n_samples": 40, "amp_resample_method": "cubic"}),
        Case("fewer samples than frames", controls(7, 2, 100.0, 900.0), {"n_samples": 5, **linear}),
        Case("partials cross Nyquist", controls(3, 5, 1200.0, 2900.0), {"n_samples": 60}),
        Case("frame longer than a block", controls(2, 3, 700.0, 1100.0), {"n_samples": 150}),
        Case("exactly at Nyquist", exact, {"n_samples": 6}, np.zeros(6), grad=False),
        Case("one frame", controls(1, 2, 300.0, 300.0), {"n_samples": 20}),
        Case("no common multiple", controls(4, 3, 100.0, 900.0), {"n_samples": 30},
             error="multiple of n_frames=4 for the method 'window', e.g. 32"),
        Case("no samples", controls(4, 3, 100.0, 900.0), {"n_samples": 0}, error="n_samples is 0"),
        Case("unknown method", controls(4, 3, 100.0, 900.0),
             {"n_samples": 8, "amp_resample_method": "spline"}, error="'nearest' or 'cubic'"),
        Case("no rate", controls(4, 3, 100.0, 900.0), {"n_samples": 8, "sample_rate": 0},
             error="sample_rate is 0"),
        Case("counts differ", [np.ones(3), np.ones(3), np.ones((3, 2)), np.ones((3, 4))],
             {"n_samples": 12}, error=r"harmonic_distribution has shape \(3, 4\)"),
    ]  # fmt: skip


harmonic_synthesis_shifted = Op(
    "harmonic_synthesis_shifted",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames),(n_frames),(n_frames,n_harmonics),(n_frames,n_harmonics)->(n_samples)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, harmonic_synthesis",
)
