"""Layers against recorded calls of the original's networks, values and gradients."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.ops.layers.dense import dense
from ddsp_ref.ops.layers.gru import gru
from ddsp_ref.ops.layers.layer_norm import layer_norm
from ddsp_ref.ops.layers.leaky_relu import leaky_relu
from ddsp_ref.ops.layers.relu import relu

from ...check import assert_close
from ...golden import load

STACKS = load("nn_fc")
RECURRENT = {golden.label: golden for golden in load("nn_rnn")}
# float64 agrees to rounding; float32 as far as stacked layers carry it
PRECISIONS = [(np.float64, 1e-11), (np.float32, 2e-5)]


# TensorFlow keeps this slope as a float32, in networks of float64 too.
SLOPE = float(np.float32(0.2))


def weights_of(golden, dtype):
    names = sorted(name for name in golden.inputs if name.startswith("w/"))
    return names, [golden.inputs[name].astype(dtype) for name in names]


def run_stack(x, weights, nonlinearity, **settings):
    """Run dense, layer norm and nonlinearity as often as there are weights for it."""
    pullbacks, y = [], x
    for i in range(0, len(weights), 4):
        layers = [(dense, weights[i : i + 2], {})]
        if len(weights) >= i + 4:
            layers += [(layer_norm, weights[i + 2 : i + 4], {}), (nonlinearity, [], settings)]
        for op, own, own_settings in layers:
            y, pullback = op.vjp(y, *own, **own_settings)
            pullbacks.append(pullback)

    def pullback(y_bar):
        found = []
        for step in reversed(pullbacks):
            y_bar, *own = step(y_bar)
            found = own + found
        return y_bar, found

    return y, pullback


@pytest.mark.parametrize(("dtype", "bound"), PRECISIONS)
@pytest.mark.parametrize("golden", STACKS, ids=[g.label for g in STACKS])
def test_fully_connected_stack(golden, dtype, bound):
    leaky = golden.settings.get("nonlinearity") != "relu"
    nonlinearity, slope = (leaky_relu, {"slope": SLOPE}) if leaky else (relu, {})
    names, weights = weights_of(golden, dtype)
    y, pullback = run_stack(golden.inputs["x"].astype(dtype), weights, nonlinearity, **slope)
    assert_close(y, golden.outputs["y"], bound, "value")
    x_bar, weights_bar = pullback(golden.cotangents["y"].astype(dtype))
    # Some gradients are 0 but for rounding: compare all of them on the scale of the cotangent.
    scale = np.abs(golden.cotangents["y"]).max()
    for name, got in zip(["x", *names], [x_bar, *weights_bar]):
        wanted = golden.gradients[name]
        assert np.abs(got - wanted).max() <= bound * max(scale, np.abs(wanted).max()), name


@pytest.mark.parametrize(("dtype", "bound"), PRECISIONS)
@pytest.mark.parametrize("label", ["gru", "gru_long", "gru_last", "stateless_gru"])
def test_gru(label, dtype, bound):
    golden = RECURRENT[label]
    _, (kernel, recurrent_kernel, biases) = weights_of(golden, dtype)
    x = golden.inputs["x"].astype(dtype)
    state = golden.inputs.get("state", np.zeros((len(x), len(recurrent_kernel)))).astype(dtype)
    y, pullback = gru.vjp(x, state, kernel, recurrent_kernel, biases[0], biases[1])
    y_bar = np.zeros_like(y)
    if label == "gru_last":  # the original returns the last state only
        assert_close(y[:, -1], golden.outputs["y"], bound, "value")
        y_bar[:, -1] = golden.cotangents["y"]
    elif label == "stateless_gru":  # and here the sequence and the last state
        assert_close(y, golden.outputs["0"], bound, "value")
        assert_close(y[:, -1], golden.outputs["1"], bound, "state")
        y_bar += golden.cotangents["0"]
        y_bar[:, -1] += golden.cotangents["1"]
    else:
        assert_close(y, golden.outputs["y"], bound, "value")
        y_bar += golden.cotangents["y"]
    x_bar, state_bar, kernel_bar, recurrent_bar, bias_bar, recurrent_bias_bar = pullback(y_bar)
    got = {
        "x": x_bar,
        "w/00": kernel_bar,
        "w/01": recurrent_bar,
        "w/02": np.stack([bias_bar, recurrent_bias_bar]),
    }
    if "state" in golden.gradients:
        got["state"] = state_bar
    for name, wanted in golden.gradients.items():
        assert_close(got[name], wanted, bound, f"gradient of {name}")
