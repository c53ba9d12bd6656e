"""The losses against recorded calls of magenta/ddsp 3.7.0."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.registry import get_op

from ...check import assert_close
from ...golden import load

OP = get_op("spectral_loss")
# The other terms of the original are settings that the op does not have.
RECORDED = [golden for golden in load("spectral_loss") if set(golden.settings) <= set(OP.settings)]

# How far float32 may be from the recorded double precision, as a fraction of the largest: of the
# value, of the cotangent of the target, of that of the audio. In the log terms a bin that happens
# to be near 0 pulls with 1 / |X|, has few valid digits in float32, and is the largest; in
# `default_sizes` the float32 run of the original itself is 0.11 away from its float64 run.
FLOAT32 = {
    "L1_logmag_weight": (2e-6, 4e-4, 4e-4),
    "L2_logmag_weight": (2e-5, 4e-2, 1e-3),
    "default_sizes": (2e-6, 0.11, 4e-4),
    "weights_scalar_per_batch": (2e-6, 3e-5, 3e-5),
}


def names(goldens):
    return [golden.label for golden in goldens]


def test_the_terms_that_are_there_are_all_compared():
    assert len(RECORDED) == 9


@pytest.mark.parametrize("golden", RECORDED, ids=names(RECORDED))
def test_value_and_gradient_are_those_of_the_original(golden):
    if golden.raises:
        with pytest.raises(ParameterError, match="'COSINE'"):
            OP(*golden.inputs.values(), **golden.settings)
        return
    # The original takes the mean over the batch, weighted if there are weights.
    n_batch = len(golden.inputs["audio"])
    share = np.ones(n_batch) / n_batch
    if "weights" in golden.inputs:
        share *= golden.inputs["weights"][:, 0, 0].astype(np.float64)
    y_bar = share * golden.cotangents["y"]
    bounds = FLOAT32.get(golden.label, (OP.float32_error, *[OP.float32_grad_error] * 2))
    for dtype, allowed in ((np.float64, [2e-15] * 3), (np.float32, bounds)):
        arrays = [golden.inputs[name].astype(dtype) for name in OP.array_names]
        y, pullback = OP.vjp(*arrays, **golden.settings)
        assert_close(share @ y, golden.outputs["y"], allowed[0], "value")
        for name, bar, bound in zip(OP.array_names, pullback(y_bar), allowed[1:]):
            assert_close(bar, golden.gradients[name], bound, f"{name}, {np.dtype(dtype).name}")
    if "weights" in golden.inputs:
        weights_bar = y * golden.cotangents["y"] / n_batch
        assert_close(weights_bar, golden.gradients["weights"][:, 0, 0], 2e-6, "weights")
