"""Metrics and scores, against recorded calls of magenta/ddsp 3.7.0 and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.analysis.metrics import f0_distance, is_outlier, l1_distance, raw_pitch_accuracy
from ddsp_ref.analysis.notes import Notes
from ddsp_ref.analysis.running import F0Metrics, LoudnessMetrics, RunningMean
from ddsp_ref.analysis.scores import (
    EvalCounts,
    MidiMetrics,
    compute_frame_metrics,
    compute_note_metrics,
    count_matches,
)
from ddsp_ref.errors import ParameterError
from ddsp_ref.ops.spectral.compute_loudness import compute_loudness

from ..golden import load

GOLDEN = {golden.label: golden for golden in load("metrics")}


def doubles(label):
    return {name: np.asarray(a, np.float64) for name, a in GOLDEN[label].inputs.items()}


@pytest.mark.parametrize("label", ["compute_audio_features_0", "compute_audio_features_1"])
def test_loudness_of_audio_features_is_that_of_the_original(label):
    golden = GOLDEN[label]
    got = compute_loudness(doubles(label)["audio"][0], **golden.settings)
    np.testing.assert_allclose(got, golden.outputs["y"], rtol=1e-11)


def test_distances_are_those_of_the_original():
    got = l1_distance(**{{"a": "prediction", "b": "ground_truth"}[k]: v
                         for k, v in doubles("l1_distance").items()})  # fmt: skip
    np.testing.assert_allclose(got, GOLDEN["l1_distance"].outputs["y"], rtol=1e-15)
    got = f0_distance(**doubles("f0_dist_conf_thresh"))
    assert got == pytest.approx(float(GOLDEN["f0_dist_conf_thresh"].outputs["y"]), rel=1e-14)
    recorded = [True, False, False]  # the golden files here keep floating-point results only
    assert [is_outlier(row) for row in GOLDEN["is_outlier"].inputs["conf"]] == recorded


def test_counts_are_those_of_the_original_but_for_f1_where_it_is_wrong():
    golden = GOLDEN["eval_counts"]
    wrong = 0
    for (tp, fp, fn), wanted in zip(golden.inputs["q"], golden.outputs["y"]):
        counts = EvalCounts(int(tp), int(fp), int(fn))
        got = counts.precision, counts.recall, counts.f1_magenta
        np.testing.assert_allclose(got, wanted, rtol=1e-15)
        assert counts.f1 == pytest.approx(2 * tp / max(2 * tp + fp + fn, 1))
        if counts.precision + counts.recall >= 1:
            assert counts.f1 == pytest.approx(wanted[2])
        else:
            assert counts.f1 >= wanted[2]
            wrong += counts.f1 > wanted[2]
    assert wrong >= 3


def test_counts_add_up():
    counts = EvalCounts(1, 2, 3)
    counts.add(EvalCounts(10, 20, 30))
    assert counts == EvalCounts(11, 22, 33)


def test_pitch_is_compared_where_it_is_sure():
    f0_hz, confidence = np.array([440.0, 0.0, 440.0, 440.0]), np.array([0.9, 0.9, 0.9, 0.1])
    generated = np.array([880.0, 440.0, 440.0, 1.0])
    assert f0_distance(f0_hz, generated, confidence) == pytest.approx((12 + 69) / 3)
    assert f0_distance(f0_hz, generated[:1], confidence) == pytest.approx(12)
    assert f0_distance(f0_hz, generated, 0.5 * confidence) is None
    assert f0_distance(f0_hz[::-1], generated[:1], confidence[::-1]) is None
    assert f0_distance(f0_hz, generated, 0.5 * confidence, min_confidence=0.4) == pytest.approx(27)


def test_pitch_accuracy_by_hand():
    f0_hz = np.array([440.0, 440.0, 440.0, 440.0, 0.0])
    cents = np.array([49.9, 50.1, 1249.0, -2451.0, 0.0])
    generated = np.array([440, 440, 440, 440, 50]) * 2 ** (cents / 1200)
    assert raw_pitch_accuracy(f0_hz, generated) == 0.25
    assert raw_pitch_accuracy(f0_hz, generated, chroma=True) == 0.5
    assert raw_pitch_accuracy(f0_hz, generated, chroma=True, tolerance_cents=60) == 1.0
    assert raw_pitch_accuracy(f0_hz, 0 * f0_hz) == 0.0
    assert raw_pitch_accuracy(0 * f0_hz, f0_hz) == 0.0


def test_running_means():
    mean = RunningMean()
    assert mean.result is None
    mean.add(np.float32(3.0))
    assert mean.result == 3.0
    loudness = LoudnessMetrics()
    assert loudness.results() == {"loudness_db": None}
    loudness.add(np.zeros(4), np.full(6, 2.0))
    loudness.add(np.zeros(4), np.array([4.0, -4.0, 4.0, -4.0]))
    assert loudness.results() == {"loudness_db": 3.0}


def test_recordings_with_a_wrong_pitch_are_outliers():
    sure, f0_hz = np.ones(3), np.full(3, 440.0)
    metrics = F0Metrics()
    metrics.add(f0_hz, 0.1 * sure, f0_hz)  # not sure: does not count at all
    assert set(metrics.results().values()) == {None}
    metrics.add(f0_hz, sure, 2 * f0_hz)
    metrics.add(f0_hz, sure, 2.1 * f0_hz[:2])
    assert metrics.results() == pytest.approx(
        {"f0_dist": 12.0, "outlier_ratio": 0.5, "raw_pitch_accuracy": 0.0,
         "raw_chroma_accuracy": 0.5}
    )  # fmt: skip
    every = F0Metrics(outlier_midi=None)
    every.add(f0_hz, sure, 4 * f0_hz)
    assert every.results()["f0_dist"] == pytest.approx(24)
    assert every.results()["outlier_ratio"] == 0
    with pytest.raises(ParameterError):
        every.add(f0_hz, sure, -f0_hz)
    assert every.f0_dist.count == 1  # a recording that cannot be judged leaves no trace


def notes_at(*triples):
    pitches, starts, ends = zip(*triples)
    return Notes(pitches, starts, ends, [70] * len(pitches), 100.0)


def test_notes_match_by_pitch_start_and_end():
    reference = notes_at((60, 0.0, 1.0), (62, 1.0, 2.0), (64, 2.0, 3.0), (65, 3.0, 3.1))
    estimate = notes_at((60, 0.05, 0.8), (62, 1.051, 2.0), (63, 2.0, 3.0), (65, 3.0, 3.15))
    onset, full_note = compute_note_metrics(reference, estimate)
    assert onset == EvalCounts(2, 2, 2)
    assert full_note == EvalCounts(2, 2, 2)
    short = notes_at((60, 0.0, 0.79), (65, 3.0, 3.151))
    assert compute_note_metrics(reference, short) == (EvalCounts(2, 0, 2), EvalCounts(0, 2, 4))
    # 50.04 ms are rounded to 50.0, 50.06 to 50.1
    for start, n_hits in ((0.05004, 1), (0.05006, 0), (-0.05004, 1)):
        assert count_matches(reference, notes_at((60, start, 1.0))).tp == n_hits


def test_as_many_notes_as_possible_are_paired():
    # taking the nearest first would leave the second reference alone
    reference = notes_at((60, 0.0, 1.0), (60, 0.04, 1.0))
    estimate = notes_at((60, 0.0, 1.0), (60, -0.04, 1.0))
    assert count_matches(reference, estimate) == EvalCounts(2, 0, 0)
    twice = notes_at((60, 0.0, 1.0), (60, 0.01, 1.0), (60, 0.02, 1.0))
    assert count_matches(notes_at((60, 0.0, 1.0)), twice) == EvalCounts(1, 2, 0)
    assert count_matches(twice, Notes([], [], [], [], 0.0)) == EvalCounts(0, 0, 3)
    assert count_matches(Notes([], [], [], [], 0.0), twice) == EvalCounts(0, 3, 0)


def test_the_pairs_are_the_most_there_can_be(rng):
    from itertools import permutations

    for _ in range(40):
        n, m = rng.integers(1, 6, 2)
        both = [
            notes_at(*[(60 + int(rng.integers(2)), float(s), float(s) + 1) for s in starts])
            for starts in (rng.uniform(0, 0.15, n), rng.uniform(0, 0.15, m))
        ]
        late = np.abs(both[0].starts_s[:, None] - both[1].starts_s)
        fits = np.round(late, 4) <= 0.05
        fits &= both[0].pitches_midi[:, None] == both[1].pitches_midi
        small, large = (fits, m) if n <= m else (fits.T, n)
        most = max(
            sum(row[k] for row, k in zip(small, order))
            for order in permutations(range(large), len(small))
        )
        assert count_matches(*both).tp == most


def test_scores_of_rolls_add_up():
    roll = np.zeros((40, 128))
    roll[2:12, 60] = roll[20:30, 64] = 1
    late = np.roll(roll, 5, axis=0)
    metrics = MidiMetrics(frame_rate=20, align=False)
    metrics.add(roll, roll)
    metrics.add(roll, late)
    assert (metrics.onset, metrics.full_note) == (EvalCounts(2, 2, 2), EvalCounts(2, 2, 2))
    assert metrics.frame == EvalCounts(30, 10, 10)
    assert metrics.results()["frame"] == pytest.approx(
        {"f1": 0.75, "precision": 0.75, "recall": 0.75}
    )
    # the pitch of the recording says that the notes were late, so the estimate is right
    f0_hz = np.zeros(40)
    f0_hz[5:12], f0_hz[22:30] = 261.6, 329.6
    aligned = MidiMetrics(frame_rate=20)
    aligned.add(roll, notes_at((60, 0.25, 0.6), (64, 1.1, 1.5)), f0_hz)
    assert aligned.onset == aligned.full_note == EvalCounts(2, 0, 0)
    with pytest.raises(ParameterError, match="f0_hz is missing"):
        aligned.add(roll, roll)
    with pytest.raises(ParameterError, match="must be that of reference_roll"):
        metrics.add(roll, roll[:9])
    assert metrics.onset == EvalCounts(2, 2, 2)


LINE, SQUARE = np.ones(4), np.ones((4, 4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: l1_distance(SQUARE, LINE), r"prediction has shape \(4, 4\), must have one axis"),
        (lambda: l1_distance(LINE, LINE[:0]), "ground_truth has shape .0,., must hold at least"),
        (lambda: l1_distance(LINE * np.nan, LINE), "prediction is nan at index"),
        (lambda: is_outlier(LINE, min_confidence=1.5), "min_confidence is 1.5, must be a number"),
        (lambda: f0_distance(LINE, LINE, LINE[1:]), r"f0_confidence has shape \(3,\), must be"),
        (lambda: f0_distance(LINE, LINE, LINE, min_confidence=-1), "min_confidence is -1"),
        (lambda: raw_pitch_accuracy(LINE, LINE[1:]), r"f0_hz_gen has shape \(3,\)"),
        (lambda: raw_pitch_accuracy(LINE, -LINE), "a frequency is -1.0 Hz, must be at least 0"),
        (lambda: raw_pitch_accuracy(LINE, LINE, tolerance_cents=0), "tolerance_cents is 0"),
        (lambda: count_matches(notes_at((1, 0, 1)), notes_at((1, 0, 1)), onset_tolerance=-1),
         "onset_tolerance is -1, must be a number at least 0"),
        (lambda: compute_frame_metrics(LINE, SQUARE), "reference_roll has shape .4,., must have t"),
        (lambda: compute_frame_metrics(SQUARE, SQUARE[1:]), "must be that of reference_roll"),
    ],
)  # fmt: skip
def test_wrong_uses(call, message):
    with pytest.raises(ParameterError, match=message):
        call()
