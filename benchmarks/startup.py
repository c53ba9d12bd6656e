"""What there is to wait for before and around the work: imports, help, compiling, calling."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import ddsp_ref
from benchmarks.lines import LINES, TINY, Sizes
from benchmarks.report import number
from benchmarks.run import OURS, ROOT, Options, run_line
from benchmarks.timing import median_ms, table

# Ten minutes at 48 kHz with 100 harmonics.
LONG = Sizes(seconds=600, sample_rate=48000, harmonics=100)

_JOB = """
import time
start = time.perf_counter()
from importlib.resources import files
from ddsp_ref.io.audio import read_audio
from ddsp_ref.transfer.pipeline import timbre_transfer
from ddsp_ref.transfer.instruments import find_instrument
with (files("ddsp_ref") / "app/data/demo.flac").open("rb") as file:
    audio, sample_rate = read_audio(file.name)
timbre_transfer(audio, sample_rate, find_instrument("violin"))
print(time.perf_counter() - start, len(audio) / sample_rate)
"""


def _run(words: list[str], **environment: str) -> str:
    words = [sys.executable, *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def _seconds(words: list[str], at_least: int) -> float:
    return 1e-3 * median_ms(lambda: _run(words), seconds=0.0, at_least=at_least)


def _job_seconds(cache: str | None = None) -> float:
    words = {"NUMBA_CACHE_DIR": cache} if cache else {}
    return float(_run(["-c", _JOB], **words).split()[0])


def overheads() -> dict[str, float]:
    """Return the time of a call with next to nothing to compute, in microseconds."""
    one, few, eight = (np.ones(shape, np.float32) for shape in (1, (1, 2), 8))
    calls: dict[str, Callable] = {
        "exp_sigmoid": lambda: ddsp_ref.exp_sigmoid(one),
        "exp_sigmoid.vjp": lambda: ddsp_ref.exp_sigmoid.vjp(one)[1](one),
        "resample_linear": lambda: ddsp_ref.resample_linear(few, n_samples=4),
        "harmonic_synthesis": lambda: ddsp_ref.harmonic_synthesis(one, one, few, n_samples=8),
        "fft_convolve": lambda: ddsp_ref.fft_convolve(eight, one),
        "dense": lambda: ddsp_ref.dense(few, few.T, one),
    }
    return {name: 1e3 * median_ms(call, seconds=0.3) for name, call in calls.items()}


def measure(options: Options, quick: bool) -> list[dict[str, Any]]:
    """Return a record for each figure: what, value, unit, target (None where there is none).

    Parameters
    ----------
    options : Options
        How jobs are run.
    quick : bool
        Fewer repeats, and a short signal instead of the long one.
    """
    n = 1 if quick else 5
    bare = _seconds(["-c", "pass"], n)
    help_words = ["-m", "ddsp_ref", "--help"]
    all_ops = ["-c", "from ddsp_ref.registry import all_ops; all_ops()"]
    rows = [
        ("Python alone", bare, "s", None),
        ("import ddsp_ref", _seconds(["-c", "import ddsp_ref"], n) - bare, "s", 0.3),
        ("import of all ops", _seconds(all_ops, n) - bare, "s", None),
        ("ddsp-ref --help", _seconds(help_words, n), "s", 0.3),
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as cache:
        cold = _job_seconds(cache)
        again = min(_job_seconds(cache) for _ in range(1 if quick else 3))
    rows.append(("transfer of the demo, nothing compiled", cold, "s", None))
    rows.append(("the same from the cache, a new process", again, "s", None))
    rows.append(("compiling for it", cold - again, "s", 20.0))
    with tempfile.TemporaryDirectory() as cache:
        since = time.perf_counter()
        _run(["-m", "ddsp_ref", "warmup", "--quiet"], NUMBA_CACHE_DIR=cache)
        ready = time.perf_counter() - since
    rows.append(("ddsp-ref warmup: for sounds of less than six seconds, too", ready, "s", 20.0))
    rows += [(f"one call, {name}", us, "µs", 20.0) for name, us in overheads().items()]
    sizes = TINY if quick else LONG
    once = replace(options, seconds=0.0, at_least=1)
    facts = run_line(replace(LINES["harmonic"], wrt=()), sizes, [OURS], once)[OURS]
    title = f"{sizes.seconds:g} s at {sizes.sample_rate} Hz, {sizes.harmonics} harmonics"
    rows.append((f"{title}: time", 1e-3 * facts["forward_ms"], "s", None))
    rows.append((f"{title}: whole process", facts["forward_rss_mb"], "MB", 1000.0))
    return [dict(zip(("what", "value", "unit", "target"), row)) for row in rows]


def tables(records: list[dict[str, Any]]) -> str:
    """Return the figures with their targets."""
    rows = []
    for r in records:
        verdict = "-" if r["target"] is None else "met" if r["value"] < r["target"] else "MISSED"
        target = "-" if r["target"] is None else f"< {r['target']:g} {r['unit']}"
        rows.append([r["what"], number(r["value"], f" {r['unit']}"), target, verdict])
    return table(["", "", "target", ""], rows)
