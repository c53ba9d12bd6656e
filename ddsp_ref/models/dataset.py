"""Recordings for training: found, analysed once, split, and drawn from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ddsp_ref.errors import AudioFileError, ParameterError, TrainingError, require
from ddsp_ref.models.features import F0_RANGE_HZ, MIN_DB
from ddsp_ref.models.recordings import Recording, find_audio_files, load_recording
from ddsp_ref.models.voices import name_voices

_PART = re.compile(r"[_-]part\d+$")


@dataclass(frozen=True)
class Dataset:
    """All recordings of a folder.

    Attributes
    ----------
    sample_rate, frame_rate : int
        Samples and frames per second.
    recordings : tuple of Recording
        In the order of their names.
    skipped : tuple of str
        One sentence per file that could not be used.
    f0_range_hz : (float, float)
        Lowest and highest pitch that was looked for.
    """

    sample_rate: int
    frame_rate: int
    recordings: tuple[Recording, ...]
    skipped: tuple[str, ...] = ()
    f0_range_hz: tuple[float, float] = F0_RANGE_HZ

    @property
    def training(self) -> list[Recording]:
        """The recordings to learn from, and copies of them."""
        return [r for r in self.recordings if not r.held_out]

    @property
    def held_out(self) -> list[Recording]:
        """The recordings to be judged by."""
        return [r for r in self.recordings if r.held_out]


def load_dataset(
    folder: Path,
    cache: Path,
    *,
    sample_rate: int,
    frame_rate: int,
    held_out: float | Sequence[str] = 0.1,
    seed: int = 0,
    level_groups: str | None = None,
    voices: str | None = None,
    f0_range_hz: tuple[float, float] = F0_RANGE_HZ,
    pitch_copies: Sequence[float] = (),
    progress: bool = True,
) -> Dataset:
    """Read, analyse and split a folder of recordings.

    Parameters
    ----------
    folder : Path
        Where the recordings are; any format and rate, subfolders too.
    cache : Path
        Where features are kept, under a hash of content and settings.
    sample_rate, frame_rate : int
        Those of the model.
    held_out : float or sequence of str
        The share of the time to keep from training, 0 to 0.5, or patterns of file names such as
        ``["*_mov8_*"]``.
    seed : int
        Which share is taken.
    level_groups : str, optional
        A regular expression that finds the source in a file's name, e.g. ``"violin_[a-z]+"``;
        sources are brought to the same loudness. Default: levels stay as they are.
    voices : str, optional
        A regular expression that finds the voice in a file's name, see `name_voices`.
    f0_range_hz : (float, float)
        Lowest and highest pitch to look for, in Hz.
    pitch_copies : sequence of float
        Learn from every recording also played faster or slower, its pitch moved by so many
        semitones.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Dataset
        With at least one recording to learn from.

    Raises
    ------
    TrainingError
        If nothing can be used, or nothing would be left to learn from.
    """
    low, high = f0_range_hz
    require(0 < low < high, f"f0_range_hz is {low}, {high}, must be two rising numbers above 0")
    if isinstance(held_out, (int, float)):
        _check_share(held_out)  # before every recording is analysed
    recordings, skipped = [], []
    files = find_audio_files(folder)
    for path in tqdm(files, desc="features", unit="file", disable=not progress):
        name = path.relative_to(folder).as_posix()
        try:
            copies = [
                load_recording(path, name, cache, (sample_rate, frame_rate), f0_range_hz, semitones)
                for semitones in (0.0, *pitch_copies)
            ]
            require(all(copy.features.voiced.any() for copy in copies), "no pitch found")
            recordings += copies
        except (AudioFileError, ParameterError) as error:
            skipped.append(f"{name}: {error}")
    if not recordings:
        raise TrainingError(f"no recording in {folder} can be used; the first: {skipped[0]}")
    if level_groups is not None:
        recordings = equalise_levels(recordings, level_groups)
    if voices is not None:
        recordings = name_voices(recordings, voices)
    chosen = choose_held_out({r.name: r.n_frames for r in recordings}, held_out, seed)
    split = tuple(
        replace(r, held_out=r.name in chosen)
        for r in recordings
        if r.semitones == 0 or r.name not in chosen
    )
    dataset = Dataset(sample_rate, frame_rate, split, tuple(skipped), f0_range_hz)
    if not dataset.training:
        raise TrainingError("every recording is held out: nothing is left to learn from")
    unheard = {r.voice for r in dataset.held_out} - {r.voice for r in dataset.training}
    require(
        not unheard,
        f"every recording of the voice {', '.join(sorted(unheard))} is held out, at least one of "
        "each must be left to learn from; name what to hold out, such as '*_part03*'",
    )
    return dataset


def choose_held_out(
    n_frames: dict[str, int], held_out: float | Sequence[str], seed: int
) -> set[str]:
    """Choose the recordings that are kept from training.

    Parameters
    ----------
    n_frames : dict of str to int
        Length of every recording.
    held_out : float or sequence of str
        A share of the time, 0 to 0.5, or patterns of names.
    seed : int
        Another seed, another choice.

    Returns
    -------
    set of str
        Names. Files that differ only in a last ``_part01`` belong to one performance and stay
        together: the next bar of the same take is not unheard music.

    Raises
    ------
    ParameterError
        If the share is out of range, or a pattern fits no recording.

    Notes
    -----
    Performances come in the order of a hash of their names, so that a recording more or less
    hardly changes the choice; one that would take the share beyond 1.5 times is passed over, unless
    that leaves none at all: then the shortest is held out.
    """
    if isinstance(held_out, str):
        held_out = [held_out]
    if not isinstance(held_out, (int, float)):
        for pattern in held_out:
            require(
                any(fnmatch(name, pattern) for name in n_frames),
                f"held_out is {pattern!r}, must fit the name of a recording, such as "
                f"{min(n_frames, default='a.wav')!r}",
            )
        return {n for n in n_frames if any(fnmatch(n, pattern) for pattern in held_out)}
    _check_share(held_out)
    units: dict[str, list[str]] = {}
    for name in n_frames:
        units.setdefault(_PART.sub("", name.rpartition(".")[0]), []).append(name)
    order = sorted(units, key=lambda unit: hashlib.sha256(f"{seed}/{unit}".encode()).digest())
    wanted, taken, chosen = held_out * sum(n_frames.values()), 0, set()
    for unit in order[: len(order) - 1]:  # never everything
        length = sum(n_frames[name] for name in units[unit])
        if taken < wanted and taken + length <= 1.5 * wanted:
            taken += length
            chosen.update(units[unit])
    if wanted and not chosen and len(order) > 1:  # few and long: the shortest has to do
        chosen.update(min(units.values(), key=lambda names: sum(n_frames[n] for n in names)))
    return chosen


def equalise_levels(recordings: Sequence[Recording], pattern: str) -> list[Recording]:
    """Bring the sources of a dataset to the same loudness.

    Parameters
    ----------
    recordings : sequence of Recording
        Left untouched.
    pattern : str
        A regular expression; what it finds in a name is the source.

    Returns
    -------
    list of Recording
        Scaled such that the loudness that 5 % of a source's voiced frames exceed is the same for
        all: the median of the sources.
    """
    groups: dict[str, list[Recording]] = {}
    for recording in recordings:
        found = re.search(pattern, recording.name)
        groups.setdefault(found.group(0) if found else "", []).append(recording)
    peaks = {
        source: float(np.quantile(_voiced(members, "loudness_db"), 0.95))
        for source, members in groups.items()
    }
    target = float(np.median(list(peaks.values())))
    gains = {r.name: target - peaks[s] for s, members in groups.items() for r in members}
    return [_amplify(recording, gains[recording.name]) for recording in recordings]


def _amplify(recording: Recording, gain_db: float) -> Recording:
    louder = np.maximum(recording.features.loudness_db + np.float32(gain_db), np.float32(MIN_DB))
    return replace(
        recording,
        audio=recording.audio * np.float32(10 ** (gain_db / 20)),
        features=replace(recording.features, loudness_db=louder),
    )


def _voiced(recordings: Sequence[Recording], name: str) -> np.ndarray:
    return np.concatenate([getattr(r.features, name)[r.features.voiced] for r in recordings])


def _check_share(held_out: float) -> None:
    require(0 <= held_out <= 0.5, f"held_out is {held_out}, must be from 0 to 0.5, e.g. 0.1")
