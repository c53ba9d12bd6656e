"""How well notes were found: counts of hits and misses, by note and by frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from ddsp_ref.analysis._checks import number, real_array, same_shape
from ddsp_ref.analysis.notes import Notes, align_notes_with_f0
from ddsp_ref.analysis.rolls import notes_of_roll, roll_of_notes
from ddsp_ref.errors import require

# mir_eval's: distances in time are rounded to as many decimals before they are compared.
_DECIMALS = 4


@dataclass
class EvalCounts:
    """Counts of what was found rightly, wrongly, and not at all.

    Attributes
    ----------
    tp, fp, fn : int
        True positives, false positives, false negatives.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/metrics.py, EvalCounts.
    Differences: the original's f1 divides by at least 1 and so is too low where precision and
    recall add up to less; it is here as `f1_magenta`.

    Examples
    --------
    >>> counts = EvalCounts(tp=1, fp=3, fn=1)
    >>> counts.precision, counts.recall, round(counts.f1, 4), counts.f1_magenta
    (0.25, 0.5, 0.3333, 0.25)
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def add(self, other: EvalCounts) -> None:
        """Add other counts to these."""
        self.tp += other.tp
        self.fp += other.fp
        self.fn += other.fn

    @property
    def precision(self) -> float:
        """Share of what was found that is right, 0 if nothing was found."""
        return self.tp / max(self.tp + self.fp, 1)

    @property
    def recall(self) -> float:
        """Share of what is there that was found, 0 if nothing is there."""
        return self.tp / max(self.tp + self.fn, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0 if both are 0."""
        either = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / either if either else 0.0

    @property
    def f1_magenta(self) -> float:
        """What the original calls f1."""
        p, r = self.precision, self.recall
        return 2 * p * r / max(p + r, 1)


def count_matches(
    reference: Notes,
    estimate: Notes,
    *,
    offsets: bool = False,
    onset_tolerance: float = 0.05,
    offset_ratio: float = 0.2,
    offset_min_tolerance: float = 0.05,
) -> EvalCounts:
    """Count notes that were found: of the right pitch, at the right time.

    Parameters
    ----------
    reference, estimate : Notes
        The notes that are there and those that were found.
    offsets : bool
        Whether they have to end together too.
    onset_tolerance : float
        How many seconds the starts may differ, at least 0.
    offset_ratio, offset_min_tolerance : float
        How much the ends may differ: this share of the reference's duration, and at least so
        many seconds; both at least 0.

    Returns
    -------
    EvalCounts
        `tp`: the most pairs that can be made, each note in one at most.

    Raises
    ------
    ParameterError
        If a tolerance is negative.

    Notes
    -----
    Distances in time are rounded to 0.1 ms and may be equal to the tolerance. Pitches, whole MIDI
    note numbers, have to be the same.
    Source: mir_eval 0.8, transcription.py, match_notes, as magenta/ddsp's compute_note_metrics
    calls it with its tolerance of 50 cents. Raffel et al. (2014).

    Examples
    --------
    >>> reference = Notes([60, 62], [0.0, 1.0], [1.0, 2.0], [70, 70], 2.0)
    >>> estimate = Notes([60, 62, 64], [0.05, 1.2, 1.5], [0.5, 2.0, 2.0], [70] * 3, 2.0)
    >>> count_matches(reference, estimate)
    EvalCounts(tp=1, fp=2, fn=1)
    >>> count_matches(reference, estimate, offsets=True)
    EvalCounts(tp=0, fp=3, fn=2)
    """
    for name, value in (
        ("onset_tolerance", onset_tolerance),
        ("offset_ratio", offset_ratio),
        ("offset_min_tolerance", offset_min_tolerance),
    ):
        number(f"count_matches: {name}", value, 0.0)
    order = np.argsort(estimate.starts_s, kind="stable")
    starts = estimate.starts_s[order]
    reach = onset_tolerance + 10.0**-_DECIMALS
    first = np.searchsorted(starts, reference.starts_s - reach)
    last = np.searchsorted(starts, reference.starts_s + reach, side="right")

    rows, columns = [], []
    for i, (low, high) in enumerate(zip(first, last)):
        near = order[low:high]
        fits = estimate.pitches_midi[near] == reference.pitches_midi[i]
        late = np.abs(estimate.starts_s[near] - reference.starts_s[i])
        fits &= np.round(late, _DECIMALS) <= onset_tolerance
        if offsets:
            duration = reference.ends_s[i] - reference.starts_s[i]
            late = np.abs(estimate.ends_s[near] - reference.ends_s[i])
            tolerance = max(offset_ratio * duration, offset_min_tolerance)
            fits &= np.round(late, _DECIMALS) <= tolerance
        rows += [i] * int(fits.sum())
        columns += near[fits].tolist()
    n_hits = 0
    if rows:
        shape = len(reference), len(estimate)
        graph = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
        n_hits = int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())
    return EvalCounts(n_hits, len(estimate) - n_hits, len(reference) - n_hits)


def compute_note_metrics(reference: Notes, estimate: Notes) -> tuple[EvalCounts, EvalCounts]:
    """Count notes that start rightly, and notes that start and end rightly.

    Parameters
    ----------
    reference, estimate : Notes
        The notes that are there and those that were found.

    Returns
    -------
    onset, full_note : EvalCounts
        See `count_matches`.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/metrics.py, compute_note_metrics.

    Examples
    --------
    >>> notes = Notes([60], [0.0], [1.0], [70], 1.0)
    >>> compute_note_metrics(notes, Notes([60], [0.0], [0.5], [70], 1.0))
    (EvalCounts(tp=1, fp=0, fn=0), EvalCounts(tp=0, fp=1, fn=1))
    """
    return count_matches(reference, estimate), count_matches(reference, estimate, offsets=True)


def compute_frame_metrics(reference_roll: np.ndarray, estimate_roll: np.ndarray) -> EvalCounts:
    """Count frames in which any note sounds.

    Parameters
    ----------
    reference_roll, estimate_roll : array, shape (n_frames, n_pitches)
        Above 0 where a note sounds.

    Returns
    -------
    EvalCounts
        Frames, whatever the pitch.

    Raises
    ------
    ParameterError
        If a roll is not 2-D or their numbers of frames differ.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/metrics.py, compute_frame_metrics.

    Examples
    --------
    >>> there, found = np.array([[1, 0], [0, 1], [0, 0]]), np.array([[0, 1], [0, 0], [1, 1]])
    >>> compute_frame_metrics(there, found)
    EvalCounts(tp=1, fp=1, fn=1)
    """
    rolls = [
        real_array(f"compute_frame_metrics: {name}", roll, n_axes=2).max(axis=1) > 0
        for name, roll in (("reference_roll", reference_roll), ("estimate_roll", estimate_roll))
    ]
    is_on, found = rolls
    same_shape(
        "compute_frame_metrics: estimate_roll, in frames,", found, "reference_roll", is_on.shape
    )
    return EvalCounts(
        int((found & is_on).sum()), int((found & ~is_on).sum()), int((~found & is_on).sum())
    )


@dataclass
class MidiMetrics:
    """Scores of notes, recording by recording.

    Parameters
    ----------
    frame_rate : float
        Frames per second.
    align : bool
        Whether the notes that are there are moved to where the pitch is theirs first, see
        `ddsp_ref.analysis.notes.align_notes_with_f0`.

    Attributes
    ----------
    onset, full_note, frame : EvalCounts
        Of everything added so far.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/metrics.py, MidiMetrics.
    Differences: the original never resets its counts of full notes, having misspelt their name.

    Examples
    --------
    >>> metrics, roll = MidiMetrics(frame_rate=10), np.zeros((20, 128))
    >>> roll[5:15, 69] = 1
    >>> metrics.add(roll, Notes([69], [0.5], [1.5], [127], 2.0), np.full(20, 440.0))
    >>> metrics.results()["frame"]["f1"]
    1.0
    """

    frame_rate: float
    align: bool = True
    onset: EvalCounts = field(default_factory=EvalCounts)
    full_note: EvalCounts = field(default_factory=EvalCounts)
    frame: EvalCounts = field(default_factory=EvalCounts)

    def add(
        self, reference_roll: np.ndarray, estimate: Notes | np.ndarray, f0_hz: Any = None
    ) -> None:
        """Add a recording: its piano roll (n_frames, 128), what was found, and its pitch in Hz."""
        reference = notes_of_roll(reference_roll, self.frame_rate)
        n_frames, n_pitches = np.shape(reference_roll)
        if isinstance(estimate, Notes):
            found = roll_of_notes(estimate, self.frame_rate, n_frames, n_pitches=n_pitches)
        else:
            found, estimate = estimate[:n_frames], notes_of_roll(estimate, self.frame_rate)
        if self.align:
            require(f0_hz is not None, "MidiMetrics: f0_hz is missing; pass it, or align=False")
            reference = align_notes_with_f0(reference, f0_hz, self.frame_rate)
        frames = compute_frame_metrics(reference_roll, found)
        onset, full_note = compute_note_metrics(reference, estimate)
        self.onset.add(onset)
        self.full_note.add(full_note)
        self.frame.add(frames)

    def results(self) -> dict[str, dict[str, float]]:
        """Return f1, precision and recall of onsets, full notes and frames."""
        return {
            name: {"f1": c.f1, "precision": c.precision, "recall": c.recall}
            for name in ("onset", "full_note", "frame")
            for c in [getattr(self, name)]
        }
