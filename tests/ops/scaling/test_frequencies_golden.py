"""Network outputs as frequencies against recorded calls of the original."""

from __future__ import annotations

import pytest

import ddsp_ref

from ...golden import load
from ...golden.compare import assert_golden

CASES = [
    (op, golden)
    for op in (
        ddsp_ref.frequencies_softmax,
        ddsp_ref.frequencies_sigmoid,
        ddsp_ref.frequencies_critical_bands,
    )
    for golden in load(op.name)
]


def with_depth(array, depth):
    """Give the components of a sinusoid an axis of their own, as the original does inside."""
    return array if array.ndim == 4 else array.reshape(*array.shape[:-1], -1, depth)


@pytest.mark.parametrize(("op", "golden"), CASES, ids=[f"{o.name}-{g.label}" for o, g in CASES])
def test_recorded_calls(op, golden):
    settings = dict(golden.settings)
    depth = settings.pop("depth", 1)
    assert_golden(
        op,
        [with_depth(golden.inputs["freqs"], depth)],
        settings,
        golden.outputs["y"],
        golden.cotangents["y"],
        [with_depth(golden.gradients["freqs"], depth)],
    )
