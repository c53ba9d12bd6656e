"""The sound of an instrument that plays given curves."""

from __future__ import annotations

import dataclasses
import os
import time
from dataclasses import dataclass

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.io.resampling import check_sample_rate, resample
from ddsp_ref.models.features import LEVELS
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.models.model import IR_KEY
from ddsp_ref.processors.synths import uniform_noise
from ddsp_ref.transfer.controls import Controls
from ddsp_ref.transfer.curves import Curves
from ddsp_ref.transfer.instruments import find_instrument


@dataclass(frozen=True, eq=False)
class Rendered:
    """The sound of an instrument.

    Attributes
    ----------
    audio : ndarray, shape (n_samples,), float32
        Finite, at most 1 in size.
    sample_rate : int
        Samples per second.
    gain_db : float
        0, or how much the sound was scaled down so that it is not clipped.
    taken : float
        Seconds of work.
    """

    audio: np.ndarray
    sample_rate: int
    gain_db: float
    taken: float

    @property
    def seconds(self) -> float:
        """Duration of the sound."""
        return len(self.audio) / self.sample_rate

    @property
    def real_time_factor(self) -> float:
        """Time it took, as a share of the duration."""
        return self.taken / self.seconds


def render(
    curves: Curves,
    instrument: str | os.PathLike[str] | Instrument,
    *,
    n_samples: int | None = None,
    reverb: float = 1.0,
    seed: int = 0,
    output_sample_rate: int | None = None,
    audio: np.ndarray | None = None,
) -> Rendered:
    """Let an instrument play.

    Parameters
    ----------
    curves : Curves
        What to play: `Adjusted` of `adjust`, or what `read_curves` read. Curves of another frame
        rate than the instrument's are brought to it, pitch evenly in cents.
    instrument : str, PathLike or Instrument
        Who plays; see `find_instrument`.
    n_samples : int, optional
        Length of the result in samples, at the output's sample rate; the duration of the curves
        if not given.
    reverb : float
        How much of the instrument's room to hear, 0 to 4; 1 is as learned.
    seed : int
        Of the noise in the sound. The same seed gives the same samples.
    output_sample_rate : int, optional
        Samples per second; those of the instrument if not given.
    audio : ndarray, shape (n_samples,), optional
        What the curves were heard in, mono, at the sample rate of the instrument: `Heard.audio`.
        Needed by an instrument with an encoder, see `ModelConfig.needs_audio`, which gets what is
        missing at its end as silence.

    Returns
    -------
    Rendered
        The sound; scaled down, as a whole, only if it would exceed 1.

    Raises
    ------
    ParameterError
        If a setting is out of its range, or the instrument needs the recording.
    """
    start = time.perf_counter()
    player = find_instrument(instrument)
    settings = Controls(reverb=reverb, seed=seed)  # checks them
    config = player.config
    rate = config.sample_rate if output_sample_rate is None else output_sample_rate
    check_sample_rate("render", rate)
    if n_samples is None:
        n_samples = round(len(curves.f0_hz) * rate / curves.frame_rate)
    require(n_samples > 0, f"render: n_samples is {n_samples}, must be at least 1")
    curves = curves.at(config.frame_rate)
    n_noise = len(curves.f0_hz) * config.hop_size
    noise = uniform_noise((n_noise,), np.random.default_rng(settings.seed))
    loudness_db = np.maximum(curves.loudness_db, np.float32(-LEVELS[config.level][1]))
    heard = _as_long(player, audio, n_noise) if config.needs_audio else None
    sound = _set_reverb(player, reverb).render(curves.f0_hz, loudness_db, noise, heard)
    sound, gain_db = _limit(_fix_length(resample(sound, config.sample_rate, rate), n_samples))
    return Rendered(sound, rate, gain_db, time.perf_counter() - start)


def _set_reverb(player: Instrument, reverb: float) -> Instrument:
    if reverb == 1 or IR_KEY not in player.parameters:
        return player
    room = player.parameters[IR_KEY] * np.float32(reverb)
    return dataclasses.replace(player, parameters={**player.parameters, IR_KEY: room})


def _as_long(player: Instrument, audio: np.ndarray | None, n_samples: int) -> np.ndarray:
    require(
        audio is not None,
        f"render: {player.name} is told the sound itself, beside pitch and level: audio must be "
        "given, the recording (`Heard.audio`; --recording FILE on the command line)",
    )
    audio = np.asarray(audio, np.float32)
    require(audio.ndim == 1, f"render: audio has shape {audio.shape}, must be (n_samples,)")
    return _fix_length(audio, n_samples)


def _fix_length(audio: np.ndarray, n_samples: int) -> np.ndarray:
    """Leave out what the last frame has too much; add what resampling rounded off."""
    return np.pad(audio[:n_samples], (0, max(0, n_samples - len(audio))))


def _limit(audio: np.ndarray) -> tuple[np.ndarray, float]:
    """Scale down to a peak of 1 if it is more; return the gain in dB as well."""
    peak = float(np.abs(audio).max())
    if peak <= 1.0:
        return audio, 0.0
    # Rounding must not leave a sample a little above 1.
    return np.clip(audio / np.float32(peak), -1.0, 1.0), -20.0 * float(np.log10(peak))
