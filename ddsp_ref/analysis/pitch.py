"""The course of a pitch, and how its gaps are filled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ddsp_ref.analysis.runs import runs


@dataclass(frozen=True, eq=False)
class Pitch:
    """The course of the pitch of a sound.

    Attributes
    ----------
    f0_hz : ndarray, shape (n_frames,)
        Fundamental frequency; finite and above 0 in every frame, see `fill_unvoiced`.
    f0_confidence : ndarray, shape (n_frames,)
        Probability that the frame has a pitch, judged by this frame alone, 0 to 1.
    voiced : ndarray, shape (n_frames,), bool
        Whether the frame has a pitch, judged by the whole course.
    times_s : ndarray, shape (n_frames,), float64
        Time of the frame's centre in seconds.
    """

    f0_hz: np.ndarray
    f0_confidence: np.ndarray
    voiced: np.ndarray
    times_s: np.ndarray

    @property
    def voiced_f0_hz(self) -> np.ndarray:
        """The fundamental frequency, and NaN in unvoiced frames."""
        return np.where(self.voiced, self.f0_hz, np.nan).astype(self.f0_hz.dtype)


def fill_unvoiced(f0_hz: np.ndarray, voiced: np.ndarray, default_hz: float) -> np.ndarray:
    """Give unvoiced frames the pitch of their neighbourhood.

    Between two voiced frames less than a semitone apart the pitch goes over evenly (in cents).
    Otherwise an unvoiced frame takes the pitch of the voiced frame nearest in time, so that no
    glide is heard that nobody played.

    Parameters
    ----------
    f0_hz : ndarray, shape (n_frames,)
        Fundamental frequency, above 0 in voiced frames, anything in unvoiced frames.
    voiced : ndarray, shape (n_frames,), bool
        Which frames have a pitch.
    default_hz : float
        The pitch of a sound without any voiced frame.

    Returns
    -------
    ndarray, shape (n_frames,)
        Finite and above 0 everywhere; voiced frames are unchanged. Of the dtype of `f0_hz`.

    Examples
    --------
    >>> fill_unvoiced(np.array([0.0, 100.0, 0.0, 0.0, 200.0]), np.array([0, 1, 0, 0, 1]) > 0, 440.0)
    array([100., 100., 100., 200., 200.])
    """
    known = np.flatnonzero(voiced)
    if len(known) == 0:
        return np.full_like(f0_hz, default_hz)
    frames = np.arange(len(f0_hz))
    after = np.searchsorted(known, frames).clip(max=len(known) - 1)
    before = np.maximum(after - (known[after] > frames), 0)
    left, right = known[before], known[after]
    nearest = np.where(frames - left <= np.abs(right - frames), left, right)
    filled = f0_hz[nearest].astype(np.float64)
    octaves = np.log2(f0_hz[right].astype(np.float64) / f0_hz[left])
    bridged = (left < frames) & (frames < right) & (np.abs(octaves) < 1 / 12)
    share = (frames - left)[bridged] / (right - left)[bridged]
    filled[bridged] = f0_hz[left[bridged]] * 2.0 ** (share * octaves[bridged])
    return filled.astype(f0_hz.dtype)


def move_estimates(
    f0_hz: np.ndarray, times: np.ndarray, wanted: np.ndarray, voiced: np.ndarray, sure: np.ndarray
) -> np.ndarray:
    """Turn estimates of the pitch at their own times into the pitch at the times of the frames.

    Parameters
    ----------
    f0_hz : ndarray, shape (n_frames,)
        Estimates, above 0 in voiced frames, anything in unvoiced frames.
    times : ndarray, shape (n_frames,)
        The time that each estimate is for, in any unit. One that lies before the one of an earlier
        frame counts as equal to it.
    wanted : ndarray, shape (n_frames,)
        The times of the frames, increasing, in the same unit.
    voiced : ndarray, shape (n_frames,), bool
        Which frames have a pitch. Every unbroken stretch of them is treated alone.
    sure : ndarray, shape (n_frames,), bool
        Which estimates count. A stretch without any is left as it is.

    Returns
    -------
    ndarray, shape (n_frames,), float64
        Pitch at `wanted`, between two estimates on a straight line in cents, held at the ends of a
        stretch; unvoiced frames are unchanged.

    Examples
    --------
    >>> f0_hz, all_of_them = np.array([100.0, 200.0, 400.0]), np.ones(3, bool)
    >>> times, wanted = np.array([0.0, 0.5, 2.5]), np.array([0.0, 1.0, 2.0])
    >>> move_estimates(f0_hz, times, wanted, all_of_them, all_of_them).round(3)
    array([100.   , 237.841, 336.359])
    """
    moved = np.array(f0_hz, dtype=np.float64)
    for start, stop in runs(voiced):
        known = start + np.flatnonzero(sure[start:stop])
        if len(known):
            own = np.maximum.accumulate(times[known])
            octaves = np.interp(wanted[start:stop], own, np.log2(moved[known]))
            moved[start:stop] = 2.0**octaves
    return moved
