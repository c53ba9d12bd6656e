"""Pitch trackers beside pYIN: CREPE's networks, and other packages."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddsp_ref.analysis.crepe_network import CrepeNetwork, tiny_network
from ddsp_ref.analysis.crepe_pitch import DEFAULT_HZ, VOICED, crepe
from ddsp_ref.analysis.frames import frame_times, hop_size
from ddsp_ref.analysis.pitch import fill_unvoiced
from ddsp_ref.errors import MissingExtraError, require
from ddsp_ref.importers.crepe import crepe_file, full_network
from ddsp_ref.models.features import F0_RANGE_HZ, Features, level_of
from ddsp_ref.transfer.clock import Progress

_PESTO = 'pip install "ddsp_ref[pesto]"'


def check_tracker(function: str, name: str) -> None:
    """Raise an error unless the tracker is known and what it needs is installed."""
    require(
        name in TRACKERS,
        f"{function}: f0_tracker is {name!r}, must be {', '.join(map(repr, TRACKERS))}",
    )
    if name == "crepe":
        _check_crepe()
    if name == "pesto":
        _load_pesto()


def check_f0_range(function: str, f0_range_hz: Sequence[float], below: float = math.inf) -> None:
    """Raise an error unless a range of pitches is one, and begins below what can be heard."""
    lowest, highest = f0_range_hz
    reach = "" if below == math.inf else f" and below {below:g}, half the sample rate"
    require(
        0 < lowest < min(highest, below) and highest < math.inf,
        f"{function}: f0_range_hz is {tuple(f0_range_hz)}, must be two pitches above 0, the lower "
        f"first{reach}, e.g. (190, 2500)",
    )


def _check_crepe() -> None:
    try:
        crepe_file("full")
    except MissingExtraError as error:
        raise MissingExtraError(
            f"the pitch tracker crepe cannot be used: {error}, or use crepe-tiny or pyin, which "
            "need nothing"
        ) from None


def _load_pesto() -> Any:
    try:
        package = importlib.import_module("pesto")
        reason = "" if hasattr(package, "predict") else "the package pesto here is another one"
    except ImportError as error:
        reason = str(error)
    if reason:
        raise MissingExtraError(
            f"the pitch tracker pesto cannot be used: {reason}; {_PESTO}, or use pyin, which "
            "needs nothing"
        )
    return package


def track(
    name: str,
    audio: np.ndarray,
    sample_rate: int,
    frame_rate: int,
    progress: Progress,
    level: str = "loudness",
    f0_range_hz: tuple[float, float] = F0_RANGE_HZ,
) -> Features:
    """Return features of a recording whose pitch is not found by pYIN.

    Parameters
    ----------
    name : {"crepe-tiny", "crepe", "pesto"}
        Who finds it.
    audio : ndarray, shape (n_samples,), float32
        The recording.
    sample_rate, frame_rate : int
        Samples and frames per second.
    progress : function
        Called with "pitch" and "loudness" when that begins.
    level : {"loudness", "loudness_v1", "power"}
        See `ddsp_ref.models.features.level_of`.
    f0_range_hz : (float, float)
        What is outside of it counts as no pitch.

    Returns
    -------
    Features
        At the same times as those of pYIN. Voiced is what has a confidence of at least 0.5 and a
        pitch within the range.

    Raises
    ------
    MissingExtraError
        If what it needs is not installed.
    """
    progress("pitch")
    f0_hz, confidence = _PITCH[name](audio, sample_rate, frame_rate)
    lowest, highest = f0_range_hz
    voiced = (confidence >= VOICED) & (f0_hz >= lowest) & (f0_hz <= highest)
    progress("loudness")
    return Features(
        f0_hz=fill_unvoiced(f0_hz.astype(np.float32), voiced, DEFAULT_HZ),
        f0_confidence=confidence.astype(np.float32),
        voiced=voiced,
        loudness_db=level_of(audio, sample_rate, frame_rate, level),
    )


def _by_crepe(network: Callable[[], CrepeNetwork]) -> Callable[..., tuple]:
    """Kim et al. 2018."""

    def predict(audio: np.ndarray, sample_rate: int, frame_rate: int) -> tuple:
        pitch = crepe(audio, sample_rate, frame_rate=frame_rate, network=network())
        return pitch.f0_hz, pitch.f0_confidence

    return predict


def _pesto(audio: np.ndarray, sample_rate: int, frame_rate: int) -> tuple:
    """Riou et al. 2023; wants a tensor, and milliseconds."""
    tensor = importlib.import_module("torch").from_numpy(audio)
    milliseconds, f0_hz, confidence, *_ = _load_pesto().predict(
        tensor, sample_rate, step_size=1000.0 / frame_rate
    )
    seconds = np.asarray(milliseconds) / 1000.0
    times = frame_times(len(audio), sample_rate, hop_size(sample_rate, frame_rate))
    # of digital silence they are not numbers
    f0_hz, confidence = (np.nan_to_num(np.asarray(x)) for x in (f0_hz, confidence))
    # There may be a frame more or less; in between, pitch goes over evenly in cents.
    f0_hz = np.exp2(np.interp(times, seconds, np.log2(np.maximum(f0_hz, 1.0))))
    return f0_hz, np.clip(np.interp(times, seconds, confidence), 0.0, 1.0)


_PITCH = {
    "crepe-tiny": _by_crepe(tiny_network),
    "crepe": _by_crepe(full_network),  # the one that the original uses
    "pesto": _pesto,
}
TRACKERS = ("pyin", *_PITCH)
