"""What the bridges have in common: how their functions are found and named, what they refuse."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ddsp_ref.errors import DerivativeError, MissingExtraError
from ddsp_ref.op import Op
from ddsp_ref.registry import all_ops


def no_second_derivative(op: Op) -> DerivativeError:
    """Return the error for differentiating a gradient once more."""
    return DerivativeError(
        f"{op.name}: has no second derivative: its gradient is written by hand, and once only"
    )


def no_forward_mode(op: Op) -> DerivativeError:
    """Return the error for pushing a tangent forward through an op."""
    return DerivativeError(
        f"{op.name}: has no derivative in forward mode, only in reverse (grad, vjp, backward)"
    )


def missing_extra(framework: str) -> MissingExtraError:
    """Return the error that says how to install what a bridge leads to."""
    return MissingExtraError(
        f"ddsp_ref.bridges.{framework} needs {framework}, which cannot be imported: "
        f'pip install "ddsp_ref[{framework}]"'
    )


def named_like(op: Op, function: Callable[..., Any], module: str) -> Callable[..., Any]:
    """Give a function the name, signature and documentation of an op; return it."""
    function.__name__ = function.__qualname__ = op.name
    function.__module__ = module
    function.__doc__ = op.__doc__
    function.__signature__ = op.__signature__.replace(  # type: ignore[attr-defined]
        return_annotation=inspect.Signature.empty
    )
    return function


def find_op(name: str, module: str) -> Op:
    """Return the op that a bridge is asked for as an attribute.

    Raises
    ------
    AttributeError
        If no op has that name.
    """
    op = None if name.startswith("_") else all_ops().get(name)
    if op is None:
        raise AttributeError(f"{module} has no {name!r}; `dir` lists the ops")
    return op
