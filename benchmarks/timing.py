"""Medians, the limits of the machine, and Markdown tables."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence

import numpy as np

from ddsp_ref.jit import get_num_threads, njit, run_parts
from ddsp_ref.ops._products import _ROW, _add_products, aligned_room, as_tiles


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


@njit
def _multiply_adds(weights, tiles, sums, n):
    for _ in range(n):
        _add_products(weights, tiles, tiles.shape[0], sums, tiles.shape[1] // 4)


def multiply_add_peak(dtype) -> float:
    """Return the multiply-adds per second of all cores together.

    The better of a large matrix product of the linear algebra library, which may not know the
    processor, and of four by four rows of 128 numbers that stay in the fastest cache.
    """
    a = np.ones((2048, 2048), dtype)
    product = len(a) ** 3 / (1e-3 * median_ms(lambda: a @ a))
    n, n_threads, tiles = 20_000, get_num_threads(), as_tiles(np.ones((16, 128), dtype), dtype)[0]
    weights, sums = np.zeros((4, 16), dtype), aligned_room(n_threads * 4 * _ROW, dtype)
    sums[:] = 0
    parts = [(weights, tiles, rows, n) for rows in sums.reshape(n_threads, 4 * _ROW)]
    milliseconds = median_ms(lambda: run_parts(_multiply_adds, parts))
    return max(product, n_threads * n * 4 * tiles.size / (1e-3 * milliseconds))


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
