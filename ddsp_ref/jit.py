"""The only file that configures numba: the house flags and the thread pool."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue

import numba
import numpy as np

from ddsp_ref.errors import require

# Reordering of sums, fused multiply-add and reciprocals, but NaN and infinity keep their meaning.
RELAXED = {"reassoc", "contract", "arcp", "nsz"}

# Without it, under NUMBA_DISABLE_JIT, loops over every number take seconds.
COMPILED = not numba.config.DISABLE_JIT

# glibc hands every large array back to the system when it is freed, and the next one is paid for
# again, page by page: up to 40 % of the time of filtering a batch. Freeing one array of this size,
# which is never touched, tells it to keep arrays up to that size. Elsewhere this does nothing.
np.empty(31 << 20, np.uint8)
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


@lru_cache(maxsize=1)
def keep_memory() -> None:
    """Let the process keep up to 1 GB that it has freed, for those who will want it again.

    A training step takes and frees hundreds of megabytes. Paying for them page by page, every time,
    is a tenth of a step.
    """
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):  # a C library other than glibc
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_TRIM_THRESHOLD, 1 << 30)
            mallopt(_MMAP_THRESHOLD, 32 << 20)  # the largest there is


def _compile(function: Callable, fastmath: set[str] | bool = False) -> Callable:
    """Compile with the house flags: cached on disk, GIL released, division as in NumPy."""
    # nobody calls kernels from C: a wrapper less to compile
    flags = {"nogil": True, "error_model": "numpy", "fastmath": fastmath, "no_cfunc_wrapper": True}
    try:
        return _watch_cache(numba.njit(cache=True, **flags)(function))
    except RuntimeError:  # no folder that can be written: compile anew in every process
        return numba.njit(**flags)(function)


@lru_cache(maxsize=1)
def _shared_stamp() -> tuple[int, int]:
    """Return what changes with the files whose functions kernels of other files call.

    Kernels hold a copy of what they call, but numba looks at their own file only: after an update
    in place it would go on with copies of the past.
    """
    found = [file.stat() for file in Path(__file__).parent.glob("ops/**/_[!_]*.py")]
    return max((f.st_mtime_ns for f in found), default=0), sum(f.st_size for f in found)


def _watch_cache(kernel: Callable) -> Callable:
    """Compile a kernel anew if what it calls has changed, or its file in the cache is damaged."""
    cache = getattr(kernel, "_cache", None)  # there is none with NUMBA_DISABLE_JIT
    if cache is None:
        return kernel
    file = getattr(cache, "_cache_file", None)
    if hasattr(file, "_source_stamp"):
        file._source_stamp = file._source_stamp, _shared_stamp()
    load = cache.load_overload

    def load_overload(*arguments: object) -> object:
        try:
            return load(*arguments)
        except Exception:  # what a damaged pickle raises cannot be listed
            cache.flush()
            return None

    cache.load_overload = load_overload
    return kernel


def njit(function: Callable) -> Callable:
    """Compile a kernel; its numbers are those of its text, operation by operation."""
    return _compile(function)


def njit_relaxed(function: Callable) -> Callable:
    """Like `njit`, and sums may be reordered so that loops over them become vector code.

    For kernels whose float32 error has been measured; NaN and infinity are kept.
    """
    return _compile(function, RELAXED)


def read_only(array: np.ndarray) -> np.ndarray:
    """Return a view that cannot be written to: one kind of array, so that kernels compile once."""
    view = array.view()
    view.flags.writeable = False
    return view


def _default_threads() -> int:
    text = os.environ.get("DDSP_REF_NUM_THREADS", "")
    if text.isdigit() and int(text) > 0:
        return int(text)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


_state = threading.local()
_workers: _Workers | None = None
_workers_lock = threading.Lock()
_n_threads = _default_threads()


def get_num_threads() -> int:
    """Return how many threads kernels are split over."""
    return _n_threads


def set_num_threads(n_threads: int) -> None:
    """Set how many threads kernels are split over; results do not depend on it.

    The start value is the environment variable `DDSP_REF_NUM_THREADS`, else the number of cores.
    """
    global _n_threads
    require(
        isinstance(n_threads, int) and not isinstance(n_threads, bool) and n_threads >= 1,
        f"set_num_threads: n_threads is {n_threads!r}, must be a whole number of at least 1",
    )
    _n_threads = n_threads


def _forget_workers() -> None:
    """Drop the threads of the parent: after a fork they exist in name only."""
    global _workers, _workers_lock
    _workers, _workers_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)


class _Work:
    """One call's parts, which the threads take from one iterator."""

    def __init__(self, function: Callable, parts: list[tuple]) -> None:
        self._function: Callable | None = function
        self._rest = iter(parts)
        self._lock, self._all_done = threading.Lock(), threading.Lock()
        self._all_done.acquire()
        self._n_helpers, self._closed = 0, False
        self._error: BaseException | None = None

    def _take(self) -> None:
        """Work on parts until none are left."""
        _state.busy = True  # a kernel called from a part runs its own parts in that thread
        try:
            for part in self._rest:
                self._function(*part)
        finally:
            _state.busy = False
            for _ in self._rest:  # after an error or Ctrl-C, what has not begun must not go on
                pass

    def help(self) -> None:
        """Take part, if it is not too late for that."""
        with self._lock:
            if self._closed:
                return
            self._n_helpers += 1
        try:
            self._take()
        except BaseException as error:
            self._error = error
        with self._lock:
            self._n_helpers -= 1
            if self._closed and self._n_helpers == 0:
                self._all_done.release()

    def lead(self) -> None:
        """Take part, and wait for those who help: they write to memory of the caller."""
        try:
            self._take()
        finally:
            with self._lock:
                self._closed = True
                waiting = self._n_helpers > 0
            if waiting:
                self._wait()
            self._function = None  # may hold arrays, and still be in the queue of busy threads
        if self._error is not None:
            raise self._error

    def _wait(self) -> None:
        try:
            self._all_done.acquire()
        except BaseException:  # Ctrl-C must not return to the caller while others write
            self._all_done.acquire()
            raise


class _Workers:
    """Threads that help. An executor does the same, and takes 20 us longer for every call."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[_Work] = SimpleQueue()
        self._n_threads = 0

    def call(self, work: _Work, n_helpers: int) -> None:
        """Ask so many threads for help."""
        if self._n_threads < n_helpers:
            with _workers_lock:
                for i in range(self._n_threads, n_helpers):
                    threading.Thread(target=self._serve, name=f"ddsp_ref_{i}", daemon=True).start()
                self._n_threads = max(self._n_threads, n_helpers)
        for _ in range(n_helpers):
            self._queue.put(work)

    def _serve(self) -> None:
        while True:
            self._queue.get().help()


def _get_workers() -> _Workers:
    global _workers
    if _workers is None:
        with _workers_lock:
            _workers = _workers or _Workers()
    return _workers


def run_parts(function: Callable, parts: Iterable[tuple]) -> None:
    """Call `function(*part)` for every part, side by side; parts must write to disjoint memory.

    The parts are chosen by the caller from the sizes alone, never from the number of threads:
    that keeps results bit-identical on every machine.
    """
    parts = list(parts)
    n_helpers = min(_n_threads, len(parts)) - 1
    if n_helpers < 1 or getattr(_state, "busy", False):
        for part in parts:
            function(*part)
        return
    # This thread works as well: waking another one takes as long as a small part.
    work = _Work(function, parts)
    _get_workers().call(work, n_helpers)
    work.lead()


def ranges(n: int, size: int) -> list[tuple[int, int]]:
    """Split `range(n)` into consecutive (start, stop) pairs of at most `size`."""
    return [(start, min(start + size, n)) for start in range(0, n, size)]
