"""The spectral losses against recorded calls of magenta/ddsp 3.7.0."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.registry import get_op

from ...check import assert_close
from ...golden import load

RECORDED = {golden.label: golden for golden in load("spectral_loss")}
PLAIN = [
    golden for golden in RECORDED.values() if not golden.raises and "weights" not in golden.inputs
]
both_types = pytest.mark.parametrize("dtype", [np.float64, np.float32])

# How far float32 may be from the recorded double precision, as a fraction of the largest: of the
# value, of the cotangent of the target, of that of the audio. In the log terms a bin that happens
# to be near 0 pulls with 1 / |X|, has few valid digits in float32, and is the largest; in
# `default_sizes` the float32 run of the original itself is 0.11 away from its float64 run.
FLOAT32 = {
    "L1_logmag_weight": (2e-6, 4e-4, 4e-4),
    "L2_logmag_weight": (2e-5, 4e-2, 1e-3),
    "L1_all": (2e-6, 4e-4, 4e-4),
    "L2_all": (2e-6, 1e-3, 4e-4),
    "default_sizes": (2e-6, 0.11, 4e-4),
}
# The same bins in double precision: our transform and that of TensorFlow round otherwise, each to
# 5e-16 of the largest value of a frame; times a few thousand for the bin next to 0, this is 1e-12.
FLOAT64 = {"L1_logmag_weight": (1e-14, 1e-12, 1e-12), "default_sizes": (1e-14, 1e-12, 1e-12)}


def test_all_cases_are_compared():
    assert len(PLAIN) == 17
    assert set(RECORDED) - {golden.label for golden in PLAIN} == {
        "cosine",
        "weights_scalar_per_batch",
    }


@both_types
@pytest.mark.parametrize("golden", PLAIN, ids=[golden.label for golden in PLAIN])
def test_value_and_gradient_are_those_of_the_original(golden, dtype):
    """The original takes the mean over the batch."""
    op = get_op("spectral_loss")
    bounds = FLOAT64.get(golden.label, [1e-14] * 3)
    if dtype == np.float32:
        usual = op.float32_error, op.float32_grad_error, op.float32_grad_error
        bounds = FLOAT32.get(golden.label, usual)
    arrays = [golden.inputs[name].astype(dtype) for name in op.array_names]
    y, pullback = op.vjp(*arrays, **golden.settings)
    assert_close(y.mean(), golden.outputs["y"], bounds[0], "value")
    y_bar = np.full(len(y), golden.cotangents["y"] / len(y))
    for name, bar, bound in zip(op.array_names, pullback(y_bar), bounds[1:]):
        assert_close(bar, golden.gradients[name], bound, f"{name}, {np.dtype(dtype).name}")


@both_types
def test_weights_of_signals(dtype):
    golden, op = RECORDED["weights_scalar_per_batch"], get_op("weighted_spectral_loss")
    arrays = [golden.inputs[name].astype(dtype) for name in op.array_names]
    y, pullback = op.vjp(*arrays, **golden.settings)
    single = dtype == np.float32
    assert_close(y.mean(), golden.outputs["y"], 2e-6 if single else 2e-15, "value")
    for name, bar in zip(op.array_names, pullback(np.full(2, golden.cotangents["y"] / 2))):
        # float32: the sign of a difference of magnitudes that are equal but for their last digits
        bound = 3e-5 if single else 1e-14
        assert_close(bar, golden.gradients[name], bound, f"{name}, {np.dtype(dtype).name}")


def test_cosine_is_that_of_tensorflow_1():
    """The original raises: it looks for the function under the name it had in TensorFlow 1."""
    golden, op = RECORDED["cosine"], get_op("spectral_loss")
    assert "no attribute 'cosine_distance'" in golden.raises
    arrays = [golden.inputs[name].astype(np.float64) for name in op.array_names]
    wanted = 0.0
    for size in golden.settings["fft_sizes"]:
        target, value = (get_op("stft_magnitude")(array, fft_size=size) for array in arrays)
        wanted = wanted + np.mean(1 - np.einsum("bfk,bfk->bf", target, value), axis=1)
    np.testing.assert_allclose(op(*arrays, **golden.settings), wanted, rtol=1e-13)
