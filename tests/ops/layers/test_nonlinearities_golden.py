"""Nonlinearities against recorded calls of the original, by the names it knows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.models.networks.basic import NONLINEARITIES, Identity, activation

from ...golden import load
from ...golden.compare import assert_golden

CASES = load("nn_nonlinearity")


@pytest.mark.parametrize("golden", CASES, ids=[g.label for g in CASES])
def test_agrees_with_the_original(golden):
    name = golden.settings["name"]
    if golden.raises:
        with pytest.raises(ParameterError, match="no nonlinearity is called 'no_such'"):
            activation(name)
        return
    net = activation(name)
    if isinstance(net, Identity):
        assert name in (None, "linear")
        y, pullback = net.vjp(golden.inputs["x"], [])
        assert (y == golden.outputs["y"]).all()
        assert (pullback(golden.cotangents["y"])[0] == golden.gradients["x"]).all()
        return
    x, y, y_bar = golden.inputs["x"], golden.outputs["y"], golden.cotangents["y"]
    if name == "gelu":
        # TensorFlow rounds the root of 2 to float32, in float64 too: x Phi(s x) instead of x Phi(x)
        s = math.sqrt(2.0) / float(np.float32(math.sqrt(2.0)))
        x, y = s * x.astype(np.float64), s * y
    assert_golden(net.op, [x], net.settings, y, y_bar, [golden.gradients["x"]])


def test_every_name_is_recorded():
    assert set(NONLINEARITIES) <= {golden.settings["name"] for golden in CASES}
