"""An op as a constant: hashable, with shapes known beforehand, run on arrays with mapped axes."""

from __future__ import annotations

import copy
import functools
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddsp_ref.errors import ParameterError
from ddsp_ref.op import Op, parse_signature

Shape = tuple[int, ...]


def _frozen(value: Any) -> Hashable:
    """Return something hashable that differs where settings differ, as 1, 1.0 and True do."""
    if isinstance(value, (list, tuple)):
        return (type(value), *map(_frozen, value))
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    return (type(value), value)


class Call:
    """An op and its settings; two are equal if these are."""

    def __init__(self, op: Op, settings: dict[str, Any]) -> None:
        self.op, self.settings = op, copy.deepcopy(settings)
        self._key = (op, *((name, _frozen(settings[name])) for name in sorted(settings)))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Call) and self._key == other._key

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"{self.op.name}({settings})"


def split_shapes(op: Op, shapes: tuple[Shape, ...]) -> tuple[Shape, tuple[Shape, ...]]:
    """Return the batch axes of all inputs together, and the core axes of each."""
    inputs = parse_signature(op.signature)[0]
    n_batch = [len(shape) - len(term.dims) for shape, term in zip(shapes, inputs, strict=True)]
    batch = np.broadcast_shapes(*(shape[:n] for shape, n in zip(shapes, n_batch, strict=True)))
    return batch, tuple(shape[n:] for shape, n in zip(shapes, n_batch, strict=True))


def _trials(op: Op, shapes: tuple[Shape, ...]) -> Iterator[list[np.ndarray]]:
    """Yield values of these shapes, one set of which the op is going to take."""
    yield [np.ones(shape) for shape in shapes]
    for case in op.cases():  # what is in range at one size mostly is at another
        if case.error is None:
            arrays = [np.asarray(a, float) for a in case.arrays]
            yield [np.resize(a, shape) for a, shape in zip(arrays, shapes, strict=True)]


@functools.lru_cache(maxsize=4096)
def result_shapes(call: Call, shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """Return the shapes of the results for inputs of these shapes.

    A signature names the sizes of the results, but how large they are is the op's own knowledge,
    and may depend on settings. So the op is run, once per shapes and settings, on one element of
    the batch: on ones, or if it refuses them, on values of its cases, repeated to the size.

    Parameters
    ----------
    call : Call
        The op and its settings.
    shapes : tuple of tuple of int
        Shape of each input.

    Returns
    -------
    tuple of tuple of int
        Shape of each result.

    Raises
    ------
    ParameterError
        If the shapes or settings cannot work.
    """
    call.op.check(*shapes, **call.settings)
    batch, cores = split_shapes(call.op, shapes)
    refusal = None
    for arrays in _trials(call.op, cores):
        try:
            with np.errstate(all="ignore"):
                y = call.op(*arrays, **call.settings)
        except ParameterError as error:
            refusal = refusal or error
        else:
            return tuple(batch + part.shape for part in (y if isinstance(y, tuple) else (y,)))
    raise ParameterError(
        f"{call.op.name}: takes neither ones nor the values of its cases in these shapes, so that "
        f"the shape of its result cannot be known beforehand: {refusal}"
    )


@dataclass(frozen=True)
class Host:
    """A run of an op, or of its gradient, on arrays with mapped axes in front.

    Attributes:
        call: the op and its settings.
        gradient: False: arrays to results. True: arrays and cotangents of results to cotangents.
        shapes: of what is given, without mapped axes.
        results: of what comes out, without mapped axes.
        mapped: sizes of the axes that were mapped over. Everything given has all of them in
            front, of size 1 where it is the same for the whole axis; every result has them in full.
    """

    call: Call
    gradient: bool
    shapes: tuple[Shape, ...]
    results: tuple[Shape, ...]
    mapped: Shape = ()

    def __call__(self, *given: np.ndarray) -> tuple[np.ndarray, ...]:
        if not self.mapped:
            return self._run(given)
        shared = [term.shared for term in parse_signature(self.call.op.signature)[0]]
        if self.gradient and not any(shared):
            return self._run(self._in_full(given))
        if not self.gradient and any(not s for s in shared):
            own = [a.size == np.prod(shape) for a, shape in zip(given, self.shapes, strict=True)]
            if all(alone for alone, one in zip(own, shared, strict=True) if one):
                together = zip(given, self.shapes, shared, strict=True)
                return self._run([a.reshape(s) if one else a for a, s, one in together])
        return self._loop(self._in_full(given))

    def _in_full(self, given: tuple[np.ndarray, ...]) -> list[np.ndarray]:
        pairs = zip(given, self.shapes, strict=True)
        return [np.broadcast_to(a, self.mapped + shape) for a, shape in pairs]

    def _loop(self, given: list[np.ndarray]) -> tuple[np.ndarray, ...]:
        """Run one element of the mapped axes after the other: shared arrays have no batch."""
        results = tuple(np.empty(self.mapped + shape, given[0].dtype) for shape in self.results)
        for index in np.ndindex(*self.mapped):
            parts = self._run([a[index] for a in given])
            for result, part in zip(results, parts, strict=True):
                result[index] = part
        return results

    def _run(self, given: Any) -> tuple[np.ndarray, ...]:
        op, settings = self.call.op, self.call.settings
        if not self.gradient:
            y = op(*given, **settings)
            return y if isinstance(y, tuple) else (y,)
        n_arrays = len(op.array_names)
        _, pullback = op.vjp(*given[:n_arrays], **settings)
        bars = tuple(given[n_arrays:])
        return pullback(bars if len(bars) > 1 else bars[0])
