"""The losses on parameters and sinusoids against recorded calls of magenta/ddsp 3.7.0."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.registry import get_op

from ...golden import load
from ...golden.compare import assert_golden

PRECISION = 1e-14
OTHERS = {golden.label: golden for golden in load("losses_other")}
DIFFERENCES = load("mean_difference")


def rows(array):
    """Make rows of all axes but the last; a single axis is one row."""
    return array.reshape(-1, array.shape[-1])


def assert_same(golden, op_name, change, settings=None, order=None):
    """Hold an op to a recorded call whose arrays it takes in another shape or order."""
    names = list(golden.inputs) if order is None else order
    arrays = [change(golden.inputs[name]) for name in names]
    gradients = [change(golden.gradients[name]) for name in names]
    if "weights" not in golden.inputs and get_op(op_name).array_names[-1] == "weights":
        arrays, gradients = [*arrays, np.ones((1, 1), np.float32)], [*gradients, None]
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    settings = golden.settings if settings is None else settings
    assert_golden(get_op(op_name), arrays, settings, y, y_bar, gradients, precision=PRECISION)


@pytest.mark.parametrize("golden", DIFFERENCES, ids=[golden.label for golden in DIFFERENCES])
def test_mean_difference(golden):
    kind = golden.settings.get("loss_type", "COSINE").upper()
    if golden.label == "V1COSINE":
        # TensorFlow 1's function, which the original means, was recorded in float32 only
        arrays = [rows(golden.inputs[name]) for name in ("target", "value")]
        y, pullback = get_op("mean_difference").vjp(*arrays, np.ones((1, 1)), loss_type=kind)
        assert y == pytest.approx(golden.outputs["y"], rel=2e-7)
        for name, bar in zip(golden.inputs, pullback(golden.cotangents["y"])):
            np.testing.assert_allclose(bar, rows(golden.gradients[name]), rtol=2e-7)
    elif kind == "HUBER":
        assert "ValueError" in golden.raises
        arrays = [rows(array) for array in golden.inputs.values()]
        weights = arrays[2] if len(arrays) == 3 else np.ones((1, 1))
        with pytest.raises(ParameterError, match="loss_type is 'HUBER', must be one of L1, L2, C"):
            get_op("mean_difference")(*arrays[:2], weights, loss_type=kind)
    elif kind == "COSINE":
        # the original raises on TensorFlow 2; the formula, row by row
        assert "cosine_distance" in golden.raises
        arrays = [rows(array).astype(np.float64) for array in golden.inputs.values()]
        weights = arrays[2] if len(arrays) == 3 else np.ones((10, 1))
        wanted = np.mean([w * (1 - t @ v) for t, v, (w,) in zip(*arrays[:2], weights)])
        got = get_op("mean_difference")(*arrays[:2], weights, loss_type=kind)
        assert got == pytest.approx(wanted, rel=1e-14)
    else:
        assert_same(golden, "mean_difference", rows, {"loss_type": kind})


def test_all_cases_of_the_other_losses_are_compared():
    assert set(OTHERS) == {
        "amp_loss",
        "amp_loss_log",
        "freq_loss",
        "noise_consistency",
        "param_loss",
        "harmonic_consistency",
        "wasserstein_distance",
        "twm",
    }


@pytest.mark.parametrize("label", ["amp_loss", "amp_loss_log", "noise_consistency"])
def test_amplitude_loss(label):
    settings = {k: v for k, v in OTHERS[label].settings.items() if k != "weight"}
    assert_same(OTHERS[label], "amplitude_loss", rows, settings)


def test_frequency_loss():
    assert_same(OTHERS["freq_loss"], "frequency_loss", rows)


def test_parameter_loss_is_a_mean_difference():
    assert_same(OTHERS["param_loss"], "mean_difference", rows, {"loss_type": "L2"})


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_harmonic_consistency_loss(dtype):
    """The original has a last axis of 1, and takes the mean over the batch."""
    golden, op = OTHERS["harmonic_consistency"], get_op("harmonic_consistency_loss")
    outputs = ("harm_amp_loss", "harm_dist_loss", "f0_hz_loss")

    def squeeze(array):
        return array[..., 0] if array.shape[-1] == 1 else array

    arrays = [squeeze(array).astype(dtype) for array in golden.inputs.values()]
    losses, pullback = op.vjp(*arrays)
    single = dtype == np.float32
    for loss, name in zip(losses, outputs):
        np.testing.assert_allclose(
            loss.mean(), golden.outputs[name], rtol=2e-6 if single else 1e-14
        )
    cotangents = pullback([np.full(2, golden.cotangents[name] / 2, dtype) for name in outputs])
    for name, bar in zip(golden.inputs, cotangents):
        wanted = squeeze(golden.gradients[name])
        bound = (1e-5 if single else 1e-14) * np.abs(wanted).max()
        np.testing.assert_allclose(bar, wanted, rtol=0, atol=bound, err_msg=name)


def test_wasserstein_distance():
    assert_same(OTHERS["wasserstein_distance"], "wasserstein_distance", np.asarray)


def test_two_way_mismatch_loss():
    """All frames of the batch as frames of one signal, whose mean is that of the original."""
    assert_same(OTHERS["twm"], "two_way_mismatch_loss", rows)
