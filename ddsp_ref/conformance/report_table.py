"""The report as a table for a terminal: a row for each op, the rest of the page for what failed."""

from __future__ import annotations

import math

from ddsp_ref.conformance.verdicts import (
    BLOCKED,
    ERROR,
    EXPECTED,
    FAILED,
    MISSING,
    PASSED,
    STATUSES,
    UNEXPECTED,
    Report,
    Verdict,
)

MARKS = {
    PASSED: "ok",
    FAILED: "FAIL",
    ERROR: "ERROR",
    BLOCKED: "blocked",
    EXPECTED: "expected",
    UNEXPECTED: "UNEXPECTED",
    MISSING: "-",
}


def number(ratio: float) -> str:
    """Return an error over its tolerance in a few characters.

    Examples
    --------
    >>> number(0.25), number(1234.5), number(float("inf"))
    ('0.25', '1.2e+03', 'inf')
    """
    return "inf" if math.isinf(ratio) else f"{ratio:.2g}"


def cell(verdict: Verdict | None) -> str:
    """Return what the table says about one verdict: the mark, and error over tolerance."""
    if verdict is None:
        return ""
    mark = MARKS[verdict.status]
    text = mark if verdict.status == MISSING else f"{mark} {number(verdict.ratio)}"
    return (
        f"{text} ({verdict.n_missing} not impl.)" if verdict.n_missing > 0 and mark != "-" else text
    )


def summary(report: Report) -> str:
    """Return the counts in one line.

    Examples
    --------
    >>> summary(Report([Verdict("stft", "value", "float32", "passed")]))
    '1 verdict: 1 passed'
    """
    counts = [f"{report.count(s)} {s}" for s in STATUSES if report.count(s)]
    n = len(report.verdicts)
    return f"{n} verdict{'' if n == 1 else 's'}: {', '.join(counts) or 'none'}"


def details(verdict: Verdict) -> list[str]:
    """Return the lines that say what is wrong with a verdict that did not pass."""
    lines = [f"{verdict.op}, {verdict.what}, {verdict.dtype}: {verdict.status}"]
    if verdict.case:
        share = f"{verdict.n_failed} of {verdict.n_cases} cases"
        snr = f", {verdict.snr_db:.0f} dB SNR" if math.isfinite(verdict.snr_db) else ""
        lines.append(f"    worst case {verdict.case!r} ({share}{snr}): {verdict.text}")
    if verdict.blocked_by:
        lines.append(f"    blocked by {', '.join(verdict.blocked_by)}: begin there")
    if verdict.diagnosis is not None:
        lines.append(f"    {verdict.diagnosis.text}")
    return lines


def as_table(report: Report, *, everything: bool = False) -> str:
    """Return the report as text.

    Parameters
    ----------
    report : Report
        What to show.
    everything : bool
        Whether ops that the port does not have get a row too.

    Returns
    -------
    str
        The table, what failed and why, notes, and the counts. Numbers are the worst error over
        what is allowed: above 1 is a failure.

    Examples
    --------
    >>> print(as_table(Report([Verdict("stft", "value", "float32", "passed", 0.25)], "mine")))
    mine
    op   value 32
    stft ok 0.25
    <BLANKLINE>
    1 verdict: 1 passed
    """
    columns = list(dict.fromkeys((v.what, v.dtype) for v in report.verdicts))
    rows = [["op", *(f"{what} {dtype.removeprefix('float')}" for what, dtype in columns)]]
    by_key = {verdict.key: verdict for verdict in report.verdicts}
    for op in dict.fromkeys(v.op for v in report.verdicts):
        found = [by_key.get((op, *column)) for column in columns]
        if everything or any(v is not None and v.status != MISSING for v in found):
            rows.append([op, *map(cell, found)])
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = [" — ".join([report.port, *(f"{k} {v}" for k, v in report.about.items())])]
    lines += [
        " ".join(text.ljust(n) for text, n in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    hidden = len({v.op for v in report.verdicts}) + 1 - len(rows)
    if hidden:
        lines.append(f"({hidden} ops are not implemented)")
    for verdict in report.verdicts:
        if verdict.status not in (PASSED, MISSING):
            lines += ["", *details(verdict)]
    lines += ["", *report.notes] if report.notes else []
    return "\n".join([*lines, "", summary(report)])
