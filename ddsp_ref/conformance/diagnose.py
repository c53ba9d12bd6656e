"""What a failure looks like: the mistakes that ports make are tried, one and two at a time.

A diagnosis proposes. It needs the answers of all cases of an op, because one case seldom tells two
mistakes apart: what is named explains every answer, those that passed included. Nothing here
can make a failure pass.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ddsp_ref.conformance.factors import (
    common_factor,
    cotangent_text,
    factor_name,
    factor_text,
    is_a_factor,
    shifted,
)
from ddsp_ref.conformance.metrics import snr_db
from ddsp_ref.conformance.variants import Variant, gradients_of, value_of, variants_of
from ddsp_ref.conformance.vectors import VectorCase
from ddsp_ref.errors import MissingExtraError

LINK = "docs/conventions-of-ports.md"
# An explanation has to agree this well with every answer, or as well as tolerances allow.
LEAST_DB = 80.0
# Agreement beyond this is not asked for: text files and other summation orders may spoil it.
ENOUGH_DB = 110.0
# Where rounding alone leaves no more than this (far out on a sigmoid), a case tells nothing.
TELLING_DB = 20.0
# Of two explanations the one that is worse by this much in its worst case is left away.
CLEARLY_DB = 20.0


class Answered(NamedTuple):
    """What a port answered to one case.

    Attributes
    ----------
    case : VectorCase
        The question.
    value : tuple of array or None
        Its outputs.
    gradients : tuple of array or None
        Its cotangents.
    """

    case: VectorCase
    value: tuple[np.ndarray, ...] | None
    gradients: tuple[np.ndarray, ...] | None


@dataclass(frozen=True)
class Diagnosis:
    """A proposal what the mistake is.

    Attributes
    ----------
    name : str
        Names of the variants, "a and b" for a pair, "a or b" where the cases cannot tell.
    text : str
        A sentence for a person.
    agreement_db : float
        Signal-to-noise ratio of the explanation in the worst case, infinite if equal.
    link : str
        Where to read on.
    """

    name: str
    text: str
    agreement_db: float
    link: str

    def __str__(self) -> str:
        return self.text


def diagnose(answers: Sequence[Answered], what: str = "value") -> Diagnosis | None:
    """Name the mistake that explains the answers to all cases of one op.

    Parameters
    ----------
    answers : sequence of Answered
        Of one op in one precision; those that passed as well, because they rule mistakes out.
    what : {"value", "gradient"}
        What failed.

    Returns
    -------
    Diagnosis or None
        None if no variant, and no pair of them, explains what was answered.

    Examples
    --------
    A port that forgets the threshold:

    >>> from ddsp_ref.conformance.vectors import load_vectors
    >>> cases = [c for c in load_vectors(ops=["exp_sigmoid"]) if not c.must_refuse]
    >>> answers = [Answered(c, value_of(c.op, c.arrays, c.settings,
    ...     [v for v in variants_of(c.op) if v.name == "floor = missing"]), None) for c in cases]
    >>> diagnose(answers).name
    'floor = missing'
    """
    used = [one for one in answers if _answer(one, what) is not None]
    used = [one for one in used if what == "value" or one.case.pullbacks]
    used = [one for one in used if _floor(one, what) > TELLING_DB]
    if all(_agreement(_answer(one, what), _truth(one, what)) >= _floor(one, what) for one in used):
        return None  # what was answered is right; the failure is that something was not
    return _of_values(used) if what == "value" else _of_gradients(answers, used)


def _answer(one: Answered, what: str) -> tuple[np.ndarray, ...] | None:
    return one.value if what == "value" else one.gradients


def _truth(one: Answered, what: str) -> tuple[np.ndarray, ...]:
    return one.case.outputs if what == "value" else one.case.pullbacks


def _agreement(got: Sequence[Any], want: Sequence[Any]) -> float:
    """Return the signal-to-noise ratio of the worst output; -inf where shapes differ."""
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
        ratio = snr_db(np.where(bad, 0.0, mine), np.where(bad, 0.0, theirs))
        worst = min(worst, ratio)
    return worst


def _floor(one: Answered, what: str) -> float:
    """Return the agreement that rounding allows: a correct port is this close, or closer."""
    dtype = _answer(one, what)[0].dtype.name
    tolerances = one.case.tolerances.get(dtype)
    if tolerances is None:
        return LEAST_DB
    allowed = tolerances.values if what == "value" else tolerances.gradients
    worst = max((max(t.values(), default=0.0) for t in allowed), default=0.0)
    by_rounding = -20 * math.log10(worst) if worst > 0 else math.inf
    return min(ENOUGH_DB, by_rounding - 12.0)


Explain = Callable[[Answered], Sequence[Any]]


def _explains(explain: Explain, answers: Sequence[Answered], what: str) -> float | None:
    """Return the agreement in the worst case, None if one case is not explained."""
    worst = math.inf
    for one in answers:
        try:
            agreement = _agreement(_answer(one, what), explain(one))
        except (NotImplementedError, ValueError, ArithmeticError, IndexError, TypeError):
            return None
        if agreement < _floor(one, what):
            return None
        worst = min(worst, agreement)
    return worst


def _hardest_first(answers: Sequence[Answered], what: str) -> list[Answered]:
    """Sort so that what the definition explains worst comes first: most variants fail there."""

    def distance(one: Answered) -> float:
        return _agreement(_answer(one, what), _truth(one, what))

    return sorted(answers, key=distance)


def _best(found: dict[tuple[Variant, ...], float]) -> list[tuple[Variant, ...]]:
    """Return the explanations that are not clearly worse than the best one."""
    top = min(max(found.values()), 200.0)
    return [chosen for chosen, db in found.items() if db >= top - CLEARLY_DB]


def _candidates(op: str, of_gradient: bool) -> list[list[tuple[Variant, ...]]]:
    own = [v for v in variants_of(op) if v.of_gradient == of_gradient]
    pairs = [p for p in itertools.combinations(own, 2) if p[0].choice != p[1].choice]
    return [[(v,) for v in own], pairs]


def _search(answers: Sequence[Answered], what: str, fixed: tuple[Variant, ...] = ()) -> Any:
    """Return the best explanations by variants, singly if possible, else in pairs."""
    op, ordered = answers[0].case.op, _hardest_first(answers, what)
    for group in _candidates(op, what == "gradient"):
        found = {}
        for chosen in group:
            agreement = _explains(_by_variants((*fixed, *chosen), what), ordered, what)
            if agreement is not None:
                found[chosen] = agreement
        if found:
            best = _best(found)
            return best, max(found[one] for one in best)
    return [], -math.inf


def _by_variants(chosen: tuple[Variant, ...], what: str) -> Explain:
    def explain(one: Answered) -> Sequence[Any]:
        case = one.case
        if what == "value":
            return value_of(case.op, case.arrays, case.settings, chosen)
        return gradients_of(case.op, case.arrays, case.settings, case.cotangents, chosen)

    return explain


def _named(best: list[tuple[Variant, ...]], agreement: float) -> Diagnosis:
    names = [" and ".join(v.name for v in chosen) for chosen in best]
    meanings = "; or ".join("; ".join(v.meaning for v in chosen) for chosen in best)
    decibel = "exactly" if math.isinf(agreement) else f"to {agreement:.0f} dB"
    said = " or ".join(f"`{name}`" for name in names)
    first = best[0][0]
    link = f"{LINK}#{first.theme}"
    text = f"matches {said} {decibel}: {meanings}; see {link}"
    return Diagnosis(" or ".join(names), text, agreement, link)


def _of_values(answers: Sequence[Answered]) -> Diagnosis | None:
    best, agreement = _search(answers, "value")
    return _named(best, agreement) if best else _plain_change(answers)


def _plain_change(answers: Sequence[Answered]) -> Diagnosis | None:
    """Name what is not peculiar to an op: a factor, or a delay."""
    pairs = [pair for one in answers for pair in zip(one.value, one.case.outputs)]
    if any(g.shape != w.shape for g, w in pairs):
        return None
    factor, fit = common_factor(pairs)
    if fit > LEAST_DB and is_a_factor(pairs, factor, fit):
        name = f"output {factor_text(factor)}"
        return Diagnosis(name, f"the {name}, to {fit:.0f} dB", fit, LINK)
    for delay in (-2, -1, 1, 2):
        fits = [
            snr_db(*shifted(got, want, delay))
            for got, want in pairs
            if np.ndim(want) and want.any()
        ]
        if fits and min(fits) > LEAST_DB:
            name = f"output {abs(delay)} {'late' if delay > 0 else 'early'}"
            return Diagnosis(name, f"the {name} along the last axis", min(fits), LINK)
    return None


def _of_gradients(answers: Sequence[Answered], used: Sequence[Answered]) -> Diagnosis | None:
    """Name what is wrong with cotangents; where values are wrong too, with those of the value."""
    with_value = [one for one in answers if one.value is not None]
    wrong = [
        one for one in with_value if _agreement(one.value, one.case.outputs) < _floor(one, "value")
    ]
    try:
        if wrong:
            return _follows_from_value(with_value, used)
        return _per_array(used) or _by_search(used)
    except MissingExtraError as error:
        return Diagnosis("", f"no diagnosis: {error}", -math.inf, LINK)


def _by_search(used: Sequence[Answered]) -> Diagnosis | None:
    best, agreement = _search(used, "gradient")
    return _named(best, agreement) if best else None


def _follows_from_value(
    with_value: Sequence[Answered], used: Sequence[Answered]
) -> Diagnosis | None:
    best, _ = _search(with_value, "value")
    for chosen in best:
        agreement = _explains(_by_variants(chosen, "gradient"), used, "gradient")
        if agreement is not None:
            found = _named([chosen], agreement)
            text = f"is that of the value, which {found.text}"
            return Diagnosis(found.name, text, agreement, found.link)
    return None


def _per_array(used: Sequence[Answered]) -> Diagnosis | None:
    """Name a cotangent that is the right one but for a factor, 0 included."""
    names = used[0].case.array_names
    wrong: dict[str, float] = {}
    worst = math.inf
    for i, name in enumerate(names):
        pairs = [(one.gradients[i], one.case.pullbacks[i]) for one in used]
        if any(g.shape != w.shape for g, w in pairs):
            return None
        floor = min(_floor(one, "gradient") for one in used)
        factor, fit = common_factor(pairs)
        if factor == 1.0 and math.isinf(fit):
            continue  # nothing but zeros is right here
        if fit < floor and factor != 0:
            return None
        worst = min(worst, fit)
        if is_a_factor(pairs, factor, fit):
            wrong[name] = factor
    if not wrong:
        return None
    said = [cotangent_text(used[0].case.op, name, factor) for name, factor in wrong.items()]
    short = [f"{name}_gradient = {factor_name(factor)}" for name, factor in wrong.items()]
    link = f"{LINK}#gradients"
    text = "; ".join(said) + f"; see {link}"
    return Diagnosis(" and ".join(short), text, worst, link)
