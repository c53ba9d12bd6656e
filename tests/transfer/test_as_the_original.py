"""The adjustment against recorded calls of magenta/ddsp 3.7.0, where it departs and where not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ddsp_ref.transfer import loudness
from ddsp_ref.transfer.adjust import adjust
from ddsp_ref.transfer.controls import Controls
from ddsp_ref.transfer.loudness import fit_loudness, quieten

from ..golden import load
from .test_adjust import VIOLIN, hum

NOTES = {golden.label: golden for golden in load("postprocessing")}


@pytest.fixture
def fitted():
    """Loudness, notes, quantiles of an instrument, and what the original made of them."""
    golden = NOTES["fit_quantile_inv_1d"]
    quantiles = np.quantile(golden.inputs["other"].astype(np.float64), np.linspace(0, 1, 101))
    heard = golden.inputs["loudness_db"].astype(np.float64)
    return heard, golden.inputs["mask_on"], quantiles, golden.outputs["loudness_norm"][:, 0]


def test_without_bounds_loudness_is_fitted_as_by_the_original(fitted, monkeypatch):
    heard, notes, quantiles, wanted = fitted
    monkeypatch.setattr(loudness, "_FLATTEST", 0.0)
    monkeypatch.setattr(loudness, "_STEEPEST", 1e9)
    off = np.abs(fit_loudness(heard, notes, quantiles) - wanted)[notes]
    # 25 quantiles joined by straight lines instead of 1000, and the last 2 % left out
    assert off.mean() < 0.3
    inner = (wanted > quantiles[2]) & (wanted < quantiles[98])
    assert np.quantile(off[inner[notes]], 0.95) < 1.0


def test_with_bounds_the_order_stays_and_slopes_are_bounded(fitted):
    heard, notes, quantiles, wanted = fitted
    order = np.argsort(heard)
    made = fit_loudness(heard, notes, quantiles)[order]
    steps, before = np.diff(made), np.diff(heard[order])
    assert (steps >= 0).all()
    assert (steps <= 2.0 * before + 1e-9).all()
    top = heard[order][1:] > np.quantile(heard[notes], 0.98)
    assert (steps[~top] >= 0.5 * before[~top] - 1e-9).all()
    middle = np.median(heard[notes])
    at_middle = fit_loudness(np.append(heard, middle), np.append(notes, False), quantiles)[-1]
    assert at_middle == pytest.approx(quantiles[50], abs=0.05)
    assert np.corrcoef(made, wanted[order])[0, 1] > 0.95


def test_at_the_usual_threshold_the_rest_is_turned_down_as_by_the_original():
    golden = NOTES["detect_notes_1d"]
    ratio = golden.outputs["note_on_ratio"]
    rest = ratio < 1
    assert 0.1 < rest.mean() < 0.9
    down = quieten(np.zeros(len(ratio)), ratio, 1.0, 20.0)
    np.testing.assert_allclose(down[rest], -20.0 * (1 - ratio[rest]), atol=1e-12)
    assert (down[~rest] == 0).all()


@pytest.mark.parametrize("threshold", [0.5, 1.5, 2.0])
def test_at_no_threshold_anything_is_turned_up(threshold):
    ratio = np.linspace(0.0, 3.0, 301)
    down = quieten(np.zeros(301), ratio, threshold, 60.0)
    assert (down <= 0).all()
    assert (np.diff(down) >= 0).all()
    assert down[0] == -60.0
    assert (down[ratio >= threshold] == 0).all()


def test_the_likelihood_is_the_originals_half_a_frame_later():
    """A network's confidence goes through the detection as it is; only the average is centred."""
    golden = NOTES["detect_notes_1d"]
    loudness_db, confidence = golden.inputs["loudness_db"], golden.inputs["f0_confidence"]
    n_frames = len(loudness_db)
    heard = dataclasses.replace(
        hum(n_frames=n_frames),
        loudness_db=loudness_db,
        f0_confidence=confidence,
        f0_tracker="crepe",
        voiced=np.ones(n_frames, bool),
    )
    likelihood = adjust(heard, VIOLIN, Controls()).likelihood
    # a centred box of 40 is the mean of the original's box and of the same a frame later
    power = np.pad(confidence.astype(np.float64) ** 2, 40)
    level = (loudness_db.astype(np.float64) + 80) / (0.49 * (loudness_db.mean(dtype=float) + 80))
    early = np.array([power[40 + t - 19 : 40 + t + 21].mean() for t in range(n_frames)])
    late = np.array([power[40 + t - 20 : 40 + t + 20].mean() for t in range(n_frames)])
    np.testing.assert_allclose(early * level, golden.outputs["note_on_ratio"], rtol=1e-6)
    np.testing.assert_allclose(likelihood, (early + late) / 2 * level, rtol=1e-5, atol=1e-7)


def test_a_held_note_stays_a_held_note():
    heard = hum(loudness_db=-20.0 + 0.4 * np.sin(np.arange(250)))
    played = adjust(heard, VIOLIN)
    middle = played.loudness_db[80:170]
    assert np.ptp(middle) < 2.0
    assert np.ptp(VIOLIN.statistics["loudness_db"]["quantiles"]) > 30


def test_quiet_frames_are_no_silence_where_loudness_goes_deeper():
    """The loudness of magenta/ddsp before 2.0 ends at -120 dB, not at -80 dB."""
    heard = np.array([-120.0, -90.0, -60.0, -50.0])
    notes = np.array([False, False, True, True])
    made = fit_loudness(heard, notes, np.linspace(-60.0, -50.0, 11), floor_db=-120.0)
    np.testing.assert_allclose(made[[0, 1]], [-120.0, -90.0], atol=0.5)
    assert fit_loudness(heard, notes, np.linspace(-60.0, -50.0, 11))[1] == -80.0
