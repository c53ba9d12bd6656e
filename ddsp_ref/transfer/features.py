"""What is heard in a recording, with the recording itself and its frame times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ddsp_ref.analysis.frames import frame_times
from ddsp_ref.analysis.frames import hop_size as exact_hop_size
from ddsp_ref.errors import ParameterError, require
from ddsp_ref.models import features
from ddsp_ref.models.features import Features

Progress = Callable[[str], None]

MIN_SECONDS = 0.1


@dataclass(frozen=True)
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
        A-weighted loudness, at least -80.
    audio : ndarray, float32
        The recording, mono.
    sample_rate, frame_rate : int
        Samples and frames per second.
    """

    audio: np.ndarray
    sample_rate: int
    frame_rate: int

    @cached_property
    def times(self) -> np.ndarray:
        """Time of every frame in seconds, float64."""
        hop = exact_hop_size(self.sample_rate, self.frame_rate)
        return frame_times(len(self.audio), self.sample_rate, hop)

    @property
    def seconds(self) -> float:
        """Duration of the recording."""
        return len(self.audio) / self.sample_rate


def extract_features(
    audio: np.ndarray,
    sample_rate: int,
    frame_rate: int = 250,
    progress: Progress | None = None,
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
    found = features.extract_features(audio, sample_rate, frame_rate, progress=tell)
    return Heard(
        **vars(found),
        audio=audio,
        sample_rate=sample_rate,
        frame_rate=frame_rate,
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
