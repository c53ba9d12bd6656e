"""The autograd bridge: every op and case, composition, what is refused, a training."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import DerivativeError
from ddsp_ref.registry import get_op

from ..check import as_tuple, assert_close, cast, random_like
from ..test_every_op import right

autograd = pytest.importorskip("autograd")
anp = pytest.importorskip("autograd.numpy")

from ddsp_ref.bridges import autograd as bridged  # noqa: E402


def loss_of(function, settings, y_bar):
    def loss(*inputs):
        values = as_tuple(function(*inputs, **settings))
        return sum(anp.sum(part * bar) for part, bar in zip(values, as_tuple(y_bar)))

    return loss


@right
def test_values_and_gradients_are_those_of_the_op(op, case, rng):
    function = bridged.bridge(op)
    for dtype in (np.float32, np.float64):
        arrays = cast(case, dtype)
        y, pullback = op.vjp(*arrays, **case.settings)
        for got, wanted in zip(as_tuple(function(*arrays, **case.settings)), as_tuple(y)):
            np.testing.assert_array_equal(got, wanted)
        y_bar = random_like(y, rng)
        loss = loss_of(function, case.settings, y_bar)
        gradients = autograd.grad(loss, argnum=tuple(range(len(arrays))))(*arrays)
        for got, wanted in zip(gradients, pullback(y_bar)):
            assert got.dtype == wanted.dtype
            np.testing.assert_array_equal(got, wanted)


def a_chain(bank, frequencies, amplitudes, xp):
    """Return a scalar in which an op with two results stands between functions of autograd."""
    audio, phase = bank(100.0 * xp.exp(frequencies), xp.tanh(amplitudes), 0.1 * frequencies[0])
    return xp.sum(xp.abs(xp.fft.fft(audio)) ** 2) + xp.sum(audio[1:] * audio[:-1]) * phase


def test_ops_stand_between_functions_of_autograd(rng):
    op = get_op("harmonic_oscillator_bank")
    arrays = rng.standard_normal(16), rng.standard_normal((16, 3))
    grad = autograd.grad(lambda *a: a_chain(bridged.harmonic_oscillator_bank, *a, anp), (0, 1))
    truth = autograd.grad(lambda *a: a_chain(lambda *b: op.define(*b, xp=anp), *a, anp), (0, 1))
    for got, wanted in zip(grad(*arrays), truth(*arrays)):
        assert_close(got, wanted, 1e-10, "through a chain")


def test_arrays_that_are_not_traced_are_constants(rng):
    x, kernel, bias = rng.standard_normal(3), rng.standard_normal((3, 2)), np.zeros(2)
    for argnum in range(3):
        got = autograd.grad(lambda *a: anp.sum(bridged.dense(*a)), argnum)(x, kernel, bias)
        wanted = get_op("dense").vjp(x, kernel, bias)[1](np.ones(2))[argnum]
        np.testing.assert_array_equal(got, wanted)
    assert type(bridged.dense(x, kernel, bias)) is np.ndarray


def test_one_array_used_twice_has_its_cotangents_added(rng):
    x = rng.standard_normal(4)
    got = autograd.grad(lambda x: anp.sum(bridged.safe_divide(x, x * x)))(x)
    assert_close(got, -1 / (x * x), 1e-6, "x / x**2, up to the op's epsilon")


def test_the_forward_pass_runs_once(monkeypatch):
    op, calls = get_op("tanh"), []
    vjp = op._vjp
    monkeypatch.setattr(op, "_vjp", lambda *a, **k: calls.append("vjp") or vjp(*a, **k))
    monkeypatch.setattr(op, "_forward", lambda x: calls.append("forward") or np.tanh(x))
    gradient, _ = autograd.make_vjp(bridged.tanh)(np.zeros(3))
    gradient(np.ones(3))
    gradient(np.ones(3))
    assert calls == ["vjp"]
    bridged.tanh(np.zeros(3))
    assert calls == ["vjp", "forward"]


def test_second_derivatives_are_refused():
    def slope(x):
        return autograd.grad(lambda x: anp.sum(bridged.tanh(x)))(x)

    def sum_of_slopes(x):
        return anp.sum(slope(x))

    def scaled_by_the_outer_one(x):
        return anp.sum(autograd.grad(lambda z: anp.sum(x * bridged.tanh(z)))(np.ones(3)))

    assert slope(np.zeros(3)).tolist() == [1.0, 1.0, 1.0]
    for function in (sum_of_slopes, scaled_by_the_outer_one):
        with pytest.raises(DerivativeError, match="tanh: has no second derivative"):
            autograd.grad(function)(np.ones(3))


def test_forward_mode_is_refused():
    with pytest.raises(DerivativeError, match="tanh: has no derivative in forward mode"):
        autograd.make_jvp(bridged.tanh)(np.ones(3))(np.ones(3))


def test_an_op_of_ones_own_can_be_bridged():
    from .test_bridges import picky_op

    function = bridged.bridge(picky_op(0.0, 9.0))
    assert function.__name__ == "picky"
    np.testing.assert_array_equal(function(np.ones(2), n_out=2), np.ones(4))


def test_training_finds_the_partials_of_a_tone():
    """Gradient descent through a softmax of autograd and two ops: the loss falls a thousandfold."""
    f0_hz, amplitudes = np.full(4, 200.0), np.full(4, 0.8)
    wanted = np.tile([0.5, 0.3, 0.15, 0.05], (4, 1))

    def synthesize(shares):
        return bridged.harmonic_synthesis(f0_hz, amplitudes, shares, n_samples=800)

    target = synthesize(wanted)

    def loss(logits):
        shares = anp.exp(logits) / anp.sum(anp.exp(logits), axis=1, keepdims=True)
        return anp.mean((synthesize(shares) - target) ** 2)

    step, logits = autograd.value_and_grad(loss), np.zeros((4, 4))
    first = loss(logits)
    for _ in range(200):
        value, gradient = step(logits)
        logits = logits - 40.0 * gradient
    assert value < first / 1000
