"""Harmonic synthesis: recorded calls of the original, phase over minutes, memory."""

from __future__ import annotations

import tracemalloc

import numba
import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.ops.oscillators.harmonic_synthesis import harmonic_synthesis

from ...check import assert_close, dot
from ...golden import load
from ...golden.compare import assert_golden

# Shifted partials are not part of this op.
GOLDEN = [g for g in load("harmonic_synthesis") if "harmonic_shifts" not in g.inputs]


@pytest.mark.parametrize("golden", GOLDEN, ids=[g.label for g in GOLDEN])
def test_recorded_calls(golden):
    settings = {k: v for k, v in golden.settings.items() if k != "use_angular_cumsum"}
    f0_hz = golden.inputs["frequencies"][..., 0]
    amplitudes = golden.inputs["amplitudes"][..., 0]
    only_f0 = "harmonic_distribution" not in golden.inputs
    distribution = golden.inputs.get("harmonic_distribution", np.ones((*f0_hz.shape, 1), "f4"))
    arrays = [f0_hz, amplitudes, distribution]
    if golden.raises:
        with pytest.raises(ParameterError):
            harmonic_synthesis(*arrays, **settings)
        return
    gradients = [
        golden.gradients["frequencies"][..., 0],
        golden.gradients["amplitudes"][..., 0],
        None if only_f0 else golden.gradients["harmonic_distribution"],
    ]
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    assert_golden(harmonic_synthesis, arrays, settings, y, y_bar, gradients, precision=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_phase_after_a_minute(dtype):
    """440 Hz for 60 s: phase is a whole multiple of 1/400 cycle, known exactly at every sample."""
    sample_rate, n_frames, seconds = 16000, 15000, 60
    n_samples = sample_rate * seconds
    f0_hz = np.full(n_frames, 440, dtype)
    distribution = np.full((n_frames, 2), 0.5, dtype)
    y = harmonic_synthesis(f0_hz, np.ones(n_frames, dtype), distribution, n_samples=n_samples)
    ticks = (np.arange(1, n_samples + 1) * 440) % sample_rate
    truth = sum(0.5 * np.sin(2 * np.pi * ((k * ticks) % sample_rate) / sample_rate) for k in (1, 2))
    # three steps of rounding, see tests/properties/test_accuracy.py; phase is as exact as ever
    assert np.abs(y - truth).max() < (3 * np.finfo(dtype).eps if dtype == np.float32 else 1e-9)


def test_glide_ends_at_the_phase_of_its_integral():
    """From 220 to 440 Hz in one second: the sum of a straight line, worked out by hand."""
    n_frames, hop, sample_rate = 100, 160, 16000
    f0_hz = np.linspace(220.0, 440.0, n_frames)
    ones = np.ones(n_frames)
    y = harmonic_synthesis(f0_hz, ones, ones[:, None], n_samples=n_frames * hop)
    step = 220.0 / (n_frames - 1)
    # frames 0 ... 98 each add hop * f0 + step * (0 + 1/160 + ... + 159/160); frame 99 is held
    whole = hop * f0_hz.sum() + (n_frames - 1) * step * (hop - 1) / 2
    np.testing.assert_allclose(y[-1], np.sin(2 * np.pi * (whole / sample_rate % 1)), atol=1e-9)


@pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="ten seconds in plain Python take minutes"
)
def test_memory_is_that_of_the_controls_and_the_audio():
    n_frames, n_harmonics, hop = 500, 100, 64
    rng = np.random.default_rng(0)
    f0_hz = np.full(n_frames, 50, "f4")
    amplitudes = np.ones(n_frames, "f4")
    distribution = rng.random((n_frames, n_harmonics), "f4")
    n_samples = n_frames * hop

    def both():
        y, pullback = harmonic_synthesis.vjp(f0_hz, amplitudes, distribution, n_samples=n_samples)
        pullback(y)

    both()
    tracemalloc.start()
    both()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    signals = 4 * n_samples
    controls = 8 * n_frames * n_harmonics
    assert peak < 4 * signals + 5 * controls  # samples x harmonics would be 100 signals


def test_pullback_is_the_adjoint_on_a_long_signal(rng):
    """<J v, w> = <v, J' w> for directions of the amplitudes, in which y is linear."""
    n_frames, n_harmonics, hop = 400, 40, 64
    f0_hz = 200 + 50 * np.sin(np.arange(n_frames) / 20)
    ones = np.ones(n_frames)
    settings = {"n_samples": n_frames * hop}
    v = rng.standard_normal((n_frames, n_harmonics))
    w = rng.standard_normal(n_frames * hop)
    _, pullback = harmonic_synthesis.vjp(f0_hz, ones, v, **settings)
    forward = dot(harmonic_synthesis(f0_hz, ones, v, **settings), w)
    np.testing.assert_allclose(dot(pullback(w)[2], v), forward, rtol=1e-9)


def test_gradient_of_f0_on_a_long_signal(rng):
    """Each frame moves the phase of all later samples; the difference quotient says by how much."""
    n_frames, hop = 300, 64
    f0_hz = 200 + 20 * np.sin(np.arange(n_frames) / 9)
    ones, distribution = np.ones(n_frames), rng.random((n_frames, 5))
    settings = {"n_samples": n_frames * hop}
    w = rng.standard_normal(n_frames * hop)
    _, pullback = harmonic_synthesis.vjp(f0_hz, ones, distribution, **settings)
    f0_bar = pullback(w)[0]
    for i in (0, 150, 299):
        step = np.zeros(n_frames)
        step[i] = 1e-5
        up = harmonic_synthesis(f0_hz + step, ones, distribution, **settings)
        down = harmonic_synthesis(f0_hz - step, ones, distribution, **settings)
        assert_close(np.array([f0_bar[i]]), np.array([dot(up - down, w) / 2e-5]), 1e-5, f"{i}")
