"""Resampling against recorded calls of the original, values and gradients."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.ops.resampling.center_crop import center_crop
from ddsp_ref.ops.resampling.resample_cubic import resample_cubic
from ddsp_ref.ops.resampling.resample_linear import resample_linear
from ddsp_ref.ops.resampling.resample_nearest import resample_nearest
from ddsp_ref.ops.resampling.resample_window import resample_window

from ...golden import load
from ...golden.compare import assert_golden

OPS = {
    "nearest": resample_nearest,
    "linear": resample_linear,
    "cubic": resample_cubic,
    "window": resample_window,
}
GOLDEN = [g for g in load("resample") if g.settings.get("method") in OPS]


def as_channels(array):
    """Bring any of the original's shapes to (..., n_frames, n_channels)."""
    if array.ndim == 1:
        return array[:, None]
    if array.ndim == 2:
        return array[..., None]
    return array.reshape(*array.shape[:2], -1)


@pytest.mark.parametrize("golden", GOLDEN, ids=[g.label for g in GOLDEN])
def test_resample(golden):
    op = OPS[golden.settings["method"]]
    settings = {
        "n_samples": golden.settings["n_timesteps"],
        "add_endpoint": golden.settings.get("add_endpoint", True),
    }
    x = as_channels(golden.inputs["inputs"])
    if golden.raises and "3 dimensions" in golden.raises:  # further axes are channels here
        assert op(x, **settings).shape[-2] == settings["n_samples"]
        return
    if golden.raises:
        with pytest.raises(ParameterError):
            op(x, **settings)
        return
    assert_golden(
        op,
        [x],
        settings,
        as_channels(golden.outputs["y"]),
        as_channels(golden.cotangents["y"]),
        [as_channels(golden.gradients["inputs"])],
    )


WINDOWS = load("upsample_with_windows")


@pytest.mark.parametrize("golden", WINDOWS, ids=[g.label for g in WINDOWS])
def test_upsample_with_windows(golden):
    x = golden.inputs["inputs"]
    settings = {
        "n_samples": golden.settings["n_timesteps"],
        "add_endpoint": golden.settings.get("add_endpoint", True),
    }
    if golden.label == "err2d":  # two axes are one signal with channels here
        assert resample_window(x, **settings).shape == (20, 5)
        return
    if golden.raises:
        with pytest.raises(ParameterError):
            resample_window(x, **settings)
        return
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    assert_golden(resample_window, [x], settings, y, y_bar, [golden.gradients["inputs"]])


CROPS = [g for g in load("resample") if "center_crop" in g.info["call"]]


@pytest.mark.parametrize("golden", CROPS, ids=[g.label for g in CROPS])
def test_center_crop(golden):
    gradients = [golden.gradients["audio"]]
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    assert_golden(center_crop, [golden.inputs["audio"]], golden.settings, y, y_bar, gradients)


def test_no_recorded_call_is_left_out():
    seen = {g.label for g in (*GOLDEN, *CROPS)}
    # another function, and a method that there is not
    assert {g.label for g in load("resample")} - seen == {"pad_axis", "bad_method"}


def test_a_constant_stays_constant():
    x = np.full((5, 2), 0.3)
    for op in OPS.values():
        np.testing.assert_allclose(op(x, n_samples=50), 0.3, rtol=1e-15)
