"""Time every op of the registry: `python -m benchmarks.ops [NAME ...] [--json FILE]`.

Definition, forward, and forward with gradient; and what share of the machine's measured
multiply-add peak (a matrix product) or copy bandwidth the forward pass reaches.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks.timing import copy_bandwidth, machine, median_ms, multiply_add_peak, table
from benchmarks.workloads import WORKLOADS
from ddsp_ref.registry import all_ops

# Definitions may build arrays of samples x taps: above this many values they are not timed.
DEFINITION_LIMIT = 70_000_000


def definition_ms(op, arrays, settings) -> float | None:
    """Time the definition, or return None where it would take gigabytes."""
    sizes = [a.shape[-2] if a.ndim > 1 else 1 for a in arrays]
    if op.name in ("fft_convolve", "spectral_loss", "stft_magnitude") or max(sizes) > 100_000:
        return None
    if sum(a.size for a in arrays) > DEFINITION_LIMIT:
        return None
    return median_ms(lambda: op.define(*arrays, **settings), seconds=0.2, at_least=1)


def measure(op) -> dict:
    """Return all that the table says about one op."""
    arrays, settings, multiply_adds = WORKLOADS[op.name]()
    y, _ = op.vjp(*arrays, **settings)
    outputs = y if isinstance(y, tuple) else (y,)
    bars = tuple(np.ones_like(part) for part in outputs)
    y_bar = bars if isinstance(y, tuple) else bars[0]

    def both():
        op.vjp(*arrays, **settings)[1](y_bar)

    return {
        "op": op.name,
        "input": " ".join("x".join(map(str, a.shape)) for a in arrays),
        "definition_ms": definition_ms(op, arrays, settings),
        "forward_ms": median_ms(lambda: op(*arrays, **settings)),
        "gradient_ms": median_ms(both),
        "multiply_adds": multiply_adds,
        "bytes": sum(a.nbytes for a in (*arrays, *outputs)),
    }


def shown(row: dict, peak: float, bandwidth: float) -> list[str]:
    """Return the cells of one row."""
    seconds = row["forward_ms"] * 1e-3
    if row["multiply_adds"]:
        rate = row["multiply_adds"] / seconds
        reached = f"{rate / 1e9:.1f} G multiply-adds/s, {rate / peak:.0%} of peak"
    else:
        rate = row["bytes"] / seconds
        reached = f"{rate / 1e9:.1f} GB/s, {rate / bandwidth:.0%} of a copy"
    slow = row["definition_ms"]
    return [
        row["op"],
        row["input"],
        "-" if slow is None else f"{slow:.1f}",
        f"{row['forward_ms']:.3f}",
        f"{row['gradient_ms']:.3f}",
        reached,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="ops to time, default all")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    peak, bandwidth = multiply_add_peak(np.float32), copy_bandwidth()
    ops = [op for name, op in all_ops().items() if not options.names or name in options.names]
    rows = [measure(op) for op in ops]
    print(f"{machine()}; medians in ms, float32")
    print(f"peak {peak / 1e9:.0f} G multiply-adds/s, copy {bandwidth / 1e9:.1f} GB/s\n")
    head = ["op", "inputs", "definition", "forward", "forward + gradient", "forward reaches"]
    print(table(head, [shown(row, peak, bandwidth) for row in rows]))
    if options.json:
        facts = {"machine": machine(), "peak": peak, "bandwidth": bandwidth, "rows": rows}
        options.json.write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
