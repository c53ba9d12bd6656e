"""Sinusoids with frequencies and amplitudes of their own, from frames, as one fused kernel."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op
from ddsp_ref.ops.oscillators._amplitude_methods import DEFINITIONS, check_synthesis
from ddsp_ref.ops.oscillators._sinusoidal_kernels import synthesize_vjp


def define(
    frequencies_hz,
    amplitudes,
    *,
    n_samples,
    sample_rate=16000,
    amp_resample_method="window",
    xp=np,
):
    """Sum sinusoids whose frequencies and amplitudes are given frame by frame.

    ``y[t] = sum_k A_k[t] sin(2 pi phi_k[t])``, with ``phi_k[t] = sum_{s <= t} f_k[s] /
    sample_rate`` in cycles, both brought from frames to samples; a partial is silent where
    ``f_k[t] >= sample_rate / 2``.

    Parameters
    ----------
    frequencies_hz : array, shape (..., n_frames, n_sinusoids)
        Frequency of each sinusoid in Hz; linear between frames, the last one held.
    amplitudes : array, shape (..., n_frames, n_sinusoids)
        Amplitude of each sinusoid, linear scale.
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
    Gradient: the one of a frequency is a sum over all later samples, so it grows with length. At
    the Nyquist limit a partial switches off; the gradient there is that of the side it is on.
    Precision: phase is a wrapped float64 sum of Hz, exact for whole numbers of Hz; waves and sums
    have the precision of the amplitudes, -134 dB in float32. Memory is that of frames and audio; no
    array has samples and sinusoids. "cubic" takes twice the time of the other methods.
    Differences: magenta adds up float32 phase at every sample and is off by 3 rad after 4 s.
    Source: magenta/ddsp 3.7.0, ddsp/synths.py, Sinusoidal.get_signal.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> frequencies_hz = np.array([[2000.0, 4000.0]])
    >>> y = ddsp_ref.sinusoidal_synthesis(frequencies_hz, np.ones((1, 2)), n_samples=4)
    >>> y.round(4) + 0.0
    array([ 1.7071,  1.    , -0.2929,  0.    ])
    """
    n_frames = len(frequencies_hz)
    ticks = np.arange(n_samples) * n_frames
    left = ticks // n_samples
    right = np.minimum(left + 1, n_frames - 1)
    fraction = ((ticks % n_samples) / n_samples)[:, None]

    frequency_envelopes = (1 - fraction) * frequencies_hz[left] + fraction * frequencies_hz[right]
    amplitude_envelopes = DEFINITIONS[amp_resample_method](amplitudes, n_samples=n_samples, xp=xp)
    cycles = xp.cumsum(frequency_envelopes / sample_rate, axis=0)
    audible = frequency_envelopes < sample_rate / 2
    return xp.sum(xp.where(audible, amplitude_envelopes * xp.sin(2 * np.pi * cycles), 0.0), axis=1)


def vjp(frequencies_hz, amplitudes, *, n_samples, sample_rate=16000, amp_resample_method="window"):
    y, _, pull = synthesize_vjp(
        frequencies_hz,
        amplitudes,
        np.zeros((len(amplitudes), amplitudes.shape[2])),
        n_samples=n_samples,
        sample_rate=sample_rate,
        method=amp_resample_method,
        nyquist=sample_rate / 2,
        dtype=amplitudes.dtype,
    )

    def pullback(y_bar):
        frequencies_bar, amplitudes_bar, _ = pull(y_bar)
        return frequencies_bar, amplitudes_bar

    return y, pullback


def check(dims, *, n_samples, sample_rate=16000, amp_resample_method="window"):
    check_synthesis(dims["n_frames"], n_samples, sample_rate, amp_resample_method)


def cases():
    def controls(n_frames, n_sinusoids, low, high):
        i, k = np.arange(n_frames)[:, None], np.arange(n_sinusoids)
        frequencies = low + (high - low) * (0.5 + 0.5 * np.sin(1 + i + 2 * k))
        return [frequencies, (1 + np.cos(i + k)) / (1 + k)]

    # 1/8 cycle per sample, then 1/4 at frame 1: increments 2, 3, 4, 4 sixteenths; phases 2, 5, 9,
    # 13 sixteenths. The second one stands still: 1/4 cycle per sample. Amplitudes 1, 3/2, 2, 2.
    turn = 2 * np.pi / 16
    by_hand = np.array([1.0, 1.5, 2.0, 2.0]) * np.sin(turn * np.array([2, 5, 9, 13]))
    by_hand += np.array([3.0, 3.0, 3.0, 3.0]) * np.array([1.0, 0.0, -1.0, 0.0])
    two = [np.array([[2.0, 4.0], [4.0, 4.0]]), np.array([[1.0, 3.0], [2.0, 3.0]])]
    linear = {"n_samples": 4, "sample_rate": 16, "amp_resample_method": "linear"}
    steps = {"n_samples": 4, "sample_rate": 16, "amp_resample_method": "nearest"}
    root = np.sqrt(0.5)
    exact = [np.array([[8000.0, 7999.0, 8001.0]]), np.ones((1, 3))]
    return [
        Case("by hand", two, linear, by_hand),
        Case("by hand, nearest", [two[0][:, 1:], two[1][:, :1]], steps,
             np.array([1.0, 0.0, -2.0, 0.0])),
        Case("window", controls(5, 4, 100.0, 900.0), {"n_samples": 40}),
        Case("linear", controls(5, 3, 100.0, 900.0),
             {"n_samples": 40, "amp_resample_method": "linear"}),
        # half-way between frames the weights are -3, 19, 19, -3 of 32: 54, 35 and -6; in eighths
        # of a cycle, phases are 1 to 6
        Case("by hand, cubic", [np.full((3, 1), 2.0), np.array([[32.0], [64.0], [0.0]])],
             {"n_samples": 6, "sample_rate": 16, "amp_resample_method": "cubic"},
             np.array([32 * root, 54.0, 64 * root, 0.0, 0.0, 6.0])),
        Case("cubic", controls(5, 3, 100.0, 900.0),
             {"n_samples": 40, "amp_resample_method": "cubic"}),
        Case("cubic, places are rounded", controls(4, 2, 5000.0, 11000.0),
             {"n_samples": 300, "amp_resample_method": "cubic"}),
        Case("cubic, fewer samples than frames", controls(7, 2, 100.0, 900.0),
             {"n_samples": 5, "amp_resample_method": "cubic"}),
        Case("cubic, one frame", controls(1, 2, 100.0, 900.0),
             {"n_samples": 90, "amp_resample_method": "cubic"}),
        Case("whole hops do not fit", controls(4, 3, 100.0, 900.0),
             {"n_samples": 30, "amp_resample_method": "linear"}),
        Case("fewer samples than frames", controls(7, 2, 100.0, 900.0),
             {"n_samples": 5, "amp_resample_method": "nearest"}),
        Case("sinusoids cross Nyquist", controls(3, 4, 5000.0, 11000.0), {"n_samples": 60}),
        Case("frame longer than a block", controls(2, 3, 300.0, 1100.0), {"n_samples": 150}),
        Case("exactly at Nyquist", exact, {"n_samples": 6}, grad=False),
        Case("all above Nyquist", controls(2, 3, 9000.0, 9500.0), {"n_samples": 10}),
        Case("one frame", controls(1, 2, 300.0, 500.0), {"n_samples": 20}),
        Case("zero and below", [np.array([[0.0, -300.0]]), np.ones((1, 2))], {"n_samples": 6}),
        Case("no common multiple", controls(4, 3, 100.0, 900.0), {"n_samples": 30},
             error="multiple of n_frames=4 for the method 'window', e.g. 32"),
        Case("no samples", controls(4, 3, 100.0, 900.0), {"n_samples": 0}, error="n_samples is 0"),
        Case("unknown method", controls(4, 3, 100.0, 900.0),
             {"n_samples": 8, "amp_resample_method": "spline"}, error="'nearest' or 'cubic'"),
        Case("no rate", controls(4, 3, 100.0, 900.0), {"n_samples": 8, "sample_rate": 0},
             error="sample_rate is 0"),
        Case("counts differ", [np.ones((3, 2)), np.ones((3, 4))], {"n_samples": 12},
             error=r"amplitudes has shape \(3, 4\)"),
    ]  # fmt: skip


sinusoidal_synthesis = Op(
    "sinusoidal_synthesis",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames,n_sinusoids),(n_frames,n_sinusoids)->(n_samples)",
    source="magenta/ddsp 3.7.0, ddsp/synths.py, Sinusoidal",
)
