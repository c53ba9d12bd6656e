"""The thread pool and the compiler's flags."""

from __future__ import annotations

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
