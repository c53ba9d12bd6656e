"""The array libraries that a port in Python may be written in, and how each differentiates."""

from __future__ import annotations

import importlib
import inspect
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddsp_ref.errors import MissingExtraError, require

Arrays = Sequence[np.ndarray]


class NoGradientError(NotImplementedError):
    """The port does not differentiate."""


def as_tuple(value: Any) -> tuple:
    """Return results as a tuple, also where there is one."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


class NumPyBackend:
    """NumPy arrays; gradients from an attribute `vjp` of the callable, as ops have."""

    name = "numpy"

    def __init__(self, device: str | None = None) -> None:
        require(device in (None, "cpu"), f"device is {device!r}, {self.name} has only 'cpu'")

    def given(self, array: np.ndarray) -> Any:
        """Return an array for the port to have: its own copy."""
        return array.copy()

    def taken(self, value: Any) -> np.ndarray:
        """Return an answer, or what became of an input, as NumPy array."""
        return np.asarray(value)

    def values(self, function: Callable, arrays: Sequence[Any], settings: dict) -> tuple:
        """Return the results of a function in the backend's own arrays."""
        return as_tuple(function(*arrays, **settings))

    def gradients(
        self, function: Callable, arrays: Sequence[Any], settings: dict, bars: Arrays
    ) -> list[np.ndarray]:
        """Return one cotangent per array, zeros where a result does not depend on it."""
        if not hasattr(function, "vjp"):
            raise NoGradientError("NumPy does not differentiate, and the function has no vjp")
        y, pullback = function.vjp(*arrays, **settings)
        return [self.taken(x) for x in pullback(tuple(bars) if isinstance(y, tuple) else bars[0])]


class AutogradBackend(NumPyBackend):
    """NumPy arrays, differentiated by autograd."""

    name = "autograd"

    def gradients(
        self, function: Callable, arrays: Sequence[Any], settings: dict, bars: Arrays
    ) -> list[np.ndarray]:
        """Return one cotangent per array."""
        import autograd
        import autograd.numpy as anp

        def inner(*args: Any) -> Any:
            y = as_tuple(function(*args, **settings))
            return sum(anp.sum(part * bar) for part, bar in zip(y, bars, strict=True))

        return [self.taken(x) for x in autograd.grad(inner, tuple(range(len(arrays))))(*arrays)]


class TorchBackend(NumPyBackend):
    """PyTorch tensors on any device, differentiated by `torch.autograd`."""

    name = "torch"

    def __init__(self, device: str | None = None) -> None:
        self._torch = _module("torch")
        self._device = device or "cpu"

    def given(self, array: np.ndarray) -> Any:
        """Return a tensor that wants a gradient."""
        return self._torch.tensor(array, device=self._device)

    def taken(self, value: Any) -> np.ndarray:
        """Return a tensor as NumPy array."""
        tensor = value if isinstance(value, self._torch.Tensor) else self._torch.as_tensor(value)
        return tensor.detach().cpu().numpy()

    def values(self, function: Callable, arrays: Sequence[Any], settings: dict) -> tuple:
        """Return results; nothing is recorded."""
        with self._torch.no_grad():
            return as_tuple(function(*arrays, **settings))

    def gradients(
        self, function: Callable, arrays: Sequence[Any], settings: dict, bars: Arrays
    ) -> list[np.ndarray]:
        """Return one cotangent per array."""
        torch = self._torch
        inputs = [tensor.clone().requires_grad_() for tensor in arrays]
        y = as_tuple(function(*inputs, **settings))
        pairs = [(part, self.given(bar)) for part, bar in zip(y, bars) if part.requires_grad]
        if not pairs:
            return [np.zeros(tuple(tensor.shape), self.taken(tensor).dtype) for tensor in arrays]
        slopes = torch.autograd.grad(
            [part for part, _ in pairs], inputs, [bar for _, bar in pairs], allow_unused=True
        )
        pairs = zip(slopes, arrays, strict=True)
        return [self.taken(torch.zeros_like(x) if s is None else s) for s, x in pairs]


class JaxBackend(NumPyBackend):
    """JAX arrays, differentiated by `jax.vjp`."""

    name = "jax"

    def __init__(self, device: str | None = None) -> None:
        self._jax = _module("jax")
        # without it JAX makes float32 of float64 silently
        self._jax.config.update("jax_enable_x64", True)
        self._device = self._jax.devices(device)[0] if device else None

    def given(self, array: np.ndarray) -> Any:
        """Return an array on the device."""
        return self._jax.device_put(array.copy(), self._device)

    def gradients(
        self, function: Callable, arrays: Sequence[Any], settings: dict, bars: Arrays
    ) -> list[np.ndarray]:
        """Return one cotangent per array."""

        def inner(*args: Any) -> tuple:
            return as_tuple(function(*args, **settings))

        y, pullback = self._jax.vjp(inner, *arrays)
        return [self.taken(x) for x in pullback(tuple(map(self._like, bars, y)))]

    def _like(self, bar: np.ndarray, y: Any) -> Any:
        """Return a cotangent in the precision of its result; of whole numbers there is none."""
        if self._jax.numpy.issubdtype(y.dtype, self._jax.numpy.floating):
            return self.given(bar.astype(y.dtype))
        return np.zeros(y.shape, self._jax.dtypes.float0)


class TensorFlowBackend(NumPyBackend):
    """TensorFlow tensors, differentiated by a gradient tape."""

    name = "tensorflow"

    def __init__(self, device: str | None = None) -> None:
        self._tf = _module("tensorflow")
        self._device = device or "cpu"

    def given(self, array: np.ndarray) -> Any:
        """Return a tensor on the device."""
        with self._tf.device(self._device):
            return self._tf.constant(array)

    def gradients(
        self, function: Callable, arrays: Sequence[Any], settings: dict, bars: Arrays
    ) -> list[np.ndarray]:
        """Return one cotangent per array."""
        tf = self._tf
        with tf.device(self._device), tf.GradientTape() as tape:
            for tensor in arrays:
                tape.watch(tensor)
            y = as_tuple(function(*arrays, **settings))
        slopes = tape.gradient(
            list(y), list(arrays), output_gradients=[self.given(bar) for bar in bars],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )  # fmt: skip
        return [self.taken(tf.convert_to_tensor(slope)) for slope in slopes]


BACKENDS: dict[str, type[NumPyBackend]] = {
    one.name: one
    for one in (TorchBackend, JaxBackend, TensorFlowBackend, AutogradBackend, NumPyBackend)
}


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(f"the port is written in {name}, which is not installed") from error


def find_backend(functions: Sequence[Callable]) -> str:
    """Return the name of the backend that functions are written in.

    The globals of a function tell: the modules among them, and where its other names come from.

    Parameters
    ----------
    functions : sequence of callable
        Some of the port.

    Returns
    -------
    str
        "torch", "jax", "tensorflow", "autograd", or "numpy" if none of them is seen.

    Examples
    --------
    >>> find_backend([len])
    'numpy'
    """
    seen: set[str] = set()
    for function in functions:
        for _ in range(8):  # wrapped, a partial, a bound method
            seen |= _packages(getattr(function, "__globals__", {}))
            inner = getattr(function, "__wrapped__", None) or getattr(function, "func", None)
            inner = inner or getattr(function, "__func__", None)
            if inner is None:
                break
            function = inner
        if not inspect.isroutine(function):  # an object, as a module of a network
            module = inspect.getmodule(type(function))
            seen |= _packages(vars(module) if module else {})
    return next((name for name in BACKENDS if name in seen), "numpy")


def _packages(names: dict[str, Any]) -> set[str]:
    modules = [
        value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", "")
        for value in names.values()
    ]
    return {str(name).split(".")[0] for name in modules if name}
