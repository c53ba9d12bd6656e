"""Features of a recording: pitch, confidence, voicing and loudness, frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.fft

from ddsp_ref.analysis.frames import hop_size, n_frames, nearest_frame_rate
from ddsp_ref.analysis.pyin import pyin
from ddsp_ref.errors import require
from ddsp_ref.io.resampling import resample
from ddsp_ref.ops.spectral.compute_loudness import compute_loudness
from ddsp_ref.ops.spectral.compute_loudness_ddsp_pytorch import compute_loudness_ddsp_pytorch
from ddsp_ref.ops.spectral.compute_loudness_magenta_v1 import compute_loudness_magenta_v1
from ddsp_ref.ops.spectral.compute_power import compute_power

# What a decoder may be told about the level, with the name of the definition that stands in every
# instrument (a model only sounds right with the features that it was trained on) and the decibels
# that are brought to 0 to 1 for it.
LEVELS = {
    "loudness": ("magenta-3.7-loudness/pyin-1", 80.0),
    "loudness_v1": ("magenta-1-loudness/pyin-1", 120.0),
    "power": ("magenta-3.7-power/pyin-1", 80.0),
    "loudness_ddsp_pytorch": ("ddsp_pytorch-loudness/pyin-1", 160.0),
}
FEATURE_DEFINITION, _ = LEVELS["loudness"]
MIN_DB = -80.0
LOWEST_DB = -max(range_db for _, range_db in LEVELS.values())  # of any definition
# ddsp_pytorch's loudness is a mean of natural logarithms. In these units, 1 dB more in the
# recording is 1 more in the level, as everywhere else here.
DB_PER_NEPER = 20 / np.log(10)
F0_RANGE_HZ = (50.0, 2500.0)

_WINDOW_SECONDS = 0.032  # 512 samples at 16 kHz, magenta/ddsp's window of loudness
_POWER_FRAME, _POWER_RATE = 1024, 16000
_PYTORCH_FFT = _V1_FFT = 2048
_CHUNK = 4096  # frames of which loudness is computed at once


@dataclass(frozen=True)
class Features:
    """What a decoder is told about a recording; every array has shape (n_frames,).

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
    """

    f0_hz: np.ndarray
    f0_confidence: np.ndarray
    voiced: np.ndarray
    loudness_db: np.ndarray


def loudness_fft_size(sample_rate: int) -> int:
    """Return the FFT size of loudness: 512 at 16 kHz, the same time elsewhere.

    Examples
    --------
    >>> loudness_fft_size(16000), loudness_fft_size(48000), loudness_fft_size(44100)
    (512, 1536, 1440)
    """
    return 4 * scipy.fft.next_fast_len(round(sample_rate * _WINDOW_SECONDS / 4))


def loudness_of(audio: np.ndarray, sample_rate: int, frame_rate: int) -> np.ndarray:
    """Return the loudness of every frame, computed piece by piece.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,)
        Samples; full scale is 1.
    sample_rate, frame_rate : int
        Samples and frames per second; the frame rate must divide the sample rate.

    Returns
    -------
    ndarray, shape (n_frames,), float32
        Loudness in dB, -80 for silence.

    Notes
    -----
    The same numbers as `compute_loudness` of the whole, with memory for 4096 frames only.
    """
    hop, size = whole_hop("loudness_of", sample_rate, frame_rate), loudness_fft_size(sample_rate)
    margin = -(-size // (2 * hop))  # frames whose windows reach over the edge of a piece
    total = n_frames(len(audio), hop)
    result = np.empty(total, np.float32)
    for start in range(0, total, _CHUNK):
        stop = min(start + _CHUNK, total)
        first = max(start - margin, 0)
        piece = np.asarray(audio[first * hop : (stop + margin) * hop], np.float32)
        loudness = compute_loudness(
            piece, sample_rate=sample_rate, frame_rate=frame_rate, fft_size=size
        )
        result[start:stop] = loudness[start - first : stop - first]
    return result


def level_of(
    audio: np.ndarray, sample_rate: int, frame_rate: int, level: str = "loudness"
) -> np.ndarray:
    """Return what a decoder is told about the level of every frame.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,)
        Samples; full scale is 1.
    sample_rate, frame_rate : int
        Samples and frames per second; the frame rate must divide the sample rate.
    level : {"loudness", "loudness_v1", "power", "loudness_ddsp_pytorch"}
        Of `LEVELS`: `loudness_of`, `compute_loudness_magenta_v1`, `compute_power` of 1024
        samples at 16 kHz, as the models of magenta/ddsp's plugin were trained on at every
        sample rate (at the rate of the audio, if the frame rate does not divide 16000), or
        `compute_loudness_ddsp_pytorch` times 20 / ln(10).

    Returns
    -------
    ndarray, shape (n_frames,), float32
        In dB.
    """
    if level == "loudness":
        return loudness_of(audio, sample_rate, frame_rate)
    total = n_frames(len(audio), whole_hop("level_of", sample_rate, frame_rate))
    rates = {"sample_rate": sample_rate, "frame_rate": frame_rate}
    if level == "power":
        if sample_rate != _POWER_RATE and _POWER_RATE % frame_rate == 0:
            audio, rates["sample_rate"] = resample(audio, sample_rate, _POWER_RATE), _POWER_RATE
        found = compute_power(audio, frame_size=_POWER_FRAME, **rates)
    elif level == "loudness_ddsp_pytorch":
        # a mirror image needs more than half a window of sound
        mode = "reflect" if len(audio) > _PYTORCH_FFT // 2 else "constant"
        settings = {"fft_size": _PYTORCH_FFT, "pad_mode": mode, **rates}
        found = compute_loudness_ddsp_pytorch(audio, **settings) * np.float32(DB_PER_NEPER)
    else:
        found = compute_loudness_magenta_v1(audio, **rates)
    return np.pad(found, (0, max(0, total - len(found))), mode="edge")[:total]


def reach_of_level(level: str, sample_rate: int) -> tuple[int, int] | None:
    """Return how many samples before and after its middle a frame's level is made of.

    None for power at another rate than 16000, where the whole is resampled first.

    Examples
    --------
    >>> reach_of_level("loudness", 16000), reach_of_level("loudness_v1", 16000)
    ((256, 256), (0, 2048))
    """
    if level == "loudness_v1":  # its frames begin where others have their middle
        return 0, _V1_FFT
    if level == "power" and sample_rate != _POWER_RATE:
        return None
    sizes = {"power": _POWER_FRAME, "loudness_ddsp_pytorch": _PYTORCH_FFT}
    half = sizes.get(level, loudness_fft_size(sample_rate)) // 2
    return half, half


def whole_hop(function: str, sample_rate: int, frame_rate: int) -> int:
    """Return the samples from one frame to the next, or say that they are no whole number."""
    hop = hop_size(sample_rate, frame_rate)
    require(
        hop.denominator == 1,
        f"{function}: frame_rate is {frame_rate}, must divide the sample rate {sample_rate}; "
        f"the nearest that does is {nearest_frame_rate(sample_rate, frame_rate)}",
    )
    return int(hop)


def extract_features(
    audio: np.ndarray,
    sample_rate: int,
    frame_rate: int,
    *,
    level: str = "loudness",
    f0_range_hz: tuple[float, float] = F0_RANGE_HZ,
    progress: Callable[[str], None] = lambda stage: None,
) -> Features:
    """Return the features of one recording.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,)
        Samples; full scale is 1.
    sample_rate, frame_rate : int
        Samples and frames per second; the frame rate must divide the sample rate.
    level : {"loudness", "loudness_v1", "power", "loudness_ddsp_pytorch"}
        See `level_of`.
    f0_range_hz : (float, float)
        Lowest and highest pitch to look for. A range that fits the instrument keeps a tracker
        from the octave below.
    progress : function
        Called with "pitch" and "loudness" when that begins.

    Returns
    -------
    Features
        All with `n_frames(len(audio), hop)` frames; frame i is centred on sample ``i * hop``.
    """
    whole_hop("extract_features", sample_rate, frame_rate)  # before the work begins
    lowest, highest = f0_range_hz
    progress("pitch")
    pitch = pyin(
        audio,
        sample_rate,
        frame_rate=frame_rate,
        fmin_hz=lowest,
        fmax_hz=min(highest, sample_rate / 2),
    )
    progress("loudness")
    return Features(
        f0_hz=np.asarray(pitch.f0_hz, np.float32),
        f0_confidence=np.asarray(pitch.f0_confidence, np.float32),
        voiced=np.asarray(pitch.voiced, bool),
        loudness_db=level_of(audio, sample_rate, frame_rate, level),
    )
