"""A function of the face: called it is a value, with `vjp` a value and a pullback by name."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ddsp_ref.compat.magenta._record import Traced, trace
from ddsp_ref.errors import ParameterError


@contextlib.contextmanager
def errors_named(name: str) -> Iterator[None]:
    """Say in whose call an argument was refused; the innermost name of the face stays."""
    try:
        yield
    except ParameterError as error:
        if getattr(error, "of_the_face", False):
            raise
        text = str(error)
        renamed = ParameterError(text if text.startswith(f"{name}: ") else f"{name}: {text}")
        renamed.of_the_face = True
        raise renamed from None


class Function:
    """A function whose named array arguments are differentiated.

    `f(*args, **kwargs)` is the value. `f.vjp(*args, **kwargs)` is the value and `pullback(y_bar)`,
    a dictionary from the name of an array argument to its cotangent; arrays of integers or
    booleans, and None, have none.
    """

    def __init__(self, body: Callable, names: tuple[str, ...]) -> None:
        self.body, self.names = body, names
        self.signature = inspect.signature(body)
        functools.update_wrapper(self, body)
        module = body.__module__.removeprefix("ddsp_ref.compat.magenta.")
        self.path = ".".join([p for p in module.split(".") if p[0] != "_"] + [body.__name__])

    def __repr__(self) -> str:
        return f"<magenta {self.path}{self.signature}>"

    def _bind(self, args: tuple, kwargs: dict) -> tuple[dict, dict]:
        """Return the array arguments and the settings."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        rest = {}
        for parameter in self.signature.parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                rest = bound.arguments.pop(parameter.name)
        arguments = {**bound.arguments, **rest}
        arrays = {name: _as_array(arguments.pop(name)) for name in self.names}
        return arrays, arguments

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        arrays, settings = self._bind(args, kwargs)
        with errors_named(self.path):
            return self.body(**arrays, **settings)

    def vjp(self, *args: Any, **kwargs: Any) -> tuple[Any, Callable[[Any], dict[str, Any]]]:
        """Return the value, and a pullback to the array arguments by name."""
        arrays, settings = self._bind(args, kwargs)
        with errors_named(self.path):
            return trace(functools.partial(self.body, **settings), arrays)


def _as_array(value: Any) -> Any:
    if value is None or isinstance(value, Traced):
        return value
    return np.asarray(value)


def function(*names: str) -> Callable[[Callable], Function]:
    """Make a face function of a value: `@function("x")` differentiates the argument x."""
    return lambda body: Function(body, names)
