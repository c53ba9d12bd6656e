"""Notes with a beginning and an end, and where they come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ddsp_ref.analysis._checks import mask_array, number, real_array
from ddsp_ref.analysis.runs import runs
from ddsp_ref.arguments import float_array
from ddsp_ref.errors import require
from ddsp_ref.ops.scaling.midi import hz_to_midi

# Times are sums and quotients of frames: what is a whole frame but for rounding is whole.
ROUNDING = 1e-6
_PICKS = {"mean": np.mean, "median": np.median}


@dataclass(frozen=True, eq=False)
class Notes:
    """A list of notes.

    Attributes
    ----------
    pitches_midi : array, shape (n_notes,), int
        MIDI note numbers.
    starts_s, ends_s : array, shape (n_notes,), float64
        Seconds, an end not before its start.
    velocities : array, shape (n_notes,), int
        0 to 127.
    total_s : float
        Length of the recording, not before the last end.
    """

    pitches_midi: np.ndarray
    starts_s: np.ndarray
    ends_s: np.ndarray
    velocities: np.ndarray
    total_s: float

    def __post_init__(self) -> None:
        n_notes = np.size(self.pitches_midi)
        for name in ("pitches_midi", "starts_s", "ends_s", "velocities"):
            array = float_array(f"Notes: {name}", getattr(self, name))
            fits = array.shape == (n_notes,)
            require(fits, f"Notes: {name} has shape {array.shape}, must be ({n_notes},)")
            array = array.astype(np.float64 if name.endswith("_s") else int)
            object.__setattr__(self, name, array)
        late = np.flatnonzero(self.ends_s < self.starts_s)
        require(not len(late), f"Notes: note {late[:1].sum()} ends before it starts")

    def __len__(self) -> int:
        return len(self.pitches_midi)

    def rows(self) -> np.ndarray:
        """Return (n_notes, 4): pitch, start, end, velocity."""
        columns = (self.pitches_midi, self.starts_s, self.ends_s, self.velocities)
        return np.stack([np.asarray(c, float) for c in columns], axis=1)


def segment_notes(
    is_on: np.ndarray,
    f0_hz: np.ndarray,
    *,
    frame_rate: float = 250,
    pick: str | Callable[[np.ndarray], float] = "median",
    velocity: int = 127,
) -> Notes:
    """Turn stretches in which a note sounds into notes.

    Parameters
    ----------
    is_on : array, shape (n_frames,), bool
        Where a note sounds, as of `ddsp_ref.analysis.segmentation.midi_heuristic`.
    f0_hz : array, shape (n_frames,)
        Frequency in Hz.
    frame_rate : float
        Frames per second.
    pick : {"mean", "median"} or function
        How the frequencies of a note become one, in Hz.
    velocity : int
        Of all notes, 0 to 127.

    Returns
    -------
    Notes
        Pitches rounded to whole MIDI note numbers, halves to the even one.

    Raises
    ------
    ParameterError
        If the shapes differ or a number is out of its range.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/heuristics.py, segment_notes, mean_f0, median_f0.
    Differences: the original calls three functions of all controls and makes a NoteSequence; what
    it picks from the amplitudes is not used.

    Examples
    --------
    >>> is_on, f0_hz = np.array([1, 1, 0, 1]) > 0, np.array([440.0, 441.0, 0.0, 220.0])
    >>> segment_notes(is_on, f0_hz, frame_rate=2).rows()
    array([[ 69. ,   0. ,   1. , 127. ],
           [ 57. ,   1.5,   2. , 127. ]])
    """
    f0_hz = real_array("segment_notes: f0_hz", f0_hz)
    is_on = mask_array("segment_notes: is_on", is_on, "f0_hz", f0_hz.shape)
    number("segment_notes: frame_rate", frame_rate, 0.0, above=True)
    number("segment_notes: velocity", velocity, 0, 127)
    require(
        callable(pick) or pick in _PICKS,
        f"segment_notes: pick is {pick!r}, must be 'mean', 'median' or a function",
    )
    pick_one = pick if callable(pick) else _PICKS[pick]
    spans = runs(is_on)
    picked = [float(pick_one(f0_hz[start:stop].astype(np.float64))) for start, stop in spans]
    pitches = np.rint(hz_to_midi(np.array(picked))) if spans else []
    starts, ends = np.array(spans, float).reshape(-1, 2).T / frame_rate
    total = len(is_on) / frame_rate
    return Notes(pitches, starts, ends, np.full(len(spans), velocity), total)


def segment_notes_batch(
    is_on: Sequence[np.ndarray], f0_hz: Sequence[np.ndarray], **settings
) -> list[Notes]:
    """Turn stretches in which a note sounds into notes, for several recordings.

    Parameters
    ----------
    is_on : sequence of array, shape (n_frames,), bool
        Where a note sounds.
    f0_hz : sequence of array, shape (n_frames,)
        Frequency in Hz.
    **settings
        As for `segment_notes`.

    Returns
    -------
    list of Notes
        One for each recording.

    Raises
    ------
    ParameterError
        If there are not as many masks as pitches; otherwise as `segment_notes`.

    Examples
    --------
    >>> [len(notes) for notes in segment_notes_batch(np.eye(2) > 0, np.full((2, 2), 440.0))]
    [1, 1]
    """
    require(
        len(is_on) == len(f0_hz),
        f"segment_notes_batch: is_on has {len(is_on)} recordings and f0_hz {len(f0_hz)}, "
        "must be equal",
    )
    return [segment_notes(mask, f0, **settings) for mask, f0 in zip(is_on, f0_hz)]


def align_notes_with_f0(notes: Notes, f0_hz: np.ndarray, frame_rate: float) -> Notes:
    """Move the ends of notes to where the pitch is theirs.

    A note starts with the first frame of its pitch between the end of the note before and its own
    end, and ends with the last one between its start and the start of the note after.

    Parameters
    ----------
    notes : Notes
        In the order of time, one after the other.
    f0_hz : array, shape (n_frames,)
        Frequency in Hz.
    frame_rate : float
        Frames per second.

    Returns
    -------
    Notes
        The same notes with other times; unchanged where the pitch is never that of the note.

    Raises
    ------
    ParameterError
        If there is no frame or the rate is not above 0.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/metrics.py, MidiMetrics.align_midi_with_f0.
    Differences: the original fails where a note goes on beyond the last frame, and is a frame off
    where a time is a whole frame but for rounding.

    Examples
    --------
    >>> notes = Notes([69], [0.0], [0.5], [70], 1.0)
    >>> f0_hz = np.array([0, 0, 440, 440, 440, 440, 440, 0, 0, 0.0])
    >>> align_notes_with_f0(notes, f0_hz, 10).rows()[0, 1:3]
    array([0.2, 0.6])
    """
    f0_hz = real_array("align_notes_with_f0: f0_hz", f0_hz)
    number("align_notes_with_f0: frame_rate", frame_rate, 0.0, above=True)
    heard = np.rint(hz_to_midi(f0_hz))
    starts, ends = notes.starts_s.copy(), notes.ends_s.copy()

    def frame(seconds: float) -> int:
        return min(math.floor(seconds * frame_rate + ROUNDING), len(heard))

    for i, pitch in enumerate(notes.pitches_midi):
        low = frame(ends[i - 1]) if i else 0
        found = np.flatnonzero(heard[low : frame(ends[i])] == pitch)
        if len(found):
            starts[i] = (low + found[0]) / frame_rate
        low = frame(starts[i]) + 1
        high = frame(starts[i + 1]) + 1 if i + 1 < len(notes) else len(heard)
        found = np.flatnonzero(heard[low:high] == pitch)
        if len(found):
            ends[i] = (low + found[-1]) / frame_rate
    return Notes(notes.pitches_midi, starts, ends, notes.velocities, notes.total_s)
