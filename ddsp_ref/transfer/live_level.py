"""What of a sound that is still coming in is a note, and how loud to play it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from ddsp_ref.transfer.loudness import fit_loudness

# A frame with a pitch is a note unless it is softer than this, or by so much than the loudest note,
# which is forgotten slowly: a hum in a pause is none. A tone of 440 Hz at -63 dBFS has -45 dB.
_SOFTEST_DB, _RANGE_DB, _FORGOTTEN_DB = -45.0, 30.0, 0.5  # the last per second
_RISE, _FALL = 0.008, 0.04  # seconds in which a note comes, and goes

_REMEMBERED = 10.0  # seconds of notes that the loudness is fitted to
_PRIOR = 0.5  # seconds of what the instrument knows stand for them at first
_REFIT = 0.1  # seconds from one fit to the next
_FASTEST_DB = 10.0  # per second that the curve changes
_LOUDEST_DB = 40.0  # of the grid that it is known on; full scale is about 0


class NoteGate:
    """Tell notes from what has a pitch and is none.

    Parameters
    ----------
    frame_rate : int
        Frames per second.

    Examples
    --------
    >>> gate = NoteGate(250)
    >>> gate.push(np.array([-20.0, -40.0, -55.0, -10.0]), np.array([True, True, True, False]))
    array([ True,  True, False, False])
    """

    def __init__(self, frame_rate: int) -> None:
        self._forgotten = _FORGOTTEN_DB / frame_rate
        self._steps = [min(1.0, 1 / (seconds * frame_rate)) for seconds in (_FALL, _RISE)]
        self._loudest, self._sounding = -np.inf, 0.0

    def push(self, loudness_db: np.ndarray, voiced: np.ndarray) -> np.ndarray:
        """Return which frames are notes, shape (n_frames,)."""
        is_note = np.zeros(len(voiced), bool)
        for i, (level, has_pitch) in enumerate(zip(loudness_db, voiced)):
            self._loudest -= self._forgotten
            least = max(_SOFTEST_DB, self._loudest - _RANGE_DB)
            is_note[i] = has_pitch and level >= least
            if is_note[i]:
                self._loudest = max(self._loudest, level)
        return is_note

    def smooth(self, is_note: np.ndarray) -> np.ndarray:
        """Return how much of a note every frame is, 0 to 1: it comes fast and goes slowly."""
        found = np.empty(len(is_note))
        for i, on in enumerate(is_note):
            self._sounding += (on - self._sounding) * self._steps[int(on)]
            found[i] = self._sounding
        return found


class LoudnessFollower:
    """Fit loudness to an instrument's as the notes come: `fit_loudness` on the last ten seconds.

    Parameters
    ----------
    quantiles : sequence of float
        Of the instrument's loudness.
    frame_rate : int
        Frames per second.
    floor_db : float
        Silence.

    Notes
    -----
    At first what the instrument knows stands for what was heard, so that nothing is changed. Then
    the curve goes to that of the notes, by 10 dB per second at most: a jump would be heard. Frames
    do not depend on how they are grouped into blocks.
    """

    def __init__(self, quantiles: Sequence[float], frame_rate: int, floor_db: float) -> None:
        self._quantiles, self._floor_db = quantiles, floor_db
        shares = np.linspace(0, len(quantiles) - 1, round(_PRIOR * frame_rate))
        prior = np.interp(shares, np.arange(len(quantiles)), quantiles)
        self._notes: deque[float] = deque(prior, maxlen=round(_REMEMBERED * frame_rate))
        self._every = max(1, round(_REFIT * frame_rate))
        self._most = _FASTEST_DB * self._every / frame_rate
        self._grid = np.arange(floor_db, _LOUDEST_DB + 1)
        self._before = self._after = self._fit()  # curves on the grid, to go from and to
        self._new: list[float] = []  # notes since the last fit
        self._n_seen = 0

    def push(self, loudness_db: np.ndarray, is_note: np.ndarray) -> np.ndarray:
        """Return the loudness to play, shape (n_frames,)."""
        fitted, start = [loudness_db[:0]], 0
        while start < len(loudness_db):
            done = self._n_seen % self._every
            stop = min(len(loudness_db), start + self._every - done)
            own = loudness_db[start:stop]
            share = (done + np.arange(1, len(own) + 1)) / self._every
            before = np.interp(own, self._grid, self._before)
            curve = before + share * (np.interp(own, self._grid, self._after) - before)
            fitted.append(np.where(own <= self._floor_db, self._floor_db, curve))
            self._new += list(own[is_note[start:stop]])
            self._n_seen += len(own)
            if self._n_seen % self._every == 0:
                self._refit()
            start = stop
        return np.concatenate(fitted)

    def _refit(self) -> None:
        self._notes.extend(self._new)
        self._new, self._before = [], self._after
        self._after = self._before + np.clip(self._fit() - self._before, -self._most, self._most)

    def _fit(self) -> np.ndarray:
        """Return the curve of the notes, on the grid."""
        n = len(self._notes)
        both = np.append(np.array(self._notes), self._grid)
        # silence is dealt with apart, so that the curve goes on below it
        fitted = fit_loudness(both, np.arange(len(both)) < n, self._quantiles, -np.inf)
        return fitted[n:]
