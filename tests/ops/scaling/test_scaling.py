"""What is peculiar to scalings: inverse pairs, order, what float32 resolves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import ddsp_ref
from ddsp_ref.ops.scaling.normalize_harmonics import ROWS
from ddsp_ref.registry import all_ops

from ...check import assert_close

# name, name of the inverse, range of the input, settings of both
PAIRS = [
    ("hz_to_midi", "midi_to_hz", (1.0, 20_000.0), {}),
    ("midi_to_unit", "unit_to_midi", (-50.0, 200.0), {}),
    ("midi_to_unit", "unit_to_midi", (-50.0, 200.0), {"midi_min": 30.0, "midi_max": 31.0}),
    ("hz_to_unit", "unit_to_hz", (1.0, 20_000.0), {"hz_min": 20.0, "hz_max": 8000.0}),
    ("hz_to_unit", "unit_to_hz", (1.0, 20_000.0), {"hz_min": 0.0, "hz_max": 1200.0}),
    ("power_to_db", "db_to_power", (1e-7, 1e7), {}),
    ("amplitude_to_db", "db_to_amplitude", (1e-3, 1e4), {}),
    ("hz_to_bark", "bark_to_hz", (0.0, 20_000.0), {}),
    ("hz_to_mel", "mel_to_hz", (0.0, 20_000.0), {}),
]
RISING = [
    *[(there, limits, kwargs) for there, _, limits, kwargs in PAIRS],
    ("midi_to_hz", (-20.0, 150.0), {}),
    ("unit_to_midi", (-1.0, 2.0), {}),
    ("unit_to_hz", (-1.0, 2.0), {"hz_min": 20.0, "hz_max": 8000.0}),
    ("db_to_power", (-120.0, 60.0), {}),
    ("db_to_amplitude", (-120.0, 60.0), {}),
    ("safe_log", (1e-9, 100.0), {}),
    ("exp_sigmoid", (-5.0, 5.0), {}),
    ("sym_exp_sigmoid", (0.1, 4.0), {}),
    ("log_base", (1e-9, 100.0), {}),
    ("log_scale", (-1.5, 1.5), {"min_x": 1e-3, "max_x": 10.0}),
    ("soft_limit", (-5.0, 5.0), {}),
    ("bark_to_hz", (-0.5, 25.0), {}),
    ("mel_to_hz", (-100.0, 4000.0), {}),
    ("hz_to_erb", (-1.0, 20_000.0), {}),
]


@pytest.mark.parametrize(("there", "back", "limits", "kwargs"), PAIRS)
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_inverse_pairs(there, back, limits, kwargs, data):
    x = np.array(data.draw(st.lists(st.floats(*limits), min_size=1, max_size=5)))
    y, pullback = all_ops()[there].vjp(x, **kwargs)
    again, pull_back = all_ops()[back].vjp(y, **kwargs)
    np.testing.assert_allclose(again, x, rtol=1e-12, atol=1e-12)
    # the slopes of inverse functions multiply to 1
    slopes = pullback(np.ones_like(x))[0] * pull_back(np.ones_like(x))[0]
    np.testing.assert_allclose(slopes, 1.0, rtol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "limits", "kwargs"), RISING)
def test_rising(name, limits, kwargs, dtype):
    y = all_ops()[name](np.linspace(*limits, 500, dtype=dtype), **kwargs)
    assert np.all(np.diff(y) > 0)


@pytest.mark.parametrize(("there", "back", "limits", "kwargs"), PAIRS[:5])
def test_clipping_keeps_what_lies_inside(there, back, limits, kwargs):
    for op in (all_ops()[there], all_ops()[back]):
        if "clip" not in op.settings:
            continue
        inside = np.linspace(0.1, 0.9, 5)
        x = inside if op.name.startswith("unit") else all_ops()[back](inside, **kwargs)
        np.testing.assert_array_equal(op(x, **kwargs, clip=True), op(x, **kwargs))


def test_float32_resolves_a_hundredth_of_a_cent(rng):
    hz = np.exp(rng.uniform(np.log(27.5), np.log(4186.0), 1000)).astype(np.float32)
    midi = ddsp_ref.hz_to_midi(hz)
    assert np.abs(midi - ddsp_ref.hz_to_midi.define(hz)).max() < 1e-4
    back = ddsp_ref.midi_to_hz(midi)
    assert np.abs(1200 * np.log2(back.astype(float) / hz)).max() < 1e-2


def test_a_tiny_amplitude_does_not_underflow():
    """Its square would be 0 in float32."""
    y = ddsp_ref.amplitude_to_db(np.array([1e-30], np.float32), range_db=700.0)
    assert abs(y[0] + 600) < 1e-3


@given(
    st.lists(st.floats(0, 1e3), min_size=1, max_size=8),
    st.floats(20.0, 9000.0),
    st.floats(0.25, 4.0),
)
@example([1.7785823673437955e-93, 2.225073858507e-311], 20.0, 0.25)
@example([0.0, 2.2250738585e-313], 20.0, 1.0)  # the reciprocal of the sum is infinite
@settings(deadline=None)
def test_normalized_harmonics_sum_to_one_and_ignore_the_scale(distribution, f0_hz, factor):
    h = np.array(distribution)
    y = ddsp_ref.normalize_harmonics(h, f0_hz, sample_rate=16000)
    kept = (np.arange(1, len(h) + 1) * f0_hz < 8000) * h
    assert np.all(y[kept == 0] == 0)
    if kept.sum() > 1e-200:
        assert abs(y.sum() - 1) < 1e-14
        other = ddsp_ref.normalize_harmonics(factor * h, f0_hz, sample_rate=16000)
        whole = (h == 0) | (np.minimum(factor, 1) * h > 1e-300)  # others lose digits to underflow
        np.testing.assert_allclose(other[whole], y[whole], rtol=1e-14)


def test_a_sum_too_small_for_a_reciprocal_divides():
    h = np.array([0.0, 2.0**-1040, 2.0**-1040])
    assert ddsp_ref.normalize_harmonics(h, 20.0).tolist() == [0.0, 0.5, 0.5]


def test_a_sum_that_is_the_stand_in_for_zero_is_a_sum():
    """One partial of 1e-7 becomes 1, and moving it changes nothing."""
    y, pullback = ddsp_ref.normalize_harmonics.vjp(np.array([1e-7]), 100.0)
    assert y[0] == 1
    assert pullback(np.ones(1))[0][0] == 0


def test_normalizing_more_rows_than_a_part(rng):
    n_rows = ROWS + 3
    h, f0_hz = rng.uniform(0, 1, (n_rows, 2)), rng.uniform(100, 9000, n_rows)
    y, pullback = ddsp_ref.normalize_harmonics.vjp(h, f0_hz, sample_rate=16000)
    kept = np.where(f0_hz[:, None] * [1, 2] < 8000, h, 0)
    total = kept.sum(axis=1, keepdims=True)
    assert_close(y, kept / np.where(total == 0, 1, total), 1e-14, "value")
    h_bar, _ = pullback(rng.standard_normal(y.shape))
    assert np.abs((h_bar * h).sum(axis=1)).max() < 1e-13  # scaling a row changes nothing


@pytest.mark.parametrize(("name", "per_decade"), [("amplitude_to_db", 20), ("power_to_db", 10)])
def test_gradient_on_the_floors(name, per_decade):
    """Exactly on the floor of the level the slope is that above, on that of the input 0."""
    op = all_ops()[name]
    y, pullback = op.vjp(np.ones(1), ref_db=60.0, range_db=60.0)
    assert y[0] == -60.0
    np.testing.assert_allclose(pullback(np.ones(1))[0], per_decade / math.log(10), rtol=1e-15)

    floor = math.exp(-80.0 * math.log(10) / per_decade)
    x = np.array([np.nextafter(floor, 0), floor, np.nextafter(floor, 1)])
    y, pullback = op.vjp(x, ref_db=-1.0)  # so that the floor of the level is out of reach
    np.testing.assert_allclose(y, -79.0, rtol=1e-14)
    slope = per_decade / math.log(10) / floor
    np.testing.assert_allclose(pullback(np.ones(3))[0], [0.0, 0.0, slope], rtol=1e-14)


@pytest.mark.parametrize("x", [0.0, -0.0, 5e-324])
def test_safe_log_where_values_begin_to_have_one(x):
    y, pullback = ddsp_ref.safe_log.vjp(np.array([x]), eps=1e-3)
    assert y[0] == (math.log(5e-324) if x > 0 else math.log(1e-3))
    with np.errstate(over="ignore"):
        assert pullback(np.ones(1))[0][0] == (np.inf if x > 0 else 0.0)
