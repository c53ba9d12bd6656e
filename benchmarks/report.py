"""Tables of the comparison with peers: verdicts, and every figure."""

from __future__ import annotations

from typing import Any

from benchmarks.lines import Line, Sizes
from benchmarks.run import OURS
from benchmarks.timing import table

Results = dict[str, dict[str, Any]]

NONE = "-"
_KINDS = {"forward": "forward", "both": "forward and gradient"}


def number(value: float | None, unit: str = "") -> str:
    """Write a figure with three digits, or "-" where there is none."""
    if value is None:
        return NONE
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}{unit}"


def ratio(theirs: float | None, own: float | None) -> float | None:
    """Return how many times as much the other takes."""
    return theirs / own if theirs is not None and own else None


def best(results: Results, key: str) -> tuple[str, float | None]:
    """Return the peer with the smallest figure."""
    known = {c: f[key] for c, f in results.items() if c != OURS and key in f}
    column = min(known, key=known.__getitem__, default=NONE)
    return column, known.get(column)


def _memory_key(facts: dict) -> str:
    return "both_mb" if "both_mb" in facts else "forward_mb"


def judge(line: Line, sizes: Sizes, results: Results) -> list[dict[str, Any]]:
    """Say for each target of a line what was reached.

    Parameters
    ----------
    line : Line
        What was measured.
    sizes : Sizes
        With which sizes.
    results : dict
        As from `benchmarks.run.run_line`.

    Returns
    -------
    list of dict
        kind, own, peer, theirs, ratio, target, met; of kinds without target those have None.
    """
    own, rows = results[OURS], []
    measured = {key for facts in results.values() for key in facts}
    kinds = [kind for kind in _KINDS if f"{kind}_ms" in measured or kind in line.targets]
    for kind in [*kinds, *(k for k in ("memory", "real_time") if k in line.targets)]:
        if kind == "real_time":
            value = own.get("forward_ms")
            peer, theirs, reached = NONE, None, ratio(1e3 * sizes.seconds, value)
        else:
            key = _memory_key(own) if kind == "memory" else f"{kind}_ms"
            value = own.get(key)
            peer, theirs = best(results, key)
            reached = ratio(theirs, value)
        target = line.targets.get(kind)
        met = None if target is None or reached is None else reached >= target
        rows.append(
            {"line": line.title, "kind": kind, "own": value, "peer": peer, "theirs": theirs,
             "ratio": reached, "target": target, "met": met}
        )  # fmt: skip
    return rows


def _verdict(row: dict[str, Any]) -> str:
    if row["target"] is None:
        return NONE
    return {True: "met", False: "MISSED", None: "not measured"}[row["met"]]


def verdict_table(rows: list[dict[str, Any]]) -> str:
    """Return a row for each line and kind: the ratio to the best peer, and the target."""
    names = {**_KINDS, "memory": "peak memory", "real_time": "times real time"}
    cells = []
    for row in rows:
        unit = " MB" if row["kind"] == "memory" else " ms"
        cells.append(
            [
                row["line"], names[row["kind"]], number(row["own"], unit), row["peer"],
                number(row["theirs"], unit), number(row["ratio"], " x"),
                number(row["target"], " x"),
                _verdict(row),
            ]
        )  # fmt: skip
    head = ["", "", OURS, "best peer", "its figure", "ratio", "target", ""]
    return table(head, cells)


def _state(facts: dict[str, Any]) -> str:
    if facts.get("unknown"):
        return "there is no such op"
    return f"failed: {facts['failed']}".replace("|", "/") if "failed" in facts else ""


def detail_table(all_results: dict[str, Results], titles: dict[str, str]) -> str:
    """Return a row for each line and column with all figures, ratios to ours and differences."""
    rows = []
    for name, results in all_results.items():
        own = results[OURS]
        for column, facts in results.items():
            if "missing" in facts or (facts.get("unknown") and column != OURS):
                continue
            memory = facts.get(_memory_key(facts))
            cells = [titles[name], column]
            for kind in _KINDS:
                value = facts.get(f"{kind}_ms")
                share = ratio(value, own.get(f"{kind}_ms"))
                cells += [number(value), NONE if column == OURS else number(share, " x")]
            same = [number(facts.get(f"{kind}_db")) for kind in _KINDS]
            same = [NONE, NONE] if column == OURS else same
            cells += [number(memory), *same, _state(facts)]
            rows.append(cells)
    head = ["", "", "forward, ms", "ratio", "forward and gradient, ms", "ratio", "peak, MB",
            "value differs, dB", "gradient differs, dB", ""]  # fmt: skip
    return table(head, rows)


def versions(all_results: dict[str, Results]) -> str:
    """Say which peers were there."""
    found = {
        column: facts["version"]
        for results in all_results.values()
        for column, facts in results.items()
        if "version" in facts
    }
    return "; ".join(f"{column} {version}" for column, version in found.items())
