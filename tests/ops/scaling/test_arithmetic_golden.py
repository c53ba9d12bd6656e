"""Logarithms, differences and the symmetric sigmoid against recorded calls of the original."""

from __future__ import annotations

import numpy as np
import pytest

import ddsp_ref
from ddsp_ref.errors import ParameterError

from ...golden import load
from ...golden.compare import assert_golden

RECORDED = load("unit_conversions")
LOGARITHMS = [g for g in RECORDED if g.label.startswith("log") and g.label[3] != "_"]
DIFFERENCES = [g for g in RECORDED if g.label.startswith("diff__")]
REPAIRS = [g for g in RECORDED if g.label.startswith("nan_to_num__")]


@pytest.mark.parametrize("golden", LOGARITHMS, ids=lambda g: g.label)
def test_logb_and_log10(golden):
    assert_golden(
        ddsp_ref.log_base,
        [golden.inputs["x"]],
        golden.settings,
        golden.outputs["y"],
        golden.cotangents["y"],
        [golden.gradients["x"]],
    )


@pytest.mark.parametrize("golden", DIFFERENCES, ids=lambda g: g.label)
def test_diff(golden):
    axis = golden.settings.get("axis", -1)
    x, y, y_bar, x_bar = (
        np.moveaxis(a, axis, -1)
        for a in (
            golden.inputs["x"],
            golden.outputs["y"],
            golden.cotangents["y"],
            golden.gradients["x"],
        )
    )
    assert_golden(ddsp_ref.difference, [x], {}, y, y_bar, [x_bar])


@pytest.mark.parametrize("golden", REPAIRS, ids=lambda g: g.label)
def test_nan_to_num_has_no_counterpart(golden):
    """What the original repairs, every op refuses by name and index."""
    with pytest.raises(ParameterError, match=r"x is nan at index \(1,\), must be finite"):
        ddsp_ref.difference(golden.inputs["x"])


@pytest.mark.parametrize("golden", load("sym_exp_sigmoid"), ids=lambda g: g.label)
def test_sym_exp_sigmoid(golden):
    assert_golden(
        ddsp_ref.sym_exp_sigmoid,
        [golden.inputs["x"]],
        golden.settings,
        golden.outputs["y"],
        golden.cotangents["y"],
        [golden.gradients["x"]],
    )


def test_all_kinds_are_recorded():
    assert [len(LOGARITHMS), len(DIFFERENCES), len(REPAIRS)] == [2, 2, 1]
