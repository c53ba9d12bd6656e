"""Frames: one count for every feature, exact positions, no drift."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsp_ref.analysis.frames import (
    centred_frames,
    frame_positions,
    frame_times,
    hop_size,
    n_frames,
)
from ddsp_ref.errors import ParameterError

SAMPLE_RATES = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000)
FRAME_RATES = (31.25, 50, 86.1328125, 100, 187.5, 250, Fraction(44100, 77), 1000)


def test_counts_known_by_hand():
    assert n_frames(64000, 64) == 1000
    assert n_frames(64001, 64) == 1001
    assert n_frames(1, 64) == 1
    assert n_frames(0, 64) == 0
    assert n_frames(44100, 176.4) == 250
    assert n_frames(44100, 44100 / 77) == 77
    # int(2067968 / 16000 * 250) is 32311 in floating point
    assert n_frames(2067968, hop_size(16000, 250)) == 32312


@pytest.mark.parametrize("sample_rate", SAMPLE_RATES)
@pytest.mark.parametrize("frame_rate", FRAME_RATES)
def test_every_description_has_the_same_number_of_frames(sample_rate, frame_rate):
    hop = hop_size(sample_rate, frame_rate)
    for n_samples in (1, 63, 64, 65, sample_rate, 10 * sample_rate + 1):
        n = n_frames(n_samples, hop)
        assert n == math.ceil(Fraction(n_samples) / hop)
        assert n == n_frames(n_samples, float(hop))
        positions = frame_positions(n_samples, hop)
        times = frame_times(n_samples, sample_rate, hop)
        assert positions.shape == times.shape == (n,)
        assert len(centred_frames(np.zeros(n_samples, np.int8), positions, 2)) == n
        assert np.abs(times * sample_rate - positions).max() <= 0.5 + 1e-6


@given(
    n_samples=st.integers(0, 10**9),
    hop=st.fractions(min_value=Fraction(1, 100), max_value=10**5, max_denominator=10**4),
)
def test_every_sample_belongs_to_one_frame(n_samples, hop):
    n = n_frames(n_samples, hop)
    assert (n - 1) * hop < n_samples or n == 0
    assert n * hop >= n_samples


@settings(max_examples=50)
@given(
    n_samples=st.integers(1, 5000),
    hop=st.fractions(min_value=1, max_value=500, max_denominator=1000),
)
def test_positions_are_the_nearest_samples_and_halves_go_down(n_samples, hop):
    exact = [i * hop for i in range(n_frames(n_samples, hop))]
    wanted = [math.ceil(x - Fraction(1, 2)) for x in exact]
    np.testing.assert_array_equal(frame_positions(n_samples, hop), wanted)


def test_times_do_not_drift():
    hop = hop_size(44100, 250)
    times = frame_times(44100 * 3600, 44100, hop)
    assert len(times) == 900_000
    np.testing.assert_array_equal(times, np.arange(900_000) / 250)


def test_frames_are_centred_and_zero_outside():
    audio = np.arange(1.0, 8.0)
    padded = np.concatenate([np.zeros(20), audio, np.zeros(20)])
    for length in (1, 4, 5, 30):
        positions = frame_positions(len(audio), 2.5)
        starts = positions + 20 - length // 2
        wanted = [padded[start : start + length] for start in starts if start >= 0]
        np.testing.assert_array_equal(centred_frames(audio, positions, length), wanted)
    far = centred_frames(audio, np.array([-100, 3, 100]), 3)
    np.testing.assert_array_equal(far, [[0, 0, 0], [3, 4, 5], [0, 0, 0]])
    assert centred_frames(audio, np.zeros(0, int), 3).shape == (0, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: n_frames(-1, 64), "n_frames: n_samples is -1, .* at least 0"),
        (lambda: n_frames(1.5, 64), "n_samples is 1.5, .* whole number"),
        (lambda: n_frames(64, 0), "n_frames: hop_size is 0, .* above 0"),
        (lambda: n_frames(64, math.nan), "hop_size is nan"),
        (lambda: n_frames(64, "64"), "hop_size is '64'"),
        (lambda: n_frames(64, 1e-9), "hop_size is 1e-09, .* smallest that works is 1e-06"),
        (lambda: frame_times(64, math.inf, 64), "frame_times: sample_rate is inf"),
        (lambda: frame_positions(64, -64), "frame_positions: hop_size is -64"),
        (lambda: hop_size(16000, 16001), "frame_rate is 16001, .* largest that works is 16000"),
        (lambda: hop_size(True, 1), "sample_rate is True"),
        (lambda: centred_frames(np.zeros((2, 8)), [0], 4), r"shape \(2, 8\)"),
        (lambda: centred_frames(np.zeros(8), [0], 0), "frame_length is 0, .* at least 1"),
    ],
)
def test_wrong_uses(call, message):
    with pytest.raises(ParameterError, match=message):
        call()
