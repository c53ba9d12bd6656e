"""What is peculiar to soft limits, network frequencies and small arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ddsp_ref

from ...check import assert_close

finite = st.floats(-30.0, 30.0)
rows = st.lists(finite, min_size=1, max_size=8)
quick = settings(deadline=None, max_examples=40)


@given(rows, st.floats(-100.0, 100.0), st.floats(0.5, 1e4))
@quick
def test_soft_limit_stays_inside_and_runs_straight_between(x, x_min, span):
    x = np.array(x)
    y = ddsp_ref.soft_limit(x, x_min=x_min, x_max=x_min + span)
    assert np.all((y >= x_min - 1e-12 * span) & (y <= x_min + span * (1 + 1e-12)))
    middle = np.array([span / 2])
    straight = ddsp_ref.soft_limit(middle, x_min=x_min, x_max=x_min + span) - x_min
    assert abs(straight - middle) < 1e-9  # by symmetry exactly half-way, whatever the span


def test_soft_limit_keeps_its_limit_far_out_in_float32():
    x = np.array([1e3, 1e6, 1e9], np.float32)
    np.testing.assert_array_equal(ddsp_ref.soft_limit(x), np.ones(3, np.float32))


def test_gradient_reversal_turns_the_gradient(rng):
    x = rng.standard_normal((3, 4)).astype(np.float32)
    y_bar = rng.standard_normal((3, 4)).astype(np.float32)
    y, pullback = ddsp_ref.gradient_reversal.vjp(x)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(pullback(y_bar)[0], -y_bar)
    _, pullback = ddsp_ref.gradient_reversal.vjp(x, scale=0.5)
    np.testing.assert_array_equal(pullback(y_bar)[0], -0.5 * y_bar)


@given(rows)
@quick
def test_difference_undoes_the_running_sum(x):
    x = np.array([0.0, *x])
    np.testing.assert_allclose(ddsp_ref.difference(np.cumsum(x)), x[1:], atol=1e-12)


@given(rows, st.floats(-30.0, 30.0))
@quick
def test_safe_divide_undoes_multiplication(x, factor):
    x, factor = np.array(x), np.array(factor)
    y = ddsp_ref.safe_divide(x * factor, factor)
    wanted = x if factor != 0 and abs(factor) > 1e-200 else y
    # below 1e-100 the product may underflow
    np.testing.assert_allclose(y, wanted, rtol=1e-14, atol=1e-100)


@given(rows, st.floats(1.1, 20.0))
@quick
def test_log_base_undoes_the_power(x, base):
    np.testing.assert_allclose(ddsp_ref.log_base(base ** np.array(x), base=base), x, atol=1e-12)


@given(rows)
@quick
def test_sym_exp_sigmoid_is_even_and_one_half_of_exp_sigmoid(x):
    x = np.array(x)
    y = ddsp_ref.sym_exp_sigmoid(x)
    np.testing.assert_array_equal(ddsp_ref.sym_exp_sigmoid(-x), y)
    np.testing.assert_allclose(ddsp_ref.exp_sigmoid(4 * np.abs(x) - 8), y, rtol=1e-12)


@given(rows, finite)
@quick
def test_softmax_frequencies_ignore_a_common_offset_and_stay_in_range(logits, offset):
    logits = np.array(logits)
    y = ddsp_ref.frequencies_softmax(logits)
    assert 20.0 * (1 - 1e-12) <= y <= 8000.0 * (1 + 1e-12)
    np.testing.assert_allclose(ddsp_ref.frequencies_softmax(logits + offset), y, rtol=1e-11)
    # turned round, the pitch is mirrored in the middle of the range
    mirrored = ddsp_ref.frequencies_softmax(logits[::-1])
    if len(logits) > 1:
        np.testing.assert_allclose(y * mirrored, 20.0 * 8000.0, rtol=1e-11)


@given(finite, st.floats(20.0, 100.0), st.floats(500.0, 9000.0))
@quick
def test_one_sigmoid_is_a_position_in_a_range(logit, hz_min, hz_max):
    y = ddsp_ref.frequencies_sigmoid(np.array([logit]), hz_min=hz_min, hz_max=hz_max)
    wanted = ddsp_ref.unit_to_hz(1 / (1 + np.exp(-logit)), hz_min=hz_min, hz_max=hz_max - hz_min)
    np.testing.assert_allclose(y, wanted, rtol=1e-12)


def test_shares_of_the_sigmoids_add_up_to_the_span():
    for depth in (1, 2, 5):
        top = ddsp_ref.frequencies_sigmoid(np.full(depth, 800.0), hz_min=30.0, hz_max=7030.0)
        assert_close(top, np.array(7000.0), 1e-12, f"depth {depth}")


@pytest.mark.parametrize(("scale", "op"), [("bark", "hz_to_bark"), ("mel", "hz_to_mel")])
def test_centres_of_critical_bands_are_evenly_spaced(scale, op):
    hz = ddsp_ref.frequencies_critical_bands(np.zeros((9, 1)), hz_min=0.0, scale=scale)
    spaced = ddsp_ref.get_op(op)(hz[1:-1])  # soft limits bend the outermost two
    np.testing.assert_allclose(np.diff(spaced, 2), 0.0, atol=1e-9)


@given(st.lists(finite, min_size=12, max_size=12))
@quick
def test_critical_bands_stay_in_range_and_near_their_centre(logits):
    logits = np.array(logits).reshape(6, 2)
    kwargs = {"hz_min": 100.0, "hz_max": 4000.0}
    y = ddsp_ref.frequencies_critical_bands(logits, **kwargs)
    assert np.all((y >= 100.0 - 1e-9) & (y <= 4000.0 + 1e-9))
    centre = ddsp_ref.frequencies_critical_bands(np.zeros((6, 2)), **kwargs)
    assert np.all(np.abs(y - centre) <= 1.1 * ddsp_ref.hz_to_erb(centre) + 1e-9)
