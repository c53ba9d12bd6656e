"""Wavetables: their cycle, their partials, exact phase, and the sum of angles."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from ddsp_ref.ops.oscillators.angular_cumsum import angular_cumsum
from ddsp_ref.ops.oscillators.harmonic_distribution_to_wavetable import (
    harmonic_distribution_to_wavetable,
)
from ddsp_ref.ops.oscillators.linear_lookup import linear_lookup
from ddsp_ref.ops.oscillators.wavetable_synthesis import wavetable_synthesis
from ddsp_ref.ops.resampling.resample_cubic import resample_cubic
from ddsp_ref.ops.resampling.resample_linear import resample_linear
from ddsp_ref.ops.resampling.resample_nearest import resample_nearest
from ddsp_ref.ops.resampling.resample_window import resample_window

from ...check import assert_close, dot

long_signals = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="minutes without compilation")


@long_signals
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sound_repeats_with_its_period_for_a_minute(dtype, rng):
    """441 Hz at 2205 samples/s: five samples to the cycle, the same five to the end."""
    table = rng.standard_normal((1, 64)).astype(dtype)
    ones = np.ones(900, dtype)
    y = wavetable_synthesis(441 * ones, ones, table, n_samples=60 * 2205, sample_rate=2205)
    once = linear_lookup(np.arange(5, dtype=np.float64) / 5, table)
    assert np.abs(y.reshape(-1, 5) - once).max() < (1e-6 if dtype == np.float32 else 1e-10)


def test_partials_of_a_table_are_those_it_was_made_of(rng):
    shares = rng.random(20)
    table = harmonic_distribution_to_wavetable(shares, n_wavetable=128)
    spectrum = np.fft.rfft(table) / 64
    np.testing.assert_allclose(spectrum[1:21], shares, atol=1e-13)
    np.testing.assert_allclose(np.abs(spectrum[21:]), 0, atol=1e-13)
    # Parseval: each cosine has half the square of its amplitude
    np.testing.assert_allclose(np.mean(table**2), np.sum(shares**2) / 2, rtol=1e-12)


RESAMPLE = {
    "linear": resample_linear,
    "nearest": resample_nearest,
    "window": resample_window,
    "cubic": resample_cubic,
}


@pytest.mark.parametrize("method", list(RESAMPLE))
def test_fused_synthesis_is_its_parts(method, rng):
    f0, amplitudes, tables = rng.uniform(50, 900, 6), rng.random(6), rng.standard_normal((3, 32))
    n_samples = 6 * 50
    y, pullback = wavetable_synthesis.vjp(
        f0, amplitudes, tables, n_samples=n_samples, amp_resample_method=method
    )
    f, pull_f = resample_linear.vjp(f0[:, None], n_samples=n_samples)
    a, pull_a = RESAMPLE[method].vjp(amplitudes[:, None], n_samples=n_samples)
    w, pull_w = resample_linear.vjp(tables, n_samples=n_samples)
    turn = 2 * np.pi
    phase, pull_phase = angular_cumsum.vjp(np.concatenate([[[0.0]], turn * f[:-1] / 16000]))
    wave, pull_wave = linear_lookup.vjp(phase[:, 0] / turn, w)
    assert_close(y, a[:, 0] * wave, 1e-11, "value")
    y_bar = rng.standard_normal(n_samples)
    phase_bar, w_bar = pull_wave(y_bar * a[:, 0])
    (steps_bar,) = pull_phase(phase_bar[:, None] / turn)
    f_bar = np.concatenate([turn * steps_bar[1:] / 16000, [[0.0]]])
    wanted = (pull_f(f_bar)[0][:, 0], pull_a((y_bar * wave)[:, None])[0][:, 0], *pull_w(w_bar))
    for got, part in zip(pullback(y_bar), wanted):
        assert_close(got, part, 1e-9, "cotangent")


def test_lookup_is_linear_in_the_table(rng):
    phase, one, two = rng.random(50), rng.standard_normal((50, 9)), rng.standard_normal((50, 9))
    both = linear_lookup(phase, one) + 3 * linear_lookup(phase, two)
    np.testing.assert_allclose(linear_lookup(phase, one + 3 * two), both, atol=1e-12)
    w = rng.standard_normal(50)
    table_bar = linear_lookup.vjp(phase, one)[1](w)[1]
    np.testing.assert_allclose(dot(table_bar, two), dot(w, linear_lookup(phase, two)), rtol=1e-10)


@long_signals
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_angles_add_up_for_a_minute(dtype):
    """A step of 1/64 turn, rounded to the precision of the input, over 16 kHz for a minute."""
    n_samples = 60 * 16000
    step = np.full((n_samples, 1), 2 * np.pi / 64, dtype)
    y = angular_cumsum(step)[:, 0].astype(np.float64)
    exact = np.arange(1, n_samples + 1) * np.longdouble(step[0, 0])
    turn = 2 * np.longdouble("3.14159265358979323846264338327950288")
    off = (y - exact) / turn
    assert np.abs(off - np.round(off)).max() < (1e-7 if dtype == np.float32 else 1e-10)
