"""Medians, the limits of the machine, and Markdown tables."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence

import numpy as np


def median_ms(function: Callable[[], object], seconds: float = 1.0, at_least: int = 5) -> float:
    """Return the median time of a call in milliseconds, after one call that is not counted."""
    function()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < at_least or (time.perf_counter() < end and len(times) < 1000):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def multiply_add_peak(dtype) -> float:
    """Return the multiply-adds per second that a large matrix product reaches here."""
    n = 2048
    a = np.ones((n, n), dtype)
    return n**3 / (1e-3 * median_ms(lambda: a @ a))


def copy_bandwidth() -> float:
    """Return the bytes per second, read and written, of copying a large array."""
    a = np.ones(1 << 25, np.float32)
    b = np.empty_like(a)
    return 2 * a.nbytes / (1e-3 * median_ms(lambda: np.copyto(b, a)))


def machine() -> str:
    """Say on what the figures were measured."""
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            cpu = next(line.split(":")[1].strip() for line in file if "model name" in line)
    except (OSError, StopIteration):
        pass
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
