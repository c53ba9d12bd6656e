"""Harmonic synthesis against plain ports: `python -m benchmarks.harmonic`.

Peers run in virtual environments of their own, see `peers/install.sh`; --torch and --tensorflow
name other interpreters. All get the same inputs, one after the other, in the same run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np

from benchmarks.timing import machine, median_ms, table
from benchmarks.workloads import WORKLOADS
from ddsp_ref import harmonic_synthesis

PEERS = Path(__file__).parent / "peers"


def ours(arrays, settings) -> dict:
    """Time the op and measure how much memory it takes at most."""
    y_bar = np.ones(settings["n_samples"], np.float32)

    def both():
        harmonic_synthesis.vjp(*arrays, **settings)[1](y_bar)

    times = {
        "forward": median_ms(lambda: harmonic_synthesis(*arrays, **settings)),
        "both": median_ms(both),
    }
    tracemalloc.start()
    both()
    times["peak_bytes"] = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("torch", "tensorflow"):
        default = PEERS / f".venv-{name}/bin/python"
        parser.add_argument(f"--{name}", default=default, help="interpreter that has it")
    options = parser.parse_args()
    arrays, settings, _ = WORKLOADS["harmonic_synthesis"]()
    own = ours(arrays, settings)
    truth = harmonic_synthesis(*[a.astype(np.float64) for a in arrays], **settings)

    def error(y):
        return f"{20 * np.log10(np.abs(y - truth).max() / np.abs(truth).max()):.0f} dB"

    rows = [["ddsp_ref", f"{own['forward']:.2f}", "1", f"{own['both']:.2f}", "1",
             error(harmonic_synthesis(*arrays, **settings))]]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "inputs.npz")
        names = dict(zip(("f0", "amplitudes", "distribution"), arrays, strict=True))
        np.savez(path, **names, **settings)
        for name in ("torch", "tensorflow"):
            command = [str(getattr(options, name)), str(PEERS / f"harmonic_{name}.py"), path]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            facts = json.loads(done.stdout.splitlines()[-1])
            ratio = [facts[kind] / own[kind] for kind in ("forward", "both")]
            y = np.load(path.replace(".npz", f".{name}.npy"))
            rows.append([f"{name} {facts['version']}", f"{facts['forward']:.0f}",
                         f"{ratio[0]:.0f} x", f"{facts['both']:.0f}", f"{ratio[1]:.0f} x",
                         error(y)])  # fmt: skip
    print(f"{machine()}; 4 s, 16 kHz, 60 harmonics, 250 frames/s, float32; medians in ms")
    print(f"ddsp_ref allocates {own['peak_bytes'] / 1e6:.1f} MB at most, forward and gradient\n")
    head = ["", "forward", "ratio", "forward + gradient", "ratio", "largest error"]
    print(table(head, rows))


if __name__ == "__main__":
    main()
