"""Clicks and noise are heard where they are, and not where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.models.defects import CLICK_DB, click_flux, silence_level, spectral_flux
from ddsp_ref.models.features import extract_features
from ddsp_ref.models.model import Model

from .synthetic import tiny_config

RATE, FRAME_RATE = 16000, 250
HOP = RATE // FRAME_RATE


def tone(f0_hz, seconds):
    phase = 2 * np.pi * f0_hz / RATE * np.arange(int(seconds * RATE))
    return 0.2 * sum(np.sin(k * phase) / k for k in range(1, 9)).astype(np.float32)


def damage(audio, kind):
    audio = audio.copy()
    middle = len(audio) // 2
    if kind == "impulse":
        audio[middle] += 0.3
    elif kind == "gap":
        audio[middle : middle + RATE // 500] = 0
    elif kind == "jump of phase":
        audio[middle:] *= -1
    return audio


@pytest.mark.parametrize("kind", ["impulse", "gap", "jump of phase"])
def test_clicks_are_found_in_a_tone(kind):
    audio = tone(200.0, 1.0)
    asked = extract_features(audio, RATE, FRAME_RATE)
    assert click_flux(audio, asked, RATE) < 1
    assert click_flux(damage(audio, kind), asked, RATE) > CLICK_DB


def test_vibrato_swells_and_steady_noise_do_not_click(rng):
    time = np.arange(2 * RATE) / RATE
    phase = 440 * time + 2 * np.sin(2 * np.pi * 6 * time)
    swell = 0.2 + 0.1 * np.sin(2 * np.pi * 5 * time)
    audio = swell * sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 9))
    audio += 0.01 * rng.uniform(-1, 1, len(audio))
    asked = extract_features(audio, RATE, FRAME_RATE)
    assert click_flux(audio, asked, RATE) < CLICK_DB


def test_onsets_are_not_clicks():
    audio = np.concatenate([tone(200.0, 0.4), np.zeros(RATE // 5), tone(250.0, 0.4)])
    asked = extract_features(audio, RATE, FRAME_RATE)
    assert spectral_flux(audio, RATE, HOP).max() > CLICK_DB
    assert click_flux(audio, asked, RATE) < CLICK_DB
    short = audio[: RATE // 20]
    assert click_flux(short, extract_features(short, RATE, FRAME_RATE), RATE) is None


def test_the_level_of_silence(rng):
    model = Model(tiny_config(reverb_seconds=0))
    params = {k: np.zeros_like(p) for k, p in model.init(rng).items()}
    params["decoder/controls/bias"][:] = -50  # what the synthesizers turn into 1e-7
    assert silence_level(model, params, np.array([200.0, 300.0]), 0) < -120
    params["decoder/controls/bias"][0] = 50  # full amplitude
    level = silence_level(model, params, np.array([200.0, 300.0]), 0)
    assert -10 < level < 3
