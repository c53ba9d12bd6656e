"""Compare the face with a recorded call; how far off it is, as a fraction of the largest value."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ddsp_ref.errors import ParameterError

from ..golden import Golden
from . import special  # noqa: F401 - fills the list of calls
from .calls import make
from .exceptions import ALWAYS_FLOAT64, DIFFERS, FLOAT32_ONLY, MODULO_A_TURN, ONE_SCALE, RUNS


@dataclass
class Outcome:
    """What came of a recorded call: how it was made, and the largest differences."""

    function: str = ""
    values: dict[str, float] = field(default_factory=dict)
    gradients: dict[str, float] = field(default_factory=dict)
    refused: str = ""
    wrong: list[str] = field(default_factory=list)


def off_by(got: np.ndarray, wanted: np.ndarray, turn: float | None = None) -> float:
    """Return the largest difference as a fraction of the largest recorded value."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    if got.shape != wanted.shape:
        return np.inf
    if wanted.size == 0:
        return 0.0
    if wanted.dtype.kind in "iub":
        return 0.0 if np.array_equal(got, wanted) else np.inf
    with np.errstate(invalid="ignore"):  # infinity less infinity
        same = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
        off = np.where(same, 0, got.astype(np.result_type(wanted, float)) - wanted)
    if turn is not None:
        off -= turn * np.round(off / turn)
    largest = np.abs(wanted[np.isfinite(wanted)]).max(initial=0)
    return float(np.abs(off).max() / largest) if largest > 0 else float(np.abs(off).max() * 1e300)


def compare(file: str, golden: Golden, dtype: type) -> Outcome:
    """Make a recorded call and measure values and gradients."""
    outcome, key = Outcome(), f"{file}/{golden.label}"
    try:
        made = make(file, golden, dtype)
    except ParameterError as error:
        outcome.refused = str(error)
        return outcome
    outcome.function = made.function
    if golden.raises is not None:
        if key not in RUNS:
            outcome.wrong.append("the original raises, the face does not")
        return outcome
    left_out = DIFFERS.get(key, ("", ""))[0]
    if left_out == "*" or (key in FLOAT32_ONLY and dtype is not np.float32):
        return outcome
    recorded = golden.outputs
    missing = sorted(set(recorded) - set(made.outputs))
    if missing:
        outcome.wrong.append(f"no output {missing}; there are {sorted(made.outputs)}")
        return outcome
    for name in sorted(set(recorded) - {left_out}):
        turn = 2 * np.pi if (file, name) in MODULO_A_TURN else None
        got = np.asarray(made.outputs[name])
        outcome.values[name] = off_by(got, recorded[name], turn)
        exempt = name.endswith(ALWAYS_FLOAT64) or golden.label in ALWAYS_FLOAT64
        precision = got.real.dtype if got.dtype.kind in "fc" and got.ndim and not exempt else dtype
        if precision != dtype:
            outcome.wrong.append(f"{name} has dtype {got.dtype}")
    if golden.gradients and made.gradients is None:
        outcome.wrong.append("gradients are recorded, the face has none")
    elif golden.gradients:
        bars = {
            name: bar if bar.dtype.kind == "c" else bar.astype(dtype)
            for name, bar in golden.cotangents.items()
        }
        found = made.gradients(bars)
        largest = max(np.abs(g).max(initial=0) for g in golden.gradients.values())
        one_scale = largest if key in ONE_SCALE else None
        wanted = {n: g for n, g in golden.gradients.items() if f"grad/{n}" != left_out}
        compare_gradients(wanted, found, outcome, one_scale)
        for name in set(found) - set(golden.gradients):
            if np.any(found[name]):
                outcome.wrong.append(f"{name} has a gradient, the original has none")
    return outcome


def compare_gradients(
    recorded: dict[str, np.ndarray], found: dict, outcome: Outcome, one_scale: float | None
) -> None:
    """Measure gradients, each as a fraction of its largest value, or all of one scale."""
    for name, wanted in recorded.items():
        if name not in found:
            outcome.wrong.append(f"no gradient of {name}; there are {sorted(found)}")
        elif one_scale is not None and found[name].shape == wanted.shape:
            outcome.gradients[name] = float(np.abs(found[name] - wanted).max() / one_scale)
        else:
            outcome.gradients[name] = off_by(found[name], wanted)
