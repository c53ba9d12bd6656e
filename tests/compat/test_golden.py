"""Every recorded call of the original, made on the face: values and gradients."""

from __future__ import annotations

import numpy as np
import pytest

from ..golden import Golden
from .calls import all_cases
from .compare import Outcome, compare
from .exceptions import COARSE, DIFFERS, FLOAT32, FLOAT32_ONLY, ONE_SCALE, REFUSED, RUNS

# As fractions of the largest value: what the recorded float64 numbers are worth, and float32
# through a chain of ops, each within its own bound; FLOAT32 lists the calls that need more.
BOUNDS = {np.float64: 1e-11, np.float32: 2e-5}
CASES = all_cases()
KEYS = {f"{file}/{golden.label}" for file, golden in CASES}


def disagreements(file: str, golden: Golden, outcome: Outcome, dtype: type) -> list[str]:
    """Say what is wrong with a call; nothing if it agrees, or differs as it should."""
    key = f"{file}/{golden.label}"
    expected = golden.raises is not None and key not in RUNS
    if outcome.refused:
        return [] if expected or key in REFUSED else [f"refused: {outcome.refused}"]
    if key in REFUSED:
        return ["is not refused any more; take it from the list"]
    coarse, _ = COARSE.get(key, (0.0, ""))
    bound = max(BOUNDS[dtype], coarse)
    if dtype is np.float32:
        bound = max(bound, FLOAT32.get(key, (0.0, ""))[0])
    off = outcome.values | {f"gradient of {n}": error for n, error in outcome.gradients.items()}
    precision = np.dtype(dtype).name
    return outcome.wrong + [
        f"{precision}, {name}: off by {error:.3g} of the largest value; {bound:.1g} is allowed"
        for name, error in off.items()
        if not error <= bound
    ]


@pytest.mark.parametrize("dtype", BOUNDS, ids=["float64", "float32"])
@pytest.mark.parametrize(
    ("file", "golden"), CASES, ids=[f"{file}-{golden.label}" for file, golden in CASES]
)
def test_recorded_call(file, golden, dtype):
    wrong = disagreements(file, golden, compare(file, golden, dtype), dtype)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "listed", [RUNS, REFUSED, DIFFERS, ONE_SCALE, COARSE, FLOAT32, FLOAT32_ONLY]
)
def test_exceptions_are_recorded_calls_and_have_a_reason(listed):
    assert set(listed) <= KEYS
    reasons = [why if isinstance(why, str) else why[-1] for why in listed.values()]
    assert all(len(why) > 20 for why in reasons)


def test_nothing_is_called_that_raises_but_runs():
    raising = {f"{file}/{golden.label}" for file, golden in CASES if golden.raises is not None}
    assert set(RUNS) <= raising
    assert not set(REFUSED) & raising
