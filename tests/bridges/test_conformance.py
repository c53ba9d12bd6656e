"""The kit finds nothing to complain about when it goes through a bridge."""

from __future__ import annotations

import importlib
import importlib.util

import numba
import pytest

from ddsp_ref.conformance.chains import judged_ops
from ddsp_ref.conformance.runner import run
from ddsp_ref.registry import all_ops

# JAX compiles a program for every shape of every case; all ops together take a minute and more
FOR_JAX = ("angular_cumsum", "exp_sigmoid", "fft_convolve", "harmonic_synthesis", "chain_training")


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="minutes without compilation")
@pytest.mark.parametrize("name", ["autograd", "torch", "jax"])
def test_ops_conform_through_a_bridge(name):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"needs {name}")
    bridge = importlib.import_module(f"ddsp_ref.bridges.{name}").bridge
    port = {op.name: bridge(op) for op in judged_ops().values()}
    ops = FOR_JAX if name == "jax" else all_ops()
    report = run(port, ops=ops, dtypes=["float32"])
    assert report.about["backend"] == name, "the backend was not found"
    assert [(v.key, v.status, v.text) for v in report.verdicts if v.status != "passed"] == []
