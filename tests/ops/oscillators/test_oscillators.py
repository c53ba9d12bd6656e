"""Oscillators: exact phase over a minute, streaming, parts against wholes, memory, adjoints."""

from __future__ import annotations

import tracemalloc

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsp_ref.ops.oscillators.harmonic_oscillator_bank import harmonic_oscillator_bank
from ddsp_ref.ops.oscillators.harmonic_synthesis import harmonic_synthesis
from ddsp_ref.ops.oscillators.harmonic_synthesis_shifted import harmonic_synthesis_shifted
from ddsp_ref.ops.oscillators.oscillator_bank import oscillator_bank
from ddsp_ref.ops.oscillators.sinusoidal_synthesis import sinusoidal_synthesis
from ddsp_ref.ops.oscillators.streaming_harmonic_synthesis import streaming_harmonic_synthesis
from ddsp_ref.ops.resampling.resample_cubic import resample_cubic
from ddsp_ref.ops.resampling.resample_linear import resample_linear
from ddsp_ref.ops.resampling.resample_nearest import resample_nearest
from ddsp_ref.ops.resampling.resample_window import resample_window

from ...check import assert_close, dot

RESAMPLE = {
    "linear": resample_linear,
    "nearest": resample_nearest,
    "window": resample_window,
    "cubic": resample_cubic,
}
each_method = pytest.mark.parametrize("method", list(RESAMPLE))
long_signals = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="minutes without compilation")
quick = settings(max_examples=25, deadline=None, derandomize=True)


def exact_sines(hz, n_samples, sample_rate):
    """Return sines of whole frequencies, their phase by integer arithmetic, without rounding."""
    ticks = np.arange(1, n_samples + 1)[:, None] * np.asarray(hz) % sample_rate
    return np.sin(2 * np.pi * ticks / sample_rate)


def a_minute(dtype, hz, sample_rate):
    """Return every oscillator's minute of these frequencies, one column of frequencies each."""
    n_samples, n_frames = 60 * sample_rate, 600
    frames = np.full((n_frames, 2), hz, dtype)
    samples = np.full((n_samples, 2), hz, dtype)
    ones, f0 = np.ones(n_frames, dtype), frames[:, 0]
    whole = {"n_samples": n_samples, "sample_rate": sample_rate}
    shifts = np.full((n_frames, 2), [0, hz[1] / hz[0] / 2 - 1], dtype)
    streamed = streaming_harmonic_synthesis(f0, ones, ones[:, None], dtype(0), **whole)
    bank = harmonic_oscillator_bank(
        samples[:, 0], np.ones((n_samples, 1), dtype), dtype(0), sample_rate=sample_rate
    )
    yield oscillator_bank(samples, np.ones_like(samples), sample_rate=sample_rate), (0, 1)
    yield sinusoidal_synthesis(frames, np.ones_like(frames), **whole), (0, 1)
    yield harmonic_synthesis_shifted(f0, ones, shifts, np.ones_like(frames), **whole), (0, 1)
    yield streamed[0], (0,)
    yield bank[0], (0,)


@long_signals
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_phase_after_a_minute(dtype):
    hz, sample_rate = (440, 1100), 16000
    sines = exact_sines(hz, 60 * sample_rate, sample_rate)
    for y, columns in a_minute(dtype, hz, sample_rate):
        truth = sines[:, list(columns)].sum(axis=1)
        assert np.abs(y - truth).max() < (2e-7 if dtype == np.float32 else 1e-11)


@quick
@given(st.lists(st.integers(1, 70), min_size=1, max_size=6), st.floats(-3, 3), st.integers(1, 4))
def test_bank_in_blocks_is_the_bank_in_one_piece(blocks, phase, n_harmonics):
    n_samples = sum(blocks)
    t = np.arange(n_samples)
    f0_hz = 300 + 200 * np.sin(t / 11)
    levels = np.cos(t[:, None] / 7 + np.arange(n_harmonics))
    whole, final = harmonic_oscillator_bank(f0_hz, levels, phase)
    parts, at = [], 0
    for n in blocks:
        y, phase = harmonic_oscillator_bank(f0_hz[at : at + n], levels[at : at + n], phase)
        parts.append(y)
        at += n
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-11)
    off = phase - final
    assert abs(off - np.round(off)) < 1e-12


@quick
@given(st.lists(st.integers(1, 5), min_size=2, max_size=6), st.sampled_from(["linear", "window"]))
def test_streaming_is_the_whole_where_controls_stand_still_between_blocks(lengths, method):
    """A block holds its last frame, and joins without a seam where the next one is the same."""
    hop, n_harmonics = 13, 3
    rng = np.random.default_rng(sum(lengths))
    blocks, last = [], None
    for n in lengths:
        f0 = rng.uniform(100, 900, n)
        amplitudes, shares = rng.random(n), rng.random((n, n_harmonics)) + 0.1
        if last is not None:
            f0[0], amplitudes[0], shares[0] = last
        last = (f0[-1], amplitudes[-1], shares[-1])
        blocks.append((f0, amplitudes, shares))
    whole = [np.concatenate(parts) for parts in zip(*blocks)]
    wanted, final = streaming_harmonic_synthesis(
        *whole, 0.2, n_samples=hop * len(whole[0]), amp_resample_method=method
    )
    phase, got = 0.2, []
    for block in blocks:
        y, phase = streaming_harmonic_synthesis(
            *block, phase, n_samples=hop * len(block[0]), amp_resample_method=method
        )
        got.append(y)
    np.testing.assert_allclose(np.concatenate(got), wanted, atol=1e-11)
    np.testing.assert_allclose(phase, final, atol=1e-12)


def controls(rng, n_frames=12, n_sinusoids=5):
    return rng.uniform(50, 9000, (n_frames, n_sinusoids)), rng.random((n_frames, n_sinusoids))


@each_method
@pytest.mark.parametrize("hop", [2, 70])
def test_the_fused_synthesis_is_its_parts(method, hop, rng):
    """Resampling and the bank of oscillators, one after the other, values and gradients."""
    frequencies, amplitudes = controls(rng)
    n_samples = 12 * hop
    fused, pull_fused = sinusoidal_synthesis.vjp(
        frequencies, amplitudes, n_samples=n_samples, amp_resample_method=method
    )
    f, pull_f = resample_linear.vjp(frequencies, n_samples=n_samples)
    a, pull_a = RESAMPLE[method].vjp(amplitudes, n_samples=n_samples)
    y, pull_y = oscillator_bank.vjp(f, a)
    assert_close(fused, y, 1e-11, "value")
    y_bar = rng.standard_normal(n_samples)
    f_bar, a_bar = pull_y(y_bar)
    for got, wanted in zip(pull_fused(y_bar), (*pull_f(f_bar), *pull_a(a_bar))):
        assert_close(got, wanted, 1e-10, "cotangent")


@long_signals
@pytest.mark.parametrize("hop", [1000, 2048 * 3])
def test_cubic_rounds_places_as_the_resampling_does(hop, rng):
    """A hop of 6144 has places half-way between two entries of the table of 1024."""
    n_samples, amplitudes = 3 * hop, rng.random((3, 1))
    settings = {"n_samples": n_samples, "amp_resample_method": "cubic"}
    f0, level, still = np.full(3, 2000.0), amplitudes[:, 0], np.zeros((3, 1))
    wave = exact_sines([2000], n_samples, 16000) * resample_cubic(amplitudes, n_samples=n_samples)
    for y in (
        sinusoidal_synthesis(f0[:, None], amplitudes, **settings),
        harmonic_synthesis(f0, level, 1 + still, **settings),
        harmonic_synthesis_shifted(f0, level, still, 1 + still, **settings),
        streaming_harmonic_synthesis(f0, level, 1 + still, 0.0, **settings)[0],
    ):
        np.testing.assert_allclose(y, wave[:, 0], atol=1e-11)


@each_method
def test_without_shifts_it_is_harmonic_synthesis(method, rng):
    f0, amplitudes = rng.uniform(100, 2000, 10), rng.random(10)
    shares = rng.random((10, 8))
    arguments = {"n_samples": 640, "amp_resample_method": method}
    y, pull = harmonic_synthesis.vjp(f0, amplitudes, shares, **arguments)
    shifted, pull_shifted = harmonic_synthesis_shifted.vjp(
        f0, amplitudes, np.zeros_like(shares), shares, **arguments
    )
    assert_close(shifted, y, 1e-11, "value")
    f0_bar, amplitudes_bar, _, shares_bar = pull_shifted(y)
    for got, wanted in zip((f0_bar, amplitudes_bar, shares_bar), pull(y)):
        assert_close(got, wanted, 1e-10, "cotangent")


@long_signals
def test_several_chunks_of_the_bank_are_one_piece(rng):
    """Long enough for three chunks, which start from phases of their own."""
    n_samples, n_sinusoids = 700, 1000
    f, a = rng.uniform(50, 7000, (n_samples, n_sinusoids)), rng.random((n_samples, n_sinusoids))
    y, pullback = oscillator_bank.vjp(f, a)
    assert_close(y, oscillator_bank.define(f, a), 1e-11, "value")
    y_bar = rng.standard_normal(n_samples)
    f_bar, a_bar = pullback(y_bar)
    phase = 2 * np.pi * np.cumsum(f / 16000, axis=0)
    p = y_bar[:, None] * a * np.cos(phase)
    wanted = 2 * np.pi / 16000 * np.cumsum(p[::-1], axis=0)[::-1]
    assert_close(f_bar, wanted, 1e-10, "frequencies")
    assert_close(a_bar, y_bar[:, None] * np.sin(phase), 1e-10, "amplitudes")


def test_energy_of_a_sinusoid_is_half_its_square():
    y = sinusoidal_synthesis(np.full((4, 1), 1000.0), np.full((4, 1), 3.0), n_samples=1600)
    np.testing.assert_allclose(np.mean(y**2), 9 / 2, rtol=1e-12)


@long_signals
def test_memory_is_that_of_the_controls_and_the_audio():
    n_frames, n_sinusoids, hop = 200, 50, 64
    frequencies = np.full((n_frames, n_sinusoids), 50, "f4")
    amplitudes, n_samples = np.ones_like(frequencies), n_frames * hop

    def both():
        y, pullback = sinusoidal_synthesis.vjp(frequencies, amplitudes, n_samples=n_samples)
        pullback(y)

    both()
    tracemalloc.start()
    both()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * (4 * n_samples) + 16 * (8 * frequencies.size)
    assert peak < 8 * n_samples * n_sinusoids / 3


@long_signals
def test_gradient_of_frequencies_on_a_long_signal(rng):
    """Each frame moves the phase of all later samples; the difference quotient says how far."""
    n_frames, hop = 200, 50
    frequencies = 300 + 50 * np.sin(np.arange(n_frames)[:, None] / 9 + np.arange(3))
    amplitudes = rng.random((n_frames, 3))
    w = rng.standard_normal(n_frames * hop)
    arguments = {"n_samples": n_frames * hop}
    _, pullback = sinusoidal_synthesis.vjp(frequencies, amplitudes, **arguments)
    frequencies_bar = pullback(w)[0]
    for i, k in ((0, 0), (100, 2), (199, 1)):
        step = np.zeros_like(frequencies)
        step[i, k] = 1e-5
        up = sinusoidal_synthesis(frequencies + step, amplitudes, **arguments)
        down = sinusoidal_synthesis(frequencies - step, amplitudes, **arguments)
        got, wanted = frequencies_bar[i, k], dot(up - down, w) / 2e-5
        assert_close(np.array([got]), np.array([wanted]), 1e-5, f"{i}, {k}")


@pytest.mark.parametrize("sample_rate", [999.5, 1000, 1000.1])
def test_final_phases_are_wrapped_at_every_rate(sample_rate):
    """Whole Hz and fractions are added up apart: together they may pass the end of a turn."""
    rng = np.random.default_rng(3)
    f0_hz, one, shares = rng.uniform(0, 499, (500, 2)), np.ones((500, 2)), np.ones((500, 2, 1))
    start = rng.uniform(0, 1, 500)
    _, phase = streaming_harmonic_synthesis(
        f0_hz, one, shares, start, n_samples=14, sample_rate=sample_rate
    )
    assert (phase >= 0).all()
    assert (phase < 1).all()
    wanted = (start + (f0_hz @ [4.0, 10.0]) / sample_rate) % 1
    assert np.abs((phase - wanted + 0.5) % 1 - 0.5).max() <= 1e-12
