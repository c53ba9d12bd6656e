"""Delays against recorded calls of the original, values and gradients."""

from __future__ import annotations

import pytest

from ddsp_ref.ops.delays.variable_length_delay import variable_length_delay

from ...golden import load
from ...golden.compare import assert_golden

GOLDEN = load("variable_length_delay")


@pytest.mark.parametrize("golden", GOLDEN, ids=[g.label for g in GOLDEN])
def test_variable_length_delay(golden):
    """The case "edge" has whole delays, phase 1 (no delay) and phases outside of 0 to 1."""
    arrays = [golden.inputs["phase"][..., 0], golden.inputs["audio"]]
    gradients = [golden.gradients["phase"][..., 0], golden.gradients["audio"]]
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    assert_golden(variable_length_delay, arrays, golden.settings, y, y_bar, gradients)
