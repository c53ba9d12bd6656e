"""Layers that take dictionaries and return them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from ddsp_ref.compat.magenta import core
from ddsp_ref.compat.magenta._layer import Layer
from ddsp_ref.errors import require


class DictLayer(Layer):
    """Wrap `call(a, b, ...)` so that arguments may come out of dictionaries; returns one.

    Input keys are the names of the arguments of `call`, or `input_keys`. Output keys are
    `output_keys`, or what the return annotation of `call` lists, as in the original, or the
    attribute `output_names`.
    """

    output_names: Sequence[str] = ()

    def __init__(self, input_keys=None, output_keys=None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        parameters = [p for p in inspect.signature(self.call).parameters.values() if p.kind < 2]
        self.default_inputs: dict[str, Any] = {}
        if not input_keys:
            input_keys = [p.name for p in parameters if p.default is p.empty]
            self.default_inputs = {
                p.name: p.default for p in parameters if p.default is not p.empty
            }
        annotated = getattr(self.call, "__annotations__", {}).get("return", ())
        self.input_keys = list(input_keys)
        self.output_keys = list(output_keys or self.output_names or core.make_iterable(annotated))

    @property
    def all_input_keys(self) -> list[str]:
        return self.input_keys + list(self.default_inputs)

    @property
    def n_inputs(self) -> int:
        return len(self.all_input_keys)

    def named(self, inputs: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the inputs of a call by key, found among arrays, dictionaries and keywords."""
        given: dict[str, Any] = {}
        for value in inputs:
            if isinstance(value, dict):
                given.update(value)
        given.update(kwargs)
        arrays = [value for value in inputs if not isinstance(value, dict)]
        keys = self.all_input_keys
        found = dict(zip(keys, arrays, strict=False))
        require(
            len(arrays) <= len(keys),
            f"{type(self).__name__}: takes {', '.join(keys)}, got {len(arrays)} arrays",
        )
        for key in keys[len(arrays) :]:
            try:
                found[key] = core.nested_lookup(key, given)
            except KeyError:
                if key in self.default_inputs:
                    found[key] = self.default_inputs[key]
        missing = [key for key in keys if key not in found]
        require(
            not missing,
            f"{type(self).__name__}: inputs lack {', '.join(missing)}, must have "
            f"{', '.join(self.input_keys)}",
        )
        return found

    def __call__(self, *inputs: Any, **kwargs: Any) -> dict[str, Any]:
        ordered = self.named(inputs, kwargs)
        result = self._run(self.call, *[ordered[key] for key in self.all_input_keys])
        return core.to_dict(result, self.output_keys)

    def vjp(self, *inputs: Any, **kwargs: Any):
        """Return the dictionary of outputs and a pullback to the inputs by key."""
        arguments = self.named(inputs, kwargs)
        return self.trace(lambda **given: self(given), arguments)
