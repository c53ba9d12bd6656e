"""The report as one page without anything outside of it: numbers, colours, plots, diagnoses."""

from __future__ import annotations

import ast
import html
import inspect
import math

from ddsp_ref.conformance.chains import judged_ops
from ddsp_ref.conformance.report_json import badge
from ddsp_ref.conformance.report_svg import plots_of
from ddsp_ref.conformance.report_table import MARKS, number, summary
from ddsp_ref.conformance.verdicts import BAD, EXPECTED, MISSING, PASSED, Report, Verdict

_STYLE = """
:root { color-scheme: light dark; --good: 140; --bad: 5; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse } th, td { padding: .2rem .6rem; text-align: left }
thead th { position: sticky; top: 0; background: Canvas } tbody th { font-weight: 500 }
a { color: inherit }
td { font-variant-numeric: tabular-nums; border: 1px solid Canvas; color: #111 }
.none { background: #8882; color: inherit; opacity: .6 } .expected { background: #f0d58a }
section { border-top: 1px solid #8886; margin-top: 1.5rem; padding-top: .5rem }
svg { width: 26rem; max-width: 100%; font-size: 10px; fill: currentColor } .end { text-anchor: end }
polyline { fill: none; stroke-width: 1.2 } .want { stroke: #3a7bd5 } .got { stroke: #e07b00 }
polyline.error { stroke: #c8102e } .diagnosis { font-weight: 600 } code { font-size: 14px }
"""


def _e(text: object) -> str:
    return html.escape(str(text))


def colour(ratio: float) -> str:
    """Return a background: green far below the tolerance, yellow at it, red above.

    Examples
    --------
    >>> colour(0.01), colour(float("inf"))
    ('hsl(140 60% 78%)', 'hsl(5 80% 78%)')
    """
    if ratio > 1:
        return "hsl(5 80% 78%)"
    share = 0.0 if ratio <= 0.01 else 1 + math.log10(ratio) / 2
    return f"hsl({140 - round(80 * share)} 60% 78%)"


def _cell(verdict: Verdict | None) -> str:
    if verdict is None:
        return "<td class='none'></td>"
    if verdict.status == MISSING:
        return f"<td class='none' title='{_e(verdict.text)}'>not implemented</td>"
    mark = MARKS[verdict.status]
    text = number(verdict.ratio) if verdict.status == PASSED else f"{mark} {number(verdict.ratio)}"
    style = f"style='background:{colour(verdict.ratio)}'"
    if verdict.status == EXPECTED:
        style = "class='expected'"
    if verdict.status in BAD:
        text = f"<a href='#{_anchor(verdict)}'>{text}</a>"
    partly = f" <small>{verdict.n_missing} cases not implemented</small>" * bool(verdict.n_missing)
    return f"<td {style} title='{_e(verdict.case)}: {_e(verdict.text)}'>{text}{partly}</td>"


def _link(op: str, present: bool) -> str:
    return f"<a href='#define-{_e(op)}'>{_e(op)}</a>" if present else _e(op)


def _anchor(verdict: Verdict) -> str:
    return _e("-".join(verdict.key))


def _section(verdict: Verdict) -> str:
    """Return all that is known about a verdict that is not a pass."""
    lines = [
        f"<section id='{_anchor(verdict)}'>",
        f"<h3>{_e(verdict.op)}: {_e(verdict.what)}, {_e(verdict.dtype)} — {verdict.status}</h3>",
        f"<p>Worst case <q>{_e(verdict.case)}</q>, {verdict.n_failed} of {verdict.n_cases} cases "
        f"failed. {_e(verdict.text)}",
    ]
    if math.isfinite(verdict.snr_db):
        lines.append(f"Signal to noise {verdict.snr_db:.1f} dB.")
    lines.append("</p>")
    if verdict.blocked_by:
        lines.append(f"<p>Blocked by {_e(', '.join(verdict.blocked_by))}: begin there.</p>")
    if verdict.diagnosis is not None:
        lines.append(f"<p class='diagnosis'>{_e(verdict.diagnosis.text)}</p>")
    lines.append(f"<p><a href='#define-{_e(verdict.op)}'>The definition</a></p>")
    if verdict.got is not None and verdict.want is not None:
        lines.append(plots_of(verdict.got, verdict.want))
    return "\n".join([*lines, "</section>"])


def definition_of(name: str) -> str:
    """Return the definition of an op as text: where it stands, its first line, its formula.

    Examples
    --------
    >>> print(definition_of("db_to_amplitude"))
    ddsp_ref/ops/scaling/amplitude_db.py
    <BLANKLINE>
    Convert decibels to amplitude.
    <BLANKLINE>
        return 10.0 ** (level_db / 20.0)
    """
    op = judged_ops().get(name)
    if op is None:
        return ""
    lines = inspect.getsource(op._define).splitlines()
    body = ast.parse("\n".join(lines)).body[0].body  # type: ignore[attr-defined]
    place = op._define.__module__.replace(".", "/") + ".py"
    first = str(op.__doc__).strip().splitlines()[0]
    return "\n".join([place, "", first, "", *lines[body[0].end_lineno :]])


def as_html(report: Report) -> str:
    """Return the report as a page.

    Parameters
    ----------
    report : Report
        What to show.

    Returns
    -------
    str
        HTML without scripts and without links to files elsewhere that it would need.

    Examples
    --------
    >>> page = as_html(Report([Verdict("stft", "value", "float32", "passed", 0.25)], "mine"))
    >>> "0.25" in page, "<script" in page
    (True, False)
    """
    columns = list(dict.fromkeys((v.what, v.dtype) for v in report.verdicts))
    by_key = {verdict.key: verdict for verdict in report.verdicts}
    heads = "".join(f"<th>{_e(what)}<br>{_e(dtype)}</th>" for what, dtype in columns)
    present = dict.fromkeys(v.op for v in report.verdicts if v.status != MISSING)
    rows = []
    for op in dict.fromkeys(v.op for v in report.verdicts):
        cells = "".join(_cell(by_key.get((op, *column))) for column in columns)
        rows.append(f"<tr><th>{_link(op, op in present)}</th>{cells}</tr>")
    wrong = [v for v in report.verdicts if v.status not in (PASSED, MISSING)]
    about = " · ".join(f"{key} {value}" for key, value in report.about.items())
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        f"<title>Conformance of {_e(report.port)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Conformance of {_e(report.port)}</h1><p>{_e(about)}</p>",
        f"<p><strong>{'Conforms' if report.ok else 'Does not conform'}.</strong> "
        f"{_e(badge(report))}; {_e(summary(report))}.</p>",
        "<p>Numbers are the worst error over the tolerance: above 1 is a failure.</p>",
        *(f"<p>{_e(note)}</p>" for note in report.notes),
        f"<table><thead><tr><th>op</th>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>",
        *map(_section, wrong),
        "<h2>Definitions</h2>",
        *(
            f"<details id='define-{_e(op)}'><summary>{_e(op)}</summary>"
            f"<pre>{_e(definition_of(op))}</pre></details>"
            for op in present
        ),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"
