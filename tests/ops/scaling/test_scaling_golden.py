"""Scalings against recorded calls of the original, values and gradients."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.ops.scaling.exp_sigmoid import exp_sigmoid
from ddsp_ref.ops.scaling.normalize_harmonics import normalize_harmonics
from ddsp_ref.registry import all_ops

from ...check import assert_close
from ...golden import load
from ...golden.compare import assert_golden

# What the original calls by the names of our ops.
NAMES = {
    "unit_to_midi",
    "midi_to_unit",
    "midi_to_hz",
    "hz_to_midi",
    "unit_to_hz",
    "hz_to_unit",
    "db_to_amplitude",
    "db_to_power",
    "amplitude_to_db",
    "power_to_db",
    "safe_log",
    "safe_divide",
    "log_scale",
    "soft_limit",
    "gradient_reversal",
    "hz_to_bark",
    "bark_to_hz",
    "hz_to_mel",
    "mel_to_hz",
    "hz_to_erb",
}
# Recorded under names of the original's that are not ours: see test_arithmetic_golden.py.
OTHERS = {"logb", "log10", "diff", "nan_to_num"}
CONVERSIONS = [g for g in load("unit_conversions") if g.label.split("__")[0] in all_ops()]


def test_all_conversions_are_held_to_the_original():
    assert {g.label.split("__")[0] for g in CONVERSIONS} == NAMES
    assert {g.label.split("__")[0] for g in load("unit_conversions")} == NAMES | OTHERS


@pytest.mark.parametrize("golden", CONVERSIONS, ids=[g.label for g in CONVERSIONS])
def test_unit_conversions(golden):
    op = all_ops()[golden.label.split("__")[0]]
    settings = {key: value for key, value in golden.settings.items() if key != "use_tf"}
    gradients = [golden.gradients[name] for name in golden.inputs] if golden.gradients else None
    assert_golden(
        op,
        list(golden.inputs.values()),
        settings,
        golden.outputs["y"],
        golden.cotangents.get("y"),
        gradients,
    )


@pytest.mark.parametrize("golden", load("exp_sigmoid"), ids=lambda g: g.label)
def test_exp_sigmoid(golden):
    assert_golden(
        exp_sigmoid,
        [golden.inputs["x"]],
        golden.settings,
        golden.outputs["y"],
        golden.cotangents["y"],
        [golden.gradients["x"]],
    )


@pytest.mark.parametrize("golden", load("normalize_harmonics"), ids=lambda g: g.label)
def test_normalize_harmonics(golden):
    given = golden.inputs["harmonic_distribution"]
    settings = dict(golden.settings)
    if "f0_hz" in golden.inputs:
        f0_hz = golden.inputs["f0_hz"][..., 0]
    else:  # without f0 the original keeps all partials, whatever the sample rate
        f0_hz, settings = np.ones(given.shape[:-1], np.float32), {}
    assert_golden(
        normalize_harmonics,
        [given, f0_hz],
        settings,
        golden.outputs["y"],
        golden.cotangents["y"],
        [golden.gradients["harmonic_distribution"], None],
    )
    _, pullback = normalize_harmonics.vjp(given, f0_hz, **settings)
    assert_close(pullback(golden.cotangents["y"])[1], np.zeros(f0_hz.shape), 0, "f0_hz")
