"""pYIN while the sound is still coming in: the best course so far, decided after a lag."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

import numpy as np

from ddsp_ref.analysis import pyin as whole
from ddsp_ref.analysis.frames import centred_frames
from ddsp_ref.analysis.refinement import refine_f0
from ddsp_ref.analysis.viterbi import Observations, advance, first_scores, log_moves, trace

_LAGS_PER_SAMPLE = 2  # as `pyin`, which looks between samples too


class PitchStage:
    """Find the pitch of frames one after the other.

    Parameters
    ----------
    sample_rate, frame_rate : int
        Samples and frames per second.
    f0_range_hz : (float, float)
        Lowest and highest pitch.
    frame_seconds : float
        Sound that a frame looks at.
    lag : int
        Frames to wait for before the course is decided.

    Attributes
    ----------
    ahead, behind : int
        Samples that a frame looks at after its middle, and before it.
    lag : int
        See above.
    """

    def __init__(
        self,
        sample_rate: int,
        frame_rate: int,
        f0_range_hz: tuple[float, float],
        frame_seconds: float,
        lag: int,
    ) -> None:
        fmin_hz, fmax_hz = float(f0_range_hz[0]), float(min(f0_range_hz[1], sample_rate / 2))
        whole.check_settings(fmin_hz, fmax_hz, sample_rate=sample_rate, frame_rate=frame_rate,
                             switch_prob=whole.SWITCH_PROB)  # fmt: skip
        n = whole.check_frame_length(round(frame_seconds * sample_rate), sample_rate, fmin_hz)
        self._range, self._rate, self._frame_length = (fmin_hz, fmax_hz), float(sample_rate), n
        self.behind, self.ahead, self.lag = n // 2, n - n // 2, lag
        self._n_bins = whole.count_bins(fmin_hz, fmax_hz)
        reach = whole.reach_of(whole.MAX_TRANSITION_RATE, frame_rate)
        self._moves = log_moves(self._n_bins, reach, whole.SWITCH_PROB)
        # Of frames that are not decided: scores, sound and confidence.
        self._waiting: deque[tuple[np.ndarray, np.ndarray, float]] = deque()
        self._scores: np.ndarray | None = None  # of the newest frame
        self._grounded = False  # the voiced stretch that goes on has had a confident frame
        self._f0_hz = math.sqrt(fmin_hz * fmax_hz)

    def push(self, audio: np.ndarray, positions: np.ndarray) -> list[tuple[float, float, bool]]:
        """Look at the frames around these samples of the audio.

        Returns
        -------
        list of (float, float, bool)
            Pitch in Hz, confidence and voicing of every frame that is decided now.
        """
        observations, confidence = whole.observe(
            audio, positions, self._rate, *self._range, self._frame_length, self._n_bins,
            _LAGS_PER_SAMPLE,
        )  # fmt: skip
        frames = centred_frames(audio, positions, self._frame_length)
        decided = []
        for frame, sure, seen in zip(frames, confidence, _one_by_one(observations)):
            self._scores = self._score(seen)
            self._waiting.append((self._scores, frame, float(sure)))
            if len(self._waiting) > self.lag:
                decided.append(self._decide())
        return decided

    def finish(self) -> list[tuple[float, float, bool]]:
        """Return the frames that are not decided yet."""
        return [self._decide() for _ in range(len(self._waiting))]

    def _score(self, seen: Observations) -> np.ndarray:
        """Return the scores of one frame; only their differences matter, the best is 0."""
        if self._scores is None:
            scores = first_scores(seen, self._n_bins)
        else:
            both = np.stack([self._scores, self._scores])
            begin = np.array([0, *seen.offsets])  # the frame before has no say any more
            unvoiced = np.array([0.0, *seen.log_unvoiced])
            advance(both, 0, 2, begin, seen.bins, seen.log_probabilities, unvoiced, *self._moves)
            scores = both[1]
        return scores - scores.max()

    def _decide(self) -> tuple[float, float, bool]:
        """Go back from the newest frame to the oldest, and tell of that."""
        scores = np.stack([waiting[0] for waiting in self._waiting])
        path = np.zeros(len(scores), np.int64)
        path[-1] = scores[-1].argmax()
        trace(scores, 0, len(scores), *self._moves, path)
        _, frame, confidence = self._waiting.popleft()
        voiced = bool(path[0] < self._n_bins)
        # as `pyin` drops stretches without a confident frame, as far as that is known
        self._grounded = voiced and (self._grounded or confidence >= whole.LEAST_CONFIDENCE)
        if self._grounded:
            self._f0_hz = self._refine(path[0], frame)
        return self._f0_hz, min(max(confidence, 0.0), 1.0), self._grounded

    def _refine(self, pitch_bin: int, frame: np.ndarray) -> float:
        low, high = self._range
        f0_hz = np.array([low * 2 ** (pitch_bin / whole.BINS_PER_OCTAVE)])
        refine_f0(frame[None].astype(np.float64), self._rate, f0_hz, *np.empty((2, 1)))
        return float(np.clip(f0_hz[0], low, high))


def _one_by_one(observations: Observations) -> Iterator[Observations]:
    """Take observations of several frames apart."""
    offsets = observations.offsets
    for t, unvoiced in enumerate(observations.log_unvoiced):
        own = slice(offsets[t], offsets[t + 1])
        yield Observations(
            np.array([0, offsets[t + 1] - offsets[t]]), observations.bins[own],
            observations.log_probabilities[own], np.array([unvoiced]),
        )  # fmt: skip
