"""Sinc filters: what they pass and what they stop; the room response dies away."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.ops.filters.exp_decay_impulse_response import exp_decay_impulse_response
from ddsp_ref.ops.filters.sinc import sinc
from ddsp_ref.ops.filters.sinc_filter import sinc_filter
from ddsp_ref.ops.filters.sinc_impulse_response import sinc_impulse_response


def test_gradient_near_zero_is_that_of_the_series():
    """In long double the closed form keeps its digits further down than in double."""
    x = np.concatenate([np.logspace(-3, 0.5, 200), [0.25, np.nextafter(0.25, 0)]])
    wide = x.astype(np.longdouble)
    angle = np.longdouble("3.14159265358979323846264338327950288") * wide
    truth = (np.cos(angle) - np.sin(angle) / angle) / wide
    y, pullback = sinc.vjp(x)
    np.testing.assert_allclose(pullback(np.ones_like(y))[0], truth.astype(float), atol=1e-14)
    np.testing.assert_array_equal(sinc.vjp(np.zeros(1))[1](np.ones(1))[0], 0.0)


def test_responses_are_symmetric_and_have_unit_gain_at_zero_frequency():
    h = sinc_impulse_response(np.linspace(0.05, 0.95, 7), window_size=64)
    np.testing.assert_allclose(h, h[:, ::-1], atol=1e-15)
    np.testing.assert_allclose(h.sum(axis=1), 1)
    high = sinc_impulse_response(np.linspace(0.05, 0.95, 7), window_size=64, high_pass=True)
    np.testing.assert_allclose(high.sum(axis=1), 0, atol=1e-15)


@pytest.mark.parametrize("high_pass", [False, True])
def test_what_passes_and_what_does_not(high_pass):
    """A Hamming window keeps the stop band below -50 dB."""
    h = sinc_impulse_response(np.array(0.4), window_size=256, high_pass=high_pass)
    gain = np.abs(np.fft.rfft(h, 4096))
    place = np.linspace(0, 1, len(gain))
    passed, stopped = (place > 0.45, place < 0.35) if high_pass else (place < 0.35, place > 0.45)
    assert np.abs(gain[passed] - 1).max() < 0.01
    assert gain[stopped].max() < 10 ** (-50 / 20)


def test_low_pass_and_high_pass_add_up_to_the_audio_a_sample_late(rng):
    audio = rng.standard_normal(200)
    cutoff = np.array([1000.0, 2000.0, 3000.0, 500.0])
    settings = {"window_size": 20, "sample_rate": 16000}
    low, high = (sinc_filter(audio, cutoff, high_pass=hp, **settings) for hp in (False, True))
    np.testing.assert_allclose((low + high)[1:], audio[:-1], atol=1e-12)


def test_the_room_response_falls_at_its_rate():
    h = exp_decay_impulse_response(2.0, 1.0, np.ones(101))
    np.testing.assert_allclose(h[1:] / h[:-1], np.exp(-(2 + np.e) / 100), rtol=1e-12)
