"""Harmonic synthesis of one block of a longer signal: phase goes in and comes out."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op
from ddsp_ref.ops.oscillators._amplitude_methods import DEFINITIONS, check_synthesis
from ddsp_ref.ops.oscillators._sinusoidal_kernels import synthesize_vjp
from ddsp_ref.ops.scaling.normalize_harmonics import normalize_harmonics


def define(
    f0_hz,
    amplitudes,
    harmonic_distribution,
    initial_phase_cycles,
    *,
    n_samples,
    sample_rate=16000,
    amp_resample_method="linear",
    xp=np,
):
    """Synthesize one block of a harmonic sound, going on from the phase of the block before.

    ``y[t] = sum_k A_k[t] sin(2 pi k phi[t])``, with ``phi[t] = initial_phase_cycles +
    sum_{s <= t} f0[s] / sample_rate``; ``A_k = amplitudes * d_k``, where d is the distribution
    without the partials at or above Nyquist, divided by its sum. The phase after the block is
    ``phi[n_samples - 1] mod 1``, the initial phase of the next one.

    Parameters
    ----------
    f0_hz : array, shape (..., n_frames)
        Fundamental frequency in Hz, at least 0; linear between frames, the last one held.
    amplitudes : array, shape (..., n_frames)
        Overall amplitude, linear scale.
    harmonic_distribution : array, shape (..., n_frames, n_harmonics)
        Share of each partial, before normalisation.
    initial_phase_cycles : array, shape (...)
        Phase of the fundamental before the first sample, in cycles; 0 for the first block.
    n_samples : int
        Length of the block; frame i sits at sample ``i * n_samples / n_frames``.
    sample_rate : float
        Samples per second, positive.
    amp_resample_method : {"linear", "window", "nearest", "cubic"}
        How amplitudes go to sample rate: straight lines, overlapping Hann windows, steps, or
        cubics with the settings of `resample_cubic`.

    Returns
    -------
    audio : array, shape (..., n_samples)
        Audio of the block.
    final_phase_cycles : array, shape (...)
        Phase of the fundamental at the last sample, in cycles, wrapped to between 0 and 1.

    Raises
    ------
    ParameterError
        If shapes do not fit, or with "window" if n_samples is no multiple of n_frames.

    Notes
    -----
    Gradient: through both results. The phase that comes out has slope 1 in the one that goes in,
    also where it wraps. Partials are dropped frame by frame; there f0 has no gradient.
    Precision: sums of Hz are float64 and exact for whole numbers. In float32 the state is
    rounded once per block, to 3e-8 cycles; a float64 state makes all of the call float64.
    Differences: magenta counts phase in radians and returns it unwrapped, so that it loses digits
    as a performance goes on. As there, partials are dropped by the frequency at frames only.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, streaming_harmonic_synthesis.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> f0_hz, one = np.array([2000.0]), np.ones(1)
    >>> y, phase = ddsp_ref.streaming_harmonic_synthesis(f0_hz, one, [[1.0]], 0.25, n_samples=3)
    >>> y.round(4), phase
    (array([ 0.7071,  0.    , -0.7071]), array(0.625))
    """
    n_frames, n_harmonics = harmonic_distribution.shape
    k = np.arange(1, n_harmonics + 1)
    kept = xp.where(f0_hz[:, None] * k >= sample_rate / 2, 0.0, harmonic_distribution)
    total = xp.sum(kept, axis=1)
    partials = (amplitudes / xp.where(total == 0, 1e-7, total))[:, None] * kept

    ticks = np.arange(n_samples) * n_frames
    left = ticks // n_samples
    right = np.minimum(left + 1, n_frames - 1)
    fraction = (ticks % n_samples) / n_samples
    f0 = (1 - fraction) * f0_hz[left] + fraction * f0_hz[right]
    envelopes = DEFINITIONS[amp_resample_method](partials, n_samples=n_samples, xp=xp)
    cycles = initial_phase_cycles + xp.cumsum(f0 / sample_rate)
    audio = xp.sum(envelopes * xp.sin(2 * np.pi * (k * cycles[:, None])), axis=1)
    return audio, cycles[-1] % 1.0


def vjp(
    f0_hz,
    amplitudes,
    harmonic_distribution,
    initial_phase_cycles,
    *,
    n_samples,
    sample_rate=16000,
    amp_resample_method="linear",
):
    dtype = harmonic_distribution.dtype
    k = np.arange(1, harmonic_distribution.shape[2] + 1)
    f0 = f0_hz.astype(np.float64)
    shares, pull_shares = normalize_harmonics.vjp(
        harmonic_distribution.astype(np.float64), f0, sample_rate=sample_rate
    )
    overall = amplitudes[..., None]
    y, phases, pull = synthesize_vjp(
        k * f0[..., None],
        overall * shares,
        k * initial_phase_cycles[:, None].astype(np.float64),
        n_samples=n_samples,
        sample_rate=sample_rate,
        method=amp_resample_method,
        nyquist=np.inf,
        dtype=dtype,
    )

    def pullback(bars):
        y_bar, final_bar = bars
        phases_bar = np.zeros((len(y_bar), len(k)))
        phases_bar[:, 0] = final_bar
        frequencies_bar, partials_bar, initial_bar = pull(y_bar, phases_bar)
        shares_bar, _ = pull_shares(partials_bar * overall)
        amplitudes_bar = (partials_bar * shares).sum(axis=2)
        return frequencies_bar @ k, amplitudes_bar, shares_bar, initial_bar @ k

    return (y, phases[:, 0].astype(dtype)), pullback


def check(dims, *, n_samples, sample_rate=16000, amp_resample_method="linear"):
    check_synthesis(dims["n_frames"], n_samples, sample_rate, amp_resample_method)


def cases():
    def controls(n_frames, n_harmonics, low, high, phase):
        i, k = np.arange(n_frames), np.arange(n_harmonics)
        shares = (1.5 + np.sin(i[:, None] + k)) / (1 + k)
        return [np.linspace(low, high, n_frames), 0.5 + 0.4 * np.cos(i), shares, np.array(phase)]

    # From 1/4 cycle on, 1/16 and then 1/8 cycle per sample: increments 2, 3, 4, 4 of 32 parts reach
    # 10, 13, 17, 21 of them. Amplitudes 4, 6, 8, 8; a quarter is partial 1's, the rest partial 2's.
    turn = 2 * np.pi * np.array([10, 13, 17, 21]) / 32
    wave = np.array([1.0, 1.5, 2.0, 2.0]) * (np.sin(turn) + 3 * np.sin(2 * turn))
    shares = np.full((2, 2), [5.0, 15.0])
    glide = [np.array([1.0, 2.0]), np.array([4.0, 8.0]), shares, np.array(0.25)]
    # 3000 Hz at 8000 samples/s: only the first partial is below Nyquist, it gets the whole sum
    over = [np.array([3000.0]), np.array([2.0]), np.ones((1, 3)), np.array(0.0)]
    third = 2 * np.sin(2 * np.pi * 3 / 8 * np.arange(1, 5))
    return [
        Case("by hand", glide, {"n_samples": 4, "sample_rate": 16}, (wave, np.array(21 / 32))),
        Case("above Nyquist", over, {"n_samples": 4, "sample_rate": 8000},
             (third, np.array(0.5)), grad=False),
        Case("linear", controls(4, 4, 200.0, 700.0, 0.3), {"n_samples": 40}),
        Case("window", controls(4, 4, 200.0, 700.0, -1.4),
             {"n_samples": 40, "amp_resample_method": "window"}),
        Case("nearest", controls(4, 3, 200.0, 700.0, 2.7),
             {"n_samples": 30, "amp_resample_method": "nearest"}),
        Case("cubic", controls(4, 3, 200.0, 700.0, 0.2),
             {"n_samples": 30, "amp_resample_method": "cubic"}),
        Case("longer than a block", controls(2, 3, 200.0, 300.0, 0.0), {"n_samples": 150}),
        Case("partials are dropped", controls(3, 6, 1000.0, 2900.0, 0.7), {"n_samples": 30}),
        Case("nothing is left", controls(2, 2, 9000.0, 9500.0, 0.1), {"n_samples": 10}),
        Case("one sample", controls(1, 2, 300.0, 300.0, 0.5), {"n_samples": 1}),
        Case("no common multiple", controls(4, 3, 100.0, 900.0, 0.0),
             {"n_samples": 30, "amp_resample_method": "window"}, error="e.g. 32"),
        Case("no samples", controls(4, 3, 100.0, 900.0, 0.0), {"n_samples": 0},
             error="n_samples is 0"),
        Case("unknown method", controls(4, 3, 100.0, 900.0, 0.0),
             {"n_samples": 8, "amp_resample_method": "spline"}, error="'nearest' or 'cubic'"),
        Case("no rate", controls(4, 3, 100.0, 900.0, 0.0), {"n_samples": 8, "sample_rate": 0},
             error="sample_rate is 0"),
        Case("frames differ", [np.ones(3), np.ones(4), np.ones((4, 2)), np.zeros(())],
             {"n_samples": 12}, error=r"amplitudes has shape \(4,\)"),
    ]  # fmt: skip


streaming_harmonic_synthesis = Op(
    "streaming_harmonic_synthesis",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames),(n_frames),(n_frames,n_harmonics),()->(n_samples),()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, streaming_harmonic_synthesis",
)
