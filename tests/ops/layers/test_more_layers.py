"""What is peculiar to LSTM, convolutions, norms, straight-through ops and notes."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsp_ref.ops.layers._recurrent_kernels import _tanh
from ddsp_ref.ops.layers.conv_1d import conv_1d
from ddsp_ref.ops.layers.conv_1d_transpose import conv_1d_transpose
from ddsp_ref.ops.layers.conv_2d import conv_2d
from ddsp_ref.ops.layers.elu import elu
from ddsp_ref.ops.layers.gelu import gelu
from ddsp_ref.ops.layers.group_norm import group_norm
from ddsp_ref.ops.layers.hard_sigmoid import hard_sigmoid
from ddsp_ref.ops.layers.layer_norm import layer_norm
from ddsp_ref.ops.layers.lstm import lstm
from ddsp_ref.ops.layers.max_pool_1d import max_pool_1d
from ddsp_ref.ops.layers.mish import mish
from ddsp_ref.ops.layers.note_mask import note_mask
from ddsp_ref.ops.layers.note_moments import note_moments
from ddsp_ref.ops.layers.polyphase_resample import polyphase_resample
from ddsp_ref.ops.layers.relu6 import relu6
from ddsp_ref.ops.layers.round_straight_through import round_straight_through
from ddsp_ref.ops.layers.straight_through_choice import straight_through_choice
from ddsp_ref.ops.layers.straight_through_softmax import straight_through_softmax
from ddsp_ref.ops.layers.swish import swish
from ddsp_ref.ops.layers.vector_quantize import vector_quantize

from ...check import assert_close


def lstm_arrays(rng, n_batch, n_frames, n_in, n, dtype=np.float64):
    """Return inputs of an LSTM whose gates are neither idle nor saturated."""
    shapes = ((n_batch, n_frames, n_in), (n_batch, n), (n_batch, n), (n_in, 4 * n), (n, 4 * n))
    fans = (1, 1, 1, n_in, n, 4)
    return [
        (rng.standard_normal(shape) / np.sqrt(fan)).astype(dtype)
        for shape, fan in zip((*shapes, (4 * n,)), fans)
    ]


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_lstm_in_blocks_is_the_lstm_of_the_whole(data):
    n_batch, n_frames = data.draw(st.integers(1, 6)), data.draw(st.integers(2, 12))
    cut = data.draw(st.integers(1, n_frames - 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, state, cell, *weights = lstm_arrays(rng, n_batch, n_frames, 3, data.draw(st.integers(1, 6)))
    (whole, last), pullback = lstm.vjp(x, state, cell, *weights)
    (first, middle), pull_first = lstm.vjp(x[:, :cut], state, cell, *weights)
    (second, end), pull_second = lstm.vjp(x[:, cut:], first[:, -1], middle, *weights)
    assert_close(np.concatenate([first, second], axis=1), whole, 1e-13, "states")
    assert_close(end, last, 1e-13, "memory")

    y_bar, last_bar = rng.standard_normal(whole.shape), rng.standard_normal(last.shape)
    x_bar_2, state_bar_2, middle_bar, *bars_2 = pull_second((y_bar[:, cut:], last_bar))
    first_bar = y_bar[:, :cut].copy()
    first_bar[:, -1] += state_bar_2
    x_bar_1, state_bar, cell_bar, *bars_1 = pull_first((first_bar, middle_bar))
    sums = [one + two for one, two in zip(bars_1, bars_2)]
    blocks = (np.concatenate([x_bar_1, x_bar_2], axis=1), state_bar, cell_bar, *sums)
    for name, got, wanted in zip(lstm.array_names, blocks, pullback((y_bar, last_bar))):
        assert_close(got, wanted, 1e-12, f"cotangent of {name}")


@pytest.mark.parametrize("n_batch", [1, 3, 4, 9])
def test_lstm_of_any_batch_is_a_loop_over_it(n_batch, rng):
    x, state, cell, *weights = lstm_arrays(rng, n_batch, 7, 5, 3)
    y, _ = lstm(x, state, cell, *weights)
    for b in range(n_batch):
        assert_close(y[b], lstm(x[b], state[b], cell[b], *weights)[0], 1e-13, "states")


@pytest.mark.skipif(not hasattr(_tanh, "py_func"), reason="too large for plain Python")
def test_float32_of_a_long_wide_lstm(rng):
    arrays = lstm_arrays(rng, 5, 300, 64, 128, np.float32)
    doubles = [a.astype(np.float64) for a in arrays]
    (y, last), pullback = lstm.vjp(*doubles)
    (y_32, last_32), pullback_32 = lstm.vjp(*arrays)
    assert_close(y_32, y, lstm.float32_error, "states")
    assert_close(last_32, last, lstm.float32_error, "memory")
    bars = [rng.standard_normal(part.shape).astype(np.float32) for part in (y, last)]
    wanted = pullback(tuple(bar.astype(np.float64) for bar in bars))
    for name, got, want in zip(lstm.array_names, pullback_32(tuple(bars)), wanted):
        assert_close(got, want, lstm.float32_grad_error, f"cotangent of {name}")


@given(st.integers(1, 30), st.integers(1, 7), st.integers(1, 4), st.integers(0, 99))
@settings(deadline=None)
def test_conv_1d_is_a_correlation(n_frames, n_taps, dilation, seed):
    rng = np.random.default_rng(seed)
    x, kernel = rng.standard_normal((n_frames, 1)), rng.standard_normal((n_taps, 1, 1))
    spread = np.zeros((n_taps - 1) * dilation + 1)
    spread[::dilation] = kernel[:, 0, 0]
    full = scipy.signal.correlate(x[:, 0], spread, "full", "direct")
    for causal, before in ((True, len(spread) - 1), (False, (len(spread) - 1) // 2)):
        wanted = full[len(spread) - 1 - before :][:n_frames]
        got = conv_1d(x, kernel, np.zeros(1), dilation=dilation, causal=causal)
        np.testing.assert_allclose(got[:, 0], wanted, atol=1e-12)


@given(st.integers(1, 12), st.integers(1, 9), st.integers(1, 4), st.integers(0, 99))
@settings(deadline=None)
def test_conv_1d_transpose_is_the_adjoint_of_conv_1d(n_frames, n_taps, stride, seed):
    rng = np.random.default_rng(seed)
    coarse, fine = rng.standard_normal((n_frames, 3)), rng.standard_normal((n_frames * stride, 2))
    kernel = rng.standard_normal((n_taps, 2, 3))
    down = conv_1d(fine, kernel, np.zeros(3), stride=stride)
    up = conv_1d_transpose(coarse, kernel, np.zeros(2), stride=stride)
    assert abs(np.sum(down * coarse) - np.sum(up * fine)) <= 1e-11 * (1 + np.abs(up).sum())


def test_a_causal_convolution_sees_nothing_that_comes_later(rng):
    x, kernel = rng.standard_normal((20, 3)), rng.standard_normal((4, 3, 2))
    later = x.copy()
    later[12:] = 7
    one, two = (conv_1d(a, kernel, np.zeros(2), dilation=2, causal=True) for a in (x, later))
    np.testing.assert_array_equal(one[:12], two[:12])
    assert (one[12:] != two[12:]).all()


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_conv_2d_of_one_row_or_column_is_conv_1d(stride, rng):
    x, kernel, bias = rng.standard_normal((11, 3)), rng.standard_normal((4, 3, 2)), np.ones(2)
    wanted = conv_1d(x, kernel, bias, stride=stride)
    column = conv_2d(x[:, None], kernel[:, None], bias, row_stride=stride)
    row = conv_2d(x[None], kernel[None], bias, column_stride=stride)
    assert_close(column[:, 0], wanted, 1e-14, "column")
    assert_close(row[0], wanted, 1e-14, "row")


def test_conv_2d_of_an_even_kernel_pads_at_the_end(rng):
    image, kernel = rng.standard_normal((6, 7)), rng.standard_normal((2, 4))
    padded = np.pad(image, ((0, 1), (1, 2)))
    wanted = scipy.signal.correlate(padded, kernel, "valid", "direct")
    got = conv_2d(image[..., None], kernel[..., None, None], np.zeros(1))
    assert_close(got[..., 0], wanted, 1e-14, "value")


def test_group_norm_of_one_frame_is_layer_norm(rng):
    x, gamma, beta = rng.standard_normal((3, 1, 5)), rng.random(5), rng.random(5)
    one = group_norm(x, gamma, beta, epsilon=1e-3)
    assert_close(one, layer_norm(x, gamma, beta, epsilon=1e-3), 1e-14, "value")


def test_normalised_channels_do_not_know_their_level(rng):
    x = rng.standard_normal((50, 4))
    loud = x * [1e3, 1.0, 30.0, 1e2] + [5.0, -3.0, 0.0, 1e3]
    ones, zeros = np.ones(4), np.zeros(4)
    quiet, level = (group_norm(a, ones, zeros, n_groups=4, epsilon=1e-12) for a in (x, loud))
    assert_close(level, quiet, 1e-9, "value")


@pytest.mark.parametrize(
    ("op", "settings", "at", "slope"),
    [
        (relu6, {}, 0.0, 0.0),
        (relu6, {}, 6.0, 0.0),
        (hard_sigmoid, {}, 2.5, 0.2),
        (hard_sigmoid, {}, -2.5, 0.2),
        (elu, {"alpha": 3.0, "scale": 0.5}, 0.0, 0.5),
    ],
)
def test_which_side_a_kink_belongs_to(op, settings, at, slope):
    assert op.vjp(np.array([at]), **settings)[1](np.ones(1))[0][0] == slope


@given(st.floats(-40.0, 40.0))
@settings(deadline=None)
def test_gates_leave_the_odd_part_half_of_the_input(x):
    """f(x) - f(-x) = x where the gate of x and of -x add up to 1."""
    both = np.array([x, -x])
    for op in (gelu, swish):
        y = op(both)
        assert abs(y[0] - y[1] - x) <= 1e-14 * max(1.0, abs(x))
    assert abs(mish(both)[0]) <= abs(x)


def test_the_first_of_equal_maxima_gets_the_gradient():
    x = np.array([[1.0], [3.0], [3.0], [0.0]])
    _, pullback = max_pool_1d.vjp(x, pool_size=4, stride=4)
    np.testing.assert_array_equal(pullback(np.ones((1, 1)))[0].ravel(), [0, 1, 0, 0])


def test_gradients_go_straight_through(rng):
    x, bar = rng.standard_normal((2, 7))
    np.testing.assert_array_equal(round_straight_through.vjp(x)[1](bar)[0], bar)
    vectors, book = rng.standard_normal((5, 3)), rng.standard_normal((4, 3))
    (y, codes), pullback = vector_quantize.vjp(vectors, book)
    x_bar, book_bar = pullback((y, codes))
    np.testing.assert_array_equal(x_bar, y)
    assert not book_bar.any()


def test_what_was_drawn_stands_for_its_probability(rng):
    """The gradient is that of the probability that was drawn, by a central difference."""
    logits, values = rng.standard_normal((2, 5))
    noise = np.array(0.6)
    (sample, probs), pullback = straight_through_softmax.vjp(logits, noise)
    drawn = int(np.argmax(sample))
    assert probs[:drawn].sum() <= 0.6 < probs[: drawn + 1].sum()
    weights = rng.standard_normal(5)
    logits_bar, noise_bar = pullback((weights, np.zeros(5)))
    _, choice_pullback = straight_through_choice.vjp(logits, values, noise)
    chosen_bar, values_bar, _ = choice_pullback(np.array(1.0))
    np.testing.assert_array_equal(values_bar, sample)
    assert noise_bar == 0
    for i in range(5):
        step = 1e-5 * np.eye(5)[i]
        up, down = (np.exp(z) / np.exp(z).sum() for z in (logits + step, logits - step))
        slope = (up - down)[drawn] / 2e-5
        assert abs(logits_bar[i] - slope * weights[drawn]) < 1e-9
        assert abs(chosen_bar[i] - slope * values[drawn]) < 1e-9


def test_draws_come_as_often_as_they_should(rng):
    logits = np.log([0.1, 0.6, 0.3])
    sample, _ = straight_through_softmax(logits, (np.arange(1000) + 0.5) / 1000)
    np.testing.assert_array_equal(sample.sum(axis=0), [100, 600, 300])


@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 4))
def test_polyphase_there_and_back(n_frames, n_channels, stride):
    x = np.arange(1.0, 1 + n_frames * stride * n_channels).reshape(n_frames * stride, n_channels)
    down = polyphase_resample(x, stride=stride)
    np.testing.assert_array_equal(polyphase_resample(down, stride=stride, up=True), x)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_regions_part_the_frames(pitch):
    pitch = np.array(pitch, float)
    mask = note_mask(pitch, n_regions=12, note_on_only=False)
    np.testing.assert_array_equal(mask.sum(axis=1), 1)
    region = mask.argmax(axis=1)
    edges = np.diff(pitch) != 0
    edges[-1:] = False  # the last frame begins no region
    np.testing.assert_array_equal(np.diff(region), edges)
    sounding = note_mask(pitch, n_regions=12)
    np.testing.assert_array_equal(sounding, mask * (pitch @ mask > 0))


def test_constant_features_have_no_deviation_and_no_gradient_of_it(rng):
    x = np.full((7, 2), 0.1)
    mask = rng.random((7, 3)) + 0.1
    (_, std), pullback = note_moments.vjp(x, mask)
    assert not std.any()
    x_bar, mask_bar = pullback((np.zeros((3, 2)), np.ones((3, 2))))
    assert not x_bar.any()
    assert not mask_bar.any()


def test_the_moments_of_one_frame_are_that_frame(rng):
    x, mask = rng.standard_normal((1, 3)), np.ones((1, 2))
    (mean, std), pullback = note_moments.vjp(x, mask)
    np.testing.assert_array_equal(mean, np.stack([x[0]] * 2))
    assert not std.any()
    x_bar, mask_bar = pullback((np.ones((2, 3)), np.ones((2, 3))))
    np.testing.assert_array_equal(x_bar, [[2.0, 2.0, 2.0]])
    assert np.abs(mask_bar).max() < 1e-15  # a mean over one frame does not depend on its weight
