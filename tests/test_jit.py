"""The thread pool and the compiler's flags."""

from __future__ import annotations

import os
import subprocess
import sys

import numba
import numpy as np
import pytest

from ddsp_ref import get_num_threads, jit, set_num_threads
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
