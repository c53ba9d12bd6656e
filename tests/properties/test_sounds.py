"""Oscillators: nothing but the lines asked for, periods, and silence from Nyquist on."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ddsp_ref

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="minutes without compilation")
quick = settings(derandomize=True, max_examples=12, deadline=None)
N, RATE = 4096, 16000
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def frame_rate(op, n_partials):
    """Make n_partials multiples of a constant f0 with an op that takes controls by the frame."""

    def make(f0, dtype):
        f0_hz, one = np.full(64, f0, dtype), np.ones(64, dtype)
        levels = np.broadcast_to((1 / np.arange(1, n_partials + 1)).astype(dtype), (64, n_partials))
        if op is ddsp_ref.sinusoidal_synthesis:
            k = np.arange(1, n_partials + 1, dtype=dtype)
            return op(f0_hz[:, None] * k, levels, n_samples=N)
        if op is ddsp_ref.harmonic_synthesis_shifted:
            return op(f0_hz, one, np.zeros_like(levels), levels, n_samples=N)
        if op is ddsp_ref.streaming_harmonic_synthesis:
            k = np.arange(1, n_partials + 1)  # this one divides by the sum of what is heard
            total = np.sum(levels[0][k * dtype(f0) < RATE / 2], dtype=float)
            return op(f0_hz, total * one, levels, np.zeros((), dtype), n_samples=N)[0]
        return op(f0_hz, one, levels, n_samples=N)

    return make


def sample_rate(op, n_partials):
    """The same with an op that takes a frequency for every sample."""

    def make(f0, dtype):
        k = np.arange(1, n_partials + 1, dtype=dtype)
        levels = np.broadcast_to(1 / k, (N, n_partials))
        if op is ddsp_ref.oscillator_bank:
            return op(np.full((N, 1), f0, dtype) * k, levels)
        levels = levels * (k * f0 < RATE / 2)  # this one drops nothing by itself
        return op(np.full(N, f0, dtype), levels, np.zeros((), dtype))[0]

    return make


SYNTHESIZERS = {
    op.name: kind(op, 60)
    for op, kind in (
        (ddsp_ref.harmonic_synthesis, frame_rate),
        (ddsp_ref.harmonic_synthesis_shifted, frame_rate),
        (ddsp_ref.streaming_harmonic_synthesis, frame_rate),
        (ddsp_ref.sinusoidal_synthesis, frame_rate),
        (ddsp_ref.oscillator_bank, sample_rate),
        (ddsp_ref.harmonic_oscillator_bank, sample_rate),
    )
}
each_synthesizer = pytest.mark.parametrize("make", SYNTHESIZERS.values(), ids=SYNTHESIZERS)


@dtypes
@each_synthesizer
@quick
@given(m=st.integers(11, 1500))
def test_the_spectrum_holds_the_lines_asked_for_and_nothing_else(make, dtype, m):
    """f0 is m bins of the transform; partials below Nyquist have their level, all else is noise.

    What is left in a bin is the rounding of N samples, spread over N bins: -140 dB in float32.
    """
    y = make(m * RATE / N, dtype)
    levels = np.abs(np.fft.rfft(y.astype(float))) * 2 / N
    wanted = np.zeros(N // 2 + 1)
    for k in range(1, 61):
        if k * m < N // 2:
            wanted[k * m] = 1 / k
    floor = 20 * np.log10(max(np.abs(levels - wanted).max(), 1e-30) / wanted.max())
    assert floor < (-135 if dtype is np.float32 else -240)


@dtypes
@each_synthesizer
@quick
@given(period=st.integers(5, 400))
def test_a_whole_period_repeats(make, dtype, period):
    y = make(RATE / period, dtype)
    repeats = len(y) // period
    cycles = y[: repeats * period].reshape(repeats, period)
    # f0 and its multiples are rounded, by half a step each, and so is their sum at every sample,
    # below twice the sample rate: phase runs away by that much, and a partial k times as much
    drift = np.finfo(dtype).eps * repeats + 0.5 * N * np.spacing(2.0 * RATE) / RATE
    partials = 60  # sum of k times its level 1/k
    rounding = 2 * np.finfo(dtype).eps * np.abs(y).max()
    assert np.abs(cycles - cycles[0]).max() <= 2 * np.pi * drift * partials + rounding


@quick
@given(period=st.integers(2, 64), seed=st.integers(0, 2**32 - 1))
def test_a_wavetable_is_one_period_of_its_sound(period, seed):
    """With as many samples in a period as the table has points, the sound is the table."""
    table = np.random.default_rng(seed).standard_normal(period)
    f0_hz = np.full(8, 8000.0 / period)
    y = ddsp_ref.wavetable_synthesis(
        f0_hz, np.ones(8), table[None], n_samples=8 * period, sample_rate=8000
    )
    np.testing.assert_allclose(y, np.tile(table, 8), atol=1e-9)
    ends = ddsp_ref.linear_lookup(np.array([0.0, 1.0]), table[None])
    np.testing.assert_array_equal(ends, table[[0, 0]])


@quick
@given(seed=st.integers(0, 2**32 - 1), turns=st.integers(-3, 3))
def test_whole_turns_of_phase_change_nothing(seed, turns):
    rng = np.random.default_rng(seed)
    f0_hz, levels = rng.uniform(50, 900, 200), rng.uniform(0, 1, (200, 5))
    phase = np.array(rng.uniform(0, 1))
    y, end = ddsp_ref.harmonic_oscillator_bank(f0_hz, levels, phase)
    other, other_end = ddsp_ref.harmonic_oscillator_bank(f0_hz, levels, phase + turns)
    np.testing.assert_allclose(other, y, atol=1e-12)
    assert abs(other_end - end) < 1e-12
    omega = rng.uniform(-1, 1, (200, 2))
    plain, wound = ddsp_ref.angular_cumsum(omega), ddsp_ref.angular_cumsum(omega + 2 * np.pi)
    circle = np.exp(1j * plain), np.exp(1j * wound)
    np.testing.assert_allclose(*circle, atol=1e-12)


@dtypes
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_partials_are_silent_from_exactly_nyquist_on(dtype, rate):
    """Value and both gradients are 0 at half the sample rate, and not one step below it."""
    nyquist = dtype(rate / 2)
    below = np.nextafter(nyquist, dtype(0))
    hz = np.array([below, nyquist, np.nextafter(nyquist, dtype(1e9))], dtype)
    heard = np.array([True, False, False])
    ones = np.ones(3, dtype)

    y, pullback = ddsp_ref.remove_above_nyquist.vjp(hz, ones, sample_rate=rate)
    np.testing.assert_array_equal(y, heard)
    np.testing.assert_array_equal(pullback(ones)[1], heard)

    several, one = np.tile(hz, (4, 1)), np.ones((4, 3), dtype)
    settings = {"sample_rate": rate, "sum_sinusoids": False}
    y, pullback = ddsp_ref.oscillator_bank.vjp(several, one, **settings)
    assert not y[:, 1:].any()
    hz_bar, levels_bar = pullback(np.ones_like(y))
    assert not levels_bar[:, 1:].any()
    assert not hz_bar[:, 1:].any()
    assert np.abs(levels_bar[:, 0]).max() > 0

    for i in range(3):
        f0_hz, level, share = np.full(2, hz[i]), np.ones(2, dtype), np.ones((2, 1), dtype)
        calls = [
            (ddsp_ref.harmonic_synthesis, (f0_hz, level, share)),
            (ddsp_ref.sinusoidal_synthesis, (f0_hz[:, None], share)),
        ]
        for op, arrays in calls:
            y, pullback = op.vjp(*arrays, n_samples=8, sample_rate=rate)
            sounds = [y, *pullback(np.arange(1, 9).astype(dtype))]
            assert all(np.any(part) == heard[i] for part in sounds), (op.name, i)


@dtypes
def test_shares_of_partials_at_nyquist_are_dropped(dtype):
    """Harmonics 3 and 4 of 2000 Hz at 12000 samples/s: the third sits exactly at Nyquist."""
    shares = np.array([1.0, 3.0, 5.0, 7.0], dtype)
    op = ddsp_ref.normalize_harmonics
    y, pullback = op.vjp(shares, np.array(2000.0, dtype), sample_rate=12000)
    np.testing.assert_allclose(y, [0.25, 0.75, 0.0, 0.0], rtol=1e-6)
    shares_bar, _ = pullback(np.array([1.0, 0.0, 9.0, 9.0], dtype))
    assert not shares_bar[2:].any()
    assert shares_bar[0] > 0 > shares_bar[1]
