"""The curves that an instrument plays from, and files of them that can be edited."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Curves:
    """Pitch and loudness of every frame: all that an instrument is told.

    Attributes
    ----------
    f0_hz : ndarray, shape (n_frames,), float32
        Pitch, above 0.
    loudness_db : ndarray, shape (n_frames,), float32
        A-weighted loudness, at least -80.
    frame_rate : float
        Frames per second; frame i is at ``i / frame_rate`` seconds.
    """

    f0_hz: np.ndarray
    loudness_db: np.ndarray
    frame_rate: float

    @property
    def times(self) -> np.ndarray:
        """Time of every frame in seconds, float64."""
        return np.arange(len(self.f0_hz)) / self.frame_rate

    def at(self, frame_rate: float) -> Curves:
        """Return the curves at another frame rate, as long as before to half a frame.

        Parameters
        ----------
        frame_rate : float
            Frames per second that are wanted.

        Returns
        -------
        Curves
            Between frames, pitch goes over evenly in cents and loudness in dB. The curves
            themselves if that is their rate.
        """
        if frame_rate == self.frame_rate:
            return self
        n_frames = max(1, round(len(self.f0_hz) * frame_rate / self.frame_rate))
        times = np.arange(n_frames) / frame_rate
        octaves = np.interp(times, self.times, np.log2(self.f0_hz.astype(np.float64)))
        loudness = np.interp(times, self.times, self.loudness_db)
        return Curves(np.exp2(octaves).astype(np.float32), loudness.astype(np.float32), frame_rate)
