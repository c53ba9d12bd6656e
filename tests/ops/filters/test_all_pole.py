"""A recursive filter: against scipy, in pieces, out of bounds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from ddsp_ref.ops.filters.all_pole import all_pole


def resonance(n, radius=0.99, angle=0.3):
    return np.tile([-2 * radius * np.cos(angle), radius**2], (n, 1))


def test_of_constant_coefficients_it_is_lfilter(rng):
    audio = rng.standard_normal((3, 5000))
    wanted = signal.lfilter([1.0], [1.0, *resonance(1)[0]], audio)
    np.testing.assert_allclose(all_pole(audio, resonance(5000)), wanted, rtol=1e-9, atol=1e-9)
    rounded = all_pole(audio.astype(np.float32), resonance(5000).astype(np.float32))
    exact = all_pole(*(np.float32(x).astype(float) for x in (audio, resonance(5000))))
    assert rounded.dtype == np.float32
    np.testing.assert_allclose(rounded, exact, rtol=1e-6, atol=1e-6 * np.abs(exact).max())


def test_it_undoes_the_filter_that_predicts(rng):
    """The residual of linear prediction, filtered, is the sound again."""
    n, p = 400, 6
    audio, coefficients = rng.standard_normal(n), 0.1 * rng.standard_normal((n, p))
    padded = np.concatenate([np.zeros(p), audio])
    before = np.stack([padded[p - 1 - i : p - 1 - i + n] for i in range(p)], axis=1)
    residual = audio + np.sum(coefficients * before, axis=1)
    np.testing.assert_allclose(all_pole(residual, coefficients), audio, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("n", [1, 2, 1000])
def test_gradient_is_the_filter_backwards(n, rng):
    """Of constant coefficients: lfilter over reversed time."""
    audio, y_bar = rng.standard_normal((2, n))
    y, pullback = all_pole.vjp(audio, resonance(n))
    audio_bar, coefficients_bar = pullback(y_bar)
    wanted = signal.lfilter([1.0], [1.0, *resonance(1)[0]], y_bar[::-1])[::-1]
    np.testing.assert_allclose(audio_bar, wanted, rtol=1e-9, atol=1e-9)
    late = [np.concatenate([np.zeros(i), y])[:n] for i in (1, 2)]
    np.testing.assert_allclose(coefficients_bar, -wanted[:, None] * np.stack(late, 1), atol=1e-9)


def test_poles_outside_of_the_circle_grow_to_infinity():
    growing = all_pole(np.ones(200, np.float32), np.full((200, 1), -2.0, np.float32))
    assert np.isinf(growing[-1])  # 2 ** 199, beyond float32
    assert growing[0] == 1
