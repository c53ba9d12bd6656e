"""From answers to verdicts, whoever gave the answers: a function, or a folder of files."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ddsp_ref.conformance.metrics import Comparison, compare
from ddsp_ref.conformance.vectors import VectorCase
from ddsp_ref.conformance.verdicts import (
    BLOCKED,
    ERROR,
    EXPECTED,
    FAILED,
    MISSING,
    PASSED,
    UNEXPECTED,
    Report,
    Verdict,
)


@dataclass(frozen=True)
class Answer:
    """What a port said to one question: arrays, or why there are none."""

    parts: tuple[np.ndarray, ...] = ()
    error: str = ""
    missing: str = ""


class Evidence(NamedTuple):
    """What a port answered to one case, for whoever looks for the mistake.

    Attributes
    ----------
    case : VectorCase
        The question.
    value : tuple of array or None
        Its outputs.
    gradients : tuple of array or None
        Its cotangents.
    failed : bool
        Whether what is to be explained, value or gradient, was judged a failure.
    """

    case: VectorCase
    value: tuple[np.ndarray, ...] | None
    gradients: tuple[np.ndarray, ...] | None
    failed: bool = True


@dataclass(frozen=True)
class _Judged:
    """The judgement on one case: compared, or in error, or missing."""

    case: VectorCase
    answer: Answer
    comparison: Comparison
    worst: int = 0

    @property
    def status(self) -> str:
        if self.answer.missing:
            return MISSING
        if self.answer.error:
            return ERROR
        if self.comparison.passed:
            return PASSED
        # what could be measured is a failure, what could not is an error
        return FAILED if self.comparison.numbers else ERROR


Ask = Callable[[VectorCase, str], Answer]


def judge_op(
    cases: Sequence[VectorCase], dtype: str, ask: Ask, *, refusals: bool, diagnose: Any = None
) -> list[Verdict]:
    """Ask for all cases of an op in one precision and judge.

    Parameters
    ----------
    cases : sequence of VectorCase
        All of one op.
    dtype : str
        "float32" or "float64".
    ask : callable
        ``ask(case, "value" or "gradient")`` returns an `Answer`.
    refusals : bool
        Whether wrong uses are asked too.
    diagnose : callable or None
        ``diagnose(evidence, what)`` names a mistake or returns None, see `Evidence`.

    Returns
    -------
    list of Verdict
        For the value, the gradient if there is one, and refusals.
    """
    right = [case for case in cases if not case.must_refuse]
    sloped = [case for case in right if case.pullbacks]
    wrong = [case for case in cases if case.must_refuse]
    values = [_judge(case, dtype, _ask(ask, case, "value"), "value") for case in right]
    slopes = [_judge(case, dtype, _ask(ask, case, "gradient"), "gradient") for case in sloped]
    verdicts = [_sum_up(values, "value", dtype)] if values else []
    verdicts += [_sum_up(slopes, "gradient", dtype)] if slopes else []
    if diagnose is not None:
        for verdict in verdicts:
            if verdict.status in (FAILED, ERROR):
                verdict.diagnosis = _diagnosis(verdict.what, values, slopes, diagnose)
    if refusals and wrong:
        refused = [_judge_refusal(case, _ask(ask, case, "value")) for case in wrong]
        verdicts.append(_sum_up(refused, "refusal", dtype))
    return verdicts


def _ask(ask: Ask, case: VectorCase, what: str) -> Answer:
    return Answer(error=f"vector: {case.damage}") if case.damage else ask(case, what)


def _judge(case: VectorCase, dtype: str, answer: Answer, what: str) -> _Judged:
    if answer.error or answer.missing:
        nothing = Comparison(math.inf, -math.inf, {}, answer.error or answer.missing)
        return _Judged(case, answer, nothing)
    if what == "value":
        truth, kinds = case.outputs, case.kinds
        allowed, names = case.tolerances[dtype].values, [f"result {i}" for i in range(len(kinds))]
    else:
        truth, kinds = case.pullbacks, ("gradient",) * len(case.pullbacks)
        allowed, names = case.tolerances[dtype].gradients, case.array_names
    if len(answer.parts) != len(truth):
        text = f"{len(answer.parts)} arrays came back, must be {len(truth)}"
        return _Judged(case, answer, Comparison(math.inf, -math.inf, {}, text))
    found = [
        _compare(kind, got, want, tolerance, dtype)
        for kind, got, want, tolerance in zip(kinds, answer.parts, truth, allowed, strict=True)
    ]
    worst = max(range(len(found)), key=lambda i: found[i].ratio)
    one = found[worst]
    if len(found) > 1 or what == "gradient":
        one = Comparison(one.ratio, one.snr_db, one.numbers, f"{names[worst]}: {one.text}")
    return _Judged(case, answer, one, worst)


def _compare(kind: str, got: np.ndarray, want: np.ndarray, tolerance: dict, dtype: str) -> Any:
    if kind != "exact" and got.shape == want.shape and got.dtype.name != dtype:
        text = f"dtype is {got.dtype}, must be {dtype} like the inputs"
        return Comparison(math.inf, -math.inf, {}, text)
    return compare(kind, got, want, tolerance)


def _judge_refusal(case: VectorCase, answer: Answer) -> _Judged:
    refused = bool(answer.error) and not answer.error.startswith(
        ("mutated", "time limit", "vector")
    )
    text = answer.missing or (answer.error if refused else "was accepted, must be refused")
    ratio = 0.0 if refused else math.inf
    kept = Answer(missing=answer.missing)
    return _Judged(case, kept, Comparison(ratio, math.inf, {"accepted": 1.0}, text))


def _sum_up(judged: Sequence[_Judged], what: str, dtype: str) -> Verdict:
    """Make one verdict of many cases: an error is worse than a failure, and that than a pass."""
    answered = [one for one in judged if one.status != MISSING]
    shared = {"op": judged[0].case.op, "what": what, "dtype": dtype, "n_cases": len(judged)}
    if not answered:
        text = judged[0].comparison.text
        return Verdict(**shared, status=MISSING, text=text, n_missing=len(judged))
    status = next((s for s in (ERROR, FAILED) if any(one.status == s for one in answered)), PASSED)
    worst = max((one for one in answered if one.status == status), key=lambda o: o.comparison.ratio)
    truth = worst.case.outputs if what == "value" else worst.case.pullbacks
    arrays = {}
    if worst.answer.parts and len(worst.answer.parts) == len(truth):
        arrays = {"got": worst.answer.parts[worst.worst], "want": truth[worst.worst]}
    return Verdict(
        **shared,
        status=status,
        ratio=worst.comparison.ratio,
        case=worst.case.label,
        text=worst.comparison.text,
        snr_db=worst.comparison.snr_db,
        n_failed=sum(one.status in (ERROR, FAILED) for one in answered),
        n_missing=len(judged) - len(answered),
        **arrays,
    )


def _diagnosis(what: str, values: list[_Judged], slopes: list[_Judged], diagnose: Any) -> Any:
    """Ask what mistake all answers to the cases of an op look like together."""
    own = values if what == "value" else slopes
    failed = {one.case.label for one in own if one.status in (FAILED, ERROR)}
    found = {one.case.label: one.answer.parts or None for one in slopes}
    evidence = [
        Evidence(
            one.case, one.answer.parts or None, found.get(one.case.label), one.case.label in failed
        )
        for one in values
        if one.answer.parts or found.get(one.case.label)
    ]
    return diagnose(evidence, what) if evidence else None


def refine(report: Report, cases: Sequence[VectorCase], expected: Any = None) -> Report:
    """Say which ops are blocked by their parts, and which failures were expected.

    Parameters
    ----------
    report : Report
        Verdicts on ops for themselves; changed in place.
    cases : sequence of VectorCase
        The vectors, which know the parts of ops.
    expected : Expected, optional
        Failures that are known.

    Returns
    -------
    Report
        The same.
    """
    parts = {case.op: case.parts for case in cases}
    by_key = {verdict.key: verdict for verdict in report.verdicts}
    failing = {key for key, verdict in by_key.items() if verdict.status in (FAILED, ERROR)}
    for op, what, dtype in failing:
        # a part that fails in value spoils the gradient too
        kinds = ("value",) if what == "value" else ("value", what)
        culprits = [p for p in parts[op] if any((p, kind, dtype) in failing for kind in kinds)]
        if culprits and what != "refusal":
            verdict = by_key[op, what, dtype]
            verdict.status, verdict.blocked_by = BLOCKED, tuple(culprits)
    if expected is not None:
        _apply_expected(report, expected)
    return report


def _apply_expected(report: Report, expected: Any) -> None:
    for verdict in report.verdicts:
        if not expected.covers(verdict):
            continue
        if verdict.status in (FAILED, ERROR, BLOCKED):
            verdict.status = EXPECTED
        elif verdict.status == PASSED:
            verdict.status = UNEXPECTED
    report.notes += expected.unused(report.verdicts)
