"""decode_notes finds the most probable of all sequences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ddsp_ref.analysis.note_hmm import decode_notes
from ddsp_ref.errors import ParameterError

MODEL = {"avg_length": 3.0, "midi_std": 0.8, "n_pitches": 4}


def log_probability(states, pitch, amplitudes):
    """Multiply out the probability of one sequence, up to a constant factor."""
    total = 0.0
    for t, s in enumerate(states):
        mean, deviation = (s, 0.8) if s else (2.0, 4.0)
        level, spread = (1.5, 0.5) if s else (0.0, 0.1)
        total -= 0.5 * ((pitch[t] - mean) / deviation) ** 2 + np.log(deviation)
        total -= 0.5 * ((amplitudes[t] - level) / spread) ** 2 + np.log(spread)
        if t > 0:
            total += np.log(2 / 3 if s == states[t - 1] else 1 / 9)
    return total


@pytest.mark.parametrize("seed", range(8))
def test_no_sequence_is_more_probable(seed):
    rng = np.random.default_rng(seed)
    pitch, amplitudes = rng.uniform(0, 4, 6), rng.choice([0.02, 0.2, 0.9, 1.6], 6)
    every = list(itertools.product(range(4), repeat=6))
    best = max(every, key=lambda states: log_probability(states, pitch, amplitudes))
    np.testing.assert_array_equal(decode_notes(pitch, amplitudes, **MODEL), best)


def test_one_frame():
    assert decode_notes([61.2], [1.5]).tolist() == [61]


@pytest.mark.parametrize(
    ("arrays", "settings", "message"),
    [
        (([60.0], [1.0, 2.0]), {}, "n_frames=1"),
        (([], []), {}, "must hold at least one value"),
        (([60.0], [1.0]), {"avg_length": 1.0}, "avg_length is 1.0"),
        (([np.nan], [1.0]), {}, "pitch_midi is nan at index"),
    ],
)
def test_wrong_uses(arrays, settings, message):
    with pytest.raises(ParameterError, match=message):
        decode_notes(*arrays, **settings)
