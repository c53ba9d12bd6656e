"""What a face function does is recorded op by op, so that its gradient is the walk back.

A face function is written once, as a value: it hands arrays to ops with `apply`. Called with
arrays, it is that value and nothing is kept. Called through `vjp`, it is given `Traced` arrays;
`apply` then takes the op's own `vjp` and notes its pullback, and the pullback of the whole walks
the notes backwards. No gradient is derived here: each is that of an op, or of a piece of
bookkeeping (an axis, a slice, a sum) in `_pieces.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.registry import get_op


class Traced:
    """An array on its way through a recorded computation."""

    __slots__ = ("record", "value")
    __array_ufunc__ = None  # an array on the left of an operator leaves it to this class

    def __init__(self, value: np.ndarray, record: Record) -> None:
        self.value, self.record = value, record

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    dtype = property(lambda self: self.value.dtype)
    size = property(lambda self: self.value.size)

    def __len__(self) -> int:
        return len(self.value)

    def __add__(self, other):
        return apply(_ARITHMETIC["add"], self, other)

    def __sub__(self, other):
        return apply(_ARITHMETIC["add"], self, -other)

    def __rsub__(self, other):
        return apply(_ARITHMETIC["add"], -self, other)

    def __mul__(self, other):
        return apply(_ARITHMETIC["multiply"], self, other)

    def __neg__(self):
        return self * -1

    def __truediv__(self, number: float):
        return self * (1 / number)

    def __getitem__(self, index):
        return apply(_ARITHMETIC["take"], self, index=index)

    def reshape(self, *shape):
        shape = shape[0] if isinstance(shape[0], tuple) else shape
        return apply(_ARITHMETIC["reshape"], self, shape=shape)

    __radd__, __rmul__ = __add__, __mul__


_ARITHMETIC: dict[str, Piece] = {}
_ACTIVE: ContextVar[Record | None] = ContextVar("record", default=None)


def active_record() -> Record | None:
    """Return the record of the computation that is going on, from which weights are taken."""
    return _ACTIVE.get()


class Piece:
    """A step that is no op: `vjp(*arrays, **settings)` gives its value and a pullback."""

    def __init__(self, vjp: Callable) -> None:
        self.vjp, self.__name__, self.__doc__ = vjp, vjp.__name__, vjp.__doc__

    def __call__(self, *arrays: Any, **settings: Any) -> Any:
        return apply(self, *arrays, **settings)


def operator(vjp: Callable) -> Piece:
    """Make a piece of what `Traced` needs for its operators."""
    _ARITHMETIC[vjp.__name__] = piece = Piece(vjp)
    return piece


class Record:
    """The steps of one computation, and the arrays that it started from."""

    def __init__(self) -> None:
        self.steps: list[tuple] = []
        self.weights: dict[Any, list[Traced]] = {}

    def start(self, value: Any) -> Traced:
        return Traced(np.asarray(value), self)

    def weights_of(self, layer: Any, values: list[np.ndarray]) -> list[Traced]:
        """Return the weights of a layer, the same ones wherever it is used."""
        if layer not in self.weights:
            self.weights[layer] = [self.start(value) for value in values]
        return self.weights[layer]

    def add(self, inputs: tuple, y: Any, pull: Callable) -> Any:
        several = isinstance(y, tuple)
        outputs = tuple(Traced(part, self) for part in (y if several else (y,)))
        self.steps.append((inputs, outputs, several, pull))
        return outputs if several else outputs[0]

    def walk_back(self, bars: dict[Traced, np.ndarray]) -> dict[Traced, np.ndarray]:
        """Return the cotangents of all arrays, given those of the results."""
        for inputs, outputs, several, pull in reversed(self.steps):
            if not any(output in bars for output in outputs):
                continue
            given = tuple(
                bars[output] if output in bars else np.zeros_like(output.value)
                for output in outputs
            )
            pulled = pull(given if several else given[0])
            for array, bar in zip(inputs, pulled, strict=True):
                if isinstance(array, Traced) and bar is not None:
                    bars[array] = bars[array] + bar if array in bars else bar
        return bars


def apply(op: Any, *arrays: Any, **settings: Any) -> Any:
    """Apply an op (or its name), a processor or a piece; record it if an array is traced."""
    if isinstance(op, str):
        op = get_op(op)
    record = next((a.record for a in arrays if isinstance(a, Traced)), None)
    if record is None:
        return op.vjp(*arrays, **settings)[0] if isinstance(op, Piece) else op(*arrays, **settings)
    y, pull = op.vjp(*[value_of(a) for a in arrays], **settings)
    return record.add(arrays, y, pull)


def value_of(array: Any) -> Any:
    return array.value if isinstance(array, Traced) else array


def is_float(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fc"


def map_tree(function: Callable, tree: Any) -> Any:
    """Apply a function to all that is no dict, list or tuple."""
    if isinstance(tree, dict):
        return {key: map_tree(function, value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(map_tree(function, value) for value in tree)
    return function(tree)


def arrays_in(tree: Any) -> Any:
    """Turn lists of numbers into arrays; leave lists of arrays, dictionaries and all else."""
    if isinstance(tree, dict):
        return {key: arrays_in(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        has_arrays = any(isinstance(v, (np.ndarray, Traced, dict)) for v in tree)
        if has_arrays:
            return type(tree)(arrays_in(value) for value in tree)
        array = np.asarray(tree)
        return array if array.dtype.kind in "fc" else tree
    return tree


def trace(body: Callable, arguments: dict[str, Any], layers: Any = None) -> tuple[Any, Callable]:
    """Return the value of `body(**arguments)` and its pullback, a dict by name of argument.

    All floating-point arrays among the arguments are differentiated, those inside of dictionaries
    and lists too. With `layers` (a function that lists the layers that hold weights) the
    pullback has the key "weights" as well.
    """
    record = Record()
    given = {
        name: map_tree(lambda v: record.start(v) if is_float(v) else v, arrays_in(value))
        for name, value in arguments.items()
    }
    token = _ACTIVE.set(record)
    try:
        result = body(**given)
    finally:
        _ACTIVE.reset(token)

    def pullback(y_bar: Any) -> dict[str, Any]:
        bars: dict[Traced, np.ndarray] = {}
        _collect(result, y_bar, bars)
        record.walk_back(bars)

        def bar_of(array: Traced) -> np.ndarray:
            bar = bars.get(array)
            if bar is None:
                return np.zeros_like(array.value)
            return np.asarray(bar, array.dtype).reshape(array.shape)

        found = {name: _only_traced(tree, bar_of) for name, tree in given.items()}
        found = {name: bar for name, bar in found.items() if bar is not None}
        if layers is not None:
            found["weights"] = [
                bar_of(weight)
                for layer in layers()
                for weight in record.weights_of(layer, layer.own_weights)
            ]
        return found

    return map_tree(value_of, result), pullback


def _only_traced(tree: Any, bar_of: Callable) -> Any:
    """Return the cotangents of what is traced in a tree, None if nothing is."""
    if isinstance(tree, Traced):
        return bar_of(tree)
    if isinstance(tree, dict):
        found = {key: _only_traced(value, bar_of) for key, value in tree.items()}
        return {key: bar for key, bar in found.items() if bar is not None} or None
    if isinstance(tree, (list, tuple)):
        found = [_only_traced(value, bar_of) for value in tree]
        return type(tree)(found) if any(bar is not None for bar in found) else None
    return None


def _collect(result: Any, y_bar: Any, bars: dict[Traced, np.ndarray]) -> None:
    """Add the cotangents of a result to `bars`; None, or a key left out, stands for zero."""
    if y_bar is None:
        return
    if isinstance(result, dict):
        unknown = [key for key in y_bar if key not in result]
        require(not unknown, f"pullback: no output {unknown}; there are {', '.join(result)}")
        for key, value in result.items():
            _collect(value, y_bar.get(key), bars)
    elif isinstance(result, (list, tuple)):
        require(
            isinstance(y_bar, (list, tuple)) and len(y_bar) == len(result),
            f"pullback: takes {len(result)} cotangents, one for each output",
        )
        for value, bar in zip(result, y_bar, strict=True):
            _collect(value, bar, bars)
    elif isinstance(result, Traced):
        bar = np.asarray(y_bar, result.dtype)
        require(
            bar.shape == result.shape,
            f"pullback: y_bar has shape {bar.shape}, must be that of the value, {result.shape}",
        )
        bars[result] = bars[result] + bar if result in bars else bar
