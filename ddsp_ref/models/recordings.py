"""Recordings: found in a folder, read, analysed once."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soxr
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from ddsp_ref.errors import TrainingError, require
from ddsp_ref.io.audio import read_audio
from ddsp_ref.io.files import atomic_path
from ddsp_ref.models.features import FEATURE_DEFINITION, Features, extract_features

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf")
_REVISION = 2  # of the extraction: higher if features change, so that older ones are made anew


@dataclass(frozen=True)
class Recording:
    """One file, analysed.

    Attributes
    ----------
    name : str
        Path inside of the folder of recordings, with forward slashes.
    audio : ndarray, shape (n_samples,), float32
        Samples at the model's rate, a whole number of frames.
    features : Features
        One value per frame.
    held_out : bool
        Whether it is kept from training.
    semitones : float
        By how much it was moved, played faster or slower; 0 for the recording itself.
    voice : str
        Whose it is, see `ddsp_ref.models.voices`; "" if that is not known.
    """

    name: str
    audio: np.ndarray
    features: Features
    held_out: bool = False
    semitones: float = 0.0
    voice: str = ""

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.features.f0_hz)


def find_audio_files(folder: Path) -> list[Path]:
    """Return the audio files of a folder and its subfolders, in a fixed order.

    Raises
    ------
    TrainingError
        If the folder does not exist, may not be read, or holds no audio file.
    """
    if not folder.is_dir():
        if folder.exists():
            raise TrainingError(f"{folder} is not a folder; give the one that holds the recordings")
        raise TrainingError(f"the folder of recordings {folder} does not exist")
    if not os.access(folder, os.R_OK | os.X_OK):  # looks empty
        raise TrainingError(f"no permission to read the folder {folder}")
    files = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    ]
    if not files:
        raise TrainingError(f"the folder {folder} holds no audio file (such as .wav or .flac)")
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def load_recording(
    path: Path, name: str, cache: Path, rates: tuple, f0_range_hz: tuple, semitones: float
) -> Recording:
    """Return one recording, or a copy at another pitch, from the cache if it is there."""
    sample_rate, frame_rate = rates
    moved = [float(semitones)] if semitones else []
    settings = json.dumps([FEATURE_DEFINITION, _REVISION, *rates, *map(float, f0_range_hz), *moved])
    digest = hashlib.sha256(path.read_bytes() + settings.encode()).hexdigest()[:32]
    kept = cache / f"{digest}.safetensors"
    try:
        arrays = load_file(kept)
        audio = arrays.pop("audio")
        return Recording(name, audio, Features(**arrays), semitones=semitones)
    except (OSError, SafetensorError, KeyError, TypeError):
        pass  # not there yet, or damaged: made anew
    audio = _read(path, sample_rate, semitones)
    hop = sample_rate // frame_rate
    audio = np.concatenate([audio, np.zeros(-len(audio) % hop, np.float32)])
    features = extract_features(audio, sample_rate, frame_rate, f0_range_hz=f0_range_hz)
    cache.mkdir(parents=True, exist_ok=True)
    with atomic_path(kept) as temporary:
        temporary.write_bytes(save({"audio": audio, **asdict(features)}))
    return Recording(name, audio, features, semitones=semitones)


def _read(path: Path, sample_rate: int, semitones: float) -> np.ndarray:
    """Return the samples of a recording, or of a copy that is played faster or slower."""
    if not semitones:
        return read_audio(path, sample_rate=sample_rate)[0]
    audio, rate = read_audio(path)
    rate *= 2 ** (semitones / 12)
    # logarithms of the loss would make much of an empty end of the spectrum
    require(
        rate >= sample_rate,
        f"moved by {semitones:g} semitones, nothing would be left above {rate / 2:.0f} Hz; "
        "they must go up unless recordings have a higher sample rate than the model",
    )
    return soxr.resample(audio, rate, sample_rate)
