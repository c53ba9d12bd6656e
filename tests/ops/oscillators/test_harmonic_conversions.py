"""What is peculiar to harmonics as sinusoids: there and back, sums, parts."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import ddsp_ref
from ddsp_ref.ops.oscillators.harmonic_to_sinusoidal import ROWS

from ...check import assert_close

quick = settings(deadline=None, max_examples=40)
shares = st.lists(st.floats(0.01, 1.0), min_size=1, max_size=8)


@given(st.floats(0.01, 2.0), shares, st.floats(30.0, 900.0))
@quick
def test_sinusoids_go_back_to_the_harmonics_they_came_from(amplitude, distribution, f0_hz):
    distribution = np.array(distribution) / np.sum(distribution)
    sines = ddsp_ref.harmonic_to_sinusoidal(amplitude, distribution, f0_hz)
    again = ddsp_ref.sinusoidal_to_harmonic(*sines, f0_hz, n_harmonics=len(distribution))
    np.testing.assert_allclose(again[0], amplitude, rtol=1e-12)
    np.testing.assert_allclose(again[1], distribution, rtol=1e-12)


@given(st.floats(0.01, 2.0), shares, st.floats(30.0, 9000.0))
@quick
def test_amplitudes_of_sinusoids_sum_up_to_the_amplitude(amplitude, distribution, f0_hz):
    amplitudes, hz = ddsp_ref.harmonic_to_sinusoidal(amplitude, np.array(distribution), f0_hz)
    assert np.all(amplitudes[hz >= 8000] == 0)
    wanted = amplitude if f0_hz < 8000 else 0.0
    np.testing.assert_allclose(amplitudes.sum(), wanted, rtol=1e-13)


def test_a_composite_of_normalized_harmonics_and_their_frequencies(rng):
    n_rows = ROWS + 5  # more than a part of the work
    loud, f0_hz = rng.uniform(0.1, 1, n_rows), rng.uniform(50, 2000, n_rows)
    distribution = rng.uniform(0.1, 1, (n_rows, 6))
    y, pullback = ddsp_ref.harmonic_to_sinusoidal.vjp(loud, distribution, f0_hz)
    normal, pull_normal = ddsp_ref.normalize_harmonics.vjp(distribution, f0_hz, sample_rate=16000)
    hz, pull_hz = ddsp_ref.harmonic_frequencies.vjp(f0_hz, n_harmonics=6)
    assert_close(y, (loud[:, None] * normal, hz), 1e-14, "value")
    bars = rng.standard_normal(hz.shape), rng.standard_normal(hz.shape)
    wanted = (
        np.sum(bars[0] * normal, axis=1),
        pull_normal(bars[0] * loud[:, None])[0],
        pull_hz(bars[1])[0],
    )
    assert_close(pullback(bars), wanted, 1e-13, "cotangents")


@given(shares, st.floats(30.0, 900.0), st.floats(0.05, 1.0), st.booleans())
@quick
def test_distributions_sum_up_to_one_and_weights_do_not_add_energy(amplitudes, f0_hz, width, norm):
    amplitudes = np.array(amplitudes)
    hz = f0_hz * (1 + np.arange(len(amplitudes)) * 0.7)
    total, distribution = ddsp_ref.sinusoidal_to_harmonic(
        amplitudes, hz, f0_hz, harmonic_width=width, n_harmonics=8, normalize=norm
    )
    np.testing.assert_allclose(distribution.sum(), 1.0, rtol=1e-12)
    if norm:  # no harmonic is louder than the loudest sinusoid
        assert np.all(distribution * total <= amplitudes.max() * (1 + 1e-12))


def test_nyquist_is_silent_from_half_the_rate_on_and_a_second_time_changes_nothing(rng):
    hz = np.concatenate([rng.uniform(0, 12000, 50), [7999.999, 8000.0, 8000.001]])
    loud = np.ones(53)
    kept = ddsp_ref.remove_above_nyquist(hz, loud)
    np.testing.assert_array_equal(kept, hz < 8000)
    np.testing.assert_array_equal(ddsp_ref.remove_above_nyquist(hz, kept), kept)


def test_sinusoids_far_from_any_harmonic_leave_a_distribution_in_float32():
    """Their weight, exp(-400), is 0 in float32; the shares of harmonics are found all the same."""
    hz = np.array([[150.0, 250.0]], np.float32)
    loud = np.array([[0.5, 0.25]], np.float32)
    settings_ = {"n_harmonics": 3, "harmonic_width": 0.025}
    amplitude, distribution = ddsp_ref.sinusoidal_to_harmonic(
        loud, hz, np.array([100.0], np.float32), **settings_
    )
    assert amplitude == 0
    np.testing.assert_allclose(distribution, [[1 / 3, 1 / 2, 1 / 6]], rtol=1e-6)
