"""Whose rounding it is: `python -m tests.compat.rounding FULL_DIR` prints a table in Markdown.

For each function of the original, over all recorded calls: how far the original's own float32 run
is from its float64 run, and how far the face is from that in float64 and in float32. The float32
outputs of the original are only in the full golden data.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from ..golden import Golden
from .calls import all_cases
from .compare import compare, off_by
from .exceptions import DIFFERS, MODULO_A_TURN

_HEAD = """# Rounding: magenta/ddsp and the face

Written by `python -m tests.compat.rounding` from the full golden data. Largest difference from the
float64 run of magenta/ddsp 3.7.0, as a fraction of the largest value of the array, over all
recorded calls of a function; values and gradients. Where the original's float32 is further off
than the face's, what differs is its rounding.

| function | values: magenta float32 | face float32 | face float64 | gradients: magenta float32 |\
 face float32 | face float64 |
|---|---|---|---|---|---|---|
"""


def original_off(data, file: str, golden: Golden) -> tuple[float, float]:
    """Return how far the original's float32 run is off its float64 run: values, gradients."""
    start, worst = f"{golden.label}/", [0.0, 0.0]
    parts = ((golden.outputs, "out", 0), (golden.gradients, "grad", 1))
    for recorded, kind, place in parts:
        for name, wanted in recorded.items():
            key = f"{start}{kind}/{name}"
            if key in data.files and np.isfinite(wanted).all():
                turn = 2 * np.pi if kind == "out" and (file, name) in MODULO_A_TURN else None
                worst[place] = max(worst[place], off_by(data[key], wanted, turn))
    return worst[0], worst[1]


def table(full: Path) -> str:
    rows: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(6))
    for file, golden in all_cases():
        if golden.raises is not None or f"{file}/{golden.label}" in DIFFERS:
            continue
        outcomes = [compare(file, golden, dtype) for dtype in (np.float32, np.float64)]
        if not outcomes[0].function:
            continue
        with np.load(full / f"{file}.npz") as data:
            theirs = original_off(data, file, golden)
        ours = [
            max(found.values(), default=0.0)
            for kind in ("values", "gradients")
            for found in (getattr(outcome, kind) for outcome in outcomes)
        ]
        row = np.array([theirs[0], *ours[:2], theirs[1], *ours[2:]])
        rows[outcomes[0].function] = np.maximum(rows[outcomes[0].function], row)

    def text(x: float) -> str:
        if x == 0:
            return "0"
        return f"{x:.1e}" if x < 1e3 else "0 expected"

    lines = [f"| `{name}` | {' | '.join(map(text, row))} |" for name, row in sorted(rows.items())]
    return _HEAD + "\n".join(lines)


if __name__ == "__main__":
    print(table(Path(sys.argv[1])))
