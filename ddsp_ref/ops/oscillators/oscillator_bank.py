"""A bank of oscillators, each with its frequency and amplitude at every sample."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op
from ddsp_ref.ops.oscillators._bank_kernels import bank_vjp


def define(
    frequency_envelopes, amplitude_envelopes, *, sample_rate=16000, sum_sinusoids=True, xp=np
):
    """Turn frequencies and amplitudes at every sample into sinusoids.

    ``y[t] = sum_k A_k[t] sin(2 pi phi_k[t])``, with ``phi_k[t] = sum_{s <= t} f_k[s] /
    sample_rate`` in cycles; a sinusoid is silent where ``f_k[t] >= sample_rate / 2``.

    Parameters
    ----------
    frequency_envelopes : array, shape (..., n_samples, n_sinusoids)
        Frequency of each sinusoid in Hz.
    amplitude_envelopes : array, shape (..., n_samples, n_sinusoids)
        Amplitude of each sinusoid, linear scale.
    sample_rate : float
        Samples per second, positive.
    sum_sinusoids : bool
        Whether the sinusoids are added up; False returns each of them.

    Returns
    -------
    array, shape (..., n_samples) or (..., n_samples, n_sinusoids)
        Audio.

    Raises
    ------
    ParameterError
        If shapes do not fit, or the sample rate is not positive.

    Notes
    -----
    Gradient: the one of a frequency is a sum over all later samples, so it grows with length. At
    the Nyquist limit a sinusoid switches off; the gradient there is that of the side it is on.
    Precision: phase is a wrapped float64 sum of Hz, exact for whole numbers of Hz.
    Differences: magenta sums float32 phase and is off by 3 rad after 4 s, which its setting
    use_angular_cumsum makes 0.1 rad; here there is nothing to choose.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, oscillator_bank and remove_above_nyquist.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> frequencies = np.full((4, 2), [2000.0, 4000.0])
    >>> ddsp_ref.oscillator_bank(frequencies, np.ones((4, 2))).round(4) + 0.0
    array([ 1.7071,  1.    , -0.2929,  0.    ])
    """
    cycles = xp.cumsum(frequency_envelopes / sample_rate, axis=0)
    audible = frequency_envelopes < sample_rate / 2
    waves = xp.where(audible, amplitude_envelopes * xp.sin(2 * np.pi * cycles), 0.0)
    return xp.sum(waves, axis=1) if sum_sinusoids else waves


def vjp(frequency_envelopes, amplitude_envelopes, *, sample_rate=16000, sum_sinusoids=True):
    n_batch, _, n_sinusoids = amplitude_envelopes.shape
    y, _, pull = bank_vjp(
        frequency_envelopes,
        amplitude_envelopes,
        np.zeros((n_batch, n_sinusoids)),
        sample_rate=sample_rate,
        nyquist=sample_rate / 2,
        harmonic=False,
        summed=sum_sinusoids,
    )

    def pullback(y_bar):
        return pull(y_bar)[:2]

    return y[..., 0] if sum_sinusoids else y, pullback


def check(dims, *, sample_rate=16000, sum_sinusoids=True):
    require(
        1e-30 <= sample_rate <= 1e30,
        f"sample_rate is {sample_rate}, must be positive (from 1e-30 to 1e30), e.g. 16000",
    )


def cases():
    def envelopes(n_samples, n_sinusoids, low, high):
        t, k = np.arange(n_samples)[:, None], np.arange(n_sinusoids)
        frequencies = low + (high - low) * (0.5 + 0.5 * np.sin(1 + t / 9 + 2 * k))
        return [frequencies, (1 + np.cos(t / 7 + k)) / (1 + k)]

    # at 16 samples/s: 2, 5, 9 sixteenths of a cycle, and steps of a quarter
    two = [np.array([[2.0, 4.0], [3.0, 4.0], [4.0, 4.0]]), np.array([[1.0, 1.0], [2, 1], [3, 1]])]
    first = np.array([1.0, 2.0, 3.0]) * np.sin(2 * np.pi * np.array([2, 5, 9]) / 16)
    second = np.array([1.0, 0.0, -1.0])
    each = {"sample_rate": 16, "sum_sinusoids": False}
    # switched off where 8 Hz is reached; the phase goes on: 4, 12, 16 sixteenths
    gap = [np.array([[4.0], [8.0], [5.0]]), np.ones((3, 1))]
    edge = np.full((6, 6), [0.0, 100.0, 7999.9, 8000.0, 8000.1, -50.0])
    return [
        Case("by hand", two, {"sample_rate": 16}, first + second),
        Case("by hand, each", two, each, np.stack([first, second], axis=1)),
        Case("by hand, silent above Nyquist", gap, {"sample_rate": 16},
             np.array([1.0, 0.0, np.sin(2 * np.pi / 16)]), grad=False),
        Case("summed", envelopes(40, 5, 100.0, 900.0)),
        Case("each", envelopes(40, 5, 100.0, 900.0), {"sum_sinusoids": False}),
        Case("more than a tile", envelopes(16, 150, 100.0, 900.0)),
        Case("crossing Nyquist", envelopes(60, 3, 5000.0, 11000.0)),
        Case("Nyquist edge", [edge, np.ones((6, 6))], {"sum_sinusoids": False}, grad=False),
        Case("one sinusoid, each", envelopes(20, 1, 100.0, 300.0), {"sum_sinusoids": False}),
        Case("one sinusoid", envelopes(20, 1, 100.0, 300.0)),
        Case("one sample", envelopes(1, 2, 300.0, 500.0)),
        Case("no rate", envelopes(4, 2, 100.0, 300.0), {"sample_rate": -1},
             error="sample_rate is -1"),
        Case("a count", envelopes(4, 2, 100.0, 300.0), {"sum_sinusoids": 2},
             error="sum_sinusoids is 2"),
        Case("counts differ", [np.ones((3, 2)), np.ones((3, 4))],
             error=r"amplitude_envelopes has shape \(3, 4\)"),
    ]  # fmt: skip


oscillator_bank = Op(
    "oscillator_bank",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples,n_sinusoids),(n_samples,n_sinusoids)->(n_samples)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, oscillator_bank",
)
