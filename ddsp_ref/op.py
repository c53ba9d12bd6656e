"""The op protocol: one piece of mathematics as formula, fast code and hand-written gradient."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ddsp_ref.arguments import (
    Term,
    check_setting,
    float_array,
    holds,
    parse_signature,
    setting_kind,
)
from ddsp_ref.call import Arrays, Call
from ddsp_ref.errors import ParameterError, require

_EMPTY = inspect.Parameter.empty


@dataclass(frozen=True)
class Case:
    """One use of an op: inputs and settings, and what is known about the result.

    Attributes
    ----------
    label : str
        Short name, unique within the op.
    arrays : sequence of array
        The positional inputs.
    settings : dict
        The keyword settings.
    expected : array, tuple of array or None
        The result worked out by hand, None if not known.
    grad : bool
        False where the gradient is not defined (a kink), so that it is not compared.
    error : str or None
        For a wrong use, a regular expression that the `ParameterError` has to match.
    """

    label: str
    arrays: Sequence[Any]
    settings: dict[str, Any] = field(default_factory=dict)
    expected: Any = None
    grad: bool = True
    error: str | None = None


class Op:
    """A differentiable function of arrays: definition, fast path and pullback under one name.

    `op(*arrays, **settings)` is the value, `op.vjp(*arrays, **settings)` the value and its
    pullback, `op.define(*arrays, **settings)` the readable definition in float64. Positional
    arguments are arrays and are differentiated; keyword arguments are constants.

    The signature says which trailing axes each array has. From it this class derives, for all
    ops alike: dtypes, shape errors, batch axes (broadcast, flattened to one, restored), contiguity
    and the summing of cotangents over broadcast axes. The fast path sees `(batch, *core)` only;
    the definition sees one element of the batch at a time, without batch axes.

    A pullback reads what `vjp` was given: the inputs are not copied and must not be changed
    before it is called. A value that it reads too is returned read-only; every other value, and
    every cotangent, is the caller's to change.

    Parameters
    ----------
    name : str
        Public name of the op.
    define : callable
        ``define(*arrays, **settings, xp=np)``, float64, for one element of the batch.
    vjp : callable
        ``vjp(*arrays, **settings) -> (y, pullback)``, fast, for `(batch, *core)`. Like `forward`
        and `check` it is given every setting: defaults need stand in `define` only.
    cases : callable
        Returns a list of `Case`.
    signature : str
        Core shapes, see `ddsp_ref.arguments.parse_signature`.
    source : str
        Where the formula stands.
    forward : callable or None
        ``forward(*arrays, **settings) -> y``, where the value alone is cheaper.
    check : callable or None
        ``check(dims, **settings)`` raises `ParameterError` on settings that cannot work. That
        settings are finite and of their type is checked before, see `arguments.setting_kind`.
    selective : bool
        Whether `vjp` takes a setting ``wanted``, one bool per array: those whose cotangents it
        need not compute, it may leave as None.
    one_for_all : tuple of str
        Arrays that reach the fast path with a batch of 1 when one was given for the whole batch.
    may_be_none : tuple of str
        Names of settings that take None, though it is not their default.
    float32_error : float
        Largest error of the float32 value, as a fraction of the largest value.
    float32_grad_error : float
        The same for cotangents.
    """

    def __init__(
        self,
        name: str,
        define: Callable,
        *,
        vjp: Callable,
        cases: Callable[[], list[Case]],
        signature: str,
        source: str,
        forward: Callable | None = None,
        check: Callable | None = None,
        selective: bool = False,
        one_for_all: tuple[str, ...] = (),
        may_be_none: tuple[str, ...] = (),
        float32_error: float = 2e-6,
        float32_grad_error: float = 1e-5,
    ) -> None:
        self.name, self.cases, self.source = name, cases, source
        self.signature, self._selective = signature, selective
        self.float32_error, self.float32_grad_error = float32_error, float32_grad_error
        self._define, self._vjp, self._forward, self._check = define, vjp, forward, check
        self._inputs, self._outputs = parse_signature(signature)
        parameters = inspect.signature(define).parameters.values()
        self.array_names = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
        self.settings = {
            p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "xp"
        }
        self._defaults = {k: v for k, v in self.settings.items() if v is not _EMPTY}
        self._kinds = {
            key: setting_kind(key, default, key in may_be_none)
            for key, default in self.settings.items()
        }
        self._labels = tuple(f"{name}: {array_name}" for array_name in self.array_names)
        self._known: dict[tuple, tuple] = {}  # calls that fitted, see `ddsp_ref.call`
        self._unit_batch = tuple(name in one_for_all for name in self.array_names)
        self.__name__ = self.__qualname__ = name
        self.__module__ = define.__module__
        self.__doc__ = define.__doc__
        self.__signature__ = inspect.Signature(
            [p for p in parameters if p.name != "xp"], return_annotation=np.ndarray
        )

    def __repr__(self) -> str:
        return f"<op {self.name} {self.signature}>"

    def __call__(self, *arrays: Any, **settings: Any) -> Any:
        """Return the value in the precision of the inputs."""
        call = Call(self, arrays, settings)
        if self._forward is None:
            return call.restore(self._vjp(*call.arrays, **call.settings, **self._wanted(()))[0])
        return call.restore(self._forward(*call.arrays, **call.settings))

    def vjp(
        self, *arrays: Any, wrt: Sequence[int] | None = None, **settings: Any
    ) -> tuple[Any, Callable[[Any], Arrays]]:
        """Return the value and `pullback(y_bar)`, which gives one cotangent per array.

        With `wrt`, numbers of arrays, the cotangents of all others are None, and the work for
        them is saved where the op can.
        """
        call = Call(self, arrays, settings)
        places = range(len(call.arrays))
        require(
            wrt is None or (isinstance(wrt, (tuple, list)) and all(i in places for i in wrt)),
            f"{self.name}: wrt is {wrt!r}, must be numbers of arrays, from 0 to {places[-1]}",
        )
        wrt = places if wrt is None else wrt
        flat_y, flat_pullback = self._vjp(*call.arrays, **call.settings, **self._wanted(wrt))
        y = call.restore(flat_y)
        for part in y if isinstance(y, tuple) else (y,):
            if holds(flat_pullback, part):
                part.flags.writeable = False

        def pullback(y_bar: Any) -> Arrays:
            cotangents = flat_pullback(call.flatten_cotangent(y_bar, flat_y))
            return call.restore_cotangents(cotangents, wrt)

        return y, pullback

    def _wanted(self, wrt: Sequence[int]) -> dict[str, tuple[bool, ...]]:
        if not self._selective:
            return {}
        return {"wanted": tuple(i in wrt for i in range(len(self.array_names)))}

    def define(self, *arrays: Any, xp: Any = np, **settings: Any) -> Any:
        """Return the readable truth, float64. With `xp=autograd.numpy` it can be taped."""
        if xp is np:
            arrays = tuple(np.asarray(a, float) for a in self._as_float(arrays))
        self.check(*[np.shape(a) for a in arrays], **settings)
        batch = self._batch_shape([np.shape(a) for a in arrays])
        if not batch or not any(term.dims for term in self._inputs + self._outputs):
            return self._define(*arrays, xp=xp, **settings)
        results = [
            self._define(*self._pick(arrays, index, batch), xp=xp, **settings)
            for index in np.ndindex(*batch)
        ]
        if len(self._outputs) == 1:
            return xp.reshape(xp.stack(results), batch + np.shape(results[0]))
        return tuple(
            xp.reshape(xp.stack([r[j] for r in results]), batch + np.shape(results[0][j]))
            for j in range(len(self._outputs))
        )

    def _as_float(self, arrays: Sequence[Any]) -> list[np.ndarray]:
        names = self._labels
        if len(arrays) > len(names):  # refused later, with the shapes
            names = names + tuple(f"{self.name}: argument {i}" for i in range(len(arrays)))
        return [float_array(*pair) for pair in zip(names, arrays, strict=False)]

    def check(self, *shapes: tuple[int, ...], **settings: Any) -> dict[str, int]:
        """Raise `ParameterError` if shapes or settings cannot work; return the named sizes."""
        names = self.array_names
        require(
            len(shapes) == len(names),
            f"{self.name}: takes {len(names)} arrays ({', '.join(names)}), got {len(shapes)}",
        )
        known = ", ".join(self.settings) or "none"
        for key, value in settings.items():
            require(key in self.settings, f"{self.name}: no setting {key!r}; there are {known}")
            check_setting(f"{self.name}: {key}", value, self._kinds[key])
        for key, default in self.settings.items():
            require(
                key in settings or default is not _EMPTY,
                f"{self.name}: the setting {key!r} is missing, pass {key}=...",
            )
        dims: dict[str, int] = {}
        for name, term, shape in zip(names, self._inputs, shapes, strict=True):
            self._bind(dims, name, term, shape)
        self._batch_shape(shapes)
        if self._check is not None:
            try:
                self._check(dims, **self._defaults | settings)
            except ParameterError as error:
                raise ParameterError(f"{self.name}: {error}") from None
        return dims

    def _bind(self, dims: dict[str, int], name: str, term: Term, shape: tuple[int, ...]) -> None:
        wanted = f"{'' if term.shared else '..., '}{', '.join(term.dims)}"
        n_core = len(term.dims)
        exact = len(shape) == n_core if term.shared else len(shape) >= n_core
        require(exact, f"{self.name}: {name} has shape {shape}, must be ({wanted})")
        for dim, size in zip(term.dims, shape[len(shape) - n_core :], strict=True):
            known = dims.setdefault(dim, size)
            require(
                size == known,
                f"{self.name}: {name} has shape {shape}, must be ({wanted}) with {dim}={known}",
            )
            require(size > 0, f"{self.name}: {name} has shape {shape}, {dim} must be at least 1")

    def _batch_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        leading = [
            shape[: len(shape) - len(term.dims)]
            for term, shape in zip(self._inputs, shapes, strict=True)
        ]
        try:
            return np.broadcast_shapes(*leading)
        except ValueError:
            text = ", ".join(f"{n} {s}" for n, s in zip(self.array_names, shapes, strict=True))
            raise ParameterError(
                f"{self.name}: batch axes do not fit together: {text}; they must be equal or 1"
            ) from None

    def _pick(self, arrays: Sequence[Any], index: tuple[int, ...], batch: tuple) -> list[Any]:
        """Return the core arrays that belong to one index of the batch."""
        picked = []
        for array, term in zip(arrays, self._inputs, strict=True):
            lead = np.shape(array)[: len(np.shape(array)) - len(term.dims)]
            own = index[len(batch) - len(lead) :]
            picked.append(array[tuple(0 if n == 1 else i for i, n in zip(own, lead, strict=True))])
        return picked
