"""All benchmarks: `python -m benchmarks` prints Markdown; --json FILE also writes the figures.

Peers are made by benchmarks/peers/install.sh; those that are not there are left out. Every job
runs in a process of its own, one after the other, all on the same inputs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import scaling, startup
from benchmarks.lines import FULL, LINES, TINY
from benchmarks.report import detail_table, judge, verdict_table, versions
from benchmarks.run import COLUMNS, OURS, Options, run_line
from benchmarks.timing import copy_bandwidth, machine, multiply_add_peak

SECTIONS = ("peers", "startup", "scaling", "ops")

PEER_NOTES = """\
Medians of calls in the same run, float32. Ratios are the other's figure divided by ours. Peak
memory is what a process needs above what it has after its imports and the inputs, code that is
loaded or compiled at the first call included. The last figures say how far a result is from ours
in dB below its largest value: float32 phases of long signals are what drifts apart, and pitch
trackers may choose another octave. Of a training step it is the loss that is compared."""


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add(
        "--sections",
        nargs="+",
        choices=SECTIONS,
        default=SECTIONS,
        metavar="NAME",
        help=f"what to measure, of {', '.join(SECTIONS)}; default all",
    )
    add(
        "--lines",
        nargs="+",
        choices=LINES,
        default=list(LINES),
        metavar="NAME",
        help=f"lines of the comparison, of {', '.join(LINES)}; default all",
    )
    peers = [column for column in COLUMNS if column != OURS]
    add(
        "--peers",
        nargs="*",
        choices=peers,
        default=peers,
        metavar="NAME",
        help=f"of {', '.join(peers)}; default all",
    )
    add(
        "--scaling-peers",
        nargs="*",
        choices=peers,
        default=[],
        metavar="NAME",
        help="peers whose cost is shown to grow, too; default none",
    )
    add(
        "--interpreter",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="interpreter of a peer that install.sh did not make, such as torch=/opt/t/bin/python",
    )
    add("--threads", type=int, help="cores that a job may use, default all")
    add("--seconds", type=float, default=1.0, help="to spend on each figure, default 1")
    add("--at-least", type=int, default=5, help="calls for each figure, default 5")
    add("--time-limit", type=float, default=600.0, help="seconds for each job, default 600")
    add("--quick", action="store_true", help="tiny sizes and one call: to see that it runs")
    add("--json", type=Path, metavar="FILE", help="also write all figures here")
    add("--markdown", type=Path, metavar="FILE", help="also write the tables here")
    return parser.parse_args(argv)  # fmt: skip


def make_options(words: argparse.Namespace) -> Options:
    """Return how jobs are run."""
    interpreters = dict(word.split("=", 1) for word in words.interpreter)
    return Options(
        {name: Path(path) for name, path in interpreters.items()},
        0.0 if words.quick else words.seconds,
        1 if words.quick else words.at_least,
        words.time_limit,
        words.threads,
    )


def limits() -> dict[str, float]:
    """Return what the machine can do."""
    return {
        "multiply_adds_per_s": multiply_add_peak(np.float32),
        "bytes_per_s": copy_bandwidth(),
    }


def peers_section(words: argparse.Namespace, options: Options) -> tuple[str, Any]:
    """Compare the lines with the peers."""
    sizes, columns = TINY if words.quick else FULL, [OURS, *words.peers]
    results = {}
    for name in words.lines:
        print(f"line {name}", file=sys.stderr, flush=True)
        results[name] = run_line(LINES[name], sizes, columns, options)
    verdicts = [row for name in results for row in judge(LINES[name], sizes, results[name])]
    titles = {name: LINES[name].title for name in results}
    missing = {
        facts["missing"] for found in results.values() for facts in found.values()
        if "missing" in facts
    }  # fmt: skip
    hint = "".join(f"\n\nNot installed: `{command}` makes it." for command in sorted(missing))
    text = (
        f"{sizes.seconds:g} s at {sizes.sample_rate} Hz, {sizes.frame_rate} frames/s, if nothing "
        f"else is said. {versions(results)}.{hint}\n\n{verdict_table(verdicts)}\n\n"
        f"## Every peer\n\n{PEER_NOTES}\n\n{detail_table(results, titles)}"
    )
    return text, {"lines": results, "verdicts": verdicts}


def startup_section(words: argparse.Namespace, options: Options) -> tuple[str, Any]:
    """Measure what there is to wait for."""
    records = startup.measure(options, words.quick)
    return startup.tables(records), records


def scaling_section(words: argparse.Namespace, options: Options) -> tuple[str, Any]:
    """Measure how cost grows."""
    base, columns = TINY if words.quick else FULL, [OURS, *words.scaling_peers]
    records = scaling.measure(base, columns, options, words.quick)
    return scaling.tables(records), records


def ops_section(words: argparse.Namespace, options: Options) -> tuple[str, Any]:
    """Measure every op, in a process of its own, against the limits of the machine."""
    names = ["exp_sigmoid", "fft_convolve"] if words.quick else []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ops.json"
        command = [sys.executable, "-m", "benchmarks.ops", *names, "--json", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.rstrip(), json.loads(path.read_text())


TITLES: dict[str, tuple[str, Callable]] = {
    "peers": ("Against the best peer", peers_section),
    "startup": ("Start-up, small calls, memory", startup_section),
    "scaling": ("How cost grows", scaling_section),
    "ops": ("Every op, and the limit of the machine", ops_section),
}


def main(argv: list[str] | None = None) -> int:
    """Measure, print, write."""
    words = parse(argv)
    options = make_options(words)
    bounds = limits()
    peak, bandwidth = (value / 1e9 for value in bounds.values())
    head = (
        f"{machine()}; measured limits: {peak:.0f} G multiply-adds/s (float32 matrix product), "
        f"{bandwidth:.1f} GB/s (copy)"
    )
    parts, facts = [head], {"machine": machine(), "limits": bounds, "quick": words.quick}
    if words.quick:
        parts[0] += "\n\n**Tiny sizes, one call: these figures and verdicts mean nothing.**"
    print(parts[0], flush=True)
    for name in words.sections:
        title, measure = TITLES[name]
        text, facts[name] = measure(words, options)
        parts.append(f"## {title}\n\n{text}")
        print(f"\n{parts[-1]}", flush=True)
    if words.json:
        words.json.write_text(json.dumps(facts, indent=1))
    if words.markdown:
        words.markdown.write_text("\n\n".join(parts) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
