"""Pitch and loudness of a sound that is still coming in."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ddsp_ref.errors import ParameterError, require
from ddsp_ref.models.features import F0_RANGE_HZ, level_of, reach_of_level, whole_hop
from ddsp_ref.streaming.pitch import PitchStage


class HeardFrames(NamedTuple):
    """Features of the next frames; every array has shape (n_frames,).

    Attributes
    ----------
    f0_hz, f0_confidence, loudness_db : ndarray, float32
        As in `ddsp_ref.models.features.Features`.
    voiced : ndarray, bool
        Whether there is a pitch.
    """

    f0_hz: np.ndarray
    f0_confidence: np.ndarray
    voiced: np.ndarray
    loudness_db: np.ndarray


class Listener:
    """Follow pitch and loudness of a sound, block by block.

    Parameters
    ----------
    sample_rate, frame_rate : int
        Samples and frames per second; the frame rate must divide the sample rate.
    level : {"loudness", "loudness_v1", "power", "loudness_ddsp_pytorch"}
        What `loudness_db` is, see `level_of`. "loudness_v1" waits for 2048 samples, as its frames
        begin where others have their middle; "power" is for 16000 samples per second; the first and
        last 1024 samples of "loudness_ddsp_pytorch" meet silence here, not their mirror image.
    f0_range_hz : (float, float)
        Lowest and highest pitch to look for.
    frame_seconds : float
        Sound that a frame's pitch is found in; half of it is waited for. It has to hold two periods
        of the lowest pitch; three are better.
    lag_seconds : float
        How much longer to wait before the course of the pitch is decided.

    Attributes
    ----------
    latency : int
        Samples that have to be known after the middle of a frame before it is heard.

    Raises
    ------
    ParameterError
        If a setting cannot work.

    Notes
    -----
    Blocks may have any length; frames do not depend on it. Loudness is that of `level_of`.
    Pitch is that of `pyin` with two differences, because it does not know what comes: the course
    is decided after a lag, and what a frame tells is not moved to where its energy is. Where there
    is no pitch, the last one is held.

    Examples
    --------
    >>> listener = Listener(16000, 250)
    >>> tone = np.sin(2 * np.pi * 440 / 16000 * np.arange(16000)).astype(np.float32)
    >>> heard = [listener.push(block) for block in np.split(tone, 100)]
    >>> heard[50].f0_hz.round(1), listener.latency / 16000
    (array([440., 440.], dtype=float32), 0.052)
    """

    def __init__(
        self,
        sample_rate: int,
        frame_rate: int,
        *,
        level: str = "loudness",
        f0_range_hz: tuple[float, float] = F0_RANGE_HZ,
        frame_seconds: float = 0.064,
        lag_seconds: float = 0.02,
    ) -> None:
        self.hop_size = whole_hop("Listener", sample_rate, frame_rate)
        self.sample_rate, self.frame_rate = sample_rate, frame_rate
        require(
            0 <= lag_seconds <= 1,
            f"Listener: lag_seconds is {lag_seconds}, must be from 0 to 1, e.g. 0.02",
        )
        lowest_hz = f0_range_hz[0]
        require(
            lowest_hz > 0, f"Listener: f0_range_hz begins at {lowest_hz}, must be above 0, e.g. 50"
        )
        require(
            2 / lowest_hz <= frame_seconds <= 1,
            f"Listener: frame_seconds is {frame_seconds}, must be from {2 / lowest_hz:.4g} (two "
            f"periods of {lowest_hz:g} Hz) to 1",
        )
        self._pitch = PitchStage(
            sample_rate, frame_rate, f0_range_hz, frame_seconds, round(lag_seconds * frame_rate)
        )
        reach = reach_of_level(level, sample_rate)
        require(
            reach is not None,
            f"Listener: level is {level!r}, which is not followed block by block at {sample_rate} "
            "Hz; 'loudness' is",
        )
        self._level = level
        self._margin = -(-max(reach) // self.hop_size)  # frames whose windows reach over an edge
        self._ahead = max(reach[1], self._pitch.ahead)
        self.latency = self._ahead + self._pitch.lag * self.hop_size
        self._behind = max(self._margin * self.hop_size, self._pitch.behind)
        # sound from `_start` on, whatever the next frames look at
        self._sound, self._start = np.zeros(self._behind, np.float32), -self._behind
        self._n_seen, self._finished = 0, False  # frames
        self._loudness = np.zeros(0, np.float32)

    def push(self, audio: np.ndarray) -> HeardFrames:
        """Listen to the next block.

        Parameters
        ----------
        audio : ndarray, shape (n_samples,)
            Samples; full scale is 1.

        Returns
        -------
        HeardFrames
            The frames that can be told now, none or several.
        """
        audio = np.asarray(audio, np.float32)
        require(
            audio.ndim == 1,
            f"Listener.push: audio has shape {audio.shape}, must be (n_samples,); take one channel",
        )
        bad = np.flatnonzero(~np.isfinite(audio))
        if len(bad):
            raise ParameterError(
                f"Listener.push: audio is {audio[bad[0]]} at sample {bad[0]}, must be finite; "
                "np.nan_to_num turns NaN into 0"
            )
        require(not self._finished, "Listener.push: finish() was called, take another Listener")
        self._sound = np.concatenate([self._sound, audio])
        return self._tell(self._look(self._n_seen_of(self._n_known)))

    def n_told(self, n_samples: Any) -> Any:
        """Return how many frames have been told after so many samples, a number or an array."""
        return np.maximum(0, self._n_seen_of(n_samples) - self._pitch.lag)

    def _n_seen_of(self, n_samples: Any) -> Any:
        return np.maximum(0, (n_samples - self._ahead) // self.hop_size + 1)

    def finish(self) -> HeardFrames:
        """Return the frames that are left, as if silence came now: one for every hop begun.

        That is the end: nothing can be pushed after it, and what is finished has no more to tell.
        """
        if self._finished:
            return self._tell([])
        self._finished = True
        n_frames = -(-self._n_known // self.hop_size)
        self._sound = np.concatenate([self._sound, np.zeros(self._ahead, np.float32)])
        return self._tell(self._look(n_frames) + self._pitch.finish())

    @property
    def _n_known(self) -> int:
        """Samples that have come in."""
        return self._start + len(self._sound)

    def _look(self, n_frames: int) -> list[tuple[float, float, bool]]:
        """Look at all frames before this number; return the pitch of those that are decided."""
        hop, first = self.hop_size, self._n_seen
        if n_frames <= first:
            return []
        low, high = first - self._margin, n_frames + self._margin
        piece = self._sound[low * hop - self._start : high * hop - self._start]
        loudness = level_of(piece, self.sample_rate, self.frame_rate, self._level)
        loudness = loudness[self._margin : self._margin + n_frames - first]
        self._loudness = np.concatenate([self._loudness, loudness])
        decided = self._pitch.push(self._sound, np.arange(first, n_frames) * hop - self._start)
        self._n_seen = n_frames
        n_old = n_frames * hop - self._behind - self._start
        self._sound, self._start = self._sound[n_old:], self._start + n_old
        return decided

    def _tell(self, decided: list[tuple[float, float, bool]]) -> HeardFrames:
        n = len(decided)
        loudness, self._loudness = self._loudness[:n], self._loudness[n:]
        f0_hz, confidence, voiced = zip(*decided) if n else ((), (), ())
        return HeardFrames(
            np.array(f0_hz, np.float32), np.array(confidence, np.float32), np.array(voiced, bool),
            loudness,
        )  # fmt: skip
