"""Batches of random excerpts, and what a dataset looks like as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.features import MIN_DB
from ddsp_ref.models.recordings import Recording


@dataclass(frozen=True)
class Batch:
    """Excerpts of recordings, with leading axis `n_examples`.

    Attributes
    ----------
    audio : ndarray, shape (n_examples, n_samples)
        Samples.
    f0_hz, loudness_db : ndarray, shape (n_examples, n_frames)
        Features.
    voices : tuple of str
        Whose each is; empty if that does not matter.
    """

    audio: np.ndarray
    f0_hz: np.ndarray
    loudness_db: np.ndarray
    voices: tuple[str, ...] = ()

    def rows(self, chosen: Sequence[int]) -> Batch:
        """Return some of the excerpts."""
        rows = list(chosen)
        voices = tuple(self.voices[i] for i in rows) if self.voices else ()
        return Batch(self.audio[rows], self.f0_hz[rows], self.loudness_db[rows], voices)


def excerpt(recording: Recording, start: int, n_frames: int) -> Batch:
    """Cut out one excerpt as a batch of one; around the recording there is silence.

    Parameters
    ----------
    recording : Recording
        What to cut from.
    start, n_frames : int
        First frame, below 0 for one before the recording, and number of frames.

    Returns
    -------
    Batch
        Of one example.
    """
    hop = len(recording.audio) // recording.n_frames
    features = recording.features
    before, stop = max(0, -start), start + n_frames
    after = max(0, stop - recording.n_frames)

    def cut(values: np.ndarray, unit: int, fill: tuple[float, float]) -> np.ndarray:
        piece = values[max(0, start) * unit : max(0, stop) * unit]
        return np.pad(piece, (before * unit, after * unit), constant_values=fill)[None]

    return Batch(
        cut(recording.audio, hop, (0.0, 0.0)),
        cut(features.f0_hz, 1, (features.f0_hz[0], features.f0_hz[-1])),
        cut(features.loudness_db, 1, (MIN_DB, MIN_DB)),
        (recording.voice,),
    )


class Sampler:
    """Draws excerpts so that every frame of every recording is about equally likely.

    Parameters
    ----------
    recordings : sequence of Recording
        What to draw from.
    n_frames : int
        Length of an excerpt.
    n_silent : int
        Up to so many frames of silence before or after a recording are drawn with it. Trimmed
        recordings hold no silence; without it an instrument never learns to be silent.
    vary_level_db : float
        Every excerpt is made louder or softer by up to so much, sound and loudness alike.

    Notes
    -----
    There is no state but that of the generator that is passed in. Recordings shorter than an
    excerpt are filled up with silence.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        n_frames: int,
        *,
        n_silent: int = 0,
        vary_level_db: float = 0.0,
    ) -> None:
        require(len(recordings) > 0, "Sampler: there are no recordings")
        require(n_frames >= 1, f"Sampler: n_frames is {n_frames}, must be at least 1")
        require(n_silent >= 0, f"Sampler: n_silent is {n_silent}, must be at least 0")
        self._recordings, self._n_frames = list(recordings), n_frames
        self._n_silent = min(n_silent, n_frames - 1)  # some of the recording is always there
        self._vary_level_db = vary_level_db
        lengths = np.array([r.n_frames for r in recordings], np.float64)
        self._shares = lengths / lengths.sum()

    def draw(self, rng: np.random.Generator, n_examples: int) -> Batch:
        """Return `n_examples` random excerpts."""
        excerpts = []
        for index in rng.choice(len(self._recordings), n_examples, p=self._shares):
            recording = self._recordings[index]
            last = max(0, recording.n_frames - self._n_frames) + self._n_silent
            start = int(rng.integers(-self._n_silent, last + 1))
            excerpts.append(excerpt(recording, start, self._n_frames))
        audio, f0_hz, loudness_db = (
            np.concatenate([getattr(e, name) for e in excerpts])
            for name in ("audio", "f0_hz", "loudness_db")
        )
        if self._vary_level_db:
            reach = self._vary_level_db
            gain_db = rng.uniform(-reach, reach, (n_examples, 1)).astype(np.float32)
            audio = audio * 10 ** (gain_db / 20)
            silent = loudness_db <= MIN_DB
            loudness_db = np.where(silent, MIN_DB, np.maximum(loudness_db + gain_db, MIN_DB))
            loudness_db = loudness_db.astype(np.float32)
        return Batch(audio, f0_hz, loudness_db, sum((e.voices for e in excerpts), ()))


def dataset_statistics(recordings: Sequence[Recording], sample_rate: int) -> dict[str, Any]:
    """Describe the notes of recordings, for fitting other recordings to them.

    Parameters
    ----------
    recordings : sequence of Recording
        Those to learn from.
    sample_rate : int
        Samples per second.

    Returns
    -------
    dict
        Plain JSON. Of the notes, that is of voiced frames at most 50 dB below the loudest: mean,
        standard deviation and 101 quantiles (0, 1, ..., 100 %) of `loudness_db` and of
        `f0_midi`; also `voiced_share`, `n_recordings` and `seconds`.
    """

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(r.features, name) for r in recordings])

    voiced, loudness = joined("voiced"), joined("loudness_db").astype(np.float64)
    note = voiced & (loudness > loudness[voiced].max() - 50.0)
    midi = 69.0 + 12.0 * np.log2(joined("f0_hz")[note].astype(np.float64) / 440.0)
    return {
        "loudness_db": _describe(loudness[note]),
        "f0_midi": _describe(midi),
        "voiced_share": round(float(voiced.mean()), 4),
        "n_recordings": len(recordings),
        "seconds": round(sum(len(r.audio) for r in recordings) / sample_rate, 2),
    }


def _describe(values: np.ndarray) -> dict[str, Any]:
    return {
        "mean": round(float(values.mean()), 4),
        "std": round(float(values.std()), 4),
        "quantiles": [round(float(q), 4) for q in np.quantile(values, np.linspace(0, 1, 101))],
    }
