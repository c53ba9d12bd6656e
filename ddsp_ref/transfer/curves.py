"""The curves that an instrument plays from, and files of them that can be edited."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.io.columns import READ, check_columns_output, read_columns, write_columns
from ddsp_ref.models.features import LOWEST_DB

if TYPE_CHECKING:
    from ddsp_ref.transfer.features import Heard

_LONGEST = 4 * 3600.0  # seconds
_HIGHEST_HZ = 20_000.0
_LARGEST_DB = 120.0
_USUAL_RATE = 250.0  # frames per second of curves whose rows are not equally far apart
_UNEVEN = 0.05  # of a step: times in files are rounded


@dataclass(frozen=True, eq=False)
class Curves:
    """Pitch and loudness of every frame: all that an instrument is told.

    Attributes
    ----------
    f0_hz : ndarray, shape (n_frames,), float32
        Pitch, above 0.
    loudness_db : ndarray, shape (n_frames,), float32
        A-weighted loudness, or what the instrument is told, see `Heard`.
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


def write_curves(path: str | os.PathLike[str], curves: Curves, heard: Heard | None = None) -> None:
    """Write curves to a file that can be edited and rendered again.

    Parameters
    ----------
    path : str or PathLike
        .csv or .json.
    curves : Curves
        Pitch and loudness; of `Adjusted` also `note` and `likelihood`, for the reader.
    heard : Heard, optional
        What they were made from: adds `heard_f0_hz`, `heard_loudness_db`, `f0_confidence` and
        `voiced`, for the reader too.

    Raises
    ------
    ParameterError
        If the folder does not exist or the suffix is another.
    """
    path = check_columns_output(path, "curves", READ)
    columns = {
        "time_s": curves.times,
        "f0_hz": curves.f0_hz,
        "loudness_db": curves.loudness_db,
    }
    for name, attribute in (("note", "notes"), ("likelihood", "likelihood")):
        if hasattr(curves, attribute):
            columns[name] = getattr(curves, attribute)
    if heard is not None:
        columns |= {
            "heard_f0_hz": heard.f0_hz,
            "heard_loudness_db": heard.loudness_db,
            "f0_confidence": heard.f0_confidence,
            "voiced": heard.voiced,
        }
    write_columns(path, columns, {"frame_rate": float(curves.frame_rate)})


def read_curves(path: str | os.PathLike[str]) -> Curves:
    """Read curves that `write_curves` or `ddsp-ref features` wrote, or somebody by hand.

    Parameters
    ----------
    path : str or PathLike
        .csv with the columns `time_s`, `f0_hz` and `loudness_db` in any order, separated by
        commas, semicolons or tabs; or .json with lists of these names, where the number
        `frame_rate` may stand for `time_s`. Other columns are ignored.

    Returns
    -------
    Curves
        Beginning with the first row. Rows that are not equally far apart are points that are
        joined, evenly in cents and in dB, at 250 frames per second.

    Raises
    ------
    ParameterError
        If the file cannot be read, a column is missing, or a value cannot be: says which.
    """
    columns, numbers = read_columns(path, ("time_s", "f0_hz", "loudness_db"))
    rate = numbers.get("frame_rate")
    needed = ["f0_hz", "loudness_db", *(["time_s"] if rate is None else [])]
    missing = [name for name in needed if name not in columns]
    require(not missing, f"{path} has no column {' and no '.join(missing)}")
    f0_hz, loudness = columns["f0_hz"], columns["loudness_db"]
    require(len(f0_hz) >= 2, f"{path} has {len(f0_hz)} rows, must have at least 2")
    _check_values(path, "f0_hz", f0_hz, (f0_hz > 0) & (f0_hz <= _HIGHEST_HZ), "above 0 and at "
                  f"most {_HIGHEST_HZ:g}")  # fmt: skip
    _check_values(path, "loudness_db", loudness, abs(loudness) <= _LARGEST_DB,
                  f"from {-_LARGEST_DB:g} to {_LARGEST_DB:g}")  # fmt: skip
    octaves, loudness = np.log2(f0_hz), np.maximum(loudness, LOWEST_DB)
    if "time_s" in columns:
        times = columns["time_s"] - columns["time_s"][0]
        later = np.concatenate([[True], np.diff(times) > 0])
        _check_values(path, "time_s", columns["time_s"], later, "later than the row before")
        rate, even = _rate_of(times)
    else:
        require(0 < rate <= 100_000, f"{path}: frame_rate is {rate:g}, must be above 0")
        times, even = np.arange(len(f0_hz)) / rate, True
    require(times[-1] <= _LONGEST, f"{path} lasts {times[-1]:.0f} s, at most {_LONGEST:.0f} work")
    if not even:
        frames = np.arange(int(times[-1] * rate) + 1) / rate
        octaves, loudness = np.interp(frames, times, octaves), np.interp(frames, times, loudness)
    return Curves(np.exp2(octaves).astype(np.float32), loudness.astype(np.float32), rate)


def _rate_of(times: np.ndarray) -> tuple[float, bool]:
    """Return frames per second, and whether the times are equally far apart."""
    step = times[-1] / (len(times) - 1)
    if abs(times - step * np.arange(len(times))).max() > _UNEVEN * step:
        return _USUAL_RATE, False
    rate = 1.0 / step
    return (float(round(rate)) if abs(rate - round(rate)) < 1e-3 * rate else rate), True


def _check_values(
    path: str | os.PathLike[str], name: str, values: np.ndarray, good: np.ndarray, rule: str
) -> None:
    if not good.all():
        row = int(np.argmin(good))
        require(False, f"{path}: {name} is {values[row]:g} in row {row + 1}, must be {rule}")
