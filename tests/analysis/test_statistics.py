"""Note detection, quantiles and statistics against recorded calls of magenta/ddsp 3.7.0."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ddsp_ref.analysis.detection import detect_notes, smooth
from ddsp_ref.analysis.quantiles import (
    QuantileTransformer,
    fit_quantile_transform,
    match_quantiles,
)
from ddsp_ref.analysis.statistics import compute_dataset_statistics, get_stats
from ddsp_ref.errors import ParameterError

from ..golden import load

GOLDEN = {golden.label: golden for golden in load("postprocessing")}


def inputs_of(label, *names, dtype=np.float64):
    """Return recorded inputs, floats in the precision that the recorded results were made in."""
    arrays = [GOLDEN[label].inputs[name] for name in names]
    return [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]


def labels(start):
    return [label for label in GOLDEN if label.startswith(start)]


@pytest.mark.parametrize("label", labels("smooth"))
def test_smooth_is_that_of_the_original(label):
    golden = GOLDEN[label]
    (x,) = inputs_of(label, "x")
    np.testing.assert_allclose(smooth(x, **golden.settings), golden.outputs["y"], atol=1e-14)
    single = smooth(golden.inputs["x"], **golden.settings)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, golden.outputs["y"], atol=2e-7)


@pytest.mark.parametrize("size", [1, 2, 5, 8, 40, 100])
def test_a_centered_average_is_symmetric(size, rng):
    x = rng.standard_normal(30)
    np.testing.assert_allclose(
        smooth(x, filter_size=size, centered=True)[::-1],
        smooth(x[::-1], filter_size=size, centered=True),
        atol=1e-14,
    )
    impulse = np.zeros(2 * size + 1)
    impulse[size] = size
    for centered in (False, True):
        answer = smooth(impulse, filter_size=size, centered=centered)
        assert answer.sum() == pytest.approx(size)
        middle = answer @ np.arange(len(impulse)) / size
        assert middle == pytest.approx(size - (0.5 if size % 2 == 0 and not centered else 0))


@pytest.mark.parametrize("label", labels("detect_notes"))
def test_notes_are_those_of_the_original(label):
    golden = GOLDEN[label]
    mask_on, ratio = detect_notes(
        *inputs_of(label, "loudness_db", "f0_confidence"), **golden.settings
    )
    wanted = golden.outputs["note_on_ratio"]
    np.testing.assert_allclose(ratio, wanted, rtol=1e-12)
    threshold = golden.settings.get("note_threshold", 1.0)
    np.testing.assert_array_equal(mask_on, wanted >= threshold)
    assert 0 < mask_on.mean() < 1


def test_silence_has_no_notes():
    mask_on, ratio = detect_notes(np.full(50, -80.0), np.ones(50))
    assert not mask_on.any()
    np.testing.assert_array_equal(ratio, 0)


@pytest.mark.parametrize("label", labels("QuantileTransformer"))
def test_quantiles_are_those_of_the_original(label):
    golden = GOLDEN[label]
    x, z, u = inputs_of(label, "x", "z", "u")
    finite = np.isfinite(z).all(axis=1)
    assert finite.sum() == len(z) - 1  # the original passes NaN on
    transform = QuantileTransformer(**golden.settings)
    got = {
        "fit_transform": transform.fit_transform(x),
        "transform_z": transform.transform(z[finite]),
        "inverse_u": transform.inverse_transform(u),
        "quantiles_": transform.quantiles_,
        "references_": transform.references_,
    }
    assert transform.n_quantiles_ == len(got["references_"])
    for name, value in got.items():
        wanted = golden.outputs[name]
        wanted = wanted[finite] if name == "transform_z" else wanted
        np.testing.assert_allclose(value, wanted, rtol=1e-12, atol=1e-12, err_msg=name)
    again = QuantileTransformer.from_dict(json.loads(json.dumps(transform.to_dict())))
    np.testing.assert_array_equal(again.transform(z[finite]), got["transform_z"])
    assert repr(again) == repr(transform)
    assert transform.transform(x.astype(np.float32)).dtype == np.float32


def test_subsampling_is_repeatable_and_can_be_steered(rng):
    x = rng.standard_normal((500, 1))
    x_large = np.concatenate([x, x + 10])
    small = QuantileTransformer(n_quantiles=20, subsample=200)
    first = small.fit(x_large).quantiles_
    np.testing.assert_array_equal(small.fit(x_large).quantiles_, first)
    rows = np.random.RandomState(7).choice(1000, size=200, replace=False)
    wanted = QuantileTransformer(n_quantiles=20).fit(x_large[rows]).quantiles_
    steered = small.fit(x_large, np.random.RandomState(7)).quantiles_
    np.testing.assert_array_equal(steered, wanted)
    assert (steered != first).any()


def test_normal_output_has_the_normal_distribution(rng):
    x = rng.exponential(size=(4000, 1))
    y = QuantileTransformer(output_distribution="normal").fit_transform(x)[:, 0]
    inner = y[np.abs(y) < 5]
    assert abs(inner.mean()) < 0.02
    assert abs(inner.std() - 1) < 0.02
    assert np.abs(y).max() == pytest.approx(5.19933758)


@pytest.mark.parametrize("label", ["fit_quantile_2d", "fit_quantile_inv_1d"])
def test_loudness_is_fitted_as_by_the_original(label):
    golden = GOLDEN[label]
    loudness_db, mask_on = inputs_of(label, "loudness_db", "mask_on")
    transform = fit_quantile_transform(loudness_db, mask_on)
    np.testing.assert_allclose(transform.quantiles_, golden.outputs["quantiles_"], rtol=1e-14)
    if "other" in golden.inputs:
        (other,) = inputs_of(label, "other")
        wanted = fit_quantile_transform(other, np.full(other.shape, True))
        quantiles = golden.outputs["inv_quantiles_"]
        np.testing.assert_allclose(wanted.quantiles_, quantiles, rtol=1e-14)
        same, loudness_norm = match_quantiles(loudness_db, mask_on, wanted)
        np.testing.assert_array_equal(same.quantiles_, transform.quantiles_)
        column = golden.outputs["loudness_norm"]
        np.testing.assert_allclose(loudness_norm[:, None], column, rtol=1e-12)


def test_loudness_of_several_recordings_is_fitted_where_the_original_fails():
    assert "IndexError" in GOLDEN["fit_quantile_inv_2d"].raises
    loudness_db, mask_on, other = inputs_of(
        "fit_quantile_inv_2d", "loudness_db", "mask_on", "other"
    )
    wanted = QuantileTransformer().fit(other[:, None])
    _, both = match_quantiles(loudness_db, mask_on, wanted)
    _, in_a_row = match_quantiles(loudness_db.ravel(), mask_on.ravel(), wanted)
    np.testing.assert_array_equal(both.ravel(), in_a_row)
    np.testing.assert_array_equal(both[~mask_on], loudness_db[~mask_on])
    assert both[mask_on].max() == other.max()


FEATURES = ("loudness_db", "f0_hz", "f0_confidence", "audio")


@pytest.mark.parametrize(
    ("label", "frame_rate"),
    [("compute_dataset_statistics_50", 50), ("compute_dataset_statistics_250_centered", 250)],
)
def test_statistics_are_those_of_the_original(label, frame_rate):
    golden = GOLDEN[label]
    stats = compute_dataset_statistics(
        *inputs_of(label, *FEATURES), frame_rate=frame_rate, **golden.settings
    )
    transform = stats.pop("quantile_transform")
    scalars = {k: float(v) for k, v in golden.outputs.items() if "/" not in k}
    assert len(scalars) == 36
    assert stats == pytest.approx(scalars, rel=1e-11)
    for name in ("quantiles_", "references_"):
        wanted = golden.outputs[f"quantile_transform/{name}"]
        np.testing.assert_allclose(getattr(transform, name), wanted, rtol=1e-13)


@pytest.mark.parametrize(
    "label", ["compute_dataset_statistics", "compute_dataset_statistics_default"]
)
def test_statistics_are_made_where_the_original_fails(label):
    golden = GOLDEN[label]
    assert "IndexError" in golden.raises
    loudness_db, f0_hz, f0_confidence, audio = inputs_of(label, *FEATURES)
    stats = compute_dataset_statistics(loudness_db, f0_hz, f0_confidence, audio, **golden.settings)
    assert len(stats) == 37
    mask_on, _ = detect_notes(loudness_db[:, :230], f0_confidence[:, :230])
    assert stats["mean_loudness_note"] == pytest.approx(loudness_db[:, :230][mask_on].mean())
    assert stats["min_power"] <= stats["min_power_note"] <= stats["max_power_note"]


def test_power_belongs_to_the_notes_that_sound_at_that_time():
    loud = np.zeros((1, 250))
    loud[0, 50:150] = 1.0  # samples 3200 to 9600
    audio = np.repeat(loud, 64, axis=1) * 0.5 + 1e-3
    stats = compute_dataset_statistics(
        80 * loud - 80, np.full(loud.shape, 440.0), loud, audio, power_frame_size=320
    )
    # of the power's frames, 320 samples apart, 10 to 29 lie in the note; 10 is half in it
    assert stats["max_power_note"] == pytest.approx(20 * np.log10(0.501))
    assert stats["min_power_note"] == pytest.approx(10 * np.log10((0.501**2 + 1e-6) / 2))
    mean = (19 * stats["max_power_note"] + stats["min_power_note"]) / 20
    assert stats["mean_power_note"] == pytest.approx(mean)


def test_an_example_without_notes_counts_as_one():
    quiet = np.array([[-20.0] * 60, [-80.0] * 60])
    ones = np.ones((2, 60))
    stats = compute_dataset_statistics(quiet, 440 * ones, ones, np.full((2, 3840), 0.1))
    assert stats["min_loudness_note"] == -80
    assert stats["mean_min_loudness_note"] == -50


def test_get_stats_leaves_out_examples_without_frames():
    x = np.array([[1.0, 2.0], [3.0, 9.0], [5.0, 6.0]])
    stats = get_stats(x, "p", np.array([[True, False], [False, False], [True, True]]))
    assert stats["mean_max_p"] == 3.5
    assert stats["mean_min_p"] == 3.0
    assert stats["max_p"] == 6.0


X, MASK = np.zeros((2, 30)), np.ones((2, 30), bool)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: smooth(np.zeros(0)), "smooth: x has shape .0,., must hold at least one value"),
        (lambda: smooth(np.zeros(())), r"smooth: x has shape \(\), must have at least one axis"),
        (lambda: smooth(X, filter_size=0), "filter_size is 0, must be a whole number of at least"),
        (lambda: smooth(X, filter_size=2.5), "filter_size is 2.5, must be a whole"),
        (lambda: detect_notes(X, X[0]), r"f0_confidence has shape \(30,\), must be that of loud"),
        (lambda: detect_notes(X, X - 1), "f0_confidence is -1.0 at its lowest"),
        (lambda: detect_notes(X * np.nan, X), r"loudness_db is nan at index \(0, 0\)"),
        (lambda: detect_notes(X - 90, X), "min_db is -80.0, must be at most the mean loudness, -9"),
        (lambda: detect_notes(X, X, note_threshold=-1), "note_threshold is -1, must be a number"),
        (lambda: detect_notes(X, X, exponent=-1), "exponent is -1, must be a number at least 0"),
        (lambda: detect_notes(X, X, f0_confidence_threshold=1.2), "at most 1"),
        (lambda: QuantileTransformer(0), "n_quantiles is 0, must be a whole number of at least 1"),
        (lambda: QuantileTransformer(subsample=0), "subsample is 0"),
        (lambda: QuantileTransformer(output_distribution="x"), "must be 'uniform' or 'normal'"),
        (lambda: QuantileTransformer().fit(np.zeros(3)), r"fit: x has shape \(3,\), must have two"),
        (lambda: QuantileTransformer().fit([[np.nan]]), "fit: x is nan"),
        (lambda: QuantileTransformer().transform([[0.0]]), "nothing is fitted yet, call fit first"),
        (lambda: QuantileTransformer().fit(X).inverse_transform([[0.0]]), "must have 30 columns"),
        (lambda: QuantileTransformer.from_dict({}), "quantiles are missing"),
        (lambda: QuantileTransformer.from_dict({"quantiles": [[1], [0]]}), "decrease, must not"),
        (lambda: fit_quantile_transform(X, ~MASK), "mask_on is False everywhere"),
        (lambda: fit_quantile_transform(X, X), "mask_on has dtype float64, must be bool"),
        (lambda: fit_quantile_transform(X, MASK[:1]), "mask_on has shape"),
        (lambda: match_quantiles(X, MASK, QuantileTransformer()), "nothing is fitted yet"),
        (lambda: get_stats(X, "x", ~MASK), "note_mask is False everywhere"),
        (lambda: get_stats(X[0]), r"x has shape \(30,\), must have two axes"),
        (lambda: compute_dataset_statistics(X, X, X, X[:1]), "audio has 1 examples, must have as"),
        (lambda: compute_dataset_statistics(X, X[:, 1:], X, X), "f0_hz has shape"),
        (lambda: compute_dataset_statistics(X, X, X, X, trim_end=30), "trim_end is 30, must be le"),
        (lambda: compute_dataset_statistics(X, X, X, X, frame_rate=0), "frame_rate is 0, must be"),
    ],
)  # fmt: skip
def test_wrong_uses(call, message):
    with pytest.raises(ParameterError, match=message):
        call()
