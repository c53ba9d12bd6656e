"""Scales: there and back, order kept, and a whole range covered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ddsp_ref
from ddsp_ref.registry import all_ops

quick = settings(derandomize=True, max_examples=20, deadline=None)
RANGE = {"hz_min": 30.0, "hz_max": 5000.0}
NOTES = {"midi_min": 12.0, "midi_max": 110.0}
LEVELS = {"range_db": 200.0}

# there, back, settings of either, and the range of the inputs
INVERSES = [
    ("hz_to_midi", "midi_to_hz", {}, {}, 1.0, 20000.0),
    ("hz_to_mel", "mel_to_hz", {}, {}, 0.1, 20000.0),
    ("hz_to_bark", "bark_to_hz", {}, {}, 1.0, 20000.0),
    ("hz_to_unit", "unit_to_hz", RANGE, RANGE, 1.0, 20000.0),
    ("midi_to_unit", "unit_to_midi", NOTES, NOTES, 0.1, 127.0),
    ("amplitude_to_db", "db_to_amplitude", LEVELS, {}, 1e-8, 1e4),
    ("power_to_db", "db_to_power", LEVELS, {}, 1e-8, 1e4),
]
each_pair = pytest.mark.parametrize("pair", INVERSES, ids=[p[0] for p in INVERSES])


@each_pair
@quick
@given(data=st.data())
def test_there_and_back(pair, data):
    """Back from a float64 value: the way there loses what its condition makes of a rounding."""
    there, back, settings_there, settings_back, low, high = pair
    values = st.lists(st.floats(low, high), min_size=1, max_size=8)
    x = np.array(data.draw(values))
    y, pullback = all_ops()[there].vjp(x, **settings_there)
    again = all_ops()[back](y, **settings_back)
    slope = pullback(np.ones_like(x))[0]
    bound = 64 * np.finfo(float).eps * (x + np.abs(y / slope) + 100 / np.abs(slope))
    assert (np.abs(again - x) <= bound).all()
    # the chain rule of the pair: both slopes multiply to one
    slope_back = all_ops()[back].vjp(y, **settings_back)[1](np.ones_like(x))[0]
    np.testing.assert_allclose(slope * slope_back, 1.0, rtol=1e-9)


MONOTONE = [
    ("exp_sigmoid", {}, -20.0, 20.0),
    ("sym_exp_sigmoid", {}, 0.0, 20.0),
    ("soft_limit", {}, -20.0, 20.0),
    ("sigmoid", {}, -20.0, 20.0),
    ("softplus", {}, -20.0, 20.0),
    ("tanh", {}, -20.0, 20.0),
    ("relu", {}, -20.0, 20.0),
    ("leaky_relu", {}, -20.0, 20.0),
    ("hz_to_erb", {}, 0.0, 20000.0),
    ("log_scale", {"min_x": 1e-3, "max_x": 10.0}, -1.0, 1.0),
    ("safe_log", {}, 1e-4, 1e4),
    ("log_base", {}, 1e-4, 1e4),
    *[(there, kept, low, high) for there, _, kept, _, low, high in INVERSES],
    ("midi_to_hz", {}, 0.0, 127.0),
    ("mel_to_hz", {}, 0.0, 4000.0),
    ("bark_to_hz", {}, 0.0, 24.0),
    ("unit_to_hz", RANGE, 0.0, 1.0),
    ("unit_to_midi", NOTES, 0.0, 1.0),
    ("db_to_amplitude", {}, -100.0, 20.0),
    ("db_to_power", {}, -100.0, 20.0),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", MONOTONE, ids=[s[0] for s in MONOTONE])
@quick
@given(seed=st.integers(0, 2**32 - 1))
def test_order_is_kept(scale, dtype, seed):
    """A larger input never gives a smaller value, but for rounding, nor a negative slope."""
    name, kept, low, high = scale
    x = np.sort(np.random.default_rng(seed).uniform(low, high, 300)).astype(dtype)
    y, pullback = all_ops()[name].vjp(x, **kept)
    assert (np.diff(y) >= -4 * np.finfo(dtype).eps * np.abs(y).max()).all()
    assert (pullback(np.ones_like(y))[0] >= 0).all()


@quick
@given(seed=st.integers(0, 2**32 - 1), f0=st.floats(60.0, 390.0))
def test_harmonics_survive_as_sinusoids(seed, f0):
    """Sinusoids exactly on harmonics are collected by those; a neighbour counts exp(-100)."""
    rng = np.random.default_rng(seed)
    level, shares = np.array(rng.uniform(0.1, 1)), rng.uniform(0.1, 1, 20)
    shares /= shares.sum()
    f0_hz = np.array(f0)
    sinusoids, hz = ddsp_ref.harmonic_to_sinusoidal(level, shares, f0_hz)
    got, got_shares = ddsp_ref.sinusoidal_to_harmonic(sinusoids, hz, f0_hz, n_harmonics=20)
    np.testing.assert_allclose(got, level, rtol=1e-12)
    np.testing.assert_allclose(got_shares, shares, rtol=1e-12)
