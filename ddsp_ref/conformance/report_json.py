"""The report for machines: JSON, JUnit XML, and the text of a badge."""

from __future__ import annotations

import json
import math
import re
from typing import Any
from xml.etree import ElementTree

import ddsp_ref
from ddsp_ref.conformance.report_table import details
from ddsp_ref.conformance.verdicts import BAD, ERROR, EXPECTED, MISSING, PASSED, Report, Verdict

# XML 1.0 has no words for most control characters, which a port may well print.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _number(value: float) -> float | str:
    """JSON knows neither infinity nor NaN."""
    return value if math.isfinite(value) else str(value)


def verdict_as_dict(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict in plain types; the arrays stay behind."""
    diagnosis = verdict.diagnosis
    return {
        "op": verdict.op,
        "what": verdict.what,
        "dtype": verdict.dtype,
        "status": verdict.status,
        "error_over_tolerance": _number(verdict.ratio),
        "snr_db": _number(verdict.snr_db),
        "case": verdict.case,
        "text": verdict.text,
        "n_cases": verdict.n_cases,
        "n_failed": verdict.n_failed,
        "n_not_implemented": verdict.n_missing,
        "blocked_by": list(verdict.blocked_by),
        "diagnosis": None if diagnosis is None else {
            "name": diagnosis.name,
            "text": diagnosis.text,
            "agreement_db": _number(float(diagnosis.agreement_db)),
            "link": diagnosis.link,
        },
    }  # fmt: skip


def as_json(report: Report) -> str:
    """Return the report as JSON.

    Examples
    --------
    >>> found = json.loads(as_json(Report([Verdict("stft", "value", "float32", "passed")])))
    >>> found["conforms"], found["verdicts"][0]["op"], found["verdicts"][0]["snr_db"]
    (True, 'stft', 'inf')
    """
    whole = {
        "port": report.port,
        "ddsp_ref": ddsp_ref.__version__,
        **report.about,
        "conforms": report.ok,
        "badge": badge(report),
        "notes": report.notes,
        "verdicts": [verdict_as_dict(verdict) for verdict in report.verdicts],
    }
    return json.dumps(whole, indent=1, allow_nan=False) + "\n"


def as_junit(report: Report) -> str:
    """Return the report as JUnit XML: an op and dtype is a class, value and gradient are tests.

    Examples
    --------
    >>> print(as_junit(Report([Verdict("stft", "value", "float32", "not implemented")])))
    <?xml version='1.0' encoding='utf-8'?>
    <testsuite name="port" tests="1" failures="0" errors="0" skipped="1">
      <testcase classname="stft.float32" name="value">
        <skipped message="not implemented" />
      </testcase>
    </testsuite>
    """
    tags = {verdict.key: _junit_tag(verdict) for verdict in report.verdicts}
    counts = {name: list(tags.values()).count(tag) for name, tag in _JUNIT_COUNTS.items()}
    suite = ElementTree.Element(
        "testsuite",
        {"name": _clean(report.port), "tests": str(len(report.verdicts))}
        | {name: str(n) for name, n in counts.items()},
    )
    for verdict in report.verdicts:
        names = {"classname": f"{verdict.op}.{verdict.dtype}", "name": verdict.what}
        test = ElementTree.SubElement(suite, "testcase", names)
        tag = tags[verdict.key]
        if tag:
            text = verdict.text if verdict.status in BAD else verdict.status
            inner = ElementTree.SubElement(test, tag, {"message": _clean(text or verdict.status)})
            if verdict.status in BAD:
                inner.text = _clean("\n".join(details(verdict)))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True).decode()


_JUNIT_COUNTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def _junit_tag(verdict: Verdict) -> str:
    if verdict.status == ERROR:
        return "error"
    if verdict.status in BAD:
        return "failure"
    return "skipped" if verdict.status in (MISSING, EXPECTED) else ""


def _clean(text: str) -> str:
    return _NOT_XML.sub("?", text)


def badge(report: Report) -> str:
    """Return a line for a badge: how many of the ops that the port has conform.

    Examples
    --------
    >>> badge(Report([Verdict("stft", "value", "float32", "passed")]))
    'ddsp_ref conformance: 1 of 1 ops'
    """
    by_op: dict[str, list[str]] = {}
    for verdict in report.verdicts:
        if verdict.status != MISSING:
            by_op.setdefault(verdict.op, []).append(verdict.status)
    # an expected failure is still a failure to whoever reads the badge
    n_good = sum(all(status == PASSED for status in found) for found in by_op.values())
    return f"ddsp_ref conformance: {n_good} of {len(by_op)} ops"
