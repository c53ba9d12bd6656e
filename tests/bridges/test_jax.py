"""The JAX bridge: every op and case under jit, grad and vmap, what is refused, a training."""

from __future__ import annotations

import functools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ddsp_ref.errors import DerivativeError, ParameterError
from ddsp_ref.op import Case, Op
from ddsp_ref.registry import get_op

from ..check import as_tuple, assert_close, cast, random_like
from ..test_every_op import each_op, right

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")

from ddsp_ref.bridges import jax as bridged  # noqa: E402


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def value_and_cotangents(function, settings):
    """Return a function of arrays and of the cotangent of their value."""

    def both(arrays, y_bar):
        y, pullback = jax.vjp(lambda *a: function(*a, **settings), *arrays)
        return y, pullback(y_bar)

    return both


def assert_same(got, wanted, subnormal=True):
    """Assert equality, bit for bit, but for numbers that XLA's threads round to zero."""
    for one, other in zip(as_tuple(got), as_tuple(wanted), strict=True):
        assert one.dtype == other.dtype
        smallest = 0.0 if subnormal else np.finfo(other.dtype).smallest_normal
        np.testing.assert_allclose(one, other, rtol=0.0, atol=smallest)


@pytest.mark.parametrize("x64", [False, True])
@right
def test_values_and_gradients_are_those_of_the_op(op, case, x64, rng):
    with jax.enable_x64(x64):
        arrays = cast(case, np.float64 if x64 else np.float32)
        y, pullback = op.vjp(*arrays, **case.settings)
        y_bar = random_like(y, rng)
        both = value_and_cotangents(bridged.bridge(op), case.settings)
        got, cotangents = both(tuple(arrays), y_bar)
        assert_same(got, y)
        assert_same(cotangents, pullback(y_bar))
        # a compilation takes its time: all cases in one precision, one of each op in the other
        if not x64 or case.label == op.cases()[0].label:
            got, cotangents = jax.jit(both)(tuple(arrays), y_bar)
            assert_same(got, y, subnormal=False)
            assert_same(cotangents, pullback(y_bar), subnormal=False)


@right
def test_vmap_is_a_loop(op, case, rng, double):
    """Over every array, the shared ones too, as it is and in the gradient."""
    first = cast(case, np.float64)
    arrays = [np.stack([a * factor for factor in (1.0, 0.75, 0.5)]) for a in first]
    try:
        runs = [op.vjp(*one, **case.settings) for one in zip(*arrays)]
    except ParameterError:
        pytest.skip("scaled inputs are outside the range of this op")
    y_bars = [random_like(y, rng) for y, _ in runs]
    stacked = tuple(np.stack(parts) for parts in zip(*map(as_tuple, y_bars)))
    stacked = stacked if isinstance(y_bars[0], tuple) else stacked[0]
    both = jax.vmap(value_and_cotangents(bridged.bridge(op), case.settings))
    got, cotangents = both(tuple(arrays), stacked)
    for b, (y, pullback) in enumerate(runs):
        assert_close(tuple(part[b] for part in as_tuple(got)), y, 1e-11, f"value {b}")
        assert_close(tuple(a[b] for a in cotangents), pullback(y_bars[b]), 1e-10, f"gradient {b}")


@each_op
def test_vmap_over_one_array_leaves_the_others_alone(op, double):
    for case in [case for case in op.cases() if case.error is None][:2]:
        arrays = cast(case, np.float64)
        y = as_tuple(op(*arrays, **case.settings))
        for i, name in enumerate(op.array_names):
            given = [np.stack([a, a]) if j == i else a for j, a in enumerate(arrays)]
            axes = [0 if j == i else None for j in range(len(arrays))]
            call = functools.partial(bridged.bridge(op), **case.settings)
            for part, wanted in zip(as_tuple(jax.vmap(call, in_axes=axes)(*given)), y):
                assert_close(part, np.stack([wanted, wanted]), 1e-11, f"vmap over {name}")


@pytest.mark.parametrize("axes", [(0, None, None), (None, 0, None), (0, 0, 0), (1, None, 0)])
def test_nested_maps_agree_with_jax_itself(axes, rng, double):
    """Two maps, of which the outer one takes in shared arrays, compiled and differentiated."""
    shapes = (4, 3), (3, 2), (2,)
    arrays = [
        rng.standard_normal(shape if axis is None else (*shape[:axis], 5, *shape[axis:]))
        for shape, axis in zip(shapes, axes)
    ]

    def loss(dense, *arrays):
        inner = jax.vmap(dense, in_axes=(0, None, None))
        return jnp.sum(jnp.sin(jax.vmap(inner, in_axes=axes)(*arrays)))

    got = jax.jit(jax.grad(lambda *a: loss(bridged.dense, *a), (0, 1, 2)))(*arrays)
    wanted = jax.grad(lambda *a: loss(lambda x, w, b: x @ w + b, *a), (0, 1, 2))(*arrays)
    for one, other in zip(got, wanted):
        assert_close(one, other, 1e-12, "nested vmap")


def test_maps_and_batch_axes_of_different_number_fit_together(rng, double):
    """`vmap` over an array with a batch of its own, and over one without."""
    x, y = rng.standard_normal((4, 3, 2)), 2 + rng.random(4)
    got = jax.vmap(bridged.safe_divide)(x, y)
    assert_close(got, x / y[:, None, None], 1e-6, "the op's epsilon apart")
    slope = jax.grad(lambda y: jnp.sum(jax.vmap(bridged.safe_divide)(x, y)))(y)
    assert_close(slope, -(x / y[:, None, None] ** 2).sum(axis=(1, 2)), 1e-6, "slope")


def test_the_host_runs_once_for_a_whole_map(monkeypatch, double):
    op, calls = get_op("tanh"), []
    vjp = op._vjp
    monkeypatch.setattr(op, "_vjp", lambda x: calls.append(x.shape) or vjp(x))
    jax.block_until_ready(jax.jit(jax.vmap(jax.grad(bridged.tanh)))(jnp.ones(7)))
    assert calls[-1] == (7,)  # the first ones find the shape, and run forward
    assert len(calls) <= 3


def test_an_empty_map_and_an_empty_batch():
    assert bridged.tanh(jnp.ones((0, 3))).shape == (0, 3)
    assert jax.jit(bridged.tanh)(jnp.ones((0, 3))).shape == (0, 3)
    assert jax.vmap(bridged.tanh)(jnp.ones((0, 3))).shape == (0, 3)


def test_precision_is_that_of_the_widest_array(double):
    single = jnp.ones(2, jnp.float32)
    assert bridged.safe_divide(single, 0.1).dtype == jnp.float32
    assert bridged.safe_divide(single, jnp.ones(2)).dtype == jnp.float64
    assert bridged.safe_divide(single, jnp.ones(2, int)).dtype == jnp.float32
    for dtype in (jnp.float16, jnp.bfloat16, jnp.float32):
        x = jnp.ones(2, dtype)
        assert bridged.tanh(x).dtype == jnp.float32
        assert jax.grad(lambda x: jnp.sum(bridged.safe_divide(x, jnp.ones(2))))(x).dtype == dtype
    with pytest.raises(ParameterError, match="tanh: x has dtype complex"):
        bridged.tanh(jnp.ones(2, complex))


def test_one_trace_serves_equal_settings():
    traces = []

    @jax.jit
    def program(x):
        traces.append(x)
        return bridged.exp_sigmoid(x, exponent=10.0) + bridged.exp_sigmoid(x, exponent=3.0)

    one, other = program(jnp.zeros(3)), program(jnp.ones(3))
    assert len(traces) == 1
    op = get_op("exp_sigmoid")
    for got, x in ((one, np.zeros(3, "f")), (other, np.ones(3, "f"))):
        np.testing.assert_array_equal(got, op(x, exponent=10.0) + op(x, exponent=3.0))


def test_mistakes_are_named_while_tracing():
    program = jax.jit(lambda *a, **k: bridged.exp_sigmoid(*a, **k))
    with pytest.raises(ParameterError, match="takes 1 array"):
        program(jnp.ones(3), jnp.ones(3))
    with pytest.raises(ParameterError, match="setting exponent is traced, must be a constant"):
        program(jnp.ones(3), exponent=3.0)
    with pytest.raises(ParameterError, match=r"exponent is 0\.5, must be greater"):
        jax.jit(lambda x: bridged.exp_sigmoid(x, exponent=0.5))(jnp.ones(3))
    with pytest.raises(ParameterError, match="no setting 'no_such'"):
        jax.jit(lambda x: bridged.exp_sigmoid(x, no_such=1))(jnp.ones(3))
    with pytest.raises(ParameterError, match=r"n_in=2"):
        jax.eval_shape(bridged.dense, jnp.ones(2), jnp.ones((3, 2)), jnp.ones(2))


def test_values_that_cannot_work_are_named_when_they_are_met():
    bad = jnp.array([0.0, jnp.nan])
    with pytest.raises(ParameterError, match=r"tanh: x is nan at index \(1,\)"):
        bridged.tanh(bad)
    with pytest.raises(jax.errors.JaxRuntimeError, match="tanh: x is nan at index"):
        jax.block_until_ready(jax.jit(bridged.tanh)(bad))


def test_other_derivatives_are_refused():
    def slope(x):
        return jax.grad(bridged.tanh)(x)

    assert slope(0.0) == 1.0
    for program in (jax.grad(slope), jax.jit(jax.grad(slope))):
        with pytest.raises(DerivativeError, match="tanh: has no second derivative"):
            program(1.0)
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(bridged.tanh, (1.0,), (1.0,))


def test_control_flow_and_rematerialisation(double):
    """The gradient of a loop, of a branch and of what is computed again, as JAX's own."""

    def chain(tanh, w):
        def body(carry, _):
            return jax.lax.cond(w > 0, tanh, lambda x: x, carry * w), carry

        last, all_ = jax.lax.scan(jax.checkpoint(body), jnp.linspace(0.1, 1.0, 4), None, length=3)
        return jnp.sum(last**2) + jnp.sum(all_)

    got = jax.jit(jax.grad(lambda w: chain(bridged.tanh, w)))(0.7)
    assert_close(got, np.asarray(jax.grad(lambda w: chain(jnp.tanh, w))(0.7)), 1e-12, "scan")


def test_without_the_hook_of_jax_its_pure_callback_serves(monkeypatch, double):
    """The hook that calls the host is exported by JAX, but undocumented: it may go."""
    monkeypatch.delattr(jax.interpreters.mlir, "emit_python_callback")
    op = Op(
        "another",
        lambda x, *, xp=np: x**2,
        vjp=lambda x: (x**2, lambda y_bar: (2 * x * y_bar,)),
        cases=lambda: [Case("by hand", [np.array([3.0])], expected=np.array([9.0]))],
        signature="()->()",
        source="",
    )
    got = jax.jit(jax.value_and_grad(bridged.bridge(op)))(3.0)
    assert [float(part) for part in got] == [9.0, 6.0]


HANGS = """
import threading
import jax, jax.numpy as jnp
from ddsp_ref.bridges.jax import tanh

step = jax.jit(lambda x: tanh(x * 1.5) + 0.1)

def work():
    for n in (100_000, 1_000_000):
        x = jnp.ones(n)
        for _ in range(30):
            x = step(x) * 1.1
        jax.block_until_ready(x)

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_programs_under_way_do_not_wait_for_each_other():
    """Large arrays, nothing awaited, more threads than cores: `pure_callback` hangs here."""
    subprocess.run([sys.executable, "-c", HANGS], check=True, timeout=120)


def test_threads_do_not_disturb_each_other(rng):
    inputs = [rng.standard_normal(5).astype(np.float32) for _ in range(64)]
    slope = jax.jit(jax.grad(lambda x: jnp.sum(bridged.tanh(x) * bridged.sigmoid(x))))
    with ThreadPoolExecutor(8) as pool:
        for got, x in zip(pool.map(slope, inputs), inputs):
            np.testing.assert_array_equal(got, slope(x))


def test_training_finds_the_partials_of_a_tone():
    """Compiled gradient descent through a softmax of JAX and an op: a thousandth of the loss."""
    f0_hz, amplitudes = jnp.full(4, 200.0), jnp.full(4, 0.8)
    wanted = jnp.tile(jnp.array([0.5, 0.3, 0.15, 0.05]), (4, 1))

    def synthesize(shares):
        return bridged.harmonic_synthesis(f0_hz, amplitudes, shares, n_samples=800)

    target = synthesize(wanted)

    def loss(logits):
        return jnp.mean((synthesize(jax.nn.softmax(logits)) - target) ** 2)

    @jax.jit
    def train(logits):
        def step(logits, _):
            value, gradient = jax.value_and_grad(loss)(logits)
            return logits - 40.0 * gradient, value

        return jax.lax.scan(step, logits, None, length=200)

    _, losses = train(jnp.zeros((4, 4)))
    assert losses[-1] < losses[0] / 1000
