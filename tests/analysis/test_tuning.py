"""Tuning against recorded calls of magenta/ddsp 3.7.0, and on melodies that are known."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from ddsp_ref.analysis.tuning import SCALES, auto_tune, get_tuning_factor, infer_scale
from ddsp_ref.errors import ParameterError

from ..golden import load

GOLDEN = {golden.label: golden for golden in load("colab_utils")}
TUNED = [golden for label, golden in GOLDEN.items() if label.startswith("auto_tune")]


def inputs_of(golden):
    """Return pitch and confidence as the recorded float64 results were made from, and the mask."""
    f0_midi, f0_confidence = (
        golden.inputs[name].astype(np.float64) for name in ("f0_midi", "f0_confidence")
    )
    return f0_midi, f0_confidence, golden.inputs["mask_on"]


def test_tuning_is_that_of_the_original_and_without_rounding_the_true_one():
    golden = GOLDEN["get_tuning_factor"]
    found = get_tuning_factor(*inputs_of(golden), whole_notes=False)
    assert found == pytest.approx(float(golden.outputs["y"]), abs=1e-12)
    assert found == pytest.approx(0.22)
    # the pitches of the recorded call were made 23 cents sharp
    assert get_tuning_factor(*inputs_of(golden)) == pytest.approx(0.23)


@pytest.mark.parametrize("offset", [-0.4, -0.05, 0.0, 0.3, 0.49])
def test_known_tuning_is_found(offset, rng):
    f0_midi = np.repeat(rng.integers(40, 90, 30), 20) + offset
    f0_midi = f0_midi + 0.05 * rng.standard_normal(600)
    found = get_tuning_factor(f0_midi, np.ones(600), np.full(600, True))
    assert abs(found - offset) <= 0.0151


@pytest.mark.parametrize("n_frames", [1, 2, 50])
def test_a_single_note_is_tuned(n_frames):
    f0_midi = np.full(n_frames, 61.25)
    for whole_notes in (True, False):
        found = get_tuning_factor(
            f0_midi, np.ones(n_frames), np.full(n_frames, True), whole_notes=whole_notes
        )
        assert found == pytest.approx(0.25)


@pytest.mark.parametrize("golden", TUNED, ids=lambda golden: golden.label)
def test_pitch_is_pulled_as_by_the_original(golden):
    f0_midi, _, mask_on = inputs_of(golden)
    settings = dict(golden.settings)
    tuning_factor = settings.pop("tuning_factor")
    tuned = auto_tune(f0_midi, tuning_factor, mask_on, **settings)
    np.testing.assert_allclose(tuned, golden.outputs["y"], rtol=1e-13)
    single = auto_tune(golden.inputs["f0_midi"], tuning_factor, mask_on, **settings)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, golden.outputs["y"], rtol=1e-7)


def test_nearest_notes_are_those_of_a_search_over_all(rng):
    scales = np.ravel([np.array([0, 2, 4, 5, 7, 9, 11]) + 12 * i for i in range(10)])
    f0_midi = np.concatenate([rng.uniform(-5, 140, 300), np.arange(0, 131, 0.5)])
    far = np.stack([f0_midi[:, None] - scales - i for i in range(12)])
    assert infer_scale(f0_midi) == np.abs(far).min(axis=2).mean(axis=1).argmin()
    best = far[infer_scale(f0_midi)]
    moves = best[np.arange(len(best)), np.abs(best).argmin(axis=1)]
    tuned = auto_tune(f0_midi, 0.0, np.full(len(f0_midi), True), amount=1.0)
    np.testing.assert_allclose(tuned, f0_midi - moves, atol=1e-12)


@pytest.mark.parametrize("key", range(12))
def test_the_key_of_a_melody_is_found(key):
    melody = 60.0 + key + np.array([0, 2, 4, 5, 7, 9, 11, 12])
    assert infer_scale(melody) == key
    assert len(SCALES) == 12


def test_a_scale_can_be_tuned():
    melody = 62.3 + np.array([0.0, 2, 4, 5, 7, 9, 11])
    everywhere = np.full(7, True)
    tuned = auto_tune(melody, 0.3, everywhere, amount=1.0, tuned_scale=True)
    np.testing.assert_allclose(tuned, melody, atol=1e-12)
    piano = auto_tune(melody, 0.3, everywhere, amount=1.0)
    np.testing.assert_allclose(piano, melody - 0.3, atol=1e-12)


def test_memory_is_a_few_numbers_per_frame():
    n_frames = 20_000
    f0_midi = 60 + 5 * np.sin(np.arange(n_frames) / 100)
    everywhere = np.full(n_frames, True)
    tracemalloc.start()
    auto_tune(f0_midi, 0.0, everywhere, amount=1.0)
    get_tuning_factor(f0_midi, np.ones(n_frames), everywhere)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 12 * f0_midi.nbytes


F0, ON = np.full(9, 60.0), np.full(9, True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: get_tuning_factor(F0, F0, ~ON), "mask_on is False everywhere"),
        (lambda: get_tuning_factor(F0, F0[1:], ON), "f0_confidence has shape"),
        (lambda: get_tuning_factor(F0, F0, F0), "mask_on has dtype float64, must be bool"),
        (lambda: get_tuning_factor(F0[None], F0, ON), r"f0_midi has shape \(1, 9\), must have one"),
        (lambda: get_tuning_factor(F0[:0], F0, ON), "f0_midi has shape .0,., must hold at least"),
        (lambda: auto_tune(F0 * np.nan, 0.0, ON), r"f0_midi is nan at index \(0,\)"),
        (lambda: auto_tune(F0, 0.6, ON), "tuning_factor is 0.6, must be a number at least -0.5 an"),
        (lambda: auto_tune(F0, 0.0, ON, amount=2), "amount is 2, must be a number at least 0 and"),
        (lambda: auto_tune(F0, 0.0, ~ON), "mask_on is False everywhere, there is nothing to infer"),
        (lambda: infer_scale(np.zeros(0)), "infer_scale: f0_midi has shape"),
    ],
)
def test_wrong_uses(call, message):
    with pytest.raises(ParameterError, match=message):
        call()


def test_nothing_needs_to_sound_for_the_chromatic_scale():
    np.testing.assert_allclose(auto_tune(F0 + 0.2, 0.0, ~ON, amount=1.0, chromatic=True), F0)
