"""Metrics that add up over the recordings of a data set."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ddsp_ref.analysis.metrics import (
    MIN_F0_CONFIDENCE,
    f0_distance,
    l1_distance,
    raw_pitch_accuracy,
)

OUTLIER_MIDI = 12.0


@dataclass
class RunningMean:
    """The mean of what has been added so far.

    Attributes
    ----------
    total, count : float
        Sum of the values, each times its weight, and sum of the weights.

    Notes
    -----
    Source: tf.keras.metrics.Mean, which magenta/ddsp reports with; it says 0 where nothing has
    been added, here that is None.

    Examples
    --------
    >>> mean = RunningMean()
    >>> mean.add(2.0)
    >>> mean.add(5.0, weight=2.0)
    >>> mean.result
    4.0
    """

    total: float = 0.0
    count: float = 0.0

    def add(self, value: float, weight: float = 1.0) -> None:
        """Add a value."""
        self.total += weight * float(value)
        self.count += weight

    @property
    def result(self) -> float | None:
        """The mean, None if nothing has been added."""
        return self.total / self.count if self.count else None


@dataclass
class LoudnessMetrics:
    """Distance in loudness, recording by recording.

    Attributes
    ----------
    loudness_db : RunningMean
        Of the mean distance of each recording in dB.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/metrics.py, LoudnessMetrics.

    Examples
    --------
    >>> metrics = LoudnessMetrics()
    >>> metrics.add(np.array([-20.0, -30.0]), np.array([-21.0, -33.0]))
    >>> metrics.results()
    {'loudness_db': 2.0}
    """

    loudness_db: RunningMean = field(default_factory=RunningMean)

    def add(self, loudness_db: np.ndarray, loudness_db_gen: np.ndarray) -> None:
        """Add a recording: its loudness and that of the performance, shapes (n,), (m,)."""
        self.loudness_db.add(l1_distance(loudness_db, loudness_db_gen).mean(dtype=np.float64))

    def results(self) -> dict[str, float | None]:
        """Return the mean by name."""
        return {"loudness_db": self.loudness_db.result}


@dataclass
class F0Metrics:
    """Distance in pitch, recording by recording.

    Parameters
    ----------
    min_confidence : float
        Frames count where the pitch of the original is at least so sure; recordings without any
        are left out.
    outlier_midi : float or None
        Recordings that are further away, in semitones, count as outliers and not for the mean
        distance; None: none do.
    tolerance_cents : float
        Of `raw_pitch_accuracy`.

    Attributes
    ----------
    f0_dist, outlier_ratio, raw_pitch_accuracy, raw_chroma_accuracy : RunningMean
        Mean distance in semitones, share of outliers, and shares of frames.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/metrics.py, F0CrepeMetrics (outlier_midi=12) and
    F0Metrics (outlier_midi=None). They look for the pitch themselves or resample it; here both
    pitches are given, from any tracker, of the same frames.

    Examples
    --------
    >>> metrics = F0Metrics()
    >>> sure = np.ones(4)
    >>> metrics.add(np.full(4, 440.0), sure, np.array([440.0, 440.0, 466.1637615, 220.0]))
    >>> metrics.add(np.full(4, 440.0), sure, np.full(4, 20.0))
    >>> [round(value, 3) for value in metrics.results().values()]
    [3.25, 0.5, 0.25, 0.375]
    """

    min_confidence: float = MIN_F0_CONFIDENCE
    outlier_midi: float | None = OUTLIER_MIDI
    tolerance_cents: float = 50.0
    f0_dist: RunningMean = field(default_factory=RunningMean)
    outlier_ratio: RunningMean = field(default_factory=RunningMean)
    raw_pitch_accuracy: RunningMean = field(default_factory=RunningMean)
    raw_chroma_accuracy: RunningMean = field(default_factory=RunningMean)

    def add(self, f0_hz: np.ndarray, f0_confidence: np.ndarray, f0_hz_gen: np.ndarray) -> None:
        """Add a recording: its pitch and the confidence of that, and the pitch performed.

        Where one pitch has more frames than the other, its end is left out.
        """
        n = min(np.size(f0_hz), np.size(f0_hz_gen))
        f0_hz, f0_hz_gen, sure = (np.ravel(a)[:n] for a in (f0_hz, f0_hz_gen, f0_confidence))
        distance = f0_distance(f0_hz, f0_hz_gen, sure, min_confidence=self.min_confidence)
        if distance is None:
            return
        pitch, chroma = (
            raw_pitch_accuracy(f0_hz, f0_hz_gen, tolerance_cents=self.tolerance_cents, chroma=c)
            for c in (False, True)
        )
        outlier = self.outlier_midi is not None and distance > self.outlier_midi
        self.outlier_ratio.add(outlier)
        if not outlier:
            self.f0_dist.add(distance)
        self.raw_pitch_accuracy.add(pitch)
        self.raw_chroma_accuracy.add(chroma)

    def results(self) -> dict[str, float | None]:
        """Return the means by name."""
        names = ("f0_dist", "outlier_ratio", "raw_pitch_accuracy", "raw_chroma_accuracy")
        return {name: getattr(self, name).result for name in names}
