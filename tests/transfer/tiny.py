"""A tiny instrument with random weights, and sounds to play on it."""

from __future__ import annotations

import functools

import numpy as np

from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.decoders import MlpSettings
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.models.model import Model


@functools.cache
def tiny_instrument() -> Instrument:
    """An instrument that knows G3 to C7 and follows pitch, whatever it sounds like."""
    config = ModelConfig(
        n_harmonics=20,
        n_bands=17,
        reverb_seconds=0.05,
        decoder_settings=MlpSettings(n_channels=8, n_layers=1),
    )
    parameters = Model(config).init(np.random.default_rng(3))

    def describe(low: float, high: float) -> dict:
        quantiles = np.linspace(low, high, 101).tolist()
        return {"mean": (low + high) / 2, "std": (high - low) / 4, "quantiles": quantiles}

    statistics = {
        "f0_midi": describe(55.0, 96.0),
        "loudness_db": describe(-40.0, 10.0),
        "voiced_share": 0.9,
        "n_recordings": 3,
        "seconds": 12.0,
    }
    card = {
        "licence": "CC0 1.0",
        "held_out": {
            "overall": {
                "spectral_loss": 5.5,
                "loudness_l1_db": 2.25,
                "f0_l1_cents": 8.0,
                "f0_outlier_rate": 0.012,
            }
        },
    }
    return Instrument("tiny", config, parameters, statistics, "Random weights, for tests.", card)


def melody(seconds: float = 1.5, sample_rate: int = 16000, f_hz: float = 330.0) -> np.ndarray:
    """A tone with vibrato and a rest in the middle, float32."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    f0 = f_hz * 2 ** (0.02 * np.sin(2 * np.pi * 5 * time))
    phase = 2 * np.pi * np.cumsum(f0) / sample_rate
    tone = sum(np.sin(k * phase) / k**2 for k in range(1, 6))
    rest = np.abs(time - seconds / 2) < 0.1
    return (0.3 * np.where(rest, 0.0, tone)).astype(np.float32)
