"""The lines of the comparison with peers: inputs, settings, and the ratio that is wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.decoders import RnnSettings
from ddsp_ref.models.model import Model
from ddsp_ref.transfer.instruments import find_instrument

Inputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class Sizes:
    """What the cost of a line grows with; every line takes the sizes that concern it."""

    seconds: float = 4.0
    batch: int | None = None  # None: that of the line
    sample_rate: int = 16000
    frame_rate: int = 250
    harmonics: int = 60
    bands: int = 65
    taps: int | None = None  # None: that of the line
    channels: int = 512  # of the original's model

    @property
    def n_frames(self) -> int:
        return round(self.seconds * self.frame_rate)

    @property
    def n_samples(self) -> int:
        return self.n_frames * (self.sample_rate // self.frame_rate)


FULL = Sizes()
TINY = Sizes(seconds=0.2, harmonics=5, bands=9, taps=50, channels=8)


@dataclass(frozen=True)
class Line:
    """One thing that is compared.

    Attributes
    ----------
    name, title : str
        Short, for the command line, and long, for the table.
    make : callable
        `make(sizes, rng)` returns inputs by name, in the order of the op, and settings.
    wrt : tuple of str
        Inputs whose gradients are taken; empty: only the value is.
    step : bool
        Whether it is a step of training: value, gradients and optimizer together.
    targets : dict
        Wanted ratio to the best peer: "forward", "both", "memory"; "real_time": seconds of audio
        for each second of computing.
    """

    name: str
    title: str
    make: Callable[[Sizes, np.random.Generator], tuple[Inputs, dict[str, Any]]]
    wrt: tuple[str, ...] = ()
    step: bool = False
    targets: dict[str, float] = field(default_factory=dict)


def _normal(rng, *shape):
    return rng.standard_normal(shape, np.float32)


def _positive(rng, *shape):
    return rng.random(shape, np.float32) + np.float32(1e-3)


def _f0(sizes: Sizes, batch: int) -> np.ndarray:
    """Return a pitch around 110 Hz with a slow vibrato, another for each example."""
    t = np.arange(sizes.n_frames) / sizes.frame_rate
    middle = 110 * 2 ** (np.arange(batch)[:, None] / 12)
    return (middle + 20 * np.sin(8 * t)).astype(np.float32)


def harmonic(sizes, rng):
    batch, frames = sizes.batch or 1, sizes.n_frames
    inputs = {
        "f0_hz": _f0(sizes, batch),
        "amplitudes": _positive(rng, batch, frames),
        "harmonic_distribution": _positive(rng, batch, frames, sizes.harmonics),
    }
    return inputs, {"n_samples": sizes.n_samples, "sample_rate": sizes.sample_rate}


def sinusoidal(sizes, rng):
    batch, frames = sizes.batch or 1, sizes.n_frames
    spread = np.arange(1, sizes.harmonics + 1, dtype=np.float32) ** np.float32(1.02)
    inputs = {
        "frequencies_hz": _f0(sizes, batch)[..., None] * spread,
        "amplitudes": _positive(rng, batch, frames, sizes.harmonics),
    }
    return inputs, {"n_samples": sizes.n_samples, "sample_rate": sizes.sample_rate}


def filtered_noise(sizes, rng):
    batch = sizes.batch or 1
    inputs = {
        "audio": rng.uniform(-1, 1, (batch, sizes.n_samples)).astype(np.float32),
        "magnitudes": _positive(rng, batch, sizes.n_frames, sizes.bands),
    }
    return inputs, {}


def fir(sizes, rng):
    batch = sizes.batch or 1
    inputs = {
        "audio": _normal(rng, batch, sizes.n_samples),
        "impulse_responses": _normal(rng, batch, sizes.n_frames, sizes.taps or 1024),
    }
    return inputs, {}


def reverb(sizes, rng):
    batch = sizes.batch or 1
    inputs = {
        "audio": _normal(rng, batch, sizes.n_samples),
        "impulse_response": _normal(rng, batch, sizes.taps or 48000),
    }
    return inputs, {"delay_compensation": 0}


def spectral_loss(sizes, rng):
    audio = 0.1 * _normal(rng, 2, sizes.batch or 1, sizes.n_samples)
    return {"target_audio": audio[0], "audio": audio[1]}, {"logmag_weight": 1.0}


def audio_alone(sizes, rng):
    return {"audio": 0.1 * _normal(rng, sizes.batch or 1, sizes.n_samples)}, {}


def all_pole(sizes, rng):
    """Return noise and stable coefficients of a resonance of two poles, one set a sample."""
    shape = sizes.batch or 1, sizes.n_samples
    angle = np.pi * (0.1 + 0.05 * np.sin(np.arange(sizes.n_samples) / 1000))
    ones = np.ones(shape)
    coefficients = np.stack([-1.9 * np.cos(angle) * ones, 0.95**2 * ones], axis=-1)
    inputs = {"audio": _normal(rng, *shape), "coefficients": coefficients.astype(np.float32)}
    return inputs, {}


def melody(sizes, rng):
    """Return notes with vibrato over a little noise, two and a half times as long."""
    t = np.arange(round(2.5 * sizes.seconds * sizes.sample_rate)) / sizes.sample_rate
    notes = rng.integers(45, 85, int(t[-1] / 0.5) + 1)[(t / 0.5).astype(int)]
    f0 = 440 * 2 ** ((notes - 69 + 0.3 * np.sin(2 * np.pi * 5.5 * t)) / 12)
    phase = 2 * np.pi * np.cumsum(f0) / sizes.sample_rate
    audio = sum(np.sin(k * phase) * (k * f0 < 7000) / k for k in range(1, 20))
    audio = 0.2 * audio + 0.001 * rng.standard_normal(len(t))
    settings = {
        "sample_rate": sizes.sample_rate, "frame_rate": sizes.frame_rate,
        "fmin_hz": 50.0, "fmax_hz": 2500.0, "frame_length": 1024,
    }  # fmt: skip
    return {"audio": audio.astype(np.float32)}, settings


def original_config(sizes: Sizes) -> ModelConfig:
    """Return the sizes of magenta/ddsp's solo_instrument.gin: 4.85 million parameters."""
    return ModelConfig(
        sample_rate=sizes.sample_rate,
        frame_rate=sizes.frame_rate,
        n_harmonics=sizes.harmonics,
        n_bands=sizes.bands,
        reverb_seconds=(sizes.taps or 48000) / sizes.sample_rate,
        reverb_gain=1.0,
        reverb_decay_db=0.0,
        decoder="rnn",
        decoder_settings=RnnSettings(sizes.channels, 3, sizes.channels),
    )


def _model(sizes, rng, config, parameters, batch, with_target):
    """Return features, noise and parameters; scaled features for those who want them scaled."""
    f0 = _f0(sizes, batch)
    loudness = rng.uniform(-60, 0, f0.shape).astype(np.float32)
    along = np.arange(config.n_taps) / config.n_taps
    envelope = config.reverb_gain * 10 ** (-config.reverb_decay_db / 20 * along)
    inputs = {
        "f0_hz": f0,
        "loudness_db": loudness,
        "noise": rng.uniform(-1, 1, (batch, sizes.n_samples)).astype(np.float32),
        "f0_scaled": ((12 * np.log2(f0 / 440) + 69) / 127).astype(np.float32),
        "loudness_scaled": loudness / 80 + 1,
        "envelope": envelope.astype(np.float32),
    }
    if with_target:
        inputs["audio"] = 0.1 * _normal(rng, batch, sizes.n_samples)
    inputs |= {f"param:{name}": value for name, value in parameters.items()}
    return inputs, {"config": config.to_json(), "sample_rate": sizes.sample_rate}


def original_model(batch: int, with_target: bool):
    def make(sizes, rng):
        config = original_config(sizes)
        parameters = Model(config).init(rng)
        return _model(sizes, rng, config, parameters, sizes.batch or batch, with_target)

    return make


def shipped_model(batch: int, with_target: bool):
    def make(sizes, rng):
        cello = find_instrument("cello")  # six of seven have its sizes
        parameters, n_examples = cello.parameters, sizes.batch or batch
        return _model(sizes, rng, cello.config, parameters, n_examples, with_target)

    return make


LINES = {
    line.name: line
    for line in (
        Line(
            "harmonic", "harmonic synthesis, 60 harmonics", harmonic,
            ("f0_hz", "amplitudes", "harmonic_distribution"),
            targets={"forward": 300, "both": 200},
        ),
        Line(
            "sinusoidal", "sinusoidal bank, 60 independent partials", sinusoidal,
            ("frequencies_hz", "amplitudes"), targets={"both": 40},
        ),
        Line(
            "filtered_noise", "filtered noise, 65 bands", filtered_noise,
            ("magnitudes",), targets={"forward": 5, "both": 8},
        ),
        Line(
            "reverb", "reverb, 48000 taps", reverb,
            ("audio", "impulse_response"), targets={"forward": 2.5, "both": 2.5},
        ),
        Line(
            "fir", "time-varying FIR, 1024 taps a frame", fir,
            ("audio", "impulse_responses"), targets={"both": 3},
        ),
        Line(
            "spectral_loss", "multi-scale spectral loss, 6 scales", spectral_loss,
            ("audio",), targets={"both": 6},
        ),
        Line("stft", "STFT magnitudes, 2048", audio_alone, ("audio",)),
        Line("loudness", "loudness", audio_alone, ("audio",)),
        Line("all_pole", "time-varying all-pole filter, order 2", all_pole,
             ("audio", "coefficients")),
        Line("pitch", "pYIN, 10 s", melody, targets={"forward": 100}),
        Line("features", "feature extraction (pYIN and loudness), 10 s", melody),
        Line("render_shipped", "render of a shipped instrument", shipped_model(1, False),
             targets={"real_time": 200}),
        Line("render_original", "render, the original's solo_instrument model",
             original_model(1, False), targets={"forward": 8}),
        Line("train_shipped", "training step of the shipped decoder, batch 16",
             shipped_model(16, True), step=True, targets={"both": 5}),
        Line("train_original", "training step, the original's solo_instrument model, batch 4",
             original_model(4, True), step=True, targets={"both": 6, "memory": 4}),
    )
}  # fmt: skip
