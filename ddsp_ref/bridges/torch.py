"""Every op as a function on PyTorch tensors, with its gradient.

>>> import torch
>>> from ddsp_ref.bridges.torch import exp_sigmoid
>>> x = torch.tensor([-1.0, 0.0, 1.0], requires_grad=True)
>>> exp_sigmoid(x, exponent=10.0).sum().backward()
>>> x.grad
tensor([0.1637, 0.4667, 0.6021])

An op with several results returns a tuple. Where no gradient is wanted (under `torch.no_grad`, or
if no tensor requires one) the op's forward runs and nothing is kept.

Memory: on the CPU, arrays and tensors share it; only a value that the pullback reads again is
copied. Tensors on another device go to the CPU, results and gradients come back. A tensor changed
in place between forward and backward is noticed, as by PyTorch's own functions. What a pullback
keeps is freed with the graph, thus with the last result that leads to it, and not by `backward`.

Precision: all arrays of a call are brought to float64 if one of them is that, else to float32;
Python numbers and lists follow the others. Gradients have the precision of their tensor.

Second derivatives are refused, and by PyTorch itself forward mode and the transforms of
`torch.func`. `torch.compile` compiles what is around an op.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddsp_ref.bridges._names import find_op, missing_extra, named_like, no_second_derivative
from ddsp_ref.op import Op
from ddsp_ref.registry import all_ops

try:
    import torch
except ImportError as error:
    raise missing_extra("torch") from error


def _to_tensor(array: Any, device: torch.device) -> torch.Tensor:
    array = np.asarray(array)
    # what cannot be written to is read by a pullback; PyTorch knows no array that runs backwards
    if not array.flags.writeable or min(array.strides, default=0) < 0:
        array = array.copy()
    return torch.from_numpy(array).to(device)


def _to_tensors(y: Any, inputs: Sequence[torch.Tensor]) -> Any:
    """Return results where the inputs are: on the first device that is not the CPU, if any."""
    devices = [t.device for t in inputs if t.device.type != "cpu"]
    device = devices[0] if devices else torch.device("cpu")
    if isinstance(y, tuple):
        return tuple(_to_tensor(part, device) for part in y)
    return _to_tensor(y, device)


class _Apply(torch.autograd.Function):
    """One call of an op that PyTorch is going to differentiate."""

    @staticmethod
    def forward(ctx: Any, op: Op, settings: dict[str, Any], *tensors: torch.Tensor) -> Any:
        wrt = [i for i, wanted in enumerate(ctx.needs_input_grad[2:]) if wanted]
        y, pullback = op.vjp(*(t.numpy(force=True) for t in tensors), wrt=wrt, **settings)
        ctx.op, ctx.pullback = op, pullback
        ctx.save_for_backward(*tensors)  # for its check that they were not changed in place
        return _to_tensors(y, tensors)

    @staticmethod
    def backward(ctx: Any, *y_bars: torch.Tensor) -> Any:
        tensors, wanted = ctx.saved_tensors, ctx.needs_input_grad[2:]
        # torch's once_differentiable lets a constant y_bar pass, and with it a wrong zero
        run = _PullBack.apply if torch.is_grad_enabled() else _pull_back
        return None, None, *run(ctx.op, ctx.pullback, wanted, *tensors, *y_bars)


def _pull_back(op: Op, pullback: Any, wanted: Any, *given: torch.Tensor) -> Any:
    tensors, y_bars = given[: len(wanted)], given[len(wanted) :]
    bars = tuple(bar.numpy(force=True) for bar in y_bars)
    cotangents = pullback(bars if len(bars) > 1 else bars[0])
    return tuple(
        _to_tensor(x_bar, t.device) if want else None
        for x_bar, t, want in zip(cotangents, tensors, wanted, strict=True)
    )


class _PullBack(torch.autograd.Function):
    """A gradient inside a graph that PyTorch keeps, which refuses to be differentiated."""

    @staticmethod
    def forward(ctx: Any, op: Op, *arguments: Any) -> Any:
        ctx.op = op
        return _pull_back(op, *arguments)

    @staticmethod
    def backward(ctx: Any, *bars: Any) -> Any:
        raise no_second_derivative(ctx.op)


def _one_precision(arrays: tuple[Any, ...]) -> list[torch.Tensor]:
    """Return tensors of float32, or of float64 if one of the arrays is that."""
    # through NumPy, which says it loudly if a list holds tensors that want a gradient
    tensors = [
        a if isinstance(a, torch.Tensor) else torch.from_numpy(np.array(a, order="C"))
        for a in arrays
    ]
    weak = (int, float, list, tuple)
    kinds = [t.dtype for a, t in zip(arrays, tensors, strict=True) if not isinstance(a, weak)]
    dtype = functools.reduce(torch.promote_types, kinds, torch.float32)
    return [t.to(dtype) for t in tensors]


@functools.cache
def bridge(op: Op) -> Callable[..., Any]:
    """Return an op as a function on tensors.

    Parameters
    ----------
    op : Op
        Of the registry, or one of your own.

    Returns
    -------
    callable
        Takes the arrays and settings of the op; returns a tensor, or a tuple of them.
    """

    @torch.compiler.disable
    def function(*arrays: Any, **settings: Any) -> Any:
        tensors = _one_precision(arrays)
        if torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
            return _Apply.apply(op, settings, *tensors)
        y = op(*(t.numpy(force=True) for t in tensors), **settings)
        return _to_tensors(y, tensors)

    return named_like(op, function, __name__)


def __getattr__(name: str) -> Callable[..., Any]:
    return bridge(find_op(name, __name__))


def __dir__() -> list[str]:
    return sorted({"bridge", *all_ops()})
