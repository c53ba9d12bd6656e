"""Errors against exact arithmetic, held to what rounding explains; `benchmarks.accuracy` in small.

The bounds are derived, not measured: where one fails, an op does more than it has to.
"""

from __future__ import annotations

import mpmath
import numba
import numpy as np
import pytest

from benchmarks import accuracy, accuracy_cases
from benchmarks.exact import HAS_LONG_DOUBLE
from ddsp_ref.registry import get_op

pytestmark = pytest.mark.skipif(not HAS_LONG_DOUBLE, reason="no long double to compare with")
long_signals = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="minutes without compilation")

SECONDS = 4
ONE_ROUNDING = (  # computed in float64, rounded to float32 once
    "oscillator_bank",
    "harmonic_oscillator_bank",
    "angular_cumsum",
    "wavetable_synthesis",
    "resample_linear",
    "resample_window",
    "resample_cubic",
    "variable_length_delay",
)
# Phase in float64, waves in float32: steps of rounding for each partial, times its amplitude. Three
# are the place on the wave with the polynomial, the amplitude, and the sum; harmonic partials turn
# from one group of 15 to the next, which costs one step a group.
_LEVELS = accuracy_cases.harmonic_amplitudes(np.float64)
FLOAT32_WAVES = {
    "sinusoidal_synthesis": 3.0,
    "harmonic_synthesis": float(np.sum(_LEVELS * (3 + np.arange(60) // 15))),
}
BY_FFT = {  # the size of the transforms, or the number of products that are added up
    "fft_convolve": 1 << 17,
    "fft_convolve_frames": 128,
    "stft_magnitude": 1024,
    "frequency_impulse_response": 128,
}
ALL = {**accuracy.SIGNALS, **accuracy.NO_DURATION}


def op_of(name):
    return name.split(",")[0]


def worst(name, dtype):
    """Return the largest error, and the largest value."""
    got, wanted, peak = ALL[name](dtype, SECONDS)
    return float(np.abs(got - wanted).max()), float(peak)


@long_signals
@pytest.mark.parametrize("name", [n for n in ALL if op_of(n) in ONE_ROUNDING])
def test_float32_results_are_rounded_once(name):
    error, peak = worst(name, np.float32)
    assert error <= 0.5001 * np.spacing(np.float32(peak))


@long_signals
@pytest.mark.parametrize("name", [n for n in ALL if op_of(n) in FLOAT32_WAVES])
def test_float32_waves_lose_a_few_steps_of_their_amplitudes(name):
    error, _ = worst(name, np.float32)
    assert error <= FLOAT32_WAVES[op_of(name)] * np.finfo(np.float32).eps


@long_signals
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [n for n in ALL if op_of(n) in BY_FFT])
def test_transforms_lose_half_a_digit_per_stage(name, dtype):
    """log2(size) stages add up errors, each at most half a step of the largest value."""
    error, peak = worst(name, dtype)
    assert error <= 0.5 * np.log2(BY_FFT[op_of(name)]) * np.finfo(dtype).eps * peak


@long_signals
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_loudness_loses_what_its_transform_loses(dtype):
    """Twice a relative error of log2(512) half steps, in dB, and the rounding of the level."""
    got, wanted, peak = accuracy_cases.compute_loudness(dtype, SECONDS)
    eps = np.finfo(dtype).eps
    bound = 20 / np.log(10) * 0.5 * 9 * eps + np.spacing(dtype(peak))
    assert float(np.abs(got - wanted).max()) <= bound


# the slope of the sound by the phase of its fundamental, in cycles, over its peak
SLOPES = {"wavetable_synthesis": 2 * 2048, "harmonic_synthesis": 2 * np.pi * 60}
SLOPES |= {"harmonic_oscillator_bank": 2 * np.pi * 3, "angular_cumsum": 1.0}


# sums that begin anew, from one that is rounded once, after 65536 samples or a frame
EXACT_STARTS = (
    "harmonic_synthesis",
    "oscillator_bank",
    "harmonic_oscillator_bank",
    "wavetable_synthesis",
)


@long_signals
@pytest.mark.parametrize("name", [n for n in ALL if "glide" in n or "439.7" in n])
def test_float64_phase_drifts_no_faster_than_a_wrapped_sum(name):
    """A sum in Hz, wrapped at the sample rate, rounds by half a step of 2 * 16000 Hz a sample."""
    error, peak = worst(name, np.float64)
    n, rate = SECONDS * accuracy_cases.RATE, accuracy_cases.RATE
    cycles = n * 0.5 * np.spacing(2.0 * rate) / rate
    slope = SLOPES.get(op_of(name), 2 * np.pi)
    assert error <= slope * peak * cycles + 1e-13


@long_signals
@pytest.mark.parametrize("name", [n for n in ALL if "439.7" in n and op_of(n) in EXACT_STARTS])
def test_float64_phase_does_not_drift_beyond_a_part(name):
    """The error after a minute is that after four seconds, the longest part: -200 dB, not more."""
    got, wanted, peak = ALL[name](np.float64, 60)
    assert float(np.abs(got - wanted).max()) <= 1e-10 * peak


@long_signals
def test_whole_numbers_of_hz_never_drift():
    """Sums of whole numbers are exact: after 10 min the error is that of the sine of the phase."""
    for name in ("harmonic_synthesis, 60 partials, 440 Hz", "oscillator_bank, 440 Hz"):
        got, wanted, peak = ALL[name](np.float64, 60)
        assert float(np.abs(got - wanted).max()) <= 60 * 2 * np.pi * np.finfo(float).eps * peak


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", accuracy.VALUES, ids=[v[0] for v in accuracy.VALUES])
def test_single_values_lose_a_few_roundings(value, dtype):
    """Four roundings of a step each, as much as the condition |x y' / y| makes of them."""
    name, settings, inputs, formula = value
    x = inputs()[::5].astype(dtype)
    op = get_op(name)
    y, pullback = op.vjp(x.astype(np.float64), **settings)
    with np.errstate(divide="ignore"):
        condition = np.abs(x * pullback(np.ones(len(x)))[0] / y)
    got = op(x, **settings)
    with mpmath.workdps(40):
        for x_one, y_one, amplified in zip(x, got, condition):
            wanted = formula(mpmath.mpf(float(x_one)))
            error = abs(mpmath.mpf(float(y_one)) - wanted)
            step = np.finfo(dtype).eps * float(abs(wanted))
            least = np.finfo(dtype).eps * 4e-3 * float(np.abs(y).max())  # around a zero
            assert float(error) <= 4 * (1 + min(amplified, 1e9)) * step + least, x_one
