"""Every op as a function on JAX arrays, under `jit`, `grad` and `vmap`.

>>> import jax, jax.numpy as jnp
>>> from ddsp_ref.bridges.jax import exp_sigmoid
>>> def loss(x):
...     return jnp.sum(exp_sigmoid(2.0 * x, exponent=10.0) ** 2)
>>> [round(float(slope), 4) for slope in jax.jit(jax.grad(loss))(jnp.array([-1.0, 0.0, 1.0]))]
[0.0018, 0.7569, 2.4477]

An op with several results returns a tuple. All arrays of a call are brought to one precision:
float64 if one of them is float64 (with `jax_enable_x64`), else float32; gradients come back in
that of their array.

The op runs on the host: directly where values are known, through a callback under `jit` (where XLA
rounds numbers below the smallest normal one, 1e-38 in float32, to zero). The backward pass runs it
again, since a pure function can keep nothing of its forward pass. Shapes of results are found while
tracing, see `result_shapes`.

Settings are constants: under `jit` they are closed over, or named in `static_argnames`. Shapes and
settings that cannot work raise `ParameterError` while tracing. Values that cannot work, such as
NaN, raise it when the op runs, and under `jit` JAX wraps it into an error of its own.

`vmap` gives the op a batch axis, and it runs once for all. Weights and other shared arrays have no
batch axes: where `vmap` maps over one, and in the gradient of any op that has one, the host loops
over the batch. It is better to give such an op its batch directly.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ddsp_ref.bridges._host import Call, Host, Shape, result_shapes
from ddsp_ref.bridges._names import find_op, missing_extra, named_like, no_second_derivative
from ddsp_ref.errors import require
from ddsp_ref.op import Op, parse_signature
from ddsp_ref.registry import all_ops

try:
    import jax
    import jax.numpy as jnp
    from jax.extend.core import Primitive
    from jax.interpreters import ad, batching, mlir
except ImportError as error:
    raise missing_extra("jax") from error

# A primitive, and not `jax.pure_callback`, for two reasons. That one hands its function JAX arrays
# which may still be under way; reading them inside the callback waits for a thread, and where all
# threads are in callbacks, as on a machine with one core, for ever (jax-ml/jax issue 25861). And it
# compiles a program for every shape also where nothing is compiled and the values are known.
_on_host = Primitive("ddsp_ref_on_host")
_on_host.multiple_results = True


@_on_host.def_impl
def _run_now(*given: Any, host: Host) -> list[jax.Array]:
    return [jnp.asarray(part) for part in host(*map(np.asarray, given))]


@_on_host.def_abstract_eval
def _shapes_of_results(*given: Any, host: Host) -> list[Any]:
    return [jax.core.ShapedArray(host.mapped + shape, given[0].dtype) for shape in host.results]


def _add_mapped_axis(given: Any, axes: Any, *, host: Host) -> tuple[list[jax.Array], list[int]]:
    size = next(a.shape[axis] for a, axis in zip(given, axes, strict=True) if axis is not None)
    given = [
        jnp.expand_dims(a, 0) if axis is None else jnp.moveaxis(a, axis, 0)
        for a, axis in zip(given, axes, strict=True)
    ]
    host = dataclasses.replace(host, mapped=(size, *host.mapped))
    return _on_host.bind(*given, host=host), [0] * len(host.results)


def _compile(ctx: Any, *given: Any, host: Host) -> Any:
    def callback(*arrays: Any) -> tuple[np.ndarray, ...]:
        return host(*map(np.asarray, arrays))

    if not hasattr(mlir, "emit_python_callback"):  # exported by JAX, but not documented
        through = functools.partial(jax.pure_callback, callback, ctx.avals_out)
        return mlir.lower_fun(through, multiple_results=True)(ctx, *given)
    operands = (list(given), ctx.avals_in, ctx.avals_out)
    return mlir.emit_python_callback(ctx, callback, None, *operands, has_side_effect=False)[0]


def _refuse_tangents(*given: Any, host: Host) -> Any:
    raise no_second_derivative(host.call.op)


batching.primitive_batchers[_on_host] = _add_mapped_axis
mlir.register_lowering(_on_host, _compile)
ad.primitive_jvps[_on_host] = _refuse_tangents


def _shapes(arrays: tuple[jax.Array, ...]) -> tuple[Shape, ...]:
    return tuple(a.shape for a in arrays)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _apply(call: Call, *arrays: jax.Array) -> tuple[jax.Array, ...]:
    shapes = _shapes(arrays)
    return tuple(
        _on_host.bind(*arrays, host=Host(call, False, shapes, result_shapes(call, shapes)))
    )


def _forward(call: Call, *arrays: jax.Array) -> tuple[tuple[jax.Array, ...], tuple]:
    return _apply(call, *arrays), arrays


def _backward(call: Call, arrays: tuple, y_bars: tuple) -> tuple[jax.Array, ...]:
    given = (*arrays, *y_bars)
    return tuple(_on_host.bind(*given, host=Host(call, True, _shapes(given), _shapes(arrays))))


_apply.defvjp(_forward, _backward)


def _check_settings(op: Op, settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        require(
            not isinstance(value, jax.core.Tracer),
            f"{op.name}: the setting {name} is traced, must be a constant: close over it, or name "
            "it in the static_argnames of jit",
        )


def _same_rank(op: Op, arrays: list[jax.Array]) -> list[jax.Array]:
    """Give all arrays the same number of batch axes: `vmap` puts its own in front of them."""
    inputs = parse_signature(op.signature)[0]
    n_batch = [a.ndim - len(term.dims) for a, term in zip(arrays, inputs, strict=True)]
    most = max(n_batch)
    return [
        a if term.shared or n == most else a.reshape((1,) * (most - n) + a.shape)
        for a, term, n in zip(arrays, inputs, n_batch, strict=True)
    ]


@functools.cache
def bridge(op: Op) -> Callable[..., Any]:
    """Return an op as a function on JAX arrays.

    Parameters
    ----------
    op : Op
        Of the registry, or one of your own.

    Returns
    -------
    callable
        Takes the arrays and settings of the op; returns an array, or a tuple of them.
    """

    def function(*arrays: Any, **settings: Any) -> Any:
        _check_settings(op, settings)
        given = [jnp.asarray(a) for a in arrays]
        op.check(*(a.shape for a in given), **settings)
        dtype = jnp.result_type(jnp.float32, *given)
        y = _apply(Call(op, settings), *_same_rank(op, [a.astype(dtype) for a in given]))
        return y if len(y) > 1 else y[0]

    return named_like(op, function, __name__)


def __getattr__(name: str) -> Callable[..., Any]:
    return bridge(find_op(name, __name__))


def __dir__() -> list[str]:
    return sorted({"bridge", *all_ops()})
