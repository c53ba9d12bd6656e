"""How the cost of the main lines grows with the size of the work and with the cores."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from benchmarks.lines import LINES, Sizes
from benchmarks.report import number
from benchmarks.run import Options, run_line
from benchmarks.timing import table

# What grows, how far, and for which lines.
GROWTH: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "seconds": ((1, 4, 15, 60), ("harmonic", "filtered_noise", "reverb", "spectral_loss", "pitch",
                                 "render_shipped", "render_original")),
    "harmonics": ((10, 30, 60, 100, 200), ("harmonic", "sinusoidal")),
    "taps": ((64, 256, 1024, 4096), ("fir",)),
    "batch": ((1, 4, 16), ("harmonic", "spectral_loss", "train_shipped", "train_original")),
}  # fmt: skip
QUICK = {"seconds": (1,), "harmonics": (3, 6), "taps": (16, 32), "batch": (1, 2)}


def cores() -> int:
    """Return how many cores there are for this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measure(base: Sizes, columns: list[str], options: Options, quick: bool) -> list[dict[str, Any]]:
    """Return a record for each line, size and column.

    Parameters
    ----------
    base : Sizes
        The sizes of what does not grow.
    columns : list of str
        Whose cost is measured.
    options : Options
        How jobs are run.
    quick : bool
        Small sizes and one line of each, to see that it works.
    """
    records = []

    def note(name: str, what: str, value: int, sizes: Sizes, how: Options) -> None:
        for column, facts in run_line(LINES[name], sizes, columns, how).items():
            records.append({"line": name, "grows": what, "value": value, "column": column, **facts})

    for what, (values, names) in GROWTH.items():
        for name in names[:1] if quick else names:
            for value in QUICK[what] if quick else values:
                note(name, what, value, replace(base, **{what: value}), options)
    for n in range(1, cores() + 1):
        for name in ("harmonic",) if quick else tuple(LINES):
            note(name, "threads", n, base, replace(options, n_threads=n))
    return records


def tables(records: list[dict[str, Any]]) -> str:
    """Return a table for each quantity that grows; the cells are milliseconds and megabytes."""
    parts = []
    for what in (*GROWTH, "threads"):
        own = [r for r in records if r["grows"] == what]
        values = sorted({r["value"] for r in own})
        rows = []
        for name, column in dict.fromkeys((r["line"], r["column"]) for r in own):
            found = {r["value"]: r for r in own if (r["line"], r["column"]) == (name, column)}
            for kind in ("forward", "both"):
                if any(f"{kind}_ms" in r for r in found.values()):
                    cells = [_cell(found.get(value, {}), kind) for value in values]
                    rows.append([name, column, kind, *cells])
        if rows:
            parts.append(f"### {what}\n\n" + table(["", "", "", *map(str, values)], rows))
    return "\n\n".join(parts)


def _cell(facts: dict[str, Any], kind: str) -> str:
    if f"{kind}_ms" not in facts:
        return "-"
    return f"{number(facts[f'{kind}_ms'])} ms, {number(facts[f'{kind}_mb'])} MB"
