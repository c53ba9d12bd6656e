"""The thread pool and the compiler's flags."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np
import pytest

from ddsp_ref import (
    fft_convolve,
    frequency_filter,
    get_num_threads,
    harmonic_synthesis,
    jit,
    set_num_threads,
    spectral_loss,
)
from ddsp_ref.errors import ParameterError


def test_without_a_folder_for_the_cache_kernels_still_compile(monkeypatch):
    real = numba.njit

    def no_cache(*args, cache=False, **flags):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(*args, **flags)

    monkeypatch.setattr(numba, "njit", no_cache)
    assert jit.njit(lambda x: x + 1)(1) == 2


def test_parts_are_all_done_and_errors_come_out():
    before, done = get_num_threads(), np.zeros(40)
    try:
        set_num_threads(3)
        jit.run_parts(lambda start, stop: done[start:stop].fill(1), jit.ranges(40, 3))
        assert done.all()
        with pytest.raises(ZeroDivisionError):
            jit.run_parts(lambda n: 1 // n, [(1,), (0,), (2,)])
    finally:
        set_num_threads(before)


@pytest.mark.parametrize("n", [0, -1, 1.5, True, "2"])
def test_the_number_of_threads_is_a_whole_number(n):
    with pytest.raises(ParameterError, match="n_threads is"):
        set_num_threads(n)


@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="there is no cache")
def test_a_damaged_cache_is_made_anew(tmp_path):
    kernel = tmp_path / "kernel.py"
    kernel.write_text("from ddsp_ref.jit import njit\n@njit\ndef twice(x):\n    return 2 * x\n")
    command = [sys.executable, "-c", "import kernel; print(kernel.twice(21))"]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def run():
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout == "42\n"

    run()
    files = [path for path in (tmp_path / "cache").rglob("*") if path.suffix in (".nbi", ".nbc")]
    assert len(files) == 2
    for path in files:
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        run()
        assert len(path.read_bytes()) > len(whole) // 2, f"{path.suffix} was not written anew"


def test_calls_from_many_threads_at_once():
    """Each gives what it gives alone."""
    rng = np.random.default_rng(0)
    f0, amplitudes, shares = rng.uniform(100, 400, 50), np.ones(50), np.full((50, 8), 1 / 8)
    audio, taps = rng.standard_normal(3200), rng.standard_normal(900)
    calls = [
        lambda: harmonic_synthesis(f0, amplitudes, shares, n_samples=3200),
        lambda: fft_convolve(audio, taps),
        lambda: frequency_filter.vjp(audio, shares)[1](audio)[1],
        lambda: spectral_loss.vjp(audio, audio[::-1])[1](1.0)[1],
    ]
    alone = [call() for call in calls]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: calls[i % 4](), range(64)))
    for i, result in enumerate(found):
        np.testing.assert_array_equal(result, alone[i % 4])


@pytest.mark.slow
@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is compiled")
def test_compiling_can_be_stopped_and_shared(tmp_path):
    """Killed at any moment, then by two processes at once: the cache serves afterwards."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "ddsp_ref", "warmup"]

    def start():
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    for seconds in (1.5, 2.5, 4.0):
        process = start()
        time.sleep(seconds)
        process.kill()
        process.communicate()
    pair = [start(), start()]
    assert all("ready" in process.communicate()[0] for process in pair)
    assert [process.returncode for process in pair] == [0, 0]
    files = sum(path.suffix == ".nbc" for path in tmp_path.rglob("*"))
    assert "ready" in start().communicate()[0]
    assert sum(path.suffix == ".nbc" for path in tmp_path.rglob("*")) == files  # nothing anew


_HITS = """
import numpy as np
from ddsp_ref.ops import _products
_products.affine(np.ones((600, 40)), np.ones((40, 40)), np.zeros(40))
print(sum(_products.multiply.stats.cache_hits.values()))
"""


@pytest.mark.slow
@pytest.mark.skipif(not jit.COMPILED, reason="nothing is compiled")
def test_kernels_are_compiled_anew_when_what_they_call_has_changed(tmp_path):
    """Also where that stands in another file, which numba does not look at."""
    package = tmp_path / "ddsp_ref"
    skipped = shutil.ignore_patterns("__pycache__", "data", "instruments")
    shutil.copytree(Path(jit.__file__).parent, package, ignore=skipped)
    places = {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    how = {"env": os.environ | places, "cwd": tmp_path, "capture_output": True, "check": True}

    def hits():
        return int(subprocess.run([sys.executable, "-c", _HITS], **how).stdout)

    assert [hits(), hits()] == [0, 1]
    with open(package / "ops" / "oscillators" / "_series.py", "a") as file:
        file.write("# changed\n")
    assert hits() == 0


def _parts_of(path):
    """Return compiled functions whose results are arrays, and what others call; all names."""
    arrays, called = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("njit("):
            arrays.add(ast.unparse(node.targets[0]))
        if not isinstance(node, ast.FunctionDef):
            continue
        if any("njit" in ast.unparse(decorator) for decorator in node.decorator_list):
            returns = [ast.unparse(n.value) for n in ast.walk(node) if _returns_something(n)]
            if any(word in text for text in returns for word in ("np.", "aligned", "reshape", ":")):
                arrays.add(node.name)
        else:
            calls = [n.func for n in ast.walk(node) if isinstance(n, ast.Call)]
            called |= {ast.unparse(call).rpartition(".")[2] for call in calls}
    return arrays, called


def _returns_something(node):
    return isinstance(node, ast.Return) and node.value is not None


def test_arrays_that_kernels_return_stay_among_kernels():
    """numba 0.68 may load a function from its cache that no longer knows how to return an array.

    Seen where other kernels of the cache hold a copy of the function; they write to what they get.
    """
    parts = [_parts_of(path) for path in Path(jit.__file__).parent.rglob("*.py")]
    arrays = set().union(*(names for names, _ in parts))
    assert {"aligned", "make_room"} <= arrays
    assert arrays & set().union(*(names for _, names in parts)) == {"_compare_part"}  # numbers
