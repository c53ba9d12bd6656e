"""Cutting things into blocks of random sizes."""

from __future__ import annotations

import numpy as np


def cuts(n: int, rng: np.random.Generator, most: int) -> list[slice]:
    """Return slices that follow on each other, from 0 to n; some of them are empty."""
    found, start = [], 0
    while start < n:
        stop = min(n, start + int(rng.integers(0, most + 1)))
        found.append(slice(start, stop))
        start = stop
    return found
