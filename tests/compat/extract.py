"""Keep what has no float64 run because it is whole: `python -m tests.compat.extract FULL_DIR`.

Counts, indices and masks of the original are the same in both of its runs, so the full golden data
hold them once, among the float32 outputs; `tests/golden` leaves those out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from ..golden.extract import FILES

WHERE = Path(__file__).parent / "whole_outputs.npz"


def whole_outputs(full: Path) -> dict[str, np.ndarray]:
    """Return what is not floating-point, by "file/case/out/name"."""
    kept = {}
    for name in FILES:
        with np.load(full / f"{name}.npz") as data:
            for key in data.files:
                if "/out/" in key and key.replace("/out/", "/out64/") not in data.files:
                    kept[f"{name}/{key}"] = data[key]
    return kept


if __name__ == "__main__":
    np.savez_compressed(WHERE, **whole_outputs(Path(sys.argv[1])))
