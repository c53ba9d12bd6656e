"""Pitch trackers of other packages, brought to the frames of this one."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ddsp_ref.analysis.frames import frame_times, hop_size
from ddsp_ref.analysis.pitch import fill_unvoiced
from ddsp_ref.errors import MissingExtraError, require
from ddsp_ref.models.features import F0_RANGE_HZ, Features, level_of
from ddsp_ref.transfer.clock import Progress

# How to get them. The set-up of crepe 0.0.16 wants what setuptools has dropped since, and it
# downloads weights: no extra of ours can promise that.
_INSTALL = {
    "crepe": 'pip install "setuptools<81" && pip install --no-build-isolation crepe tensorflow',
    "pesto": 'pip install "ddsp_ref[pesto]"',
}
TRACKERS = ("pyin", *_INSTALL)
_VOICED = 0.5  # confidence from which on the authors of both call a frame voiced
_CREPE_RATE = 16_000
_DEFAULT_HZ = 440.0  # of a recording without any pitch


def check_tracker(function: str, name: str) -> None:
    """Raise an error unless the tracker is known and its package is installed."""
    require(
        name in TRACKERS,
        f"{function}: f0_tracker is {name!r}, must be {', '.join(map(repr, TRACKERS))}",
    )
    if name in _INSTALL:
        _load(name)


def _load(name: str) -> Any:
    try:
        package = importlib.import_module(name)
        reason = "" if hasattr(package, "predict") else f"the package {name} here is another one"
    except ImportError as error:
        reason = str(error)
    if reason:
        raise MissingExtraError(
            f"the pitch tracker {name} cannot be used: {reason}; {_INSTALL[name]}, "
            "or use pyin, which needs nothing"
        )
    return package


def track(
    name: str,
    audio: np.ndarray,
    sample_rate: int,
    frame_rate: int,
    progress: Progress,
    level: str = "loudness",
) -> Features:
    """Return features of a recording whose pitch another package finds.

    Parameters
    ----------
    name : {"crepe", "pesto"}
        The package.
    audio : ndarray, shape (n_samples,), float32
        The recording.
    sample_rate, frame_rate : int
        Samples and frames per second.
    progress : function
        Called with "pitch" and "loudness" when that begins.
    level : {"loudness", "loudness_v1", "power"}
        See `ddsp_ref.models.features.level_of`.

    Returns
    -------
    Features
        At the same times as those of pYIN. Voiced is what has a confidence of at least 0.5 and a
        pitch from 50 to 2500 Hz.

    Raises
    ------
    MissingExtraError
        If the package is not installed.
    """
    progress("pitch")
    seconds, f0_hz, confidence = _PREDICT[name](_load(name), audio, sample_rate, frame_rate)
    times = frame_times(len(audio), sample_rate, hop_size(sample_rate, frame_rate))
    f0_hz, confidence = np.nan_to_num(f0_hz), np.nan_to_num(confidence)  # of digital silence
    # Theirs may be a frame more or less; in between, pitch goes over evenly in cents.
    f0_hz = np.exp2(np.interp(times, seconds, np.log2(np.maximum(f0_hz, 1.0))))
    confidence = np.clip(np.interp(times, seconds, confidence), 0.0, 1.0)
    lowest, highest = F0_RANGE_HZ
    voiced = (confidence >= _VOICED) & (f0_hz >= lowest) & (f0_hz <= highest)
    progress("loudness")
    return Features(
        f0_hz=fill_unvoiced(f0_hz.astype(np.float32), voiced, _DEFAULT_HZ),
        f0_confidence=confidence.astype(np.float32),
        voiced=voiced,
        loudness_db=level_of(audio, sample_rate, frame_rate, level),
    )


def _crepe(package: Any, audio: np.ndarray, sample_rate: int, frame_rate: int) -> tuple:
    """Kim et al. 2018, as the original uses it: with a path through all frames.

    It works at 16 kHz, in steps of whole samples, and counts time in the milliseconds that were
    asked for: steps that are not whole samples would make it run ahead.
    """
    hop = max(1, round(_CREPE_RATE / frame_rate))
    milliseconds = 1000.0 * (hop + 1e-6) / _CREPE_RATE  # it rounds down
    _, f0_hz, confidence, _ = package.predict(
        audio, sample_rate, viterbi=True, step_size=milliseconds, verbose=0
    )
    return np.arange(len(f0_hz)) * (hop / _CREPE_RATE), f0_hz, confidence


def _pesto(package: Any, audio: np.ndarray, sample_rate: int, frame_rate: int) -> tuple:
    """Riou et al. 2023; wants a tensor, and milliseconds."""
    tensor = importlib.import_module("torch").from_numpy(audio)
    milliseconds, f0_hz, confidence, *_ = package.predict(
        tensor, sample_rate, step_size=1000.0 / frame_rate
    )
    return np.asarray(milliseconds) / 1000.0, np.asarray(f0_hz), np.asarray(confidence)


_PREDICT = {"crepe": _crepe, "pesto": _pesto}
