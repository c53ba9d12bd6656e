"""Reading and writing audio files of every usual format."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from ddsp_ref.errors import AudioFileError, ParameterError, require
from ddsp_ref.io.files import atomic_path
from ddsp_ref.io.formats import FORMATS, WITH_BITS, check_audio_input, check_audio_output
from ddsp_ref.io.resampling import (
    BLOCK,
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    check_sample_rate,
    resample_blocks,
)

_SUBTYPES = {16: "PCM_16", 24: "PCM_24", 32: "FLOAT"}


MOST_CHANNELS = 2  # what all the formats can hold


def read_audio(
    path: str | os.PathLike[str], *, sample_rate: int | None = None, mono: bool = True
) -> tuple[np.ndarray, int]:
    """Read an audio file.

    Parameters
    ----------
    path : str or PathLike
        WAV, FLAC, OGG, MP3, AIFF and whatever else libsndfile reads.
    sample_rate : int, optional
        Samples per second of the result, 4000 to 384000; that of the file if not given.
    mono : bool
        Average the channels.

    Returns
    -------
    audio : ndarray, shape (n_samples,) or (n_channels, n_samples), float32
        Full scale of the file is 1. With `mono=False` there always is an axis of channels.
    sample_rate : int
        Samples per second of `audio`.

    Raises
    ------
    AudioFileError
        If the file is missing, a folder, empty, truncated, damaged, not audio, without samples,
        holds NaN or infinity, or says an absurd sample rate.
    ParameterError
        If `sample_rate` is out of its range.

    Notes
    -----
    Decoded and resampled block by block: apart from the result, memory does not grow with the
    number of channels or the sample rate of the file. Resampling is that of soxr, "HQ"; n samples
    become `round(n * new / old)`.

    Examples
    --------
    >>> import numpy as np, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "tone.wav"
    >>> write_audio(path, 0.5 * np.sin(np.arange(8000) * 0.1), 8000)
    >>> audio, rate = read_audio(path, sample_rate=16000)
    >>> audio.shape, audio.dtype, rate
    ((16000,), dtype('float32'), 16000)
    """
    if sample_rate is not None:
        check_sample_rate("read_audio", sample_rate)
    path = check_audio_input(path)
    try:
        with soundfile.SoundFile(_name(path)) as file:
            old_rate = _check_header(path, file)
            blocks = _decode(path, file, mono)
            if sample_rate is None or sample_rate == old_rate:
                audio = _join(blocks)
            else:
                audio = resample_blocks(blocks, old_rate, sample_rate)
    except soundfile.LibsndfileError as error:
        raise _explain(path, error) from None
    except TypeError:  # soundfile wants to be told everything about files named .raw
        raise AudioFileError(f"{path}: raw samples without a header cannot be read") from None
    return audio, sample_rate or old_rate


def write_audio(
    path: str | os.PathLike[str], audio: np.ndarray, sample_rate: int, *, bits: int = 16
) -> None:
    """Write an audio file; a file that is already there is replaced in one step.

    Parameters
    ----------
    path : str or PathLike
        The suffix gives the format: .wav, .flac, .ogg, .mp3, .aif or .aiff.
    audio : ndarray, shape (n_samples,) or (n_channels, n_samples)
        Finite samples, full scale 1.
    sample_rate : int
        Samples per second, 4000 to 384000; MP3 has only some, Ogg at most 192000.
    bits : {16, 24, 32}
        Of a sample in WAV, FLAC and AIFF; 32 is floating point, which FLAC does not have.

    Raises
    ------
    AudioFileError
        If the folder does not exist, the suffix is unknown or the format has no such rate.
    ParameterError
        If `audio` is empty, not finite, or louder than 1 in a format that would clip it.

    Notes
    -----
    Never clips and never scales: that is for the caller to decide.

    Examples
    --------
    >>> import numpy as np
    >>> write_audio("tone.xyz", np.zeros(100), 16000)
    Traceback (most recent call last):
    ...
    ddsp_ref.errors.AudioFileError: cannot write tone.xyz: the format .xyz is not known; use .wav, \
.flac, .ogg, .mp3, .aif or .aiff
    """
    check_sample_rate("write_audio", sample_rate)
    path = check_audio_output(path, sample_rate)
    kind = FORMATS[path.suffix.lower()]
    require(bits in _SUBTYPES, f"write_audio: bits is {bits}, must be 16, 24 or 32")
    require(kind != "FLAC" or bits < 32, "write_audio: FLAC has no 32 bits; the most is bits=24")
    channels = _check_writable_samples(audio, clips=kind in ("OGG", "MP3") or bits < 32)
    subtype = _SUBTYPES[bits] if kind in WITH_BITS else None
    try:
        with (
            atomic_path(path) as temporary,
            soundfile.SoundFile(
                _name(temporary),
                "w",
                sample_rate,
                len(channels),
                format=kind,
                subtype=subtype,
            ) as file,
        ):
            # In blocks: the Vorbis encoder overflows the stack when it gets minutes at once.
            for start in range(0, channels.shape[1], BLOCK):
                file.write(np.ascontiguousarray(channels[:, start : start + BLOCK].T))
    except soundfile.LibsndfileError as error:
        raise AudioFileError(f"cannot write {path}: {_reason(error)}") from None


def _name(path: Path) -> bytes:
    """Return the name as the disk has it: soundfile cannot encode one that is not UTF-8."""
    return os.fsencode(path)


def _check_header(path: Path, file: soundfile.SoundFile) -> int:
    if not MIN_SAMPLE_RATE <= file.samplerate <= MAX_SAMPLE_RATE:
        raise AudioFileError(
            f"{path} says a sample rate of {file.samplerate} Hz; "
            f"{MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz can be read"
        )
    return file.samplerate


def _decode(path: Path, file: soundfile.SoundFile, mono: bool) -> Iterator[np.ndarray]:
    """Yield (n_channels, n_samples) block by block and check what comes."""
    n_read = 0
    while True:
        block = file.read(BLOCK, dtype="float32", always_2d=True).T
        if block.shape[1] == 0:
            break
        if not np.isfinite(block).all():
            at = n_read + int(np.argmin(np.isfinite(block).all(axis=0)))
            raise AudioFileError(
                f"{path} holds samples that are not numbers (NaN or infinity), "
                f"the first at {at / file.samplerate:.3f} s"
            )
        n_read += block.shape[1]
        yield block.mean(axis=0, keepdims=True) if mono and len(block) > 1 else block
    if n_read == 0:
        raise AudioFileError(f"{path} holds no samples")
    # The count of frames of an MP3 file is an estimate; that of the others is a promise.
    if n_read < file.frames and file.format not in ("MP3", "MPEG"):
        raise AudioFileError(
            f"{path} is truncated: {n_read} samples could be read, its header says {file.frames}"
        )


def _join(blocks: Iterator[np.ndarray]) -> np.ndarray:
    audio = np.concatenate(list(blocks), axis=1)
    return audio[0] if len(audio) == 1 else audio


def _check_writable_samples(audio: np.ndarray, *, clips: bool) -> np.ndarray:
    """Return `audio` as (n_channels, n_samples)."""
    audio = np.asarray(audio)
    require(
        audio.ndim in (1, 2) and audio.size > 0 and audio.dtype in (np.float32, np.float64),
        f"write_audio: audio has shape {audio.shape} and dtype {audio.dtype}, must be "
        "(n_samples,) or (n_channels, n_samples) with at least one sample, float32 or float64",
    )
    channels = np.atleast_2d(audio)
    require(
        len(channels) <= min(channels.shape[1], MOST_CHANNELS),
        f"write_audio: audio has shape {audio.shape}, must be (n_channels, n_samples) with at "
        f"most {MOST_CHANNELS} channels; transpose it if channels come last",
    )
    low, high = float(channels.min()), float(channels.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ParameterError("write_audio: audio holds NaN or infinity, must be finite")
    peak = max(-low, high)
    require(
        peak <= 1 or not clips,
        f"write_audio: audio reaches {peak:.4g} and would be clipped, must stay within 1; "
        f"divide it by {peak:.4g}, or write a .wav with bits=32",
    )
    return channels


def _reason(error: soundfile.LibsndfileError) -> str:
    return error.error_string.strip().rstrip(".").removeprefix("Error : ")


def _explain(path: Path, error: soundfile.LibsndfileError) -> AudioFileError:
    """Say in one sentence what the decoder did not like."""
    reason = _reason(error)
    if path.suffix.lower() == ".flac" or "lost sync" in reason or "decoder" in reason.lower():
        with open(path, "rb") as file:
            if file.read(4) == b"fLaC":
                return AudioFileError(f"{path} is truncated or damaged ({reason})")
    return AudioFileError(
        f"{path} is not an audio file, or of a format that cannot be read ({reason})"
    )
