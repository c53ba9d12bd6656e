"""What all processors share: arrays in, controls, a signal out, and the way back."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ddsp_ref.errors import require

Pullback = Callable[[np.ndarray], tuple[np.ndarray, ...]]


class Processor:
    """Settings and ops that turn arrays into a signal.

    `processor(*inputs)` is the signal, `processor.vjp(*inputs)` the signal and a pullback that
    gives one cotangent per input, `processor.get_controls(*inputs)` the dictionary of what the
    network's outputs mean, and `processor.get_signal(**controls)` the signal made from it.
    A subclass is a frozen dataclass of settings; it defines `controls_vjp` and `signal_vjp`.

    Attributes
    ----------
    name : str
        How a graph refers to the processor.
    controls : tuple of str
        Names of the controls, in the order in which `get_signal` and the pullbacks have them.
    """

    name: str
    controls: tuple[str, ...]

    def controls_vjp(self, *inputs: Any) -> tuple[tuple[np.ndarray, ...], Callable]:
        """Return the controls, and a pullback from their cotangents to those of the inputs."""
        return inputs, lambda *bars: bars

    def signal_vjp(self, *controls: Any) -> tuple[np.ndarray, Pullback]:
        """Return the signal, and a pullback to the controls."""
        raise NotImplementedError(f"{type(self).__name__} defines no signal")

    def get_controls(self, *inputs: Any) -> dict[str, np.ndarray]:
        """Return the controls by name."""
        self._check_count(inputs)
        return dict(zip(self.controls, self.controls_vjp(*inputs)[0], strict=True))

    def get_signal(self, **controls: Any) -> np.ndarray:
        """Return the signal that belongs to controls given by name."""
        wrong = set(self.controls) ^ set(controls)
        require(
            not wrong,
            f"{type(self).__name__}: the controls are {', '.join(self.controls)}; "
            f"missing or unknown: {', '.join(sorted(wrong))}",
        )
        return self.signal_vjp(*[controls[name] for name in self.controls])[0]

    def __call__(self, *inputs: Any) -> np.ndarray:
        """Return the signal."""
        return self.get_signal(**self.get_controls(*inputs))

    def vjp(self, *inputs: Any) -> tuple[np.ndarray, Pullback]:
        """Return the signal and `pullback(signal_bar)`, one cotangent per input."""
        self._check_count(inputs)
        controls, pull_controls = self.controls_vjp(*inputs)
        signal, pull_signal = self.signal_vjp(*controls)
        return signal, lambda signal_bar: pull_controls(*pull_signal(signal_bar))

    def _check_count(self, inputs: tuple[Any, ...]) -> None:
        parameters = inspect.signature(self.controls_vjp).parameters.values()
        named = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        named = named or list(self.controls)  # inputs that are the controls
        require(
            len(inputs) == len(named),
            f"{type(self).__name__}: takes {len(named)} arrays ({', '.join(named)}), "
            f"got {len(inputs)}",
        )
