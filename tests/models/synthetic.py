"""Small recordings and datasets, made on the spot."""

from __future__ import annotations

import numpy as np

from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.convolution import ConvSettings
from ddsp_ref.models.dataset import Dataset
from ddsp_ref.models.decoders import MlpSettings, RnnSettings
from ddsp_ref.models.features import Features
from ddsp_ref.models.recordings import Recording

RATE = 4000
FRAME_RATE = 125


def tone(f0_hz, seconds, *, rate=RATE, level=0.3):
    """Return five decaying partials with a gentle swell, and a little noise."""
    t = np.arange(round(seconds * rate)) / rate
    sound = sum(np.sin(2 * np.pi * k * f0_hz * t) / k for k in range(1, 6) if k * f0_hz < rate / 2)
    noise = 0.003 * np.random.default_rng(round(f0_hz)).standard_normal(len(t))
    return (level * np.hanning(len(t)) * sound / 2 + noise).astype(np.float32)


def recording(name, f0_hz, seconds, *, held_out=False):
    """Return an analysed recording whose features are known rather than measured."""
    audio = tone(f0_hz, seconds)
    n_frames = len(audio) * FRAME_RATE // RATE
    swell = np.hanning(n_frames + 2)[1:-1]
    features = Features(
        np.full(n_frames, f0_hz, np.float32),
        np.ones(n_frames, np.float32),
        np.ones(n_frames, bool),
        (20 * np.log10(swell + 1e-4)).astype(np.float32),
    )
    return Recording(name, audio, features, held_out)


def dataset():
    return Dataset(
        RATE,
        FRAME_RATE,
        (
            recording("a.wav", 200.0, 1.6),
            recording("b.wav", 300.0, 0.4),
            recording("c.wav", 250.0, 1.0, held_out=True),
        ),
    )


def tiny_config(decoder="mlp", **changes):
    sizes = {
        "mlp": MlpSettings(6, 1),
        "rnn": RnnSettings(6, 1, 5),
        "conv": ConvSettings(6, 1, 5, 2),
    }[decoder]
    values = {"frame_rate": FRAME_RATE, "n_harmonics": 6, "n_bands": 5, "reverb_seconds": 0.02}
    return ModelConfig(RATE, decoder=decoder, decoder_settings=sizes, **{**values, **changes})
