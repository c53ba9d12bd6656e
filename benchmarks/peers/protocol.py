"""What the peer programs share: each reads a job, times what it prepares, and prints JSON.

A job is a line of the benchmark for one library. A peer program defines
``prepare(job, inputs) -> forward, both``: two functions without arguments, or None. `forward`
returns the result of the line, `both` its gradients by name, of a training step the loss. They
return when the work is done, not when it is under way. NumPy is all that this file wants.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CALLS = 1000  # no median needs more


def median_ms(function: Callable[[], object], seconds: float, at_least: int) -> float:
    """Return the median time of a call in milliseconds."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < at_least or (time.perf_counter() < end and len(times) < CALLS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def resident_bytes(peak: bool) -> int:
    """Return the memory of this process, or the most that it had."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # not Linux: there is only the most
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = status.split("VmHWM:" if peak else "VmRSS:")[1].split("\n")[0]
    return 1024 * int(line.split()[0])


def forget_peak() -> None:
    """Let the peak begin anew, so that compilers and imports do not count; Linux only."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _plain(values: Any) -> dict[str, np.ndarray]:
    """Return what a function gave as NumPy arrays by name."""
    if not isinstance(values, dict):
        values = {"y": values}
    return {name: np.array(value) for name, value in values.items()}


def measure(job: dict, prepare: Callable, inputs: dict[str, np.ndarray]) -> tuple[dict, dict]:
    """Return the figures of a job and the arrays that it computed."""
    before = resident_bytes(peak=False)
    facts: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    start = time.perf_counter()
    functions = prepare(job, inputs)
    facts["prepare_s"] = time.perf_counter() - start
    for kind, function in zip(("forward", "both"), functions):
        if function is None:
            continue
        start = time.perf_counter()
        values = function()
        facts[f"{kind}_first_s"] = time.perf_counter() - start
        arrays |= {f"{kind}/{name}": value for name, value in _plain(values).items()}
        del values
        forget_peak()
        facts[f"{kind}_ms"] = median_ms(function, job["seconds"], job["at_least"])
        peak = resident_bytes(peak=True)
        facts |= {f"{kind}_mb": (peak - before) / 1e6, f"{kind}_rss_mb": peak / 1e6}
    return facts, arrays


def run(version: str, lines: Any, prepare: Callable) -> None:
    """Do the job that the command line names.

    Parameters
    ----------
    version : str
        What the figures belong to.
    lines : collection of str, or function
        The lines that this peer knows; the function is asked for those of a variant.
    prepare : callable
        See above.
    """
    job = json.loads(Path(sys.argv[1]).read_text())
    facts: dict[str, Any] = {"version": version}
    if job["line"] in (lines(job["variant"]) if callable(lines) else lines):
        with np.load(job["inputs"]) as file:
            inputs = dict(file)
        figures, arrays = measure(job, prepare, inputs)
        np.savez(job["outputs"], **arrays)
        facts |= figures
    else:
        facts["unknown"] = True
    print(json.dumps(facts))


def split_parameters(inputs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part the parameters of a model, which are called param:NAME, from the other inputs."""
    parameters = {k[6:]: v for k, v in inputs.items() if k.startswith("param:")}
    return parameters, {k: v for k, v in inputs.items() if not k.startswith("param:")}


def n_layers(parameters: dict[str, Any], stack: str) -> int:
    """Return how many layers a stack of a decoder has."""
    return sum(name.startswith(f"{stack}/") and name.endswith("/gamma") for name in parameters)
