"""What is peculiar to layers: streaming, long sequences, kinks, large batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsp_ref import set_num_threads
from ddsp_ref.jit import get_num_threads
from ddsp_ref.ops.layers._recurrent_kernels import _sigmoid, _tanh
from ddsp_ref.ops.layers.dense import dense
from ddsp_ref.ops.layers.gru import gru
from ddsp_ref.ops.layers.layer_norm import layer_norm
from ddsp_ref.ops.layers.leaky_relu import leaky_relu
from ddsp_ref.ops.layers.relu import relu
from ddsp_ref.ops.layers.sigmoid import sigmoid
from ddsp_ref.ops.layers.softplus import softplus

from ...check import assert_close


def in_plain_python():
    """Say whether kernels run as plain Python, which wants small sizes."""
    return not hasattr(_tanh, "py_func")


def gru_arrays(rng, n_batch, n_frames, n_in, n_hidden, dtype=np.float64):
    """Return inputs of a GRU whose gates are neither idle nor saturated."""
    shapes = (
        (n_batch, n_frames, n_in),
        (n_batch, n_hidden),
        (n_in, 3 * n_hidden),
        (n_hidden, 3 * n_hidden),
        (3 * n_hidden,),
        (3 * n_hidden,),
    )
    fans = (1, 1, n_in, n_hidden, 4, 4)
    return [
        (rng.standard_normal(shape) / np.sqrt(fan)).astype(dtype)
        for shape, fan in zip(shapes, fans)
    ]


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_gru_in_blocks_is_the_gru_of_the_whole(data):
    n_batch, n_frames = data.draw(st.integers(1, 6)), data.draw(st.integers(2, 12))
    cut = data.draw(st.integers(1, n_frames - 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, state, *weights = gru_arrays(rng, n_batch, n_frames, 3, data.draw(st.integers(1, 6)))
    whole, pullback = gru.vjp(x, state, *weights)
    first, pull_first = gru.vjp(x[:, :cut], state, *weights)
    second, pull_second = gru.vjp(x[:, cut:], first[:, -1], *weights)
    assert_close(np.concatenate([first, second], axis=1), whole, 1e-13, "value")

    y_bar = rng.standard_normal(whole.shape)
    x_bar_2, handed_on, *weights_bar_2 = pull_second(y_bar[:, cut:])
    first_bar = y_bar[:, :cut].copy()
    first_bar[:, -1] += handed_on
    x_bar_1, state_bar, *weights_bar_1 = pull_first(first_bar)
    sums = [one + two for one, two in zip(weights_bar_1, weights_bar_2)]
    blocks = (np.concatenate([x_bar_1, x_bar_2], axis=1), state_bar, *sums)
    for name, got, wanted in zip(gru.array_names, blocks, pullback(y_bar)):
        assert_close(got, wanted, 1e-12, f"cotangent of {name}")


@pytest.mark.parametrize("n_batch", [1, 3, 4, 6, 9])
def test_gru_of_any_batch_is_a_loop_over_it(n_batch, rng):
    x, state, *weights = gru_arrays(rng, n_batch, 7, 5, 8)
    y, pullback = gru.vjp(x, state, *weights)
    y_bar = rng.standard_normal(y.shape)
    cotangents = pullback(y_bar)
    weights_bar = [np.zeros_like(w) for w in weights]
    for b in range(n_batch):
        y_one, pull_one = gru.vjp(x[b], state[b], *weights)
        assert_close(y[b], y_one, 1e-13, "value")
        x_bar, state_bar, *own = pull_one(y_bar[b])
        assert_close(cotangents[0][b], x_bar, 1e-12, "x")
        assert_close(cotangents[1][b], state_bar, 1e-12, "state")
        weights_bar = [total + part for total, part in zip(weights_bar, own)]
    for name, got, wanted in zip(gru.array_names[2:], cotangents[2:], weights_bar):
        assert_close(got, wanted, 1e-12, name)


def test_gradient_of_a_long_gru_is_its_slope(rng):
    """<y_bar, dy> = <x_bar, dx> in a random direction of all inputs at once."""
    n_frames, n_hidden = (8, 4) if in_plain_python() else (400, 33)
    arrays = gru_arrays(rng, 5, n_frames, 7, n_hidden)
    y, pullback = gru.vjp(*arrays)
    y_bar = rng.standard_normal(y.shape)
    directions = [rng.standard_normal(a.shape) / np.sqrt(a.size) for a in arrays]
    cotangents = pullback(y_bar)
    slope = sum(np.sum(bar * d) for bar, d in zip(cotangents, directions))

    def along(step):
        return np.sum(y_bar * gru(*[a + step * d for a, d in zip(arrays, directions)]))

    coarse, fine = ((along(h) - along(-h)) / (2 * h) for h in (2e-4, 1e-4))
    scale = sum(np.abs(bar * d).sum() for bar, d in zip(cotangents, directions))
    assert abs(slope - (4 * fine - coarse) / 3) <= 1e-9 * scale


@pytest.mark.skipif(in_plain_python(), reason="too large for plain Python")
def test_float32_of_a_long_wide_gru(rng):
    arrays = gru_arrays(rng, 5, 300, 64, 128)
    y, pullback = gru.vjp(*[a.astype(np.float32).astype(np.float64) for a in arrays])
    y_bar = rng.standard_normal(y.shape)
    y_32, pullback_32 = gru.vjp(*[a.astype(np.float32) for a in arrays])
    assert_close(y_32, y, gru.float32_error, "value")
    y_bar = y_bar.astype(np.float32)
    wanted = pullback(y_bar.astype(np.float64))
    for name, got, want in zip(gru.array_names, pullback_32(y_bar), wanted):
        assert_close(got, want, gru.float32_grad_error, f"cotangent of {name}")


def test_gates_of_the_gru_are_sigmoid_and_tanh():
    for x in np.linspace(-60.0, 60.0, 241):
        assert abs(_sigmoid(x) - 1 / (1 + np.exp(-x))) <= 4e-16
        assert abs(_tanh(x) - np.tanh(x)) <= 4e-16
    assert _sigmoid(1e30) == _tanh(1e30) == -_tanh(-1e30) == 1
    assert abs(_sigmoid(-1e30)) < 1e-17


def test_sums_over_many_frames_keep_their_digits(rng):
    """A running float32 sum over 20000 frames would be off by 1e-5."""
    n_frames = 500 if in_plain_python() else 20_000
    x = rng.standard_normal((n_frames, 3)).astype(np.float32)
    y_bar = (1 + rng.standard_normal((n_frames, 3))).astype(np.float32)
    wanted = y_bar.sum(axis=0, dtype=np.float64)
    _, _, bias_bar = dense.vjp(x, np.eye(3, dtype=np.float32), np.zeros(3, np.float32))[1](y_bar)
    _, _, beta_bar = layer_norm.vjp(x, np.ones(3, np.float32), np.zeros(3, np.float32))[1](y_bar)
    assert_close(bias_bar, wanted, 3e-7, "bias")
    assert_close(beta_bar, wanted, 3e-7, "beta")


def test_many_frames_do_not_depend_on_the_number_of_threads(rng):
    n_frames = 600  # more than one part
    x = rng.standard_normal((n_frames, 5)).astype(np.float32)
    y_bar = rng.standard_normal((n_frames, 5)).astype(np.float32)
    gamma, beta = rng.standard_normal((2, 5)).astype(np.float32)
    before, results = get_num_threads(), []
    try:
        for n_threads in (1, 2, 5):
            set_num_threads(n_threads)
            y, pullback = layer_norm.vjp(x, gamma, beta)
            results.append((y, *pullback(y_bar)))
    finally:
        set_num_threads(before)
    for other in results[1:]:
        for one, two in zip(results[0], other):
            np.testing.assert_array_equal(one, two)


def test_layer_norm_of_a_large_offset_is_that_without_it(rng):
    frames = np.round(rng.standard_normal((3, 64)) * 64) / 64
    ones, zeros = np.ones(64, np.float32), np.zeros(64, np.float32)
    plain = layer_norm(frames.astype(np.float32), ones, zeros)
    lifted = layer_norm((frames + 32768).astype(np.float32), ones, zeros)
    assert_close(lifted, plain, 1e-6, "value")


@given(st.floats(-1e3, 1e3), st.floats(0, 4))
@settings(deadline=None)
def test_leaky_relu_is_exact(x, slope):
    assert leaky_relu(np.array([x]), slope=slope)[0] == (x if x > 0 else slope * x)


def test_which_side_a_kink_belongs_to():
    at_0 = np.zeros(1)
    one = np.ones(1)
    assert leaky_relu.vjp(at_0, slope=0.25)[1](one)[0] == 0.25
    assert relu.vjp(at_0)[1](one)[0] == 0


@given(st.floats(-700.0, 700.0))
@settings(deadline=None)
def test_softplus_and_sigmoid_belong_together(x):
    """softplus(x) - softplus(-x) = x, sigmoid(x) + sigmoid(-x) = 1, and one is the slope."""
    both = np.array([x, -x])
    y, pullback = softplus.vjp(both)
    assert abs(y[0] - y[1] - x) <= 1e-13 * max(1.0, abs(x))
    assert abs(sigmoid(both).sum() - 1) <= 1e-15
    np.testing.assert_allclose(pullback(np.ones(2))[0], sigmoid(both), rtol=1e-14)
