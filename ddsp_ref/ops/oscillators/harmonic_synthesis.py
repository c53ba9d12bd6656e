"""Harmonic synthesis: a sum of sinusoids at whole multiples of f0, as one fused kernel."""

from __future__ import annotations

import numpy as np

from ddsp_ref.jit import ranges, run_parts
from ddsp_ref.op import Case, Op
from ddsp_ref.ops.oscillators import _harmonic_kernels as kernels
from ddsp_ref.ops.oscillators._amplitude_methods import (
    DEFINITIONS,
    PASSES,
    add_sides,
    check_synthesis,
    split_partials,
)


def define(
    f0_hz,
    amplitudes,
    harmonic_distribution,
    *,
    n_samples,
    sample_rate=16000,
    amp_resample_method="window",
    xp=np,
):
    """Sum sinusoids at whole multiples of a gliding fundamental frequency.

    ``y[t] = sum_k A_k[t] sin(2 pi k phi[t])``, with ``phi[t] = sum_{s <= t} f0[s] / sample_rate``
    in cycles and ``A_k = amplitudes * harmonic_distribution[k]``, both brought from frames to
    samples; a partial is silent where ``k f0[t] >= sample_rate / 2``.

    Parameters
    ----------
    f0_hz : array, shape (..., n_frames)
        Fundamental frequency in Hz, at least 0; linear between frames, the last one held.
    amplitudes : array, shape (..., n_frames)
        Overall amplitude, linear scale.
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
    Gradient: the one of f0 is a sum over all later samples, so it grows with length. At the
    Nyquist limit a partial switches off; the gradient there is that of the side it is on.
    Precision: phase is counted in cycles, in float64 and wrapped; waves and sums over partials have
    the precision of the amplitudes. In float32 the error is below -128 dB of the largest value for
    200 partials, -132 for 60. Partials are summed in groups of 15 around one in the middle, as
    ``C sin(q theta) + D cos(q theta)``, see `_harmonic_blocks`.
    "cubic" takes twice the time of the other methods.
    Differences: magenta adds up float32 phase for each partial and is off by 3 rad after 4 s.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, harmonic_synthesis and oscillator_bank;
    Engel et al. 2020, section 3.1.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> f0_hz = np.full(2, 2000.0)
    >>> y = ddsp_ref.harmonic_synthesis(f0_hz, np.ones(2), np.ones((2, 1)), n_samples=8)
    >>> y.round(4) + 0.0
    array([ 0.7071,  1.    ,  0.7071,  0.    , -0.7071, -1.    , -0.7071,  0.    ])
    """
    n_frames, n_harmonics = harmonic_distribution.shape
    ticks = np.arange(n_samples) * n_frames
    left = ticks // n_samples
    right = np.minimum(left + 1, n_frames - 1)
    fraction = (ticks % n_samples) / n_samples

    f0 = f0_hz[left] + fraction * (f0_hz[right] - f0_hz[left])
    partials = amplitudes[:, None] * harmonic_distribution
    envelopes = DEFINITIONS[amp_resample_method](partials, n_samples=n_samples, xp=xp)

    k = np.arange(1, n_harmonics + 1)
    cycles = xp.cumsum(f0 / sample_rate)
    audible = f0[:, None] * k < sample_rate / 2
    waves = xp.sin(2 * np.pi * (k * cycles[:, None]))
    return xp.sum(xp.where(audible, envelopes * waves, 0.0), axis=1)


PART = 1 << 18  # partials x samples that one thread takes at a time


def _parts(n_batch, n_frames, n_harmonics, n_samples):
    """Return (batch, first frame, last frame) of pieces of about equal work."""
    frames = max(1, int(PART * n_frames / (n_samples * n_harmonics)))
    return [(b, *part) for b in range(n_batch) for part in ranges(n_frames, frames)]


def _phases(f0_hz, n_samples, sample_rate):
    phases = np.empty(f0_hz.shape)
    kernels.frame_phases(f0_hz, n_samples, float(sample_rate), phases)
    return phases


def _synthesize(f0_hz, partials, n_samples, sample_rate, method):
    """Return the audio, and the setting of the kernels with which it was made."""
    setting = (f0_hz, partials, _phases(f0_hz, n_samples, sample_rate), n_samples)
    setting += (float(sample_rate),)
    parts = _parts(*partials.shape, n_samples)

    def render(number):
        y = np.empty((len(f0_hz), n_samples), partials.dtype)
        run_parts(kernels.synthesize_frames, [(*setting, number, *part, y) for part in parts])
        return y

    y = render(PASSES[method][0])
    for number in PASSES[method][1:]:
        y += render(number)
    return y, setting


def forward(
    f0_hz,
    amplitudes,
    harmonic_distribution,
    *,
    n_samples,
    sample_rate=16000,
    amp_resample_method="window",
):
    partials = amplitudes[:, :, None] * harmonic_distribution
    return _synthesize(f0_hz, partials, n_samples, sample_rate, amp_resample_method)[0]


def vjp(
    f0_hz,
    amplitudes,
    harmonic_distribution,
    *,
    n_samples,
    sample_rate=16000,
    amp_resample_method="window",
):
    partials = amplitudes[:, :, None] * harmonic_distribution
    y, setting = _synthesize(f0_hz, partials, n_samples, sample_rate, amp_resample_method)

    def pull(number, y_bar):
        results = np.empty(partials.shape), np.empty(partials.shape), np.empty((*f0_hz.shape, 3))
        parts = _parts(*partials.shape, n_samples)
        run_parts(
            kernels.pull_frames, [(*setting, number, *part, y_bar, *results) for part in parts]
        )
        return results

    def pullback(y_bar):
        first, *more = PASSES[amp_resample_method]
        left_bar, right_bar, moments = pull(first, y_bar)
        for number in more:  # what lies outside of the two frames
            *sides, own_moments = pull(number, y_bar)
            add_sides(*sides, 1, left_bar)
            moments += own_moments
        f0_bar = np.empty_like(f0_hz)
        kernels.pull_f0(moments, n_samples, float(sample_rate), f0_bar)
        amplitudes_bar, distribution_bar = np.empty_like(amplitudes), np.empty_like(partials)
        sides = (left_bar, right_bar, amplitudes, harmonic_distribution)
        split_partials(*sides, amplitudes_bar, distribution_bar)
        return f0_bar, amplitudes_bar, distribution_bar

    return y, pullback


def check(dims, *, n_samples, sample_rate=16000, amp_resample_method="window"):
    check_synthesis(dims["n_frames"], n_samples, sample_rate, amp_resample_method)


def cases():
    def controls(n_frames, n_harmonics, low, high):
        f0_hz = np.linspace(low, high, n_frames)
        amplitudes = 0.5 + 0.4 * np.cos(np.arange(n_frames))
        k = np.arange(n_harmonics)
        return [f0_hz, amplitudes, (1 + np.sin(np.arange(n_frames)[:, None] + k)) / (1 + k)]

    # f0 of 1/8 cycle per sample, then 1/4 at frame 1: increments 2, 3, 4, 4 sixteenths; phases
    # 1/8, 5/16, 9/16, 13/16. Linear amplitudes 1, 3/2, 2, 2.
    turn = 2 * np.pi / 16
    by_hand = np.array([1.0, 1.5, 2.0, 2.0]) * np.sin(turn * np.array([2, 5, 9, 13]))
    linear = {"n_samples": 4, "sample_rate": 16, "amp_resample_method": "linear"}
    root = np.sqrt(0.5)
    # 3000 Hz at 8000 samples/s: the second partial is above Nyquist and silent
    third = 2 * np.pi * 3 / 8 * np.arange(1, 5)
    over = [np.full(2, 3000.0), np.ones(2), np.ones((2, 2))]
    exact = [np.full(3, 1000.0), np.ones(3), np.ones((3, 8))]
    return [
        Case("by hand", [np.array([2.0, 4.0]), np.array([1.0, 2.0]), np.ones((2, 1))], linear,
             by_hand),
        Case("above Nyquist", over, {"n_samples": 4, "sample_rate": 8000}, np.sin(third)),
        Case("window", controls(5, 6, 200.0, 500.0), {"n_samples": 40}),
        Case("linear", controls(5, 6, 200.0, 500.0),
             {"n_samples": 40, "amp_resample_method": "linear"}),
        # half-way between frames the weights are -3, 19, 19, -3 of 32: 54, 35 and -6; in eighths
        # of a cycle, phases are 1 to 6
        Case("by hand, cubic", [np.full(3, 2.0), np.array([32.0, 64.0, 0.0]), np.ones((3, 1))],
             {"n_samples": 6, "sample_rate": 16, "amp_resample_method": "cubic"},
             np.array([32 * root, 54.0, 64 * root, 0.0, 0.0, 6.0])),
        Case("cubic", controls(5, 6, 200.0, 500.0),
             {"n_samples": 40, "amp_resample_method": "cubic"}),
        Case("cubic, places are rounded", controls(4, 3, 600.0, 2900.0),
             {"n_samples": 300, "amp_resample_method": "cubic"}),
        Case("cubic, fewer samples than frames", controls(7, 3, 100.0, 900.0),
             {"n_samples": 5, "amp_resample_method": "cubic"}),
        Case("cubic, one frame", controls(1, 3, 100.0, 900.0),
             {"n_samples": 90, "amp_resample_method": "cubic"}),
        Case("nearest", controls(5, 6, 200.0, 500.0),
             {"n_samples": 33, "amp_resample_method": "nearest"}),
        Case("whole hops do not fit", controls(4, 3, 100.0, 900.0),
             {"n_samples": 30, "amp_resample_method": "linear"}),
        Case("fewer samples than frames", controls(7, 3, 100.0, 900.0),
             {"n_samples": 5, "amp_resample_method": "linear"}),
        Case("partials cross Nyquist", controls(3, 9, 600.0, 2900.0), {"n_samples": 150}),
        Case("frame longer than a block", controls(2, 9, 700.0, 1100.0), {"n_samples": 300}),
        Case("partial exactly at Nyquist", exact, {"n_samples": 12}, grad=False),
        Case("held at Nyquist", [np.array([3000.0, 4000.0, 4000.0]), np.ones(3), np.ones((3, 1))],
             {"n_samples": 30, "sample_rate": 8000}, grad=False),
        Case("all above Nyquist", controls(2, 3, 9000.0, 9500.0), {"n_samples": 10}),
        Case("one frame", controls(1, 4, 300.0, 300.0), {"n_samples": 20}),
        Case("f0 is zero", [np.zeros(2), np.ones(2), np.ones((2, 3))], {"n_samples": 6}),
        Case("no common multiple", controls(4, 3, 100.0, 900.0), {"n_samples": 30},
             error="multiple of n_frames=4 for the method 'window', e.g. 32"),
        Case("no samples", controls(4, 3, 100.0, 900.0), {"n_samples": 0}, error="n_samples is 0"),
        Case("unknown method", controls(4, 3, 100.0, 900.0),
             {"n_samples": 8, "amp_resample_method": "spline"}, error="'nearest' or 'cubic'"),
        Case("no rate", controls(4, 3, 100.0, 900.0), {"n_samples": 8, "sample_rate": 0},
             error="sample_rate is 0"),
        Case("frames differ", [np.ones(3), np.ones(4), np.ones((4, 2))], {"n_samples": 12},
             error=r"amplitudes has shape \(4,\)"),
    ]  # fmt: skip


harmonic_synthesis = Op(
    "harmonic_synthesis",
    define,
    vjp=vjp,
    forward=forward,
    check=check,
    cases=cases,
    signature="(n_frames),(n_frames),(n_frames,n_harmonics)->(n_samples)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, harmonic_synthesis",
)
