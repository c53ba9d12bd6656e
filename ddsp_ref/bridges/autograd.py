"""Every op as a primitive of autograd: traced by `grad`, composed with `autograd.numpy`.

>>> import autograd, autograd.numpy as np
>>> from ddsp_ref.bridges.autograd import exp_sigmoid
>>> def loss(x):
...     return np.sum(exp_sigmoid(2.0 * x, exponent=10.0) ** 2)
>>> autograd.grad(loss)(np.array([-1.0, 0.0, 1.0])).round(4)
array([1.8000e-03, 7.5690e-01, 2.4477e+00])

An op with several results returns a tuple. Where nothing is traced, the op's forward runs and
nothing is kept. Inside a trace it runs once, and its pullback is kept as long as the trace; inputs
must not be changed until then. Second derivatives and forward mode are refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from ddsp_ref.bridges._names import (
    find_op,
    missing_extra,
    named_like,
    no_forward_mode,
    no_second_derivative,
)
from ddsp_ref.op import Op, parse_signature
from ddsp_ref.registry import all_ops

try:
    from autograd.extend import defjvp_argnums, defvjp_argnums, primitive
    from autograd.tracer import isbox
except ImportError as error:
    raise missing_extra("autograd") from error


class _Run:
    """One call of an op inside a trace: what to run, and then the pullback that it gave."""

    __slots__ = ("op", "pullback", "settings")

    def __init__(self, op: Op, settings: dict[str, Any]) -> None:
        self.op, self.settings = op, settings


@primitive
def _apply(run: _Run, *arrays: Any) -> Any:
    y, run.pullback = run.op.vjp(*arrays, **run.settings)
    return y


def _vjp(argnums: tuple[int, ...], y: Any, args: tuple, kwargs: dict) -> Callable:
    run, *arrays = args

    def pullback(y_bar: Any) -> Iterator[Any]:
        # a box that is left belongs to an outer trace: to it the cotangents would be constants
        bars = y_bar if isinstance(y_bar, (tuple, list)) else (y_bar,)
        if any(isbox(a) for a in (*arrays, y_bar, *bars)):
            raise no_second_derivative(run.op)
        cotangents = run.pullback(y_bar)
        return (cotangents[argnum - 1] for argnum in argnums)

    return pullback


def _jvp(argnums: tuple[int, ...], tangents: Any, y: Any, args: tuple, kwargs: dict) -> Any:
    raise no_forward_mode(args[0].op)


defvjp_argnums(_apply, _vjp)
defjvp_argnums(_apply, _jvp)


@functools.cache
def bridge(op: Op) -> Callable[..., Any]:
    """Return an op as a function that autograd can differentiate.

    Parameters
    ----------
    op : Op
        Of the registry, or one of your own.

    Returns
    -------
    callable
        Takes the arrays and settings of the op.
    """
    n_results = len(parse_signature(op.signature)[1])

    def function(*arrays: Any, **settings: Any) -> Any:
        if not any(isbox(a) for a in arrays):
            return op(*arrays, **settings)
        y = _apply(_Run(op, settings), *arrays)
        return y if n_results == 1 else tuple(y[i] for i in range(n_results))

    return named_like(op, function, __name__)


def __getattr__(name: str) -> Callable[..., Any]:
    return bridge(find_op(name, __name__))


def __dir__() -> list[str]:
    return sorted({"bridge", *all_ops()})
