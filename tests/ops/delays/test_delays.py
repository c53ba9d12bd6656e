"""Delays: what they are known to do to simple signals."""

from __future__ import annotations

import numpy as np

from ddsp_ref.ops.delays.variable_length_delay import variable_length_delay

from ...check import dot


def test_a_constant_delay_shifts(rng):
    audio = rng.standard_normal(50)
    for delay in range(8):
        y = variable_length_delay(np.full(50, delay / 8), audio, max_length=8)
        np.testing.assert_allclose(y, np.concatenate([np.zeros(delay), audio])[:50])


def test_a_full_delay_is_none(rng):
    audio = rng.standard_normal(50)
    np.testing.assert_allclose(variable_length_delay(np.ones(50), audio, max_length=8), audio)


def test_a_growing_delay_lowers_the_pitch():
    """A delay that grows by a tenth of a sample each sample plays a ramp at nine tenths."""
    t = np.arange(100.0)
    y = variable_length_delay(0.1 * t / 64, t, max_length=64)
    np.testing.assert_allclose(y, 0.9 * t, atol=1e-12)


def test_pullback_is_the_adjoint_in_audio(rng):
    phase, audio, w = 0.9 * rng.random(300), rng.standard_normal(300), rng.standard_normal(300)
    y, pullback = variable_length_delay.vjp(phase, audio, max_length=40)
    np.testing.assert_allclose(dot(pullback(w)[1], audio), dot(w, y), rtol=1e-10)
