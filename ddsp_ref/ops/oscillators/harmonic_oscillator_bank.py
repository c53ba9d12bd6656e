"""Oscillators at whole multiples of one frequency at every sample, with phase in and out."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op
from ddsp_ref.ops.oscillators._bank_kernels import bank_vjp


def define(f0_hz, amplitude_envelopes, initial_phase_cycles, *, sample_rate=16000, xp=np):
    """Turn a fundamental frequency and amplitudes at every sample into a harmonic sound.

    ``y[t] = sum_k A_k[t] sin(2 pi k phi[t])``, with ``phi[t] = initial_phase_cycles +
    sum_{s <= t} f0[s] / sample_rate``. The phase at the end is ``phi[n_samples - 1] mod 1``, the
    initial phase of the samples that follow.

    Parameters
    ----------
    f0_hz : array, shape (..., n_samples)
        Fundamental frequency in Hz.
    amplitude_envelopes : array, shape (..., n_samples, n_harmonics)
        Amplitude of each partial, linear scale. No partial is dropped: those above half the
        sample rate alias, so give them zero amplitude, see `normalize_harmonics`.
    initial_phase_cycles : array, shape (...)
        Phase of the fundamental before the first sample, in cycles; 0 at the start.
    sample_rate : float
        Samples per second, positive.

    Returns
    -------
    audio : array, shape (..., n_samples)
        Audio.
    final_phase_cycles : array, shape (...)
        Phase of the fundamental at the last sample, in cycles, wrapped to between 0 and 1.

    Raises
    ------
    ParameterError
        If shapes do not fit, or the sample rate is not positive.

    Notes
    -----
    Gradient: through both results; where the final phase wraps, its slope is taken as 1.
    Precision: phase is a wrapped float64 sum of Hz, exact for whole numbers of Hz. In float32 the
    final phase is rounded to 3e-8 cycles; a float64 state makes all of the call float64.
    Differences: magenta counts phase in radians, and what it returns is not wrapped as a whole.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, harmonic_oscillator_bank.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> f0_hz, ones = np.full(3, 2000.0), np.ones((3, 1))
    >>> y, phase = ddsp_ref.harmonic_oscillator_bank(f0_hz, ones, 0.25)
    >>> y.round(4), phase
    (array([ 0.7071,  0.    , -0.7071]), array(0.625))
    """
    k = np.arange(1, amplitude_envelopes.shape[1] + 1)
    cycles = initial_phase_cycles + xp.cumsum(f0_hz / sample_rate)
    waves = xp.sin(2 * np.pi * (k * cycles[:, None]))
    return xp.sum(amplitude_envelopes * waves, axis=1), cycles[-1] % 1.0


def vjp(f0_hz, amplitude_envelopes, initial_phase_cycles, *, sample_rate=16000):
    y, phases, pull = bank_vjp(
        f0_hz[..., None],
        amplitude_envelopes,
        initial_phase_cycles[:, None].astype(np.float64),
        sample_rate=sample_rate,
        nyquist=np.inf,
        harmonic=True,
        summed=True,
    )

    def pullback(bars):
        y_bar, final_bar = bars
        f0_bar, amplitudes_bar, initial_bar = pull(y_bar, final_bar[:, None])
        return f0_bar[..., 0], amplitudes_bar, initial_bar[:, 0]

    return (y[..., 0], phases[:, 0].astype(y.dtype)), pullback


def check(dims, *, sample_rate=16000):
    require(
        1e-30 <= sample_rate <= 1e30,
        f"sample_rate is {sample_rate}, must be positive (from 1e-30 to 1e30), e.g. 16000",
    )


def cases():
    def controls(n_samples, n_harmonics, phase):
        t, k = np.arange(n_samples), np.arange(n_harmonics)
        levels = (1 + np.cos(t[:, None] / 7 + k)) / (1 + k)
        return [300 + 100 * np.sin(t / 9), levels, np.array(phase)]

    # at 16 samples/s from 1/4 cycle on: 6, 9, 13, 17 sixteenths, and twice that
    turn = 2 * np.pi * np.array([6, 9, 13, 17]) / 16
    f0, levels = np.array([2.0, 3.0, 4.0, 4.0]), np.full((4, 2), [1.0, 3.0])
    by_hand = (np.sin(turn) + 3 * np.sin(2 * turn), np.array(1 / 16))
    return [
        Case("by hand", [f0, levels, np.array(0.25)], {"sample_rate": 16}, by_hand),
        Case("typical", controls(60, 4, 0.3)),
        Case("more than a tile", controls(16, 150, 0.1)),
        Case("phase beyond a cycle", controls(10, 2, -7.3)),
        Case("one partial", controls(30, 1, 0.9), {"sample_rate": 8000}),
        Case("one sample", controls(1, 3, 0.4)),
        Case("standing still", [np.zeros(3), np.ones((3, 2)), np.array(0.25)], {},
             (np.ones(3), np.array(0.25))),
        Case("no rate", controls(4, 2, 0.0), {"sample_rate": 0}, error="sample_rate is 0"),
        Case("lengths differ", [np.ones(3), np.ones((4, 2)), np.zeros(())],
             error=r"amplitude_envelopes has shape \(4, 2\)"),
    ]  # fmt: skip


harmonic_oscillator_bank = Op(
    "harmonic_oscillator_bank",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples),(n_samples,n_harmonics),()->(n_samples),()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, harmonic_oscillator_bank",
)
