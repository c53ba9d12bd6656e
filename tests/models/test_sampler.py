"""Excerpts, batches and statistics."""

from __future__ import annotations

import numpy as np

from ddsp_ref.models.features import MIN_DB
from ddsp_ref.models.sampler import Sampler, dataset_statistics, excerpt

from .synthetic import FRAME_RATE, RATE, dataset, recording

HOP = RATE // FRAME_RATE


def test_excerpts_are_aligned():
    one = recording("a", 200.0, 1.0)
    batch = excerpt(one, 10, 20)
    np.testing.assert_array_equal(batch.audio[0], one.audio[10 * HOP : 30 * HOP])
    np.testing.assert_array_equal(batch.loudness_db[0], one.features.loudness_db[10:30])


def test_behind_the_end_there_is_silence():
    one = recording("a", 200.0, 0.4)
    batch = excerpt(one, 0, 80)
    assert batch.audio.shape == (1, 80 * HOP)
    assert not batch.audio[0, 50 * HOP :].any()
    assert (batch.loudness_db[0, 50:] == MIN_DB).all()
    assert (batch.f0_hz[0, 50:] == 200.0).all()
    assert batch.audio.dtype == batch.f0_hz.dtype == batch.loudness_db.dtype == np.float32


def test_before_the_beginning_there_is_silence_too():
    one = recording("a", 200.0, 0.4)
    batch = excerpt(one, -5, 20)
    np.testing.assert_array_equal(batch.audio[0, 5 * HOP :], one.audio[: 15 * HOP])
    assert not batch.audio[0, : 5 * HOP].any()
    assert (batch.loudness_db[0, :5] == MIN_DB).all()
    assert (batch.f0_hz[0] == 200.0).all()


def test_silence_is_drawn_where_it_is_wanted(rng):
    one = [recording("a", 200.0, 1.0)]
    silent = Sampler(one, 25, n_silent=10).draw(rng, 200).loudness_db == MIN_DB
    assert silent[:, 0].any()
    assert silent[:, -1].any()
    assert silent.sum(axis=1).max() == 10
    assert not (Sampler(one, 25).draw(rng, 200).loudness_db == MIN_DB).any()


def test_level_varies_in_sound_and_loudness_alike(rng):
    one = [recording("a", 200.0, 1.0)]
    plain = Sampler(one, 25, n_silent=5).draw(np.random.default_rng(3), 50)
    varied = Sampler(one, 25, n_silent=5, vary_level_db=6).draw(np.random.default_rng(3), 50)
    heard = plain.loudness_db > MIN_DB
    np.testing.assert_array_equal(varied.loudness_db > MIN_DB, heard)
    change = np.ma.array(varied.loudness_db - plain.loudness_db, mask=~heard)
    gains_db = change.mean(axis=1).filled()
    assert change.std(axis=1).max() < 1e-5
    assert -6 <= gains_db.min() < -4
    assert 4 < gains_db.max() <= 6
    expected = plain.audio * 10 ** (gains_db[:, None] / 20)
    np.testing.assert_allclose(varied.audio, expected, rtol=1e-4, atol=1e-6)
    assert varied.audio.dtype == varied.loudness_db.dtype == np.float32


def test_longer_recordings_are_drawn_more_often(rng):
    parts = [recording("a", 200.0, 1.6), recording("b", 300.0, 0.4)]
    batch = Sampler(parts, 25).draw(rng, 500)
    assert batch.audio.shape == (500, 25 * HOP)
    assert abs(np.mean(batch.f0_hz[:, 0] == 200.0) - 0.8) < 0.06


def test_the_generator_is_all_there_is():
    sampler = Sampler(dataset().training, 25)
    a = sampler.draw(np.random.default_rng(5), 4)
    b = sampler.draw(np.random.default_rng(5), 4)
    np.testing.assert_array_equal(a.audio, b.audio)


def test_statistics():
    found = dataset_statistics([recording("a", 440.0, 1.0)], RATE)
    assert found["f0_midi"]["mean"] == 69.0
    assert found["f0_midi"]["std"] == 0.0
    assert len(found["loudness_db"]["quantiles"]) == 101
    assert found["loudness_db"]["quantiles"][0] > -51
    assert found["loudness_db"]["quantiles"] == sorted(found["loudness_db"]["quantiles"])
    assert found["voiced_share"] == 1.0
    assert found["seconds"] == 1.0
