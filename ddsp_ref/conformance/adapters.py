"""The port under test: found by its name on the command line, called safely, timed."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import queue
import sys
import threading
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ddsp_ref.conformance.chains import judged_ops
from ddsp_ref.errors import ParameterError, require


class TooLongError(Exception):
    """A call of the port did not come back in time."""


def load_adapter(spec: str) -> Any:
    """Import the adapter that `module:name` names.

    Parameters
    ----------
    spec : str
        A module, or a module, a colon and a name in it. The current folder is searched too. With
        `ddsp_ref` or `ddsp_ref.bridges.torch` the kit judges this library.

    Returns
    -------
    object
        The mapping or module.

    Raises
    ------
    ParameterError
        If there is no such module or name.

    Examples
    --------
    >>> load_adapter("math:sqrt_")
    Traceback (most recent call last):
    ...
    ddsp_ref.errors.ParameterError: the module math has no 'sqrt_'
    """
    if spec == "ddsp_ref":  # the chains are no part of its registry
        return judged_ops()
    module_name, _, name = spec.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever the port does when it is imported
        raise ParameterError(
            f"cannot import {module_name}: {type(error).__name__}: {error}; give module:adapter, "
            "with the module in the current folder or installed"
        ) from error
    if not name:
        return module
    require(hasattr(module, name), f"the module {module_name} has no {name!r}")
    return getattr(module, name)


def functions_of(adapter: Any, names: list[str]) -> dict[str, Callable]:
    """Return the functions of an adapter, by name of op.

    Parameters
    ----------
    adapter : mapping, module or object
        Functions by name: items of a mapping, else attributes.
    names : list of str
        Ops to look for.

    Returns
    -------
    dict
        Those that are there.

    Raises
    ------
    ParameterError
        If there is none, or something else than a function has the name of an op.
    """
    if isinstance(adapter, Mapping):
        found = {name: adapter[name] for name in names if name in adapter}
    else:
        pairs = [(name, getattr(adapter, name, None)) for name in names]
        # a module of the same name is the file of the function, not the function
        found = {n: f for n, f in pairs if f is not None and not isinstance(f, types.ModuleType)}
    kind = type(adapter).__name__
    require(found, f"the adapter, a {kind}, has none of the {len(names)} ops that are asked")
    for name, function in found.items():
        require(callable(function), f"{name} of the adapter is a {type(function).__name__}")
    return found


def unknown_setting(function: Callable, settings: dict[str, Any]) -> list[str]:
    """Return the settings that a function does not take, as far as its signature tells."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return []
    taken = {p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)}
    return [name for name in settings if name not in taken]


class Worker:
    """A thread that the port runs in, left behind when a call takes too long.

    A thread cannot be stopped; one that was left behind ends with the process. What the port
    prints is kept from the report.

    Parameters
    ----------
    time_limit : float
        Seconds that one call may take.
    """

    def __init__(self, time_limit: float) -> None:
        require(time_limit > 0, f"time_limit is {time_limit}, must be above 0 seconds")
        self._limit = time_limit
        self._start()

    def _start(self) -> None:
        self._jobs: queue.SimpleQueue = queue.SimpleQueue()
        self._results: queue.SimpleQueue = queue.SimpleQueue()
        pair = self._jobs, self._results
        threading.Thread(target=_work, args=pair, daemon=True, name="conformance").start()

    def call(self, function: Callable, *args: Any) -> Any:
        """Return what a function returns, or raise what it raises.

        Raises
        ------
        TooLongError
            If that takes longer than the limit.
        """
        self._jobs.put((function, args))
        try:
            value, error = self._results.get(timeout=self._limit)
        except queue.Empty:
            self._jobs.put(None)  # should it ever come back
            self._start()
            raise TooLongError(f"no answer within {self._limit:g} s") from None
        if error is not None:
            raise error
        return value

    def close(self) -> None:
        """Let the thread end."""
        self._jobs.put(None)


def _work(jobs: queue.SimpleQueue, results: queue.SimpleQueue) -> None:
    while (job := jobs.get()) is not None:
        function, args = job
        try:
            results.put((function(*args), None))
        except BaseException as error:  # SystemExit of a port must not end the run
            results.put((None, error))


@contextlib.contextmanager
def quiet() -> Any:
    """Keep what a port prints to stdout away from a report that goes there."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
