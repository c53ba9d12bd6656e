"""Objects with weights: what they hold, where it comes from, and their pullbacks by name."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ddsp_ref.compat.magenta._function import errors_named
from ddsp_ref.compat.magenta._record import active_record, trace
from ddsp_ref.errors import require


class Layer:
    """Base of layers, processors and losses: a call is a value, `vjp` a value and a pullback.

    Layers that it holds as attributes, alone or in lists, are its parts; `weights` lists its own
    arrays and then those of the parts, in the order in which they became attributes, which is the
    original's order. Without `weights` they are drawn from `rng` at the first call.

    A subclass defines `call`; one with weights of its own says how many there are (`n_own`), and
    how they start (`start_weights`), and reads them with `own(x.shape)`.

    Parameters
    ----------
    name : str, optional
        Name of the object; without one, that of its class.
    weights : list of array, optional
        All weights, in the original's order.
    rng : numpy.random.Generator, optional
        What missing weights are drawn from.
    """

    n_own = 0

    def __init__(
        self,
        name: str | None = None,
        *,
        weights: Sequence[Any] | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__)
        self.name = name or words.lower()
        self.rng = rng
        self.own_weights: list[np.ndarray] | None = None
        self._given = weights

    def parts(self) -> list[Layer]:
        """Return the layers that this one is made of."""
        found: list[Layer] = []
        for value in vars(self).values():
            for part in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(part, Layer) and part not in found:
                    found.append(part)
        return found

    def walk(self) -> Iterator[Layer]:
        """Yield this layer and all inside, in the order of the weights."""
        yield self
        for part in self.parts():
            yield from part.walk()

    def with_weights(self) -> list[Layer]:
        return [layer for layer in dict.fromkeys(self.walk()) if layer.n_own]

    @property
    def weights(self) -> list[np.ndarray]:
        """All weights in the original's order; those that are not there yet are left out."""
        self._hand_out()
        return [w for layer in self.with_weights() for w in layer.own_weights or ()]

    @weights.setter
    def weights(self, weights: Sequence[Any]) -> None:
        holders = self.with_weights()
        wanted = sum(layer.n_own for layer in holders)
        require(
            len(weights) == wanted,
            f"{type(self).__name__}: weights has {len(weights)} arrays, must have {wanted}",
        )
        rest = [np.asarray(weight) for weight in weights]
        for layer in holders:
            layer.own_weights, rest = rest[: layer.n_own], rest[layer.n_own :]

    get_weights = weights.fget
    set_weights = weights.fset

    def _hand_out(self) -> None:
        """Give the parts what the constructor was given; they did not exist then."""
        if self._given is not None:
            given, self._given = self._given, None
            self.weights = given

    def own(self, *shapes: tuple[int, ...]) -> list[Any]:
        """Return the layer's own weights, drawn now if there are none; traced if that is on."""
        if self.own_weights is None:
            rng = self.rng or np.random.default_rng()
            self.own_weights = self.start_weights(rng, *shapes)
        record = active_record()
        if record is None:
            return self.own_weights
        return record.weights_of(self, self.own_weights)

    def start_weights(self, rng: np.random.Generator, *shapes: tuple[int, ...]) -> list[np.ndarray]:
        """Return weights to start from, given the shapes of the inputs."""
        raise NotImplementedError

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Return the value."""
        raise NotImplementedError(f"{type(self).__name__} defines no call")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._run(self.call, *args, **kwargs)

    def _run(self, body: Callable, *args: Any, **kwargs: Any) -> Any:
        self._hand_out()
        if self.rng is not None:
            for layer in self.walk():
                layer.rng = layer.rng or self.rng
        for ignored in ("training", "mask"):
            if ignored not in inspect.signature(body).parameters:
                kwargs.pop(ignored, None)
        with errors_named(type(self).__name__):
            return body(*args, **kwargs)

    def arguments(self, args: tuple, kwargs: dict, like: Callable | None = None) -> dict[str, Any]:
        """Return the arguments of a call by name."""
        bound = inspect.signature(like or self.call).bind(*args, **kwargs)
        return dict(bound.arguments)

    def trace(self, body: Callable, arguments: dict[str, Any]) -> tuple[Any, Callable]:
        """Return the value of `body(**arguments)` and a pullback that has the weights too."""
        layers = self.with_weights if self.with_weights() else None
        return trace(functools.partial(self._run, body), arguments, layers)

    def vjp(self, *args: Any, **kwargs: Any) -> tuple[Any, Callable]:
        """Return the value and a pullback to the arguments by name, and to "weights" if any."""
        return self.trace(self.__call__, self.arguments(args, kwargs))
