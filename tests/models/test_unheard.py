"""Partials that were above the Nyquist frequency in all recordings are silent below them."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.decoders import MlpSettings
from ddsp_ref.models.model import Model
from ddsp_ref.models.optimizer import Adam
from ddsp_ref.models.sampler import Batch
from ddsp_ref.models.unheard import silence_unheard
from ddsp_ref.ops.scaling.exp_sigmoid import exp_sigmoid
from ddsp_ref.transfer.instruments import find_instrument, instrument_folders

KERNEL, BIAS = "decoder/controls/kernel", "decoder/controls/bias"


def test_by_hand():
    """Partial 2 is of one voice, partial 3 of none; before and after are amplitude and a band."""
    ones = np.ones((2, 5), np.float32)
    params = {
        KERNEL: ones,
        f"voices/a/{BIAS}": np.array([0, 1, 0, 0, 0], np.float32),
        f"voices/b/{BIAS}": np.array([3, 4, 5, 0, 6], np.float32),
    }
    found = silence_unheard(params, 3)
    assert found[f"voices/a/{BIAS}"].tolist() == [0, 1, 5, -10, 0]
    assert found[f"voices/b/{BIAS}"].tolist() == [3, 4, 5, -10, 6]
    assert found[KERNEL].tolist() == [[1, 1, 1, 0, 1]] * 2
    assert params[KERNEL] is ones
    assert ones.all()


def test_what_was_heard_stays_as_it_is(rng):
    """A step at 1 kHz teaches seven partials of ten; at 1 kHz nothing changes, at 500 Hz much."""
    config = ModelConfig(
        n_harmonics=10, n_bands=5, reverb_seconds=0, decoder_settings=MlpSettings(6, 1)
    )
    model = Model(config)
    params = model.init(rng)
    noise = rng.uniform(-1, 1, (1, 640)).astype(np.float32)
    f0_hz, loudness_db = np.full((1, 10), 1000, np.float32), np.full((1, 10), -20, np.float32)
    batch = Batch(0.1 * noise, f0_hz, loudness_db)
    _, gradients = model.loss_and_gradients(params, batch, noise)
    params, _ = Adam(params).update(params, gradients, 0)
    quiet = silence_unheard(params, 10)
    np.testing.assert_array_equal(
        model.render(quiet, f0_hz, loudness_db, noise),
        model.render(params, f0_hz, loudness_db, noise),
    )

    def beyond(own):
        shares = exp_sigmoid(model.controls(own, f0_hz / 2, loudness_db)["harmonic_distribution"])
        return float(shares[..., 7:].sum() / shares.sum())

    assert beyond(params) > 0.05
    assert beyond(quiet) < 1e-5


@pytest.mark.parametrize("name", instrument_folders())
def test_shipped_instruments_do_not_buzz_below_their_range(name):
    player = find_instrument(name)
    lowest = 440 * 2 ** ((player.statistics["f0_midi"]["quantiles"][0] - 69) / 12)
    nyquist, k = player.config.sample_rate / 2, np.arange(1, player.config.n_harmonics + 1)
    for hz in (lowest / 1.25, lowest / 2):
        f0_hz, loudness_db = np.full(50, hz, np.float32), np.full(50, -15, np.float32)
        raw = player.model.controls(player.parameters, f0_hz, loudness_db)
        shares = exp_sigmoid(raw["harmonic_distribution"])[-1] * (k * hz < nyquist)
        power = shares**2 / np.sum(shares**2)
        assert power[k * lowest >= nyquist].sum() < 1e-3
