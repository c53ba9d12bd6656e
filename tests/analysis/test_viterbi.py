"""The banded decoder finds the path of the full table, whatever the length of its segments."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.analysis.viterbi import (
    LOG_FLOOR,
    Observations,
    define_transitions,
    define_viterbi,
    viterbi,
)
from ddsp_ref.errors import ParameterError


def observations(lists, unvoiced):
    """Build them from a {bin: probability} per frame."""
    return Observations(
        np.cumsum([0, *map(len, lists)]),
        np.array([b for frame in lists for b in frame], np.int16),
        np.log(np.array([p for frame in lists for p in frame.values()])).astype(np.float32),
        np.log(np.array(unvoiced, np.float64)),
    )


def random_observations(rng, n_frames, n_bins, most):
    lists = []
    for _ in range(n_frames):
        bins = rng.choice(n_bins, min(n_bins, rng.integers(0, most + 1)), replace=False)
        lists.append({int(b): float(p) for b, p in zip(bins, rng.dirichlet(np.ones(len(bins))))})
    return observations(lists, rng.random(n_frames) * 10.0 ** rng.uniform(-12, 0, n_frames))


def tables(heard, n_bins, reach, switch_prob):
    """Write out what the definition works on."""
    log_observed = np.full((len(heard.log_unvoiced), 2 * n_bins), LOG_FLOOR)
    log_observed[:, n_bins:] = heard.log_unvoiced[:, None]
    for t in range(len(log_observed)):
        here = slice(heard.offsets[t], heard.offsets[t + 1])
        log_observed[t, heard.bins[here]] = heard.log_probabilities[here]
    return log_observed, define_transitions(n_bins, reach, switch_prob)


def score(path, log_observed, log_moves):
    return log_observed[np.arange(len(path)), path].sum() + log_moves[path[:-1], path[1:]].sum()


def test_definition_by_hand():
    # staying in 0 scores 0.5 * 0.9 * 0.4 and in 1 0.5 * 0.8 * 0.6; then 0.6 * 0.9 * 0.4 is more
    moves = np.log([[0.9, 0.1], [0.2, 0.8]])
    np.testing.assert_array_equal(define_viterbi(np.log([[0.5, 0.5], [0.4, 0.6]]), moves), [1, 1])
    np.testing.assert_array_equal(define_viterbi(np.log([[0.6, 0.3], [0.4, 0.6]]), moves), [0, 0])


def test_transitions_are_probabilities():
    for n_bins, reach in ((1, 0), (5, 0), (5, 2), (4, 9)):
        moves = np.exp(define_transitions(n_bins, reach, 0.01))
        np.testing.assert_allclose(moves.sum(axis=1), 1.0, rtol=1e-12)
    far = define_transitions(9, 2, 0.01)
    assert far[0, 3] == far[0, 9 + 3] == LOG_FLOOR
    assert far[4, 6] > LOG_FLOOR


@pytest.mark.parametrize("n_bins", [1, 2, 7, 30])
@pytest.mark.parametrize("reach", [0, 1, 3, 50])
def test_banded_equals_full_table(rng, n_bins, reach):
    for n_frames, most in ((1, 2), (2, 1), (12, 1), (25, 4)):
        heard = random_observations(rng, n_frames, n_bins, most)
        switch_prob = rng.uniform(0.001, 0.4)
        full = tables(heard, n_bins, reach, switch_prob)
        wanted = define_viterbi(*full)
        pitch_bins, voiced = viterbi(heard, n_bins, reach=reach, switch_prob=switch_prob)
        np.testing.assert_array_equal(voiced, wanted < n_bins)
        np.testing.assert_array_equal(pitch_bins[voiced], wanted[voiced])
        # In unvoiced stretches all bins are alike: it may move sooner or later at no cost.
        path = np.where(voiced, 0, n_bins) + pitch_bins
        np.testing.assert_allclose(score(path, *full), score(wanted, *full), rtol=1e-12)


@pytest.mark.parametrize("segment", [1, 2, 5, 39, 40, 41])
def test_segments_change_nothing(rng, segment):
    heard = random_observations(rng, 40, 20, 3)
    whole = viterbi(heard, 20, reach=2, switch_prob=0.01, segment=1000)
    parts = viterbi(heard, 20, reach=2, switch_prob=0.01, segment=segment)
    np.testing.assert_array_equal(parts, whole)


def test_leaps_where_nothing_else_is_possible():
    # Certain bins farther apart than the band, and no chance of being unvoiced.
    heard = observations([{0: 1.0}, {0: 1.0}, {9: 1.0}, {9: 1.0}], [1e-300] * 4)
    pitch_bins, voiced = viterbi(heard, 10, reach=1, switch_prob=0.01)
    np.testing.assert_array_equal(pitch_bins, [0, 0, 9, 9])
    assert voiced.all()
    np.testing.assert_array_equal(define_viterbi(*tables(heard, 10, 1, 0.01)), pitch_bins)


def test_no_frames_and_no_candidates():
    nothing = observations([], [])
    assert [len(part) for part in viterbi(nothing, 5, reach=1, switch_prob=0.01)] == [0, 0]
    silence = observations([{}] * 9, [0.2] * 9)
    assert not viterbi(silence, 5, reach=1, switch_prob=0.01)[1].any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_bins": 0}, "viterbi: n_bins is 0, must be at least 1"),
        ({"reach": -1}, "viterbi: reach is -1, must be at least 0"),
        ({"segment": 0}, "viterbi: segment is 0, must be at least 1"),
        ({"switch_prob": 0.0}, "switch_prob is 0.0, .* 0.01 is usual"),
        ({"switch_prob": np.nan}, "switch_prob is nan"),
    ],
)
def test_wrong_uses(settings, message):
    heard = observations([{0: 1.0}], [0.1])
    with pytest.raises(ParameterError, match=message):
        viterbi(heard, **{"n_bins": 5, "reach": 1, "switch_prob": 0.01, **settings})
