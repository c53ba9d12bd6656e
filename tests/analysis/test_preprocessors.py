"""Preprocessors against recorded calls of magenta/ddsp 3.7.0, value and gradient."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.analysis.preprocessors import (
    F0LoudnessPreprocessor,
    F0PowerPreprocessor,
    OnlineF0PowerPreprocessor,
)
from ddsp_ref.analysis.scaling import scale_f0, scale_f0_vjp, unscale_f0, unscale_f0_vjp
from ddsp_ref.errors import ParameterError
from ddsp_ref.ops.scaling.unit_db import db_to_unit, unit_to_db

from ..check import assert_close
from ..golden import load
from ..golden.compare import assert_golden

GOLDEN = {golden.label: golden for golden in load("preprocessing")}
CLASSES = {"f0loudness": F0LoudnessPreprocessor, "f0power": F0PowerPreprocessor}
RECORDED = [g for name, g in GOLDEN.items() if name.startswith("f0") and not g.raises]
# Float32 through resampling, spectra and a logarithm; the audio's cotangent sums over frames.
FLOAT32_VALUE, FLOAT32_GRADIENT = 1e-6, 5e-6


def flat(array, shape):
    """Drop or add the batch and channel axes of size 1 that the original has or wants."""
    return np.asarray(array).reshape(shape)


def assert_same(preprocessor, inputs, golden, names):
    """Compare outputs and cotangents of the inputs called `names`, in both precisions."""
    for dtype, value_bound, gradient_bound in (
        (np.float64, 1e-12, 1e-11),
        (np.float32, FLOAT32_VALUE, FLOAT32_GRADIENT),
    ):
        arrays = [a.astype(dtype) for a in inputs]
        outputs, pullback = preprocessor.vjp(*arrays)
        assert preprocessor(*arrays).keys() == set(golden.outputs)
        bars = []
        for name, output in zip(preprocessor.outputs, outputs):
            assert output.dtype == dtype
            wanted = flat(golden.outputs[name], output.shape)
            assert_close(output, wanted, value_bound, name)
            bars.append(flat(golden.cotangents[name], output.shape).astype(dtype))
        for name, bar, array in zip(names, pullback(*bars), arrays):
            assert bar.shape == array.shape
            wanted = flat(golden.gradients[name], array.shape)
            assert_close(bar, wanted, gradient_bound, f"cotangent of {name}")


@pytest.mark.parametrize("golden", RECORDED, ids=lambda golden: golden.label)
def test_outputs_and_gradients_are_those_of_the_original(golden):
    kind, settings = CLASSES[golden.label.split("_")[0]], dict(golden.settings)
    settings["n_frames"] = settings.pop("time_steps")
    if "power_db" in golden.inputs:
        settings["compute_power"] = False
    source = next(n for n in ("audio", "loudness_db", "power_db") if n in golden.inputs)
    inputs = [golden.inputs[n] for n in ("f0_hz", source)]
    inputs = [a[..., 0] if a.ndim == 3 else a for a in inputs]
    assert_same(kind(**settings), inputs, golden, ["f0_hz", source])


def test_online_outputs_and_gradients_are_those_of_the_original():
    golden = GOLDEN["online"]
    names = ["f0_hz", "f0_confidence", "audio"]
    inputs = [golden.inputs[name] for name in names]
    assert_same(OnlineF0PowerPreprocessor(frame_rate=50), inputs, golden, names)


def test_scaling_of_levels_is_that_of_the_original():
    for label, op in (("scale_db", db_to_unit), ("inv_scale_db", unit_to_db)):
        golden = GOLDEN[label]
        arrays = [golden.inputs["x"]], {}, golden.outputs["y"], golden.cotangents["y"]
        assert_golden(op, *arrays, [golden.gradients["x"]])


@pytest.mark.parametrize(
    ("label", "scale", "vjp"),
    [("scale_f0_hz", scale_f0, scale_f0_vjp), ("inv_scale_f0_hz", unscale_f0, unscale_f0_vjp)],
)
def test_scaling_of_pitch_is_that_of_the_original(label, scale, vjp):
    golden = GOLDEN[label]
    for dtype, bound in ((np.float64, 1e-14), (np.float32, 2e-6)):
        y, pullback = vjp(golden.inputs["x"].astype(dtype))
        assert y.dtype == dtype
        np.testing.assert_array_equal(scale(golden.inputs["x"].astype(dtype)), y)
        assert_close(y, golden.outputs["y"], bound, label)
        bar = pullback(golden.cotangents["y"].astype(dtype))
        assert_close(bar, golden.gradients["x"], 5 * bound, f"cotangent, {label}")


@pytest.mark.parametrize("kind", [F0LoudnessPreprocessor, F0PowerPreprocessor])
def test_scaling_is_undone(kind, rng):
    setting = next(name for name in kind.__dataclass_fields__ if name.startswith("compute"))
    f0_hz, level_db = rng.uniform(50, 2000, 9), rng.uniform(-80, 0, 9)
    preprocessor = kind(n_frames=9, **{setting: False})
    outputs = preprocessor(f0_hz, level_db)
    back = preprocessor.invert_scaling(*[outputs[name] for name in preprocessor.outputs[2:]])
    np.testing.assert_allclose(back, [f0_hz, level_db], rtol=1e-12)


def test_what_the_original_refuses_is_refused():
    golden = GOLDEN["online_bad_steps"]
    arrays = [golden.inputs[name] for name in ("f0_hz", "f0_confidence", "audio")]
    with pytest.raises(ParameterError, match=r"f0_hz has shape \(2, 12\), must be \(2, 13\)"):
        OnlineF0PowerPreprocessor(frame_rate=50)(*arrays)
    assert GOLDEN["f0power_none"].raises  # here both inputs are positional, so none can be left out


@pytest.mark.parametrize("kind", [F0LoudnessPreprocessor, F0PowerPreprocessor])
def test_wrong_uses(kind):
    with pytest.raises(ParameterError, match="n_frames is 0, must be a whole number of at least 1"):
        kind(n_frames=0)
    with pytest.raises(ParameterError, match="frame_rate is 7000"):
        kind(frame_rate=7000)(np.ones(9), np.ones(4000))
    with pytest.raises(ParameterError, match="audio is nan"):
        kind()(np.ones(9), np.full(4000, np.nan))
    with pytest.raises(ParameterError, match=r"x has shape \(0, 1\), n_frames must be at least 1"):
        kind()(np.ones(0), np.ones(4000))
