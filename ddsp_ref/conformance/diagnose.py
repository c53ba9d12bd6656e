"""What a failure looks like: the mistakes that ports make are tried, one and two at a time.

A diagnosis proposes. It needs the answers of all cases of an op, because one case seldom tells two
mistakes apart: what is named explains every answer, those that passed included. Nothing here
can make a failure pass.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddsp_ref.conformance.factors import (
    common_factor,
    cotangent_text,
    factor_name,
    factor_text,
    is_a_factor,
    shifted,
)
from ddsp_ref.conformance.judging import Evidence
from ddsp_ref.conformance.metrics import agreement_db, snr_db
from ddsp_ref.conformance.variants import Variant, gradients_of, value_of, variants_of
from ddsp_ref.conformance.verdicts import Diagnosis
from ddsp_ref.errors import MissingExtraError

LINK = "docs/conventions-of-ports.md"
# An explanation has to agree this well with every answer, or as well as tolerances allow.
LEAST_DB = 80.0
# Agreement beyond this is not asked for: text files and other summation orders may spoil it.
ENOUGH_DB = 110.0
# Where rounding alone leaves no more than this (far out on a sigmoid), a case tells nothing.
TELLING_DB = 20.0
# Nearer than the definition by this much: nine tenths of the error, and more, are the same error.
NEARER_DB = 12.0
# Of two explanations the one that is worse by this much in its worst case is left away.
CLEARLY_DB = 20.0


def diagnose(answers: Sequence[Evidence], what: str = "value") -> Diagnosis | None:
    """Name the mistake that explains the answers to all cases of one op.

    Parameters
    ----------
    answers : sequence of Evidence
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
    >>> answers = [Evidence(c, value_of(c.op, c.arrays, c.settings,
    ...     [v for v in variants_of(c.op) if v.name == "floor = missing"]), None) for c in cases]
    >>> diagnose(answers).name
    'floor = missing'
    """
    used = [one for one in answers if _answer(one, what) is not None]
    used = [one for one in used if what == "value" or one.case.pullbacks]
    used = [one for one in used if _floor(one, what) > TELLING_DB]
    found = _no_number(used) if what == "gradient" else None
    wrong = (
        agreement_db(_answer(one, what), _truth(one, what)) < _floor(one, what) for one in used
    )
    if found is None and any(wrong):
        found = _of_values(used) if what == "value" else _of_gradients(answers, used)
    return found or _of_rounding(used, what)


def _answer(one: Evidence, what: str) -> tuple[np.ndarray, ...] | None:
    return one.value if what == "value" else one.gradients


def _truth(one: Evidence, what: str) -> tuple[np.ndarray, ...]:
    return one.case.outputs if what == "value" else one.case.pullbacks


def _floor(one: Evidence, what: str) -> float:
    """Return the agreement that rounding allows: a correct port is this close, or closer."""
    dtype = _answer(one, what)[0].dtype.name
    tolerances = one.case.tolerances.get(dtype)
    if tolerances is None:
        return LEAST_DB
    allowed = tolerances.values if what == "value" else tolerances.gradients
    worst = max((max(t.values(), default=0.0) for t in allowed), default=0.0)
    by_rounding = -20 * math.log10(worst) if worst > 0 else math.inf
    return min(ENOUGH_DB, by_rounding - 12.0)


Explain = Callable[[Evidence], Sequence[Any]]


def _explains(explain: Explain, answers: Sequence[Evidence], what: str) -> float | None:
    """Return the agreement in the worst case, None if one case is not explained."""
    worst = math.inf
    for one in answers:
        try:
            agreement = agreement_db(_answer(one, what), explain(one))
        except (NotImplementedError, ValueError, ArithmeticError, IndexError, TypeError):
            return None
        if agreement < _floor(one, what):
            return None
        worst = min(worst, agreement)
    return worst


def _hardest_first(answers: Sequence[Evidence], what: str) -> list[Evidence]:
    """Sort so that what the definition explains worst comes first: most variants fail there."""

    def distance(one: Evidence) -> float:
        return agreement_db(_answer(one, what), _truth(one, what))

    return sorted(answers, key=distance)


def _best(found: dict[tuple[Variant, ...], float]) -> list[tuple[Variant, ...]]:
    """Return the explanations that are not clearly worse than the best one."""
    top = min(max(found.values()), 200.0)
    return [chosen for chosen, db in found.items() if db >= top - CLEARLY_DB]


def _candidates(op: str, of_gradient: bool) -> list[list[tuple[Variant, ...]]]:
    own = [v for v in variants_of(op) if v.of_gradient == of_gradient]
    pairs = [p for p in itertools.combinations(own, 2) if p[0].choice != p[1].choice]
    return [[(v,) for v in own], pairs]


def _search(answers: Sequence[Evidence], what: str) -> Any:
    """Return the best explanations by variants, singly if possible, else in pairs."""
    op, ordered = answers[0].case.op, _hardest_first(answers, what)
    for group in _candidates(op, what == "gradient"):
        found = {}
        for chosen in group:
            agreement = _explains(_by_variants(chosen, what), ordered, what)
            if agreement is not None:
                found[chosen] = agreement
        if found:
            best = _best(found)
            return best, max(found[one] for one in best)
    return [], -math.inf


def _by_variants(chosen: tuple[Variant, ...], what: str) -> Explain:
    def explain(one: Evidence) -> Sequence[Any]:
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


def _of_values(answers: Sequence[Evidence]) -> Diagnosis | None:
    best, agreement = _search(answers, "value")
    return _named(best, agreement) if best else _plain_change(answers)


def _plain_change(answers: Sequence[Evidence]) -> Diagnosis | None:
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


def _no_number(used: Sequence[Evidence]) -> Diagnosis | None:
    """Name cotangents that are right but where they are no number at all."""
    names, worst = set(), math.inf
    for one in used:
        mended = []
        for name, got, want in zip(one.case.array_names, one.gradients, one.case.pullbacks):
            bad = ~np.isfinite(got) & np.isfinite(want) if got.shape == want.shape else False
            names |= {name} if np.any(bad) else set()
            mended.append(np.where(bad, want, got))
        agreement = agreement_db(mended, one.case.pullbacks)
        if agreement < _floor(one, "gradient"):
            return None
        worst = min(worst, agreement)
    if not names:
        return None
    said = " and ".join(sorted(names))
    text = (
        f"the gradient of {said} is no number at some places and right elsewhere: a branch of a "
        f"`where` that is not taken is differentiated, or a root or logarithm at 0; see "
        f"{LINK}#gradients"
    )
    short = " and ".join(f"{name}_gradient = no_number" for name in sorted(names))
    return Diagnosis(short, text, worst, f"{LINK}#gradients")


def _of_rounding(used: Sequence[Evidence], what: str) -> Diagnosis | None:
    """Name a sum in less precision, which cannot be followed to the last digit.

    Which digits are lost depends on how a step is rounded, so a variant does not agree as well as
    others have to. But wherever a port fails it is clearly nearer to it than the definition is.
    Sums in another order than one after the other lose others, and get no name.
    """
    failed = [one for one in used if one.failed]
    found = {}
    for variant in variants_of(used[0].case.op) if failed else ():
        explain = _by_variants((variant,), what)
        if variant.of_rounding and _explains(explain, used, what) is not None:
            gains = [
                agreement_db(_answer(one, what), explain(one))
                - agreement_db(_answer(one, what), _truth(one, what))
                for one in failed
            ]
            if min(gains) >= NEARER_DB:
                found[variant] = min(agreement_db(_answer(one, what), explain(one)) for one in used)
    best = max(found, key=found.get, default=None)
    return _named([(best,)], found[best]) if best else None


def _of_gradients(answers: Sequence[Evidence], used: Sequence[Evidence]) -> Diagnosis | None:
    """Name what is wrong with cotangents; where values are wrong too, with those of the value."""
    with_value = [one for one in answers if one.value is not None]
    wrong = [
        one
        for one in with_value
        if agreement_db(one.value, one.case.outputs) < _floor(one, "value")
    ]
    try:
        if wrong:
            return _follows_from_value(with_value, used)
        return _per_array(used) or _by_search(used)
    except MissingExtraError as error:
        return Diagnosis("", f"no diagnosis: {error}", -math.inf, LINK)


def _by_search(used: Sequence[Evidence]) -> Diagnosis | None:
    best, agreement = _search(used, "gradient")
    return _named(best, agreement) if best else None


def _follows_from_value(
    with_value: Sequence[Evidence], used: Sequence[Evidence]
) -> Diagnosis | None:
    best, _ = _search(with_value, "value")
    for chosen in best:
        agreement = _explains(_by_variants(chosen, "gradient"), used, "gradient")
        if agreement is not None:
            found = _named([chosen], agreement)
            text = f"is that of the value, which {found.text}"
            return Diagnosis(found.name, text, agreement, found.link)
    return None


def _per_array(used: Sequence[Evidence]) -> Diagnosis | None:
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
