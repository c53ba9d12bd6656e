"""Sinc filters and windows of responses against recorded calls of the original."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.ops.filters.apply_window_to_impulse_response import apply_window_to_impulse_response
from ddsp_ref.ops.filters.sinc_filter import sinc_filter
from ddsp_ref.ops.filters.sinc_impulse_response import sinc_impulse_response

from ...golden import load
from ...golden.compare import assert_golden


def cases(name):
    golden = load(name)
    return pytest.mark.parametrize("golden", golden, ids=[g.label for g in golden])


@cases("apply_window_to_impulse_response")
def test_apply_window_to_impulse_response(golden):
    response = golden.inputs["impulse_response"]
    if golden.settings["window_size"] == 1:  # the documented difference: nothing is left
        assert not golden.outputs["y"].any()
        with pytest.raises(ParameterError, match="no tap is left"):
            apply_window_to_impulse_response(response, **golden.settings)
        return
    gradients = [golden.gradients["impulse_response"]]
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    assert_golden(
        apply_window_to_impulse_response, [response], golden.settings, y, y_bar, gradients
    )


@cases("sinc_impulse_response")
def test_sinc_impulse_response(golden):
    """At a cutoff of exactly 0, and only there, the original's own gradient is left out."""
    cutoff = golden.inputs["cutoff_frequency"][..., 0]
    gradient = golden.gradients["cutoff_frequency"][..., 0]
    assert np.abs(gradient[cutoff == 0]).max(initial=0.0) == 0
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    assert_golden(sinc_impulse_response, [cutoff], golden.settings, y, y_bar, [gradient])


@cases("sinc_filter")
def test_sinc_filter(golden):
    arrays = [golden.inputs["audio"], golden.inputs["cutoff_frequency"][..., 0]]
    gradients = [golden.gradients["audio"], golden.gradients["cutoff_frequency"][..., 0]]
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    assert_golden(sinc_filter, arrays, golden.settings, y, y_bar, gradients)
