"""What a mistake does to numbers whatever the op: a factor, a sign, a delay, nothing at all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ddsp_ref.conformance.metrics import snr_db

_CLEARLY_DB = 20.0  # better than no factor: then it is one
# Factors that a mistake makes, and what they are.
FACTORS = {
    -1.0: "of the wrong sign",
    2.0: "doubled",
    0.5: "halved",
    2 * math.pi: "times 2 pi",
    1 / (2 * math.pi): "divided by 2 pi",
    math.log(10): "times ln 10",
    1 / math.log(10): "divided by ln 10",
}


def common_factor(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Return the factor between answers and truths, and how well it fits all, in dB."""
    mine = np.concatenate([np.asarray(g, float).ravel() for g, _ in pairs])
    truth = np.concatenate([np.asarray(w, float).ravel() for _, w in pairs])
    energy = float(truth @ truth)
    if not energy or not np.isfinite(mine).all() or mine.shape != truth.shape:
        return 1.0, -math.inf
    factor = float(mine @ truth) / energy
    scale = truth if factor == 0 else factor * truth
    fit = snr_db(mine - factor * truth + scale, scale)
    return factor, fit


def is_a_factor(pairs: Sequence[tuple[np.ndarray, np.ndarray]], factor: float, fit: float) -> bool:
    """Return whether a factor explains answers clearly better than no factor does.

    Rounding that is large moves the best factor from 1 as well; that is no mistake of a factor.
    """
    if factor == 0:
        return True
    off = np.concatenate([np.ravel(np.asarray(g, float) - w) for g, w in pairs])
    truth = np.concatenate([np.ravel(np.asarray(w, float)) for _, w in pairs])
    return fit > snr_db(truth + off, truth) + _CLEARLY_DB


def factor_text(factor: float) -> str:
    """Return the words for a factor."""
    for known, said in FACTORS.items():
        if abs(factor - known) < 1e-4 * abs(known):
            return said
    return f"times {factor:.6g}"


def shifted(got: np.ndarray, want: np.ndarray, delay: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the overlap of an answer and the truth delayed by some steps."""
    n = want.shape[-1]
    if n <= abs(delay):
        return np.ones(1), np.zeros(1)
    late, early = slice(max(delay, 0), n + min(delay, 0)), slice(max(-delay, 0), n - max(delay, 0))
    return np.asarray(got, float)[..., late], np.asarray(want, float)[..., early]


def factor_name(factor: float) -> str:
    """Return the word for the factor of a cotangent."""
    return "missing" if abs(factor) < 1e-9 else factor_text(factor)


def cotangent_text(op: str, name: str, factor: float) -> str:
    """Return the sentence for a cotangent that is off by a factor."""
    if abs(factor) >= 1e-9:
        return f"the gradient of {name} is the right one {factor_text(factor)}"
    phase = name in ("f0_hz", "frequency_envelopes")
    how = "a detached phase" if phase and op.endswith(("synthesis", "bank")) else "a constant"
    return f"the gradient of {name} is that of {how}: it is 0 throughout"
