"""How far an answer is from the truth, in numbers that fit audio, against what is allowed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ddsp_ref.errors import require

SPECTRUM_FLOOR_DB = 80.0  # bins further below the largest are judged by `peak` alone
_CHUNK = 1000  # samples after which the budget of a phase has doubled


@dataclass(frozen=True)
class Comparison:
    """What came of one comparison.

    Attributes
    ----------
    ratio : float
        The largest of measured over allowed; above 1 the comparison failed. Infinite where there
        is nothing to measure: wrong shape, NaN.
    snr_db : float
        Energy of the truth over energy of the error; infinite where they are equal.
    numbers : dict
        All that was measured, by name.
    text : str
        One line for a person.
    """

    ratio: float
    snr_db: float
    numbers: dict[str, float] = field(default_factory=dict)
    text: str = ""

    @property
    def passed(self) -> bool:
        """Whether every number is within what is allowed."""
        return self.ratio <= 1.0


def _scale(want: np.ndarray) -> float:
    """Return the largest magnitude, or 1 where all is silent: errors are absolute there."""
    return float(np.abs(want).max()) or 1.0


def _peak(got: np.ndarray, want: np.ndarray) -> float:
    return float(np.abs(got - want).max()) / _scale(want)


def _norm(error: np.ndarray, want: np.ndarray) -> float:
    """Return the root mean square of the error over that of the truth, 1 where all is silent."""
    scale = _scale(want)
    size = float(np.sqrt(np.mean((want / scale) ** 2))) or 1.0
    return float(np.sqrt(np.mean((error / scale) ** 2))) / size


def _array(got: np.ndarray, want: np.ndarray) -> dict[str, float]:
    return {"peak": _peak(got, want)}


def _waveform(got: np.ndarray, want: np.ndarray) -> dict[str, float]:
    return {"peak": _peak(got, want), "rms": _norm(got - want, want)}


def _phase(got: np.ndarray, want: np.ndarray) -> dict[str, float]:
    return _cycles(got / (2 * math.pi), want / (2 * math.pi))


def _cycles(got: np.ndarray, want: np.ndarray) -> dict[str, float]:
    """Cycles by which a phase is off, modulo whole ones; 1000 samples more double the budget."""
    cycles = got - want
    off = np.abs(cycles - np.round(cycles))
    time = np.arange(off.shape[0] if off.ndim == 1 else off.shape[-2]) if off.ndim else 0.0
    budget = 1.0 + np.asarray(time) / _CHUNK
    return {"cycles": float((off / (budget if off.ndim < 2 else budget[:, None])).max())}


def _spectrum(got: np.ndarray, want: np.ndarray) -> dict[str, float]:
    loud = want > _scale(want) * 10 ** (-SPECTRUM_FLOOR_DB / 20)
    tiny = np.finfo(np.float64).tiny
    db = 20 * np.abs(np.log10(np.maximum(got[loud], tiny) / want[loud]))
    return {"peak": _peak(got, want), "db": float(db.max(initial=0.0))}


def _gradient(got: np.ndarray, want: np.ndarray) -> dict[str, float]:
    """Relative norm and peak of the error, and the angle between the directions, in radians."""
    here, there = (a / _scale(a) for a in (got, want))
    lengths = float(np.linalg.norm(here)), float(np.linalg.norm(there))
    # of unit vectors, the chord: an arc cosine near 1 would lose half of the digits
    chord = np.linalg.norm(here / lengths[0] - there / lengths[1]) if all(lengths) else 0.0
    angle = 2 * math.asin(min(1.0, float(chord) / 2))
    return {"norm": _norm(got - want, want), "angle": angle, "peak": _peak(got, want)}


def _exact(got: np.ndarray, want: np.ndarray) -> dict[str, float]:
    return {"wrong": float(np.mean(got != want))}


KINDS: dict[str, Callable[[np.ndarray, np.ndarray], dict[str, float]]] = {
    "array": _array,
    "waveform": _waveform,
    "phase": _phase,
    "cycles": _cycles,
    "spectrum": _spectrum,
    "gradient": _gradient,
    "exact": _exact,
}


def measure(kind: str, got: np.ndarray, want: np.ndarray) -> dict[str, float]:
    """Return the errors of one array by the measures of its kind.

    Parameters
    ----------
    kind : str
        array: ``peak``, largest error over largest value. waveform: ``peak`` and ``rms``, of the
        error over that of the truth. phase (in radians) and cycles: ``cycles``, by which it is
        off, over 1 + sample / 1000. spectrum: ``peak`` and ``db``, the largest difference in dB
        among bins less than 80 dB below the largest. gradient: ``norm`` (as rms), ``angle`` in
        radians and ``peak``. exact: ``wrong``, the share of values that differ.
    got, want : array
        Of one shape and without NaN. Where the truth is infinite, the answer has to be so too.

    Returns
    -------
    dict
        Errors by name, none negative.

    Examples
    --------
    >>> import numpy as np
    >>> measure("waveform", np.array([0.0, 1.5]), np.array([0.0, 2.0]))
    {'peak': 0.25, 'rms': 0.25}
    """
    require(kind in KINDS, f"kind is {kind!r}, must be one of {', '.join(KINDS)}")
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    if not want.size:
        return dict.fromkeys(measure(kind, np.zeros(1), np.zeros(1)), 0.0)
    endless = ~np.isfinite(want)
    if endless.any():
        same = got == want
        if not same[endless].all() or not np.isfinite(got[~endless]).all():
            return dict.fromkeys(measure(kind, np.zeros(1), np.zeros(1)), math.inf)
        got, want = np.where(endless, 0.0, got), np.where(endless, 0.0, want)
    return KINDS[kind](got, want)


def snr_db(got: np.ndarray, want: np.ndarray) -> float:
    """Return the signal-to-noise ratio of an answer in dB, infinite if nothing is off."""
    with np.errstate(invalid="ignore"):
        ratio = _norm(np.nan_to_num(got - want), np.nan_to_num(want)) if want.size else 0.0
    return -20 * math.log10(ratio) if ratio > 0 else math.inf


def agreement_db(got: Sequence[Any], want: Sequence[Any]) -> float:
    """Return the signal-to-noise ratio of the worst output in dB; -inf where shapes differ."""
    worst = math.inf
    for mine, theirs in zip(got, want, strict=True):
        mine, theirs = np.asarray(mine, float), np.asarray(theirs, float)
        if mine.shape != theirs.shape:
            return -math.inf
        if not mine.size:
            continue
        bad = ~np.isfinite(mine)
        if not np.array_equal(bad, ~np.isfinite(theirs)):
            return -math.inf
        if not np.any(np.where(bad, 0.0, theirs)) and np.abs(np.where(bad, 0.0, mine)).max() < 1e-9:
            continue  # silence: any rounding would count as an infinite error
        worst = min(worst, snr_db(np.where(bad, 0.0, mine), np.where(bad, 0.0, theirs)))
    return worst


def compare(kind: str, got: np.ndarray, want: np.ndarray, tolerance: dict) -> Comparison:
    """Hold an answer against the truth.

    Parameters
    ----------
    kind : str
        How to measure, see `measure`.
    got, want : array
        The answer and the truth.
    tolerance : dict
        The largest error allowed, for each measure of the kind.

    Returns
    -------
    Comparison
        Passed if no measure is above what is allowed.

    Raises
    ------
    ParameterError
        If the kind is unknown or a measure has no tolerance.

    Examples
    --------
    >>> import numpy as np
    >>> off = compare("array", np.array([1.0, 2.1]), np.array([1.0, 2.0]), {"peak": 0.01})
    >>> off.passed, round(off.ratio, 6)
    (False, 5.0)
    """
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        return _refused(f"shape is {got.shape}, must be {want.shape}")
    if got.dtype.kind not in "fiub":
        return _refused(f"dtype is {got.dtype}, must be that of real numbers")
    got, want = got.astype(np.float64), want.astype(np.float64)
    bad = np.isnan(got) | (np.isinf(got) & np.isfinite(want))
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        return _refused(f"{got[first]} at {first}; {bad.sum()} of {bad.size} values are no number")
    numbers = measure(kind, got, want)
    ratios = {}
    for name, value in numbers.items():
        require(name in tolerance, f"{kind}: the tolerance of {name} is missing, got {tolerance}")
        allowed = tolerance[name]
        ratios[name] = value / allowed if allowed > 0 else (math.inf if value > 0 else 0.0)
    worst = max(ratios, key=ratios.__getitem__)
    snr = snr_db(got, want)
    numbers["bad_share"] = _bad_share(got, want, tolerance)
    text = f"{worst} {numbers[worst]:.3g}, {tolerance[worst]:.3g} allowed; {_where(got, want)}"
    return Comparison(ratios[worst], snr, numbers, text)


def _bad_share(got: np.ndarray, want: np.ndarray, tolerance: dict) -> float:
    """Return the share of values that are off by more than the peak tolerance."""
    if not want.size:
        return 0.0
    with np.errstate(invalid="ignore"):
        off = np.nan_to_num(np.abs(got - want))
    return float(np.mean(off > tolerance.get("peak", 0.0) * _scale(np.nan_to_num(want))))


def _where(got: np.ndarray, want: np.ndarray) -> str:
    if not want.size:
        return "nothing to compare"
    with np.errstate(invalid="ignore"):
        flat = int(np.nan_to_num(np.abs(got - want)).argmax())
    place = tuple(int(i) for i in np.unravel_index(flat, want.shape))
    return f"largest at {list(place)}: {got[place]:.7g}, must be {want[place]:.7g}"


def _refused(text: str) -> Comparison:
    return Comparison(math.inf, -math.inf, {}, text)
