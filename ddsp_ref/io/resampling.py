"""Changing the sample rate of whole sounds and of sounds that come in blocks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import soxr

from ddsp_ref.errors import require

MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 4_000, 384_000
BLOCK = 1 << 16  # samples per channel that are worked on at a time


def resample(audio: np.ndarray, old_rate: int, new_rate: int) -> np.ndarray:
    """Change the sample rate of a sound.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,)
        The sound.
    old_rate, new_rate : int
        Samples per second, 4000 to 384000.

    Returns
    -------
    ndarray, shape (round(n_samples * new_rate / old_rate),), float32
        The sound; not a copy if the rates are equal and it is float32 already.

    Examples
    --------
    >>> import numpy as np
    >>> resample(np.zeros(441), 44100, 16000).shape
    (160,)
    """
    check_sample_rate("resample", old_rate)
    check_sample_rate("resample", new_rate)
    audio = np.asarray(audio, np.float32)
    if old_rate == new_rate:
        return audio
    blocks = (audio[None, i : i + BLOCK] for i in range(0, len(audio), BLOCK))
    return resample_blocks(blocks, old_rate, new_rate)


def check_sample_rate(function: str, sample_rate: int) -> None:
    """Raise `ParameterError` unless the rate is a whole number from 4000 to 384000."""
    whole = isinstance(sample_rate, (int, np.integer)) and not isinstance(sample_rate, bool)
    require(
        whole and MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE,
        f"{function}: sample_rate is {sample_rate}, must be a whole number "
        f"from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}",
    )


def resample_blocks(blocks: Iterable[np.ndarray], old_rate: int, new_rate: int) -> np.ndarray:
    """Resample a sound that comes block by block.

    Parameters
    ----------
    blocks : iterable of ndarray, shape (n_channels, n_samples), float32
        The sound in pieces of any length.
    old_rate, new_rate : int
        Samples per second.

    Returns
    -------
    ndarray, shape (round(n * new_rate / old_rate),), float32
        All pieces as one; with an axis of channels in front if there are several.
    """
    stream = None
    parts: list[np.ndarray] = []
    n_in = 0
    for block in blocks:
        if stream is None:
            stream = soxr.ResampleStream(old_rate, new_rate, len(block), dtype="float32")
        n_in += block.shape[1]
        parts.append(_push(stream, block, last=False))
    if stream is None:
        return np.zeros(0, np.float32)
    parts.append(_push(stream, np.zeros((len(block), 0), np.float32), last=True))
    audio = np.concatenate(parts, axis=1)
    n_out = max(1, (2 * n_in * new_rate + old_rate) // (2 * old_rate))
    if audio.shape[1] < n_out:
        audio = np.pad(audio, ((0, 0), (0, n_out - audio.shape[1])))
    audio = np.ascontiguousarray(audio[:, :n_out])
    return audio[0] if len(audio) == 1 else audio


def _push(stream: soxr.ResampleStream, block: np.ndarray, *, last: bool) -> np.ndarray:
    out = stream.resample_chunk(np.ascontiguousarray(block.T), last=last)
    return out.reshape(-1, len(block)).T
