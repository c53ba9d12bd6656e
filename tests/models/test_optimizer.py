"""Adam against values worked out by hand and against the textbook."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.models.optimizer import Adam, AdamSettings, clip_by_global_norm


def test_first_step_by_hand():
    # m = 0.05, v = 0.00025; corrected 0.5 and 0.25, so the step is rate * 0.5 / 0.5
    settings = AdamSettings(learning_rate=0.1, epsilon=1e-300, decay_rate=1.0)
    params = {"a": np.array([1.0])}
    new, norm = Adam(params, settings).update(params, {"a": np.array([0.5])}, 0)
    assert norm == 0.5
    np.testing.assert_allclose(new["a"], [0.9], rtol=1e-14)
    assert params["a"][0] == 1.0


def test_agrees_with_the_textbook(rng):
    settings = AdamSettings(learning_rate=0.01, max_norm=1e9, decay_rate=0.5, decay_steps=10)
    params = {"a": rng.standard_normal((3, 2))}
    wanted, m, v = params["a"].copy(), 0.0, 0.0
    adam = Adam(params, settings)
    for n in range(1, 21):
        gradient = rng.standard_normal((3, 2))
        params, _ = adam.update(params, {"a": gradient}, n - 1)
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        rate = 0.01 * 0.5 ** ((n - 1) / 10)
        wanted -= rate * (m / (1 - 0.9**n)) / (np.sqrt(v / (1 - 0.999**n)) + 1e-7)
    np.testing.assert_allclose(params["a"], wanted, rtol=1e-12)


def test_float32_stays_float32(rng):
    params = {"a": rng.standard_normal(5).astype(np.float32)}
    adam = Adam(params)
    new, _ = adam.update(params, {"a": np.ones(5, np.float32)}, 0)
    assert new["a"].dtype == adam.first["a"].dtype == adam.second["a"].dtype == np.float32


def test_clipping():
    gradients = {"a": np.array([3.0]), "b": np.array([4.0])}
    clipped, norm = clip_by_global_norm(gradients, 2.5)
    assert norm == 5.0
    assert clipped["a"][0] == 1.5
    assert clipped["b"][0] == 2.0
    assert clip_by_global_norm(gradients, 5.0)[0]["a"] is gradients["a"]


def test_finds_a_minimum(rng):
    params = {"a": rng.standard_normal(4)}
    adam = Adam(params, AdamSettings(learning_rate=0.05, decay_rate=0.5, decay_steps=100))
    for step in range(600):
        params, _ = adam.update(params, {"a": 2 * (params["a"] - 3.0)}, step)
    np.testing.assert_allclose(params["a"], 3.0, atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate is 0.0, must be above 0"),
        ({"decay_rate": 1.5}, "decay_rate is 1.5, must be at most 1"),
        ({"beta1": 1.0}, "beta1 is 1.0, must be at least 0 and below 1"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ParameterError, match=message):
        AdamSettings(**settings)
