"""The PyTorch bridge: every op and case, precision, what is refused, a training."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ddsp_ref.errors import DerivativeError, ParameterError
from ddsp_ref.op import Op
from ddsp_ref.registry import get_op

from ..check import as_tuple, cast, random_like
from ..test_every_op import right

torch = pytest.importorskip("torch")

from ddsp_ref.bridges import torch as bridged  # noqa: E402


def tensors_of(arrays, requires_grad=True):
    return [torch.tensor(a.copy(), requires_grad=requires_grad) for a in arrays]


def assert_same(tensor, array):
    assert tensor.numpy().dtype == array.dtype
    np.testing.assert_array_equal(tensor.numpy(), array)


def pull(y, y_bar):
    """Run the backward pass from all results at once."""
    torch.autograd.backward(as_tuple(y), [torch.from_numpy(bar) for bar in as_tuple(y_bar)])


@right
def test_values_and_gradients_are_those_of_the_op(op, case, rng):
    function = bridged.bridge(op)
    for dtype in (np.float32, np.float64):
        arrays = cast(case, dtype)
        wanted_y, pullback = op.vjp(*arrays, **case.settings)
        y_bar = random_like(wanted_y, rng)
        inputs = tensors_of(arrays)
        y = function(*inputs, **case.settings)
        pull(y, y_bar)
        with torch.no_grad():
            inference = function(*inputs, **case.settings)
        for traced, plain, wanted in zip(as_tuple(y), as_tuple(inference), as_tuple(wanted_y)):
            assert traced.requires_grad
            assert not plain.requires_grad
            assert_same(traced.detach(), wanted)
            assert_same(plain, wanted)
        for given, wanted in zip(inputs, pullback(y_bar)):
            assert_same(given.grad, wanted)


@right
def test_only_what_requires_a_gradient_gets_one(op, case, rng):
    arrays = cast(case, np.float64)
    y, pullback = op.vjp(*arrays, **case.settings)
    y_bar = random_like(y, rng)
    for i, wanted in enumerate(pullback(y_bar)):
        inputs = tensors_of(arrays, requires_grad=False)
        inputs[i].requires_grad_()
        pull(bridged.bridge(op)(*inputs, **case.settings), y_bar)
        assert_same(inputs[i].grad, wanted)
        assert all(t.grad is None for t in inputs if t is not inputs[i])


def test_views_of_any_layout_are_taken(rng):
    x, y_bar = rng.standard_normal((6, 4)), rng.standard_normal((6, 2))
    kernel, bias = rng.standard_normal((4, 2)), rng.standard_normal(2)
    wanted, pullback = get_op("dense").vjp(x, kernel, bias)
    layouts = {
        "transposed": torch.tensor(x.T.copy()).T,
        "strided": torch.tensor(np.repeat(np.repeat(x, 2, 0), 3, 1))[::2, ::3],
    }
    for layout, view in layouts.items():
        assert not view.is_contiguous(), layout
        leaf = view.detach().requires_grad_()
        y = bridged.dense(leaf, torch.tensor(kernel), torch.tensor(bias))
        y.backward(torch.tensor(y_bar.T.copy()).T)
        np.testing.assert_array_equal(y.detach(), wanted, err_msg=layout)
        np.testing.assert_array_equal(leaf.grad, pullback(y_bar)[0], err_msg=layout)


def test_expanded_and_zero_dimensional_tensors():
    one = torch.tensor(2.0, requires_grad=True)
    y = bridged.tanh(one)
    assert y.shape == ()
    y.backward()
    assert one.grad.shape == ()
    row = torch.tensor([0.5, -1.0], requires_grad=True)
    bridged.tanh(row.expand(3, 2)).sum().backward()  # the cotangent of a sum is expanded, too
    torch.testing.assert_close(row.grad, 3 * (1 - torch.tanh(row.detach()) ** 2))


def test_an_array_broadcast_over_a_batch_gets_the_sum():
    x, y = torch.ones(3, 4, requires_grad=True), torch.full((1,), 2.0, requires_grad=True)
    bridged.safe_divide(x, y).sum().backward()
    assert x.grad.shape == (3, 4)
    torch.testing.assert_close(y.grad, torch.tensor([-3.0]))


def test_precision_is_that_of_the_widest_array():
    single, double = torch.ones(2, requires_grad=True), torch.ones(2, dtype=torch.float64)
    assert bridged.safe_divide(single, 0.1).dtype == torch.float32
    assert float(bridged.safe_divide(double, 0.1)[0]) == float(get_op("safe_divide")(1.0, 0.1))
    y = bridged.safe_divide(single, double)
    assert y.dtype == torch.float64
    y.sum().backward()
    assert single.grad.dtype == torch.float32
    for other in (torch.ones(2, dtype=torch.int64), torch.ones(2, dtype=torch.bfloat16), [1, 1]):
        assert bridged.safe_divide(single, other).dtype == torch.float32
    half = torch.ones(2, dtype=torch.float16, requires_grad=True)
    bridged.tanh(half).sum().backward()
    assert half.grad.dtype == torch.float16
    with pytest.raises(ParameterError, match="tanh: x has dtype complex64"):
        bridged.tanh(torch.ones(2, dtype=torch.complex64))


def test_numpy_arrays_are_constants_and_are_left_alone():
    fixed = np.array([2.0, 4.0])[::-1]
    fixed.flags.writeable = False
    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    bridged.safe_divide(x, fixed).sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([0.25, 0.5], dtype=torch.float64))


def test_an_op_may_work_backwards():
    """PyTorch knows no negative strides."""
    op = Op(
        "mirror",
        lambda x, *, xp=np: x[::-1],
        vjp=lambda x: ((2 * x)[:, ::-1], lambda y_bar: ((2 * y_bar)[:, ::-1],)),
        cases=list,
        signature="(n)->(n)",
        source="",
    )
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = bridged.bridge(op)(x)
    assert y.tolist() == [6.0, 4.0, 2.0]
    y.backward(torch.tensor([1.0, 0.0, 5.0]))
    assert x.grad.tolist() == [10.0, 0.0, 2.0]


def test_a_list_that_holds_a_traced_tensor_is_refused_aloud():
    with pytest.raises(RuntimeError, match="requires grad"):
        bridged.tanh([torch.ones((), requires_grad=True), torch.ones(())])


def test_second_derivatives_are_refused():
    """Also that of a sum, where the cotangent is a constant and only the input is not."""
    x = torch.ones(3, requires_grad=True)
    for loss in (bridged.tanh(x).sum(), (bridged.tanh(x) ** 2).sum()):
        (slope,) = torch.autograd.grad(loss, x, create_graph=True)
        torch.testing.assert_close(slope, torch.autograd.grad(loss, x)[0], rtol=0, atol=0)
        with pytest.raises(DerivativeError, match="tanh: has no second derivative"):
            (slope**2).sum().backward()


def test_a_graph_may_be_kept_for_second_derivatives_of_the_rest():
    x = torch.full((3,), 2.0, requires_grad=True)
    loss = (x**3).sum() + bridged.tanh(torch.ones(3, requires_grad=True)).sum()
    (slope,) = torch.autograd.grad(loss, x, create_graph=True)
    slope.sum().backward()
    torch.testing.assert_close(x.grad, torch.full((3,), 12.0))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's, of itself
def test_forward_mode_and_transforms_are_refused_by_pytorch():
    with pytest.raises((RuntimeError, NotImplementedError)):
        torch.func.grad(lambda x: bridged.tanh(x).sum())(torch.ones(3))
    with pytest.raises((RuntimeError, NotImplementedError)):
        torch.func.jvp(bridged.tanh, (torch.ones(3),), (torch.ones(3),))


@pytest.mark.parametrize("name", ["dense", "harmonic_to_sinusoidal"])
def test_pytorch_agrees_that_the_gradient_is_one(name, rng):
    op = get_op(name)
    case = next(case for case in op.cases() if case.grad and not case.error)
    inputs = tensors_of(cast(case, np.float64))
    function = bridged.bridge(op)
    assert torch.autograd.gradcheck(lambda *a: function(*a, **case.settings), inputs)


def test_errors_of_an_op_come_through():
    with pytest.raises(ParameterError, match=r"tanh: x is nan at index \(1,\)"):
        bridged.tanh(torch.tensor([0.0, torch.nan], requires_grad=True))
    with pytest.raises(ParameterError, match="dense: takes 3 arrays"):
        bridged.dense(torch.ones(3))
    with pytest.raises(ParameterError, match="no setting 'no_such'"):
        bridged.tanh(torch.ones(3), no_such=1)


def test_threads_do_not_disturb_each_other(rng):
    inputs = [rng.standard_normal(5) for _ in range(64)]

    def slope(x):
        leaf = torch.tensor(x, requires_grad=True)
        (bridged.tanh(leaf) * bridged.sigmoid(leaf)).sum().backward()
        return leaf.grad.numpy()

    with ThreadPoolExecutor(8) as pool:
        for got, x in zip(pool.map(slope, inputs), inputs):
            np.testing.assert_array_equal(got, slope(x))


def test_functions_can_be_pickled():
    assert pickle.loads(pickle.dumps(bridged.tanh)) is bridged.tanh


@pytest.mark.filterwarnings("ignore")  # of the compiler, about itself
def test_compiled_programs_may_hold_ops():
    def loss(x):
        return torch.sum(bridged.tanh(x * 2.0) ** 2)

    x = torch.linspace(-1.0, 1.0, 5, requires_grad=True)
    loss(x).backward()
    wanted, x.grad = x.grad, None
    torch.compile(loss, backend="eager")(x).backward()
    torch.testing.assert_close(x.grad, wanted, rtol=0, atol=0)


class NoiseFilter(torch.nn.Module):
    """Noise through a filter whose bands are learned: PyTorch around three ops."""

    def __init__(self, noise, n_bands):
        super().__init__()
        self.register_buffer("noise", noise)
        self.bands = torch.nn.Parameter(torch.full((1, n_bands), -2.0))

    def forward(self):
        magnitudes = bridged.exp_sigmoid(self.bands)
        return bridged.frequency_filter(self.noise, magnitudes, window_size=0)


def test_a_module_learns_a_filter():
    """Adam on a spectral loss: it falls to a tenth, and the bands come out right."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(2048, generator=generator) * 2 - 1
    module, wanted = NoiseFilter(noise, 8), NoiseFilter(noise, 8)
    wanted.bands.data = torch.linspace(0.0, -4.0, 8)[None]
    target = wanted().detach()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    losses = []
    for _ in range(80):
        optimizer.zero_grad()
        loss = bridged.spectral_loss(target, module(), fft_sizes=(256, 64))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 10
    error = bridged.exp_sigmoid(module.bands) - bridged.exp_sigmoid(wanted.bands)
    assert error.abs().max() < 0.05
