"""The pipeline: features, adjustment, rendering, and what there is to say about it."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ddsp_ref.errors import NoPitchError, require
from ddsp_ref.io.resampling import check_sample_rate, resample
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.models.model import IR_KEY
from ddsp_ref.processors.synths import uniform_noise
from ddsp_ref.transfer.adjust import Adjusted, adjust, check_shifts
from ddsp_ref.transfer.describe import describe
from ddsp_ref.transfer.features import Heard, Progress, check_audio, extract_features
from ddsp_ref.transfer.instruments import find_instrument

# Below this peak (-80 dB) a recording is silent: there is nothing but dither in it.
_SILENCE = 1e-4
# No pitch above this share of the sample rate: an octave of partials has to fit below Nyquist.
_HIGHEST = 0.22


@dataclass(frozen=True)
class Transfer:
    """What came out of a timbre transfer.

    Attributes
    ----------
    audio : ndarray, shape (n_samples,), float32
        The sound, finite, at most 1 in size, exactly as long as the recording.
    sample_rate : int
        Samples per second of `audio`.
    instrument : str
        Name of what plays.
    input : Heard
        The recording at the sample rate of the instrument, and its features.
    adjusted : Adjusted
        The pitch and the loudness that the instrument played.
    pitch_shift, loudness_shift : float
        As asked for, in octaves and dB.
    gain_db : float
        0, or how much the sound was scaled down so that it is not clipped.
    timings : dict of str to float
        Seconds that every stage took.
    """

    audio: np.ndarray
    sample_rate: int
    instrument: str
    input: Heard
    adjusted: Adjusted
    pitch_shift: float
    loudness_shift: float
    gain_db: float
    timings: dict[str, float]

    @property
    def seconds(self) -> float:
        """Duration of the sound."""
        return len(self.audio) / self.sample_rate

    @property
    def real_time_factor(self) -> float:
        """Time it took, as a share of the duration."""
        return sum(self.timings.values()) / self.seconds

    def summary(self) -> str:
        """Return a few lines of text: duration, pitch range, shifts, times."""
        return describe(self)


def timbre_transfer(
    audio: np.ndarray,
    sample_rate: int,
    instrument: str | os.PathLike[str] | Instrument = "violin",
    *,
    pitch_shift: float = 0.0,
    loudness_shift: float = 0.0,
    reverb: float = 1.0,
    adjust: bool = True,
    output_sample_rate: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Transfer:
    """Play a recording of one voice or instrument on another instrument.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,) or (n_channels, n_samples)
        The recording, full scale 1, at least 0.1 s; channels are averaged.
    sample_rate : int
        Samples per second, 4000 to 384000.
    instrument : str, PathLike or Instrument
        The name of one that ships with the package, or the folder of another.
    pitch_shift : float
        Octaves to go up, -8 to 8; 7 / 12 is a fifth.
    loudness_shift : float
        Decibels to add to the loudness that the instrument is told, -120 to 120. This is playing
        louder, not turning up: the timbre changes as well.
    reverb : float
        How much of the room that the instrument was recorded in to hear: 1 as it was learned, 0
        for none, at most 4.
    adjust : bool
        Whether to move the melody by octaves into the range of the instrument and to fit its
        loudness to what the instrument knows.
    output_sample_rate : int, optional
        Samples per second of the result; those of the recording if not given.
    seed : int
        Of the noise in the sound. The same seed gives the same samples.
    progress : function, optional
        Called with the name of every stage when it begins: "resample", "pitch", "loudness",
        "adjust", "render".

    Returns
    -------
    Transfer
        The sound, the features before and after, times, and a summary.

    Raises
    ------
    NoPitchError
        If the recording is silent, or has no pitch that could be followed.
    InstrumentError
        If the instrument is not known (the message names those that are) or damaged.
    ParameterError
        If the audio is not finite, not audio, too short, or a setting is out of its range.

    Notes
    -----
    The sound is scaled down, as a whole, only if it would exceed 1; `gain_db` says by how much.
    Memory grows with the length of the recording, about 1 MB per second at 16 kHz.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> hum = 0.3 * np.sin(2 * np.pi * 330 / 16000 * np.arange(16000))
    >>> transfer = ddsp_ref.timbre_transfer(hum, 16000, "violin")  # doctest: +SKIP
    >>> transfer.audio.shape  # doctest: +SKIP
    (16000,)
    """
    clock = _Clock(progress)
    check_shifts(pitch_shift, loudness_shift)
    require(0 <= reverb <= 4, f"timbre_transfer: reverb is {reverb}, must be from 0 to 4")
    check_sample_rate("timbre_transfer", sample_rate)
    rate_out = sample_rate if output_sample_rate is None else output_sample_rate
    check_sample_rate("timbre_transfer", rate_out)
    mono = check_audio("timbre_transfer", audio, sample_rate)
    _check_not_silent(mono)

    with clock("resample"):
        player = _set_reverb(find_instrument(instrument), reverb)
        config = player.config
        mono = resample(mono, sample_rate, config.sample_rate)
    heard = extract_features(mono, config.sample_rate, config.frame_rate, clock.begin)
    with clock("adjust"):
        played = _adjust(heard, player, pitch_shift, loudness_shift, adjust)
    with clock("render"):
        sound = _render(player, played, len(heard.audio), seed)
        n_samples = round(np.shape(audio)[-1] * rate_out / sample_rate)
        sound = _fix_length(resample(sound, config.sample_rate, rate_out), n_samples)
        sound, gain_db = _limit(sound)
    return Transfer(
        audio=sound,
        sample_rate=rate_out,
        instrument=player.name,
        input=heard,
        adjusted=played,
        pitch_shift=pitch_shift,
        loudness_shift=loudness_shift,
        gain_db=gain_db,
        timings=clock.times,
    )


class _Clock:
    """Tells which stage begins, and writes down how long each took."""

    def __init__(self, progress: Progress | None) -> None:
        self.times: dict[str, float] = {}
        self._tell = progress or (lambda stage: None)
        self._stage: str | None = None
        self._since = 0.0

    def begin(self, stage: str | None) -> None:
        now = time.perf_counter()
        if self._stage is not None:
            self.times[self._stage] = self.times.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now
        if stage is not None:
            self._tell(stage)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        self.begin(stage)
        yield
        self.begin(None)


def _check_not_silent(audio: np.ndarray) -> None:
    peak = float(max(audio.max(), -audio.min()))
    if peak < _SILENCE:
        level = f"its peak is {20 * np.log10(peak):.0f} dB" if peak > 0 else "every sample is 0"
        raise NoPitchError(f"the recording is silent: {level}")


def _set_reverb(player: Instrument, reverb: float) -> Instrument:
    if reverb == 1 or IR_KEY not in player.parameters:
        return player
    room = player.parameters[IR_KEY] * np.float32(reverb)
    return dataclasses.replace(player, parameters={**player.parameters, IR_KEY: room})


def _adjust(
    heard: Heard, player: Instrument, pitch_shift: float, loudness_shift: float, fit: bool
) -> Adjusted:
    return adjust(
        heard,
        heard.frame_rate,
        player.statistics,
        highest_hz=_HIGHEST * player.config.sample_rate,
        pitch_shift=pitch_shift,
        loudness_shift=loudness_shift,
        fit=fit,
    )


def _render(player: Instrument, played: Adjusted, n_samples: int, seed: int) -> np.ndarray:
    n_noise = len(played.f0_hz) * player.config.hop_size
    noise = uniform_noise((n_noise,), np.random.default_rng(seed))
    return player.render(played.f0_hz, played.loudness_db, noise)[:n_samples]


def _fix_length(audio: np.ndarray, n_samples: int) -> np.ndarray:
    """Undo the sample by which resampling there and back rounds."""
    return np.pad(audio[:n_samples], (0, max(0, n_samples - len(audio))))


def _limit(audio: np.ndarray) -> tuple[np.ndarray, float]:
    """Scale down to a peak of 1 if it is more; return the gain in dB as well."""
    peak = float(np.abs(audio).max())
    if peak <= 1.0:
        return audio, 0.0
    # Rounding must not leave a sample a little above 1.
    return np.clip(audio / np.float32(peak), -1.0, 1.0), -20.0 * float(np.log10(peak))
