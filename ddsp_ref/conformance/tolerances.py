"""How large an error is allowed: as large as rounding makes it, found by measuring, case by case.

Four numbers are measured in the units of `ddsp_ref.conformance.metrics`, all against the float64
definition:

* what the float32 kernel of ddsp_ref is off by,
* what the definition is off by when each of its steps is rounded to float32 (`Rounding`), which
  is what a plain port in float32 does,
* conditioning: by how much the result moves when inputs are rounded differently, that is, changed
  by half a unit in the last place or less, at random,
* what the float64 kernel is off by, for the tolerance of float64.

The tolerance is `MARGIN` times the largest of them, plus `FLOOR` units of precision. For gradients
these units are those of the result too: a slope, times all of its input, that changes the result by
less than its rounding is not seen by anybody, though it may be all there is far out on a sigmoid.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddsp_ref.conformance.metrics import measure
from ddsp_ref.conformance.vectors import Tolerances
from ddsp_ref.errors import ParameterError
from ddsp_ref.op import Op

# Sums may be taken in another order, and a transform by another algorithm: worst orders differ
# from typical ones by about the square root of the number of terms, 8 for the 64 to 100 partials,
# bands and taps of an instrument.
MARGIN = 8.0
# Functions such as exp differ by a few units in the last place between libraries, and a formula
# of a line chains several. Measured errors may be 0 by luck; this is what is granted anyway.
FLOOR = 16.0
_DRAWS = 3
# A reading that is off by more crossed a jump (a mask at Nyquist, an argmax) or is unstable: it
# says nothing about rounding, and no port may be excused by it.
_LARGEST_ROUNDING = 1e-2
EPS = {name: float(np.finfo(name).eps) for name in ("float32", "float64")}

Measures = dict[str, float]


class Rounding:
    """NumPy whose results are rounded to float32, for running a definition with `xp=Rounding()`."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(np, name)
        if name in ("fft", "linalg"):
            return _Module(value)
        return _rounded(value) if callable(value) and not isinstance(value, type) else value


class _Module(Rounding):
    """A module inside NumPy, rounded likewise."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return _rounded(getattr(self._module, name))


def _rounded(function: Callable) -> Callable:
    def call(*args: Any, **kwargs: Any) -> Any:
        y = function(*args, **kwargs)
        if isinstance(y, np.ndarray | np.floating | np.complexfloating):
            narrow = {"float64": np.float32, "complex128": np.complex64}.get(y.dtype.name)
            return y if narrow is None else y.astype(narrow)
        return y

    return call


def _as_tuple(value: Any) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def _usable(numbers: Measures) -> bool:
    return all(np.isfinite(v) and v < _LARGEST_ROUNDING for v in numbers.values())


def _largest(readings: Sequence[Measures]) -> Measures:
    names = {name for numbers in readings for name in numbers}
    return {name: max(numbers.get(name, 0.0) for numbers in readings) for name in names}


class Measured:
    """All readings that the tolerances of one case follow from.

    Parameters
    ----------
    op : Op
        The op.
    kinds : tuple of str
        Of its results.
    arrays : sequence of array
        Inputs, float32.
    settings : dict
        Settings.
    outputs, pullbacks, cotangents : tuple of array
        The truth; no pullbacks where the gradient is not judged.
    rng : Generator
        For the directions in which inputs are changed.
    """

    def __init__(
        self, op: Op, kinds: tuple[str, ...], arrays: Sequence[np.ndarray], settings: dict,
        outputs: tuple, cotangents: tuple, pullbacks: tuple, rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self.op, self.kinds, self.settings = op, kinds, settings
        self.arrays, self.cotangents = list(arrays), cotangents
        self.truth = outputs, pullbacks
        self.rng = rng

    def tolerances(self) -> dict[str, Tolerances]:
        """Return the tolerances for float32 and float64."""
        kernel = {dtype: self._kernel(dtype) for dtype in EPS}
        rounding = self._rounded_definition()
        moved = self._conditioning()
        found = {}
        for dtype, eps in EPS.items():
            shrunk = eps / EPS["float32"]
            parts = []
            for i in (0, 1):  # values, gradients
                each = []
                for j in range(len(self.truth[i])):
                    readings = [_scaled(one[i][j], shrunk) for one in moved]
                    if i == 0 and rounding:
                        readings.append(_scaled(rounding[j], shrunk))
                    elif rounding:  # a gradient goes through what the value goes through
                        worst = max((max(r.values()) for r in rounding), default=0.0)
                        names = measure("gradient", np.zeros(1), np.zeros(1))
                        readings.append(dict.fromkeys(names, worst * shrunk))
                    if _usable(kernel[dtype][i][j]):
                        readings.append(kernel[dtype][i][j])
                    each.append(self._allowed(i, j, readings, eps))
                parts.append(tuple(each))
            found[dtype] = Tolerances(*parts)
        return found

    def _allowed(self, i: int, j: int, readings: list[Measures], eps: float) -> Measures:
        kind = self.kinds[j] if i == 0 else "gradient"
        names = measure(kind, np.zeros(1), np.zeros(1))
        if kind == "exact":
            return dict.fromkeys(names, 0.0)
        worst = _largest(readings)
        floor = {name: FLOOR * eps * (20 / np.log(10) if name == "db" else 1) for name in names}
        if i == 1:
            floor = {name: floor[name] + eps * self._unseen(j, name) for name in names}
        return {name: MARGIN * worst.get(name, 0.0) + floor[name] for name in names}

    def _unseen(self, j: int, name: str) -> float:
        """Return slopes, as a share of the truth, that move results by no more than rounding."""
        weighed = [
            np.linalg.norm(np.nan_to_num(y) * bar)
            for y, bar in zip(self.truth[0], self.cotangents, strict=True)
        ]
        want, x = self.truth[1][j], float(np.linalg.norm(self.arrays[j].astype(float)))
        size = float(np.abs(want).max(initial=0.0) if name == "peak" else np.linalg.norm(want))
        return MARGIN * FLOOR * float(sum(weighed)) / (x * size) if x * size > 0 else 0.0

    def _measure(self, outputs: tuple, pullbacks: tuple) -> tuple[list[Measures], list[Measures]]:
        values = [measure(*three) for three in zip(self.kinds, outputs, self.truth[0], strict=True)]
        pairs = zip(pullbacks, self.truth[1], strict=True)
        return values, [measure("gradient", got, want) for got, want in pairs]

    def _run(self, arrays: Sequence[np.ndarray], dtype: str) -> tuple[tuple, tuple]:
        arrays = [a.astype(dtype) for a in arrays]
        if not self.cotangents:
            return _as_tuple(self.op(*arrays, **self.settings)), ()
        y, pullback = self.op.vjp(*arrays, **self.settings)
        bars = tuple(bar.astype(dtype) for bar in self.cotangents)
        return _as_tuple(y), pullback(bars if isinstance(y, tuple) else bars[0])

    def _kernel(self, dtype: str) -> tuple[list[Measures], list[Measures]]:
        return self._measure(*self._run(self.arrays, dtype))

    def _rounded_definition(self) -> list[Measures]:
        """Return errors of the definition with every step in float32; empty if it cannot run so."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                y = self.op.define(*self.arrays, xp=Rounding(), **self.settings)
            except (TypeError, ValueError, AttributeError):  # SciPy refuses what is not NumPy
                return []
        readings = self._measure_values(_as_tuple(y))
        return readings if all(map(_usable, readings)) else []

    def _measure_values(self, outputs: tuple) -> list[Measures]:
        if any(np.isnan(y).any() for y in outputs):
            return [{"nan": np.inf}]
        return [measure(*three) for three in zip(self.kinds, outputs, self.truth[0], strict=True)]

    def _conditioning(self) -> list[tuple[list[Measures], list[Measures]]]:
        """Return how far results move with the last bit of float32 inputs, in some directions."""
        found = []
        for _ in range(_DRAWS):
            steps = [self.rng.uniform(-0.5, 0.5, a.shape) * EPS["float32"] for a in self.arrays]
            try:
                whole, half = (self._moved(steps, share) for share in (1.0, 0.5))
            except ParameterError:  # out of the range of the op
                continue
            if all(_smooth(*pair) for i in (0, 1) for pair in zip(whole[i], half[i])):
                found.append(whole)
        return found

    def _moved(self, steps: list[np.ndarray], share: float) -> tuple:
        arrays = [a.astype(float) * (1 + share * d) for a, d in zip(self.arrays, steps)]
        return self._measure(*self._run(arrays, "float64"))


def _scaled(numbers: Measures, factor: float) -> Measures:
    return {name: value * factor for name, value in numbers.items()}


def _smooth(whole: Measures, half: Measures) -> bool:
    """Whether half a step moves a result by about half: otherwise it went across a jump."""
    return _usable(whole) and all(
        half[name] <= 0.75 * whole[name] + EPS["float64"] for name in whole
    )
