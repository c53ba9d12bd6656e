"""Resampling in blocks: exact times, no images, no dependence on the blocks."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.streaming.resampling import Resampler

from .parts import cuts

RATES = [(48000, 16000), (44100, 16000), (16000, 44100), (16000, 48000), (22050, 16000)]


def through(audio, old_rate, new_rate, parts):
    resampler = Resampler(old_rate, new_rate)
    blocks = []
    for part in parts:
        blocks.append(resampler.push(audio[part]))
        assert resampler.n_ready(part.stop) == sum(map(len, blocks))
    return np.concatenate(blocks)


@pytest.mark.parametrize(("old_rate", "new_rate"), RATES)
def test_samples_do_not_depend_on_blocks(old_rate, new_rate, rng):
    audio = rng.standard_normal(5000).astype(np.float32)
    one = through(audio, old_rate, new_rate, [slice(0, 5000)])
    other = through(audio, old_rate, new_rate, cuts(5000, rng, 300))
    np.testing.assert_allclose(other, one, atol=2e-6)
    assert len(one) > 4800 * new_rate / old_rate - 100


@pytest.mark.parametrize(("old_rate", "new_rate"), RATES)
def test_a_tone_stays_where_it_is(old_rate, new_rate):
    hz = 0.4 * min(old_rate, new_rate)
    audio = np.sin(2 * np.pi * hz / old_rate * np.arange(old_rate // 4)).astype(np.float32)
    found = through(audio, old_rate, new_rate, [slice(0, len(audio))])
    wanted = np.sin(2 * np.pi * hz / new_rate * np.arange(len(found)))
    settled = slice(200, -200)
    assert np.abs(found - wanted)[settled].max() < 2e-3  # 84 % of the Nyquist frequency: -0.01 dB


@pytest.mark.parametrize(("old_rate", "new_rate"), [(48000, 16000), (44100, 16000)])
def test_what_does_not_fit_is_left_out(old_rate, new_rate):
    hz = 0.52 * new_rate
    audio = np.sin(2 * np.pi * hz / old_rate * np.arange(old_rate // 4)).astype(np.float32)
    found = through(audio, old_rate, new_rate, [slice(0, len(audio))])
    assert np.abs(found)[200:-200].max() < 1e-3


def test_images_of_the_lower_rate_are_left_out():
    audio = np.sin(2 * np.pi * 5000 / 16000 * np.arange(4096)).astype(np.float32)
    found = through(audio, 16000, 48000, [slice(0, 4096)])[600:-600]
    spectrum = np.abs(np.fft.rfft(found * np.blackman(len(found))))
    hz = np.fft.rfftfreq(len(found), 1 / 48000)
    assert spectrum[hz > 9000].max() < 1e-4 * spectrum.max()


def test_equal_rates_change_nothing(rng):
    audio = rng.standard_normal(100).astype(np.float32)
    np.testing.assert_array_equal(through(audio, 16000, 16000, cuts(100, rng, 9)), audio)


def test_wrong_blocks():
    for rate in (16000, 48000):
        with pytest.raises(ParameterError, match=r"block has shape \(5, 1\) and dtype float32"):
            Resampler(rate, 16000).push(np.zeros((5, 1), np.float32))
        with pytest.raises(ParameterError, match="dtype int16, must be"):
            Resampler(rate, 16000).push(np.zeros(5, np.int16))


def test_wrong_rates():
    with pytest.raises(ParameterError, match="44101 and 16000 have no large common divisor"):
        Resampler(44101, 16000)
    with pytest.raises(
        ParameterError, match="sample_rate is 100, must be a whole number from 4000"
    ):
        Resampler(16000, 100)
