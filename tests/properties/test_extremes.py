"""Numbers far beyond any sound: no kernel may leave its arrays, and phases stay phases."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.registry import get_op

from ..check import as_tuple

HUGE = (1e30, -1e30, 9.3e18, -9.3e18, 1e-30, 5e-324)
ONE, TABLE = np.ones(3), np.array([[1.0, -1.0, 0.5, 0.25]])
SHARES = np.full((3, 2), 0.5)
# by the index of the frequency, or of the place in a table, and the largest value that can be
OSCILLATORS = {
    "wavetable_synthesis": ([ONE, ONE, TABLE], {"n_samples": 12}, 1.0),
    "harmonic_synthesis": ([ONE, ONE, SHARES], {"n_samples": 12}, 1.0),
    "harmonic_synthesis_shifted": ([ONE, ONE, 0 * SHARES, SHARES], {"n_samples": 12}, 1.0),
    "streaming_harmonic_synthesis": ([ONE, ONE, SHARES, np.zeros(())], {"n_samples": 12}, 1.0),
    "sinusoidal_synthesis": ([2 * SHARES, SHARES], {"n_samples": 12}, 1.0),
    "oscillator_bank": ([2 * SHARES, SHARES], {}, 1.0),
    "harmonic_oscillator_bank": ([ONE, SHARES, np.zeros(())], {}, 1.0),
    "linear_lookup": ([ONE, TABLE], {}, 1.0),
    "variable_length_delay": ([ONE, ONE], {"max_length": 4}, 1.0),
}
each = pytest.mark.parametrize("name", OSCILLATORS)


def outcome(name, arrays, settings):
    y, pullback = get_op(name).vjp(*arrays, **settings)
    bars = tuple(np.ones_like(part) for part in as_tuple(y))
    return as_tuple(y), pullback(bars if isinstance(y, tuple) else bars[0])


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("where", [slice(None), slice(0, 1), slice(2, 3)], ids=["all", "0", "2"])
def test_frequencies_beyond_every_whole_number(name, dtype, where):
    """`math.floor` of compiled code is a whole number of 64 bits, which ends at 9.2e18."""
    arrays, settings, limit = OSCILLATORS[name]
    for value in HUGE:
        first = arrays[0].copy()
        first[where] = value
        changed = [a.astype(dtype) for a in (first, *arrays[1:])]
        y, cotangents = outcome(name, changed, settings)
        assert np.abs(y[0]).max() <= 1.000001 * limit, value
        assert all(np.isfinite(part).all() for part in (*y, *cotangents)), value


@pytest.mark.parametrize("name", [n for n in OSCILLATORS if "sample_rate" in get_op(n).settings])
@pytest.mark.parametrize("sample_rate", [1e-30, 1e30])
def test_sample_rates_beyond_every_whole_number(name, sample_rate):
    arrays, settings, limit = OSCILLATORS[name]
    y, cotangents = outcome(name, arrays, {**settings, "sample_rate": sample_rate})
    assert np.abs(y[0]).max() <= 1.000001 * limit
    assert all(np.isfinite(part).all() for part in (*y, *cotangents))


@pytest.mark.parametrize("name", ["streaming_harmonic_synthesis", "harmonic_oscillator_bank"])
@pytest.mark.parametrize("phase", [1e20, -1e20, 1e30, 5e-324])
def test_initial_phases_beyond_every_whole_number(name, phase):
    arrays, settings, limit = OSCILLATORS[name]
    y, cotangents = outcome(name, [*arrays[:-1], np.array(phase)], settings)
    assert np.abs(y[0]).max() <= 1.000001 * limit
    assert all(np.isfinite(part).all() for part in (*y, *cotangents))


@pytest.mark.parametrize(("center", "nearest"), [(1e30, 1e3), (-1e30, -1e3)])
def test_centers_beyond_the_bins_are_the_last_ones(center, nearest):
    op, activations = get_op("activations_to_f0"), np.linspace(0.1, 0.9, 20)
    far, near = (op(activations, np.array(c)) for c in (center, nearest))
    np.testing.assert_array_equal(far, near)
