"""Networks against recorded calls of the original's, values and all gradients."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from ddsp_ref.models.networks import (
    basic,
    convolutional,
    decoders,
    encoders,
    normalization,
    quantization,
    recurrent,
    residual,
)

from ...golden import load

HOMES = (basic, recurrent, normalization, convolutional, residual, quantization, decoders, encoders)
CLASSES = {
    name: value for home in HOMES for name, value in vars(home).items() if inspect.isclass(value)
}
# measured: 1.1e-14 and 2.8e-6, both by the encoder; everything else reaches 4e-7 in float32
PRECISIONS = [(np.float64, 1e-12), (np.float32, 6e-6)]

# what the original finds from the number of axes of its input
AXES = {"Normalize": {2: 0, 3: 1, 4: 2}, "ConditionalNorm": {4: 2}}


def recorded(*files):
    """Return the recorded calls of networks, and the name of the class of each."""
    found = []
    for file in files:
        for golden in load(file):
            name = golden.info["call"].split("(")[0].split(".")[-1]
            if name in CLASSES:
                found.append(pytest.param(name, golden, id=f"{file}-{golden.label}"))
    return found


def build(name, golden):
    settings = dict(golden.settings)
    if name in AXES:
        settings["n_position_axes"] = AXES[name][golden.inputs["x"].ndim]
    return CLASSES[name](**settings)


def inputs_of(net, golden, dtype):
    arrays = {k: v.astype(dtype) for k, v in golden.inputs.items() if not k.startswith("w/")}
    if hasattr(net, "input_keys"):
        return arrays
    values = tuple(arrays.values())
    return values if len(values) > 1 else values[0]


def weights_of(arrays, dtype):
    return [arrays[k].astype(dtype) for k in sorted(k for k in arrays if k.startswith("w/"))]


def outputs_of(golden, y, arrays, dtype):
    """Return what was recorded for the outputs in the form that the network has."""
    if isinstance(y, dict):
        return {k: arrays[k].astype(dtype) for k in y}
    if isinstance(y, tuple):
        return tuple(arrays[str(i)].astype(dtype) for i in range(len(y)))
    return arrays["y"].astype(dtype)


def leaves(value):
    if isinstance(value, dict):
        return [value[k] for k in sorted(value)]
    return list(value) if isinstance(value, tuple) else [value]


def assert_near(got, wanted, bound, scale, what):
    assert got.shape == wanted.shape, f"{what}: {got.shape}, {wanted.shape}"
    error = np.abs(got - wanted).max()
    assert error <= bound * scale, f"{what}: off by {error:.3g}, {bound * scale:.3g} is allowed"


@pytest.mark.parametrize(("dtype", "bound"), PRECISIONS, ids=["float64", "float32"])
@pytest.mark.parametrize(
    ("name", "golden"),
    recorded("nn_fc", "nn_rnn", "nn_normalize", "nn_dilated_conv", "decoders", "encoders")
    + [p for p in recorded("nn_misc") if p.values[0] == "ResidualLayer"],
)
def test_agrees_with_the_original(name, golden, dtype, bound):
    net = build(name, golden)
    x, weights = inputs_of(net, golden, dtype), weights_of(golden.inputs, dtype)
    y, pullback = net.vjp(x, weights)
    for got, wanted in zip(leaves(y), leaves(outputs_of(golden, y, golden.outputs, np.float64))):
        assert got.dtype == dtype
        assert_near(got, wanted, bound, np.abs(wanted).max(), "value")
    for one, other in zip(leaves(y), leaves(net(x, weights))):
        np.testing.assert_array_equal(one, other)

    x_bar, weight_bars = pullback(outputs_of(golden, y, golden.cotangents, dtype))
    # Some gradients are 0 but for rounding: all are compared on the scale of the largest.
    scale = max(np.abs(g).max() for g in golden.gradients.values())
    wanted = [golden.gradients[k] for k in sorted(golden.gradients) if k.startswith("w/")]
    assert len(weight_bars) == len(wanted)
    for i, (got, want) in enumerate(zip(weight_bars, wanted)):
        assert got.dtype == dtype
        assert_near(got, want, bound, scale, f"weight {i}, {golden.info['weight_names'][i]}")
    keys = [k for k in golden.inputs if not k.startswith("w/")]
    by_key = x_bar if isinstance(x_bar, dict) else dict(zip(keys, leaves(x_bar)))
    for key in keys:
        want = golden.gradients.get(key, np.zeros(by_key[key].shape))
        assert_near(by_key[key], want, bound, scale, f"input {key}")
