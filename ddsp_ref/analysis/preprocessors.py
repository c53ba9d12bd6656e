"""From features and audio to what a decoder is told: resampled and scaled, with gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddsp_ref.analysis._checks import whole
from ddsp_ref.analysis.scaling import chain_vjp, scale_f0_vjp, unscale_f0
from ddsp_ref.errors import require
from ddsp_ref.ops.resampling.resample_linear import resample_linear
from ddsp_ref.ops.scaling.unit_db import db_to_unit, unit_to_db
from ddsp_ref.ops.spectral.compute_loudness import compute_loudness
from ddsp_ref.ops.spectral.compute_power import compute_power


def _resample(x: np.ndarray, n_frames: int) -> tuple[np.ndarray, Callable]:
    y, pullback = resample_linear.vjp(np.asarray(x)[..., None], n_samples=n_frames)
    return y[..., 0], lambda bar: pullback(bar[..., None])[0][..., 0]


class _Preprocessor:
    """A pitch and a level, resampled to n_frames and scaled; subclasses measure the level.

    `preprocessor(f0_hz, source)` is a dictionary of `outputs`; `preprocessor.vjp(f0_hz, source)`
    a tuple of them and `pullback(*bars)`, which gives the cotangents of f0_hz and source.
    """

    outputs: ClassVar[tuple[str, ...]]
    n_frames: int

    def _level(self, source: np.ndarray) -> tuple[np.ndarray, Callable]:
        raise NotImplementedError

    def __call__(self, f0_hz: np.ndarray, source: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs by name."""
        return dict(zip(self.outputs, self.vjp(f0_hz, source)[0], strict=True))

    def vjp(self, f0_hz: np.ndarray, source: np.ndarray) -> tuple[tuple, Callable]:
        """Return the outputs, and a pullback from their cotangents to those of the inputs."""
        f0_hz, pull_f0 = _resample(f0_hz, self.n_frames)
        f0_scaled, pull_f0_scaled = scale_f0_vjp(f0_hz)
        level_db, pull_level = self._level(source)
        level_db, pull_resampled = _resample(level_db, self.n_frames)
        scaled, pull_scaled = db_to_unit.vjp(level_db)

        def pullback(f0_bar, level_bar, f0_scaled_bar, scaled_bar):
            f0_bar = f0_bar + pull_f0_scaled(f0_scaled_bar)
            level_bar = level_bar + pull_scaled(scaled_bar)[0]
            return pull_f0(f0_bar), pull_level(pull_resampled(level_bar))

        return (f0_hz, level_db, f0_scaled, scaled), pullback

    @staticmethod
    def invert_scaling(
        f0_scaled: np.ndarray, level_scaled: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return pitch in Hz and level in dB of scaled ones."""
        return unscale_f0(f0_scaled), unit_to_db(level_scaled)


@dataclass(frozen=True)
class F0LoudnessPreprocessor(_Preprocessor):
    """Pitch and loudness for a decoder: resampled to a number of frames and scaled to 0 to 1.

    Inputs: f0_hz (..., n) and, of the same recordings, audio (..., n_samples), or loudness_db
    (..., m) if the loudness is not to be computed. Outputs, all (..., n_frames): `f0_hz`,
    `loudness_db`, `f0_scaled` (MIDI note number / 127), `ld_scaled` (loudness_db / 80 + 1).

    Parameters
    ----------
    n_frames : int
        Frames of the outputs.
    frame_rate, sample_rate : int
        Frames of the computed loudness and samples of the audio per second.
    compute_loudness : bool
        Whether the second input is audio, whose loudness is measured, or the loudness itself.

    Raises
    ------
    ParameterError
        If n_frames is no whole number of at least 1; when called, as the ops do.

    Notes
    -----
    Gradient: to the pitch, and through the loudness to the audio.
    Source: magenta/ddsp 3.7.0, ddsp/training/preprocessing.py, F0LoudnessPreprocessor.
    Differences: the original takes both and, by default, silently ignores the loudness that it
    was given; here there is one or the other. Loudness of n_frames whole hops has a frame more,
    which resampling squeezes in: 1001 frames become 1000, 0.1 % denser, as in the original.

    Examples
    --------
    >>> preprocessor = F0LoudnessPreprocessor(n_frames=2, compute_loudness=False)
    >>> preprocessor(np.array([220.0, 440.0]), np.array([-80.0, -40.0]))["ld_scaled"]
    array([0. , 0.5])
    """

    n_frames: int = 1000
    frame_rate: int = 250
    sample_rate: int = 16000
    compute_loudness: bool = True
    outputs: ClassVar[tuple[str, ...]] = ("f0_hz", "loudness_db", "f0_scaled", "ld_scaled")

    def __post_init__(self) -> None:
        whole(f"{type(self).__name__}: n_frames", self.n_frames, 1)

    def _level(self, source):
        if not self.compute_loudness:
            return chain_vjp(source)
        rates = {"sample_rate": self.sample_rate, "frame_rate": self.frame_rate}
        return chain_vjp(source, (compute_loudness, rates))


@dataclass(frozen=True)
class F0PowerPreprocessor(_Preprocessor):
    """Pitch and power for a decoder: resampled to a number of frames and scaled to 0 to 1.

    Inputs: f0_hz (..., n) and, of the same recordings, audio (..., n_samples), or power_db
    (..., m) if the power is not to be computed. Outputs, all (..., n_frames): `f0_hz`, `pw_db`,
    `f0_scaled` (MIDI note number / 127), `pw_scaled` (pw_db / 80 + 1).

    Parameters
    ----------
    n_frames : int
        Frames of the outputs.
    frame_rate, sample_rate : int
        Frames of the computed power and samples of the audio per second.
    frame_size : int
        Samples of which the power is measured.
    compute_power : bool
        Whether the second input is audio, whose power is measured, or the power itself.

    Raises
    ------
    ParameterError
        If n_frames is no whole number of at least 1; when called, as the ops do.

    Notes
    -----
    Gradient: to the pitch, and through the power to the audio.
    Source: magenta/ddsp 3.7.0, ddsp/training/preprocessing.py, F0PowerPreprocessor.
    Differences: the original computes the power only if it was not given; here a setting says so.

    Examples
    --------
    >>> outputs = F0PowerPreprocessor(n_frames=63)(np.full(63, 440.0), np.full(4000, 0.1))
    >>> outputs["pw_db"][10:13].round(9)
    array([-20., -20., -20.])
    """

    n_frames: int = 1000
    frame_rate: int = 250
    sample_rate: int = 16000
    frame_size: int = 64
    compute_power: bool = True
    outputs: ClassVar[tuple[str, ...]] = ("f0_hz", "pw_db", "f0_scaled", "pw_scaled")

    def __post_init__(self) -> None:
        whole(f"{type(self).__name__}: n_frames", self.n_frames, 1)

    def _level(self, source):
        if not self.compute_power:
            return chain_vjp(source)
        settings = {"sample_rate": self.sample_rate, "frame_rate": self.frame_rate}
        return chain_vjp(source, (compute_power, settings | {"frame_size": self.frame_size}))


@dataclass(frozen=True)
class OnlineF0PowerPreprocessor:
    """Pitch and power for a decoder that plays along: nothing is resampled.

    Inputs: f0_hz and f0_confidence (..., n_frames), and audio (..., n_samples) whose power has as
    many frames. Outputs, all (..., n_frames): `f0_hz`, `pw_db`, `f0_scaled`, `pw_scaled`,
    `f0_confidence`.

    Parameters
    ----------
    frame_rate, sample_rate : int
        Frames and samples per second.
    frame_size : int
        Samples of which the power is measured.
    padding : {"center", "same", "valid"}
        Where the frames lie, see `compute_power`.

    Raises
    ------
    ParameterError
        When called: if pitch, confidence and power differ in their number of frames, or as
        `compute_power` does.

    Notes
    -----
    Gradient: to all three inputs.
    Source: magenta/ddsp 3.7.0, ddsp/training/preprocessing.py, OnlineF0PowerPreprocessor.
    Differences: the original can run CREPE on the audio; here the pitch is always given, from
    `ddsp_ref.pyin` or `ddsp_ref.crepe`. Gradients never flow to CREPE there; drop those of f0_hz
    and f0_confidence for the same.

    Examples
    --------
    >>> preprocessor = OnlineF0PowerPreprocessor(frame_rate=50)
    >>> outputs = preprocessor(np.full(13, 440.0), np.ones(13), np.full(4000, 0.1))
    >>> outputs["pw_scaled"][4:6].round(9)
    array([0.75, 0.75])
    """

    frame_rate: int = 250
    sample_rate: int = 16000
    frame_size: int = 1024
    padding: str = "center"
    outputs: ClassVar[tuple[str, ...]] = (
        "f0_hz", "pw_db", "f0_scaled", "pw_scaled", "f0_confidence",
    )  # fmt: skip

    def __call__(
        self, f0_hz: np.ndarray, f0_confidence: np.ndarray, audio: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return the outputs by name."""
        return dict(zip(self.outputs, self.vjp(f0_hz, f0_confidence, audio)[0], strict=True))

    def vjp(
        self, f0_hz: np.ndarray, f0_confidence: np.ndarray, audio: np.ndarray
    ) -> tuple[tuple, Callable]:
        """Return the outputs, and a pullback from their cotangents to those of the inputs."""
        settings = {"sample_rate": self.sample_rate, "frame_rate": self.frame_rate}
        settings |= {"frame_size": self.frame_size, "padding": self.padding}
        power_db, pull_power = compute_power.vjp(audio, **settings)
        f0_hz, f0_confidence = np.asarray(f0_hz), np.asarray(f0_confidence)
        for name, feature in (("f0_hz", f0_hz), ("f0_confidence", f0_confidence)):
            require(
                feature.shape == power_db.shape,
                f"OnlineF0PowerPreprocessor: {name} has shape {feature.shape}, must be "
                f"{power_db.shape}: so many frames has the power of this audio",
            )
        f0_scaled, pull_f0_scaled = scale_f0_vjp(f0_hz)
        scaled, pull_scaled = db_to_unit.vjp(power_db)

        def pullback(f0_bar, power_bar, f0_scaled_bar, scaled_bar, confidence_bar):
            f0_bar = f0_bar + pull_f0_scaled(f0_scaled_bar)
            (audio_bar,) = pull_power(power_bar + pull_scaled(scaled_bar)[0])
            return f0_bar, confidence_bar, audio_bar

        return (f0_hz, power_db, f0_scaled, scaled, f0_confidence), pullback
