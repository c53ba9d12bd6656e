"""The benchmarks cover the registry: an op without a workload would go unmeasured."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ddsp_ref.registry import all_ops

ROOT = Path(__file__).parents[1]


def test_every_op_has_a_workload():
    if not (ROOT / "benchmarks").exists():
        pytest.skip("benchmarks are not part of an installed package")
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks.workloads import WORKLOADS
    finally:
        sys.path.remove(str(ROOT))
    assert set(WORKLOADS) == set(all_ops())
