"""Note masks, pooling, straight-through ops and polyphase against recorded calls."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.ops.layers.note_lengths import note_lengths
from ddsp_ref.ops.layers.note_mask import note_mask
from ddsp_ref.ops.layers.note_mask_from_onsets import note_mask_from_onsets
from ddsp_ref.ops.layers.note_moments import note_moments
from ddsp_ref.ops.layers.polyphase_resample import polyphase_resample
from ddsp_ref.ops.layers.pool_over_notes import pool_over_notes
from ddsp_ref.ops.layers.round_straight_through import round_straight_through

from ...check import assert_close
from ...golden import load
from ...golden.compare import assert_golden

MISC = {golden.label: golden for golden in load("nn_misc")}


@pytest.mark.parametrize("label", [label for label in MISC if label.startswith("polyphase")])
def test_polyphase(label):
    golden = MISC[label]
    settings = {
        "stride": golden.settings["stride"],
        "up": golden.settings["resample_type"] == "up",
        "trim": golden.settings["trim_or_pad"] == "trim",
    }
    x, y, y_bar = golden.inputs["x"], golden.outputs["y"], golden.cotangents["y"]
    assert_golden(polyphase_resample, [x], settings, y, y_bar, [golden.gradients["x"]])


def test_rounding_lets_the_gradient_pass():
    golden = MISC["st_int"]
    arrays, y, y_bar = [golden.inputs["x"]], golden.outputs["y"], golden.cotangents["y"]
    assert_golden(round_straight_through, arrays, {}, y, y_bar, [golden.gradients["x"]])


@pytest.mark.parametrize("label", [label for label in MISC if label.startswith("note_mask")])
def test_note_masks(label):
    golden = MISC[label]
    settings = {
        "n_regions": golden.settings["max_regions"],
        "note_on_only": golden.settings["note_on_only"],
    }
    op = note_mask_from_onsets if "onset" in golden.inputs else note_mask
    got = op(*golden.inputs.values(), **settings)
    np.testing.assert_array_equal(got, golden.outputs["y"])


def test_pooling_over_notes():
    """Values as recorded; the recorded gradients are not finite, ours are and are tested below."""
    golden = MISC["note_pool"]
    x = golden.inputs["x"].astype(np.float64)
    mask = note_mask(golden.inputs["q_pitch"].astype(np.float64), n_regions=9)
    found = {
        "moments": note_moments(x, mask),
        "pooled": pool_over_notes(x, mask),
    }
    for name, parts in found.items():
        for i, part in enumerate(parts):
            assert_close(part, golden.outputs[f"{name}/{i}"], 1e-12, f"{name}/{i}")
    np.testing.assert_array_equal(note_lengths(mask), golden.outputs["lengths"])
    assert not np.isfinite(golden.gradients["x"]).any()


def test_gradients_of_pooling_are_finite_where_the_original_s_are_not():
    """Leaving the empty notes out changes nothing for the others, and there all is smooth."""
    golden = MISC["note_pool"]
    x = golden.inputs["x"].astype(np.float64)
    mask = note_mask(golden.inputs["q_pitch"].astype(np.float64), n_regions=9)
    notes = np.flatnonzero(mask[0].any(axis=0))
    bars = tuple(golden.cotangents[f"pooled/{i}"] for i in range(2))
    x_bar, mask_bar = pool_over_notes.vjp(x, mask)[1](bars)
    assert np.isfinite(x_bar).all()
    assert np.isfinite(mask_bar).all()
    alone, _ = pool_over_notes.vjp(x, mask[..., notes])[1](bars)
    assert_close(x_bar, alone, 1e-13, "cotangent of x")

    direction = np.random.default_rng(0).standard_normal(x.shape)
    up, down = (pool_over_notes(x + h * direction, mask) for h in (1e-5, -1e-5))
    slope = sum(np.sum(b * (u - d)) for b, u, d in zip(bars, up, down)) / 2e-5
    assert abs(slope - np.sum(x_bar * direction)) <= 1e-8 * np.abs(x_bar * direction).sum()
