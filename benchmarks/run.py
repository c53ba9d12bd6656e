"""Run lines of the comparison: every job in a process of its own, on the same inputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lines import Line, Sizes

ROOT = Path(__file__).parents[1]
PEERS = Path(__file__).parent / "peers"
OURS = "ddsp_ref"

# What a column runs: the program, and the variant of it. The first word names the environment.
COLUMNS = {
    OURS: ("ddsp_ref", ""),
    "original": ("original", ""),
    "torch": ("torch", "eager"),
    "torch.compile": ("torch", "compiled"),
    "torch.plain": ("torch", "plain"),
    "jax": ("jax", ""),
    "torchlpc": ("torchlpc", ""),
    "librosa": ("librosa", ""),
    "scipy": ("scipy", ""),
}


@dataclass
class Options:
    """How jobs are run.

    Attributes
    ----------
    interpreters : dict
        Interpreters by environment, for those that are not where install.sh puts them.
    seconds, at_least : float, int
        Each figure is the median of the calls within so many seconds, of at least so many.
    time_limit : float
        Seconds after which a job counts as not done.
    n_threads : int or None
        Cores that a job may use, None for all.
    """

    interpreters: dict[str, Path] = field(default_factory=dict)
    seconds: float = 1.0
    at_least: int = 5
    time_limit: float = 600.0
    n_threads: int | None = None

    def interpreter(self, environment: str) -> Path | None:
        """Return the interpreter of a peer, None if there is none."""
        if environment == OURS:
            return Path(sys.executable)
        path = self.interpreters.get(environment, PEERS / f".venv-{environment}/bin/python")
        return path if path.exists() else None


def _environment(options: Options) -> dict[str, str]:
    words = {**os.environ, "PYTHONPATH": str(ROOT)}
    if options.n_threads:
        names = ("DDSP_REF_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        words |= {name: str(options.n_threads) for name in names}
    return words


def _command(program: list[str], options: Options) -> list[str]:
    """Bind a program to some cores, where the system can."""
    if options.n_threads and hasattr(os, "sched_getaffinity"):
        cores = sorted(os.sched_getaffinity(0))[: options.n_threads]
        code = "import os, sys; os.sched_setaffinity(0, {}); os.execv(sys.argv[1], sys.argv[1:])"
        return [sys.executable, "-c", code.format(cores), *program]
    return program


def run_job(column: str, line: Line, job: dict, options: Options) -> dict[str, Any]:
    """Run one job and return its figures, or {"missing": ...} or {"failed": ...}."""
    environment, variant = COLUMNS[column]
    interpreter = options.interpreter(environment)
    if interpreter is None:
        return {"missing": f"benchmarks/peers/install.sh {environment}"}
    folder = Path(job["inputs"]).parent
    outputs, path = folder / f"{column}.npz", folder / f"{column}.json"
    outputs.unlink(missing_ok=True)
    path.write_text(json.dumps({**job, "variant": variant, "outputs": str(outputs)}))
    command = _command(
        [str(interpreter), str(PEERS / f"peer_{environment}.py"), str(path)], options
    )
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=options.time_limit,
            env=_environment(options), cwd=folder,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {options.time_limit:.0f} s"}
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        return {"failed": words[-1]}
    facts = json.loads(done.stdout.splitlines()[-1])
    if outputs.exists():
        with np.load(outputs) as file:
            facts["arrays"] = dict(file)
    return facts


def decibels(y: np.ndarray, wanted: np.ndarray) -> float | None:
    """Return the largest difference in dB below the largest value; None if shapes differ."""
    y, wanted = np.asarray(y, float).squeeze(), np.asarray(wanted, float).squeeze()
    both = np.isfinite(y) & np.isfinite(wanted) if y.shape == wanted.shape else None
    if both is None or not both.any():
        return None
    largest = np.abs(wanted[both]).max()
    if largest == 0:
        return None
    return float(20 * np.log10(max(np.abs(y[both] - wanted[both]).max() / largest, 1e-20)))


def _differences(arrays: dict, ours: dict) -> dict[str, float | None]:
    """Compare values and gradients; of several gradients the one that differs most counts."""
    found: dict[str, float | None] = {}
    for kind in ("forward", "both"):
        names = [name for name in arrays if name.startswith(f"{kind}/") and name in ours]
        all_db = [decibels(arrays[name], ours[name]) for name in names]
        if all_db:
            found[f"{kind}_db"] = None if None in all_db else max(all_db)
    return found


def run_line(
    line: Line, sizes: Sizes, columns: list[str], options: Options, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Run one line for several columns and return their figures by column."""
    inputs, settings = line.make(sizes, np.random.default_rng(seed))
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inputs.npz"
        np.savez(path, **inputs)
        job = {
            "line": line.name, "wrt": line.wrt, "settings": settings, "inputs": str(path),
            "seconds": options.seconds, "at_least": options.at_least,
        }  # fmt: skip
        for column in columns:
            results[column] = run_job(column, line, job, options)
    ours = results.get(OURS, {}).get("arrays", {})
    for facts in results.values():
        facts |= _differences(facts.pop("arrays", {}), ours)
    return results
