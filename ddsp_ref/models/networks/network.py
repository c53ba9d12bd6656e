"""The network protocol: a list of weights in a fixed order, and ops that are run with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Op

Weights = Sequence[np.ndarray]
# A network has one input, several in a fixed order, or several by name; so have their sizes.
Sizes = Any  # int, tuple of int or dict of int
Value = Any  # array, tuple of arrays or dict of arrays
Pullback = Callable[[Value], tuple[Value, list[np.ndarray]]]


class Weight(NamedTuple):
    """One array of parameters: its name, its shape, and how it starts."""

    name: str
    shape: tuple[int, ...]
    init: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def named(prefix: str, weights: list[Weight]) -> list[Weight]:
    """Put the name of a part before the names of its weights."""
    return [weight._replace(name=f"{prefix}/{weight.name}") for weight in weights]


def as_arrays(x: Value) -> Value:
    """Turn what was given into arrays, keeping its form."""
    if isinstance(x, Mapping):
        return {key: np.asarray(value) for key, value in x.items()}
    if isinstance(x, (tuple, list)) and any(isinstance(part, np.ndarray) for part in x):
        return tuple(np.asarray(part) for part in x)
    return np.asarray(x)


def sizes_of(x: Value) -> Sizes:
    """Return the number of channels of each input, in the form of the inputs."""
    if isinstance(x, dict):
        return {key: sizes_of(value) for key, value in x.items()}
    if isinstance(x, tuple):
        return tuple(sizes_of(part) for part in x)
    return x.shape[-1] if x.ndim else 0


def check_weights(who: str, weights: Weights, wanted: list[Weight]) -> None:
    """Raise `ParameterError` unless there are the right weights in the right order."""
    names = ", ".join(weight.name for weight in wanted[:4]) + (", ..." if len(wanted) > 4 else "")
    require(
        len(weights) == len(wanted),
        f"{who}: got {len(weights)} weights, must be {len(wanted)}: {names or 'none'}",
    )
    for i, (given, weight) in enumerate(zip(weights, wanted, strict=True)):
        require(
            np.shape(given) == weight.shape,
            f"{who}: weight {i} has shape {np.shape(given)}, must be that of {weight.name}, "
            f"{weight.shape}",
        )


class Network:
    """Settings, a list of weights in a fixed order, and the ops that are run with them.

    `net(x, weights)` is the value, `net.vjp(x, weights)` the value and `pullback(y_bar)`, which
    returns the cotangent of x and a list of those of the weights, in their order. `net.shapes`
    and `net.init` say and make the weights for a number of input channels.

    The weights stand in the order in which the network of the original lists them, in the
    shapes of Keras. Leading axes of an input are batch. A network with several inputs takes a
    tuple, and one that names its inputs takes a dictionary or a tuple; numbers of channels and
    cotangents then have the same form.

    A subclass gives `n_weights`, `weights`, `n_out`, `_vjp` and, where the value alone is
    cheaper, `_value`.
    """

    n_weights: int = 0

    def weights(self, n_in: Sizes) -> list[Weight]:
        """Return what the weights are, for a number of input channels."""
        return []

    def n_out(self, n_in: Sizes) -> Sizes:
        """Return the number of output channels."""
        return n_in

    def _vjp(self, x: Value, weights: Weights) -> tuple[Value, Pullback]:
        raise NotImplementedError

    def _value(self, x: Value, weights: Weights) -> Value:
        return self._vjp(x, weights)[0]

    def shapes(self, n_in: Sizes) -> list[tuple[str, tuple[int, ...]]]:
        """Return name and shape of each weight.

        Parameters
        ----------
        n_in : int, tuple of int or dict of int
            Number of channels of each input.

        Returns
        -------
        list of (str, tuple of int)
            In the order of the weights.
        """
        return [(weight.name, weight.shape) for weight in self.weights(n_in)]

    def init(self, n_in: Sizes, rng: np.random.Generator) -> list[np.ndarray]:
        """Return weights to start from, as Keras draws them by default.

        Parameters
        ----------
        n_in : int, tuple of int or dict of int
            Number of channels of each input.
        rng : numpy.random.Generator
            Where the numbers come from.

        Returns
        -------
        list of ndarray, float32
            In the order of the weights.
        """
        return [weight.init(rng, weight.shape) for weight in self.weights(n_in)]

    def _checked(self, x: Value, weights: Weights) -> Value:
        x = as_arrays(x)
        check_weights(type(self).__name__, weights, self.weights(sizes_of(x)))
        return x

    def __call__(self, x: Value, weights: Weights) -> Value:
        """Return the value.

        Parameters
        ----------
        x : array, tuple of arrays or dict of arrays
            Input.
        weights : sequence of arrays
            As `shapes` lists them.

        Returns
        -------
        array, tuple of arrays or dict of arrays
            Output.
        """
        return self._value(self._checked(x, weights), weights)

    def vjp(self, x: Value, weights: Weights) -> tuple[Value, Pullback]:
        """Return the value and a pullback.

        Parameters
        ----------
        x : array, tuple of arrays or dict of arrays
            Input.
        weights : sequence of arrays
            As `shapes` lists them.

        Returns
        -------
        array, tuple of arrays or dict of arrays
            Output.
        function
            From a cotangent of the output to that of the input, and a list of those of the
            weights.
        """
        return self._vjp(self._checked(x, weights), weights)


def split_weights(weights: Weights, parts: Sequence[Network]) -> list[Weights]:
    """Deal the weights out to the parts of a network."""
    found, start = [], 0
    for part in parts:
        found.append(weights[start : start + part.n_weights])
        start += part.n_weights
    return found


def count_weights(parts: Sequence[Network]) -> int:
    """Return how many weights the parts have together."""
    return sum(part.n_weights for part in parts)


class Layer(Network):
    """One op with its settings; its arrays after the first are the weights."""

    def __init__(self, op: Op, **settings: Any) -> None:
        self.op, self.settings = op, settings
        self.n_weights = len(op.array_names) - 1

    def _value(self, x: np.ndarray, weights: Weights) -> np.ndarray:
        return self.op(x, *weights, **self.settings)

    def _vjp(self, x: np.ndarray, weights: Weights) -> tuple[np.ndarray, Pullback]:
        y, op_pullback = self.op.vjp(x, *weights, **self.settings)

        def pullback(y_bar: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
            x_bar, *bars = op_pullback(y_bar)
            return x_bar, bars

        return y, pullback


class Chain(Network):
    """Networks one after the other; so are their weights.

    Parameters
    ----------
    *parts : Network
        In the order in which they are run.
    """

    def __init__(self, *parts: Network) -> None:
        self.parts = parts
        self.n_weights = count_weights(parts)

    def weights(self, n_in: Sizes) -> list[Weight]:
        found: list[Weight] = []
        for i, part in enumerate(self.parts):
            found += named(str(i), part.weights(n_in))
            n_in = part.n_out(n_in)
        return found

    def n_out(self, n_in: Sizes) -> Sizes:
        for part in self.parts:
            n_in = part.n_out(n_in)
        return n_in

    def _value(self, x: Value, weights: Weights) -> Value:
        for part, own in zip(self.parts, split_weights(weights, self.parts)):
            x = part._value(x, own)
        return x

    def _vjp(self, x: Value, weights: Weights) -> tuple[Value, Pullback]:
        pullbacks = []
        for part, own in zip(self.parts, split_weights(weights, self.parts)):
            x, step = part._vjp(x, own)
            pullbacks.append(step)

        def pullback(y_bar: Value) -> tuple[Value, list[np.ndarray]]:
            bars: list[np.ndarray] = []
            for step in reversed(pullbacks):
                y_bar, own = step(y_bar)
                bars = own + bars
            return y_bar, bars

        return x, pullback
