"""Cutting controls into notes, against recorded calls of magenta/ddsp 3.7.0."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.analysis.notes import Notes, align_notes_with_f0, segment_notes, segment_notes_batch
from ddsp_ref.analysis.rolls import notes_of_roll, roll_of_notes
from ddsp_ref.analysis.runs import get_active_frame_indices, remove_short, runs
from ddsp_ref.analysis.segmentation import (
    amp_pooled_outliers,
    midi_heuristic,
    midi_heuristic_power,
    power_pooled_outliers,
    strided_freq_change,
)
from ddsp_ref.analysis.windows import pad_for_frame, window_array
from ddsp_ref.errors import ParameterError

from ..golden import load

GOLDEN = {golden.label: golden for golden in load("heuristics")}

# Recorded masks as (start, stop) of what is True, and a recorded table of whole numbers: the golden
# files here keep floating-point results only.
STEADY = [(0, 25), (26, 27), (29, 50), (51, 75), (76, 77), (81, 88), (90, 97), (99, 100),
          (101, 116), (118, 125), (126, 150), (151, 154), (156, 175), (176, 200)]  # fmt: skip
LOUD = [(0, 31), (35, 77), (79, 120), (123, 165), (167, 200)]
NOTES = [(0, 16), (34, 50), (51, 61), (63, 75), (79, 94), (101, 119), (126, 150), (151, 164),
         (176, 191), (197, 200)]  # fmt: skip
FILLED = [(0, 33), (34, 71), (72, 90)]
REMOVED = [(5, 11), (25, 41), (42, 56), (91, 104)]
ACTIVE = [
    [0, 1, 2, 3, 0, 0, 0, 0, 1, 2, 3, 0, 0, 1, 2, 3, 0, 1, 2, 0],
    [0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 1, 2, 0, 1, 0, 1, 2, 0, 1, 0],
    [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0, 1, 2, 0, 1, 0, 0],
    [0, 0, 1, 2, 0, 0, 1, 2, 3, 0, 1, 2, 3, 4, 0, 1, 0, 1, 2, 3],
]


def controls_of(label):
    golden = GOLDEN[label]
    return golden.inputs["f0_hz"], golden.inputs["amplitudes"][0, :, 0]


def mask(text):
    return np.array([letter == "#" for letter in text], bool)


def test_steady_pitch_is_that_of_the_original():
    f0_hz, _ = controls_of("strided_freq_change")
    assert runs(strided_freq_change(f0_hz)) == STEADY
    # the first pitch is just below MIDI note 70 in float64, so it is padded with 69
    assert runs(strided_freq_change(f0_hz.astype(np.float64)))[0] == (1, 25)
    both = [strided_freq_change(f0_hz.astype(d), truncate_edges=False) for d in "fd"]
    np.testing.assert_array_equal(*both)


def test_loud_frames_are_those_of_the_original():
    _, amplitudes = controls_of("amp_pooled_outliers")
    assert runs(amp_pooled_outliers(amplitudes)) == LOUD


def test_notes_are_those_of_the_original():
    assert runs(midi_heuristic(*controls_of("midi_heuristic"))) == NOTES
    golden = GOLDEN["segment_notes"]
    f0_hz, amplitudes = (control.astype(np.float64) for control in controls_of("segment_notes"))
    notes = segment_notes(midi_heuristic(f0_hz, amplitudes), f0_hz, pick=golden.settings["f"])
    np.testing.assert_allclose(notes.rows(), golden.outputs["y"], rtol=1e-15)
    assert notes.total_s == 0.8
    same = segment_notes_batch([midi_heuristic(f0_hz, amplitudes)], [f0_hz], pick=np.median)[0]
    np.testing.assert_array_equal(same.rows(), notes.rows())


def test_short_notes_are_treated_as_by_the_original():
    for label, short, wanted in (("True", "fill", FILLED), ("False", "remove", REMOVED)):
        golden = GOLDEN[f"remove_short_{label}"]
        before = golden.inputs["v"].copy()
        got = remove_short(
            golden.inputs["v"], min_samples=golden.settings["min_samples"], short=short
        )
        assert runs(got) == wanted
        np.testing.assert_array_equal(golden.inputs["v"], before)


@pytest.mark.parametrize("mode", ["front", "center", "end"])
def test_padding_is_that_of_the_original(mode):
    golden = GOLDEN[f"pad_for_frame_{mode}"]
    vec = golden.inputs["vec"]
    np.testing.assert_array_equal(pad_for_frame(vec, **golden.settings), golden.outputs["y"])
    held = pad_for_frame(vec, **golden.settings, truncate_edges=False)
    assert set(held) == set(vec)


def test_windows_are_those_of_the_original():
    golden = GOLDEN["window_array"]
    array, wanted = golden.inputs["array"], golden.outputs["y"]
    np.testing.assert_array_equal(window_array(array, 20, 1.0), wanted)
    both = np.stack([array, 2 * array])
    got = window_array(both, 20, 1.0, axis=1)
    np.testing.assert_array_equal(got, [wanted, 2 * wanted])
    got = window_array(both.T, 20, 1.0)
    np.testing.assert_array_equal(got, np.moveaxis([wanted, 2 * wanted], 0, -1))


def test_rounding_does_not_shorten_windows():
    # 20 * (1 - 0.9) is 1.9999999999999996
    assert (window_array(np.ones(30), 20, 1.0, step_ratio=0.9)[0] == 0).sum() == 2
    assert window_array(np.ones(3), 10, 1.0).tolist() == [[0, 0, 1, 1, 1, 0, 0, 0, 0, 0]]


def test_frames_since_the_start_are_those_of_the_original():
    roll = GOLDEN["get_active_frame_indices"].inputs["roll"]
    np.testing.assert_array_equal(get_active_frame_indices(roll), np.transpose(ACTIVE))


def test_power_is_judged_where_the_original_fails():
    assert "LD_RANGE" in GOLDEN["power_pooled_outliers"].raises
    power_db = np.full(200, -30.0) + np.sin(np.arange(200))
    power_db[100:103] = -60.0
    power_db[190:] = -80.0
    got = power_pooled_outliers(power_db)
    assert runs(got) == [(0, 100), (103, 190)]
    f0_hz = np.full(200, 440.0)
    assert runs(midi_heuristic_power(f0_hz, power_db)) == [(0, 100), (103, 190)]


def test_equal_values_are_not_above_their_mean():
    for value in (0.1, 0.3, 1e-9, 0.0):
        assert not amp_pooled_outliers(np.full(300, value), truncate_edges=False).any()


def test_long_signals_are_judged_piece_by_piece(rng):
    amplitudes = rng.random(9000)
    got = amp_pooled_outliers(amplitudes, frame_width=5, num_devs=1.0)
    logs = np.log(amplitudes)
    padded = pad_for_frame(logs, "center", 5)
    frames = np.array([padded[i : i + 5] for i in range(9000)])
    np.testing.assert_array_equal(got, frames.mean(axis=1) - frames.std(axis=1) < logs)


def test_fractions_at_the_edge_need_not_count_as_a_change():
    f0_hz = np.full(50, 466.0)  # MIDI 69.99, padded with 69
    assert not strided_freq_change(f0_hz)[0]
    assert strided_freq_change(f0_hz, truncate_edges=False).all()


@pytest.mark.parametrize(
    ("short", "last", "before", "after"),
    [
        ("remove", "keep", "###.#..###..#", "###....###..#"),
        ("remove", "judge", "###.#..###..#", "###....###..."),
        ("attach", "keep", "#..###.#..#..", "...########.."),
        ("attach", "judge", "###..#", "######"),
        ("fill", "keep", "#..###.#..#..", "##.#########."),
        ("remove", "keep", "", ""),
        ("fill", "keep", "", ""),
        ("fill", "keep", "##", "##"),
    ],
)
def test_short_notes_by_hand(short, last, before, after):
    got = remove_short(mask(before), min_samples=3, short=short, last=last)
    np.testing.assert_array_equal(got, mask(after))


def test_nothing_is_shorter_than_no_frames():
    is_on = mask("#.##.#..#")
    for short in ("remove", "attach", "fill"):
        np.testing.assert_array_equal(remove_short(is_on, min_samples=0, short=short), is_on)


def test_rolls_and_notes_by_hand():
    roll = np.zeros((6, 3))
    roll[0:2, 1] = roll[3:6, 1] = roll[1:3, 2] = 1
    notes = notes_of_roll(roll, 4, lowest_midi=60)
    wanted = [[61, 0, 0.5, 70], [62, 0.25, 0.75, 70], [61, 0.75, 1.5, 70]]
    np.testing.assert_array_equal(notes.rows(), wanted)
    back = roll_of_notes(notes, 4, 6, lowest_midi=60, n_pitches=3)
    np.testing.assert_array_equal(back, roll)
    # a note takes up each frame that it touches, and at least one; others are left out
    some = Notes([60, 61, 59], [0.3, 1.0, 0.0], [0.55, 1.0, 1.5], [1, 1, 1], 1.5)
    back = roll_of_notes(some, 4, 6, lowest_midi=60, n_pitches=2)
    np.testing.assert_array_equal(back.T, [mask(".##..."), mask("....#.")])
    assert len(notes_of_roll(np.zeros((3, 2)), 4)) == 0
    assert len(segment_notes(mask("..."), np.ones(3))) == 0


@pytest.mark.parametrize("frame_rate", [3, 31.25, 100, 250, 44100 / 512])
def test_rolls_survive_a_round_trip(frame_rate, rng):
    roll = rng.random((400, 5)) < 0.7
    notes = notes_of_roll(roll, frame_rate)
    np.testing.assert_array_equal(roll_of_notes(notes, frame_rate, 400, n_pitches=5), roll)


def test_notes_are_moved_to_their_pitch():
    f0_hz = np.zeros(30)
    f0_hz[4:9], f0_hz[12:21], f0_hz[24:28] = 440.0, 220.0, 440.0
    # early and too long; late and too short; a pitch that is not there
    notes = Notes([69, 57, 80], [0.2, 1.4, 2.2], [1.1, 1.6, 2.9], [70] * 3, 3.0)
    moved = align_notes_with_f0(notes, f0_hz, 10)
    np.testing.assert_allclose(moved.starts_s, [0.4, 1.2, 2.2])
    np.testing.assert_allclose(moved.ends_s, [0.8, 2.0, 2.9])
    beyond = Notes([69], [2.0], [99.0], [70], 99.0)
    np.testing.assert_allclose(align_notes_with_f0(beyond, f0_hz, 10).rows()[0, 1:3], [0.4, 2.7])


ON, F0 = np.ones(9, bool), np.full(9, 440.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: runs(F0), "runs: mask has dtype float64, must be bool"),
        (lambda: runs(ON[None]), r"runs: mask has shape \(1, 9\)"),
        (lambda: remove_short(ON, min_samples=-1), "min_samples is -1, must be a whole number of"),
        (lambda: remove_short(ON, short="glue"), "short is 'glue', must be one of remove, attach"),
        (lambda: remove_short(ON, last="drop"), "last is 'drop', must be 'keep' or 'judge'"),
        (lambda: get_active_frame_indices([0, 1]), r"piano_roll has shape \(2,\)"),
        (lambda: get_active_frame_indices([[0, 90]]), "holds other values than 0 and 1"),
        (lambda: pad_for_frame(F0, "back", 2), "mode is 'back', must be one of front, center, end"),
        (lambda: pad_for_frame(F0, "front", 0), "frame_width is 0, must be a whole number"),
        (lambda: pad_for_frame(F0[:0], "front", 2), "must hold at least one value"),
        (lambda: pad_for_frame(ON[:0], "front", 2), "must have one axis and at least one value"),
        (lambda: window_array(F0, 0, 1), "sample_rate is 0, must be a number above 0"),
        (lambda: window_array(F0, 10, 0.05), "a window has 0 elements and a step 0"),
        (lambda: window_array(F0, 10, 1, step_ratio=1.5), "step_ratio is 1.5, .* at most 1"),
        (lambda: window_array(F0, 10, 1, axis=1), "axis is 1, must be one of the 1 axes"),
        (lambda: strided_freq_change(F0[None]), "f0_hz has shape .1, 9., must have one axis"),
        (lambda: strided_freq_change(F0, threshold=-1), "threshold is -1"),
        (lambda: strided_freq_change(F0, frame_widths=(0,)), "frame_width is 0"),
        (lambda: amp_pooled_outliers(-F0), "amplitudes is -440.0 at its lowest, must be >= 0"),
        (lambda: amp_pooled_outliers(F0, num_devs=np.nan), "num_devs is nan, must be a number"),
        (lambda: power_pooled_outliers(F0, range_db=0), "range_db is 0, must be a number above 0"),
        (lambda: midi_heuristic(F0, F0[1:]), r"midi_heuristic: amplitudes has shape \(8,\)"),
        (lambda: midi_heuristic_power(F0, F0[1:]), r"power: power_db has shape \(8,\), must be th"),
        (lambda: segment_notes(ON[1:], F0), r"is_on has shape \(8,\), must be that of f0_hz"),
        (lambda: segment_notes(ON, F0, pick="mode"), "pick is 'mode', must be 'mean', 'median'"),
        (lambda: segment_notes(ON, F0, frame_rate=0), "frame_rate is 0, must be a number above 0"),
        (lambda: segment_notes(ON, F0, velocity=128), "velocity is 128, must be a number at least"),
        (lambda: segment_notes_batch([ON], [F0, F0]), "is_on has 1 recordings and f0_hz 2"),
        (lambda: Notes([60], [1.0], [0.5], [1], 2.0), "Notes: note 0 ends before it starts"),
        (lambda: Notes([60], [1.0, 2.0], [3.0], [1], 2.0), r"starts_s has shape \(2,\), must be"),
        (lambda: Notes([60], [np.nan], [3.0], [1], 2.0), "starts_s is nan at index"),
        (lambda: notes_of_roll(F0, 4), "piano_roll has shape .9,., must have two axes"),
        (lambda: notes_of_roll(F0[None], 0), "frame_rate is 0"),
        (lambda: roll_of_notes(notes_of_roll(F0[None], 1), 1, 0), "n_frames is 0, must be a whole"),
        (lambda: align_notes_with_f0(notes_of_roll(F0[None], 1), F0[:0], 1), "f0_hz has shape"),
    ],
)
def test_wrong_uses(call, message):
    with pytest.raises(ParameterError, match=message):
        call()
