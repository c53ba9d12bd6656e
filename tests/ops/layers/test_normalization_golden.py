"""Group normalisation against recorded calls of the original's normalize_op."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ddsp_ref.ops.layers.group_norm import group_norm

from ...golden import load
from ...golden.compare import assert_golden

CASES = [g for g in load("nn_normalize") if "normalize_op" in g.label]


@pytest.mark.parametrize("golden", CASES, ids=[g.label for g in CASES])
def test_normalize_op(golden):
    x, y, y_bar = golden.inputs["x"], golden.outputs["y"], golden.cotangents["y"]
    norm_type = golden.settings["norm_type"]
    if norm_type is None:  # nothing is computed
        np.testing.assert_array_equal(x, y)
        return
    n_batch, n_channels = x.shape[0], x.shape[-1]
    n_groups = {"layer": 1, "instance": n_channels, "group": 32}[norm_type]
    flat = (n_batch, math.prod(x.shape[1:-1]), n_channels)
    arrays = [x.reshape(flat), np.ones(n_channels, "f4"), np.zeros(n_channels, "f4")]
    settings = {"n_groups": n_groups, "epsilon": golden.settings.get("eps", 1e-5)}
    gradients = [golden.gradients["x"].reshape(flat), None, None]
    assert_golden(group_norm, arrays, settings, y.reshape(flat), y_bar.reshape(flat), gradients)
