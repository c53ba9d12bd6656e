"""Formats and sample rates of audio files, and checks before any work is done."""

from __future__ import annotations

import os
from pathlib import Path

from ddsp_ref.errors import AudioFileError
from ddsp_ref.io.containers import is_truncated, looks_like_audio
from ddsp_ref.io.files import check_output_path

FORMATS = {
    ".wav": "WAV",
    ".flac": "FLAC",
    ".ogg": "OGG",
    ".mp3": "MP3",
    ".aif": "AIFF",
    ".aiff": "AIFF",
}
WITH_BITS = ("WAV", "FLAC", "AIFF")  # a sample is a number of so many bits
_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_MAX_OGG_RATE = 192000  # above, the encoder ends the process with a segmentation fault


def check_audio_input(path: str | os.PathLike[str]) -> Path:
    """Tell early, before any work is done, that an audio file cannot be read.

    Parameters
    ----------
    path : str or PathLike
        The file.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    AudioFileError
        If the file is missing, a folder, empty, or shorter than its header says.
    """
    path = Path(path)
    if path.is_dir():
        raise AudioFileError(f"{path} is a folder, not an audio file")
    if not path.exists():
        raise AudioFileError(f"there is no file {path}")
    if not path.is_file():
        raise AudioFileError(f"{path} is not an ordinary file")
    if not os.access(path, os.R_OK):
        raise AudioFileError(f"no permission to read {path}")
    if path.stat().st_size == 0:
        raise AudioFileError(f"{path} is empty (0 bytes)")
    if path.suffix.lower() == ".mp3" and not looks_like_audio(path):
        raise AudioFileError(f"{path} is not an audio file, or of a format that cannot be read")
    if is_truncated(path):
        raise AudioFileError(f"{path} is truncated: it ends before its header says")
    return path


def check_audio_output(path: str | os.PathLike[str], sample_rate: int | None = None) -> Path:
    """Tell early, before any work is done, that an audio file could not be written.

    Parameters
    ----------
    path : str or PathLike
        Where a file is going to be written.
    sample_rate : int, optional
        Samples per second that it is going to have.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    AudioFileError
        If the folder does not exist, the suffix is not known, or the format has no such rate.
    """
    path = check_output_path(path, error=AudioFileError)
    check_format(path, sample_rate)
    return path


def check_format(path: Path, sample_rate: int | None = None) -> None:
    """Do what `check_audio_output` does, but for the folder, which may not be there yet."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        *most, last = FORMATS
        what = f"the format {suffix} is not known" if suffix else "the name has no suffix"
        raise AudioFileError(f"cannot write {path}: {what}; use {', '.join(most)} or {last}")
    nearest = sample_rate and nearest_rate(path, sample_rate)
    if nearest != sample_rate:
        raise AudioFileError(
            f"cannot write {path}: {FORMATS[suffix]} has no {sample_rate} Hz; "
            f"the nearest that works is {nearest}"
        )


def nearest_rate(path: str | os.PathLike[str], sample_rate: int) -> int:
    """Return the sample rate nearest to the one wanted that the format of a file can hold.

    Parameters
    ----------
    path : str or PathLike
        The suffix gives the format.
    sample_rate : int
        Samples per second that would be liked.

    Returns
    -------
    int
        Samples per second.

    Examples
    --------
    >>> nearest_rate("a.wav", 96000), nearest_rate("a.mp3", 96000)
    (96000, 48000)
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".mp3":
        return min(_MP3_RATES, key=lambda rate: abs(rate - sample_rate))
    return min(sample_rate, _MAX_OGG_RATE) if suffix == ".ogg" else sample_rate
