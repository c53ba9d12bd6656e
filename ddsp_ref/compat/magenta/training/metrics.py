"""How near pitch, loudness and notes come, as in the original's ddsp/training/metrics.py."""

from __future__ import annotations

import numpy as np

from ddsp_ref.analysis import metrics, scores
from ddsp_ref.analysis.notes import Notes
from ddsp_ref.compat.magenta import core, spectral_ops

MIN_F0_CONFIDENCE = 0.85
OUTLIER_MIDI_THRESH = 12


def squeeze(input_vector):
    """Drop axes of length 1."""
    return np.squeeze(input_vector)


def l1_distance(prediction, ground_truth):
    """Return the size of the difference, up to the end of the shorter one; see `metrics`."""
    return metrics.l1_distance(np.asarray(prediction), np.asarray(ground_truth))


def is_outlier(ground_truth_f0_conf):
    """Whether the pitch is sure nowhere; see `ddsp_ref.analysis.metrics`."""
    return metrics.is_outlier(np.asarray(ground_truth_f0_conf))


def compute_audio_features(audio, frame_rate=250):
    """Return audio, loudness_db, f0_hz and f0_confidence; see `compute_loudness`, `crepe`."""
    sound, rate = squeeze(np.asarray(audio)), spectral_ops.CREPE_SAMPLE_RATE
    loudness_db = spectral_ops.compute_loudness(sound, rate, frame_rate)
    f0_hz, f0_confidence = spectral_ops.compute_f0(sound, frame_rate)
    features = {"loudness_db": loudness_db, "f0_hz": f0_hz, "f0_confidence": f0_confidence}
    return {"audio": audio, **features}


def f0_dist_conf_thresh(f0_hz, f0_hz_gen, f0_confidence, f0_confidence_thresh=MIN_F0_CONFIDENCE):
    """Return the mean distance in semitones where the pitch is sure, or None; see `metrics`."""
    arrays = (np.asarray(a) for a in (f0_hz, f0_hz_gen, f0_confidence))
    return metrics.f0_distance(*arrays, min_confidence=f0_confidence_thresh)


class Mean:
    """A running mean, as tf.keras.metrics.Mean."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def update_state(self, value) -> None:
        self.values.append(float(value))

    def result(self) -> float:
        return float(np.mean(self.values)) if self.values else 0.0

    def reset_states(self) -> None:
        self.values.clear()


class BaseMetrics:
    """Running means by name; `flush` returns them, where the original writes summaries."""

    names: tuple[str, ...] = ()

    def __init__(self, sample_rate, frame_rate, name):
        self._sample_rate, self._frame_rate, self._name = sample_rate, frame_rate, name
        self._metrics = {metric: Mean() for metric in self.names}

    @property
    def metrics(self):
        return self._metrics

    def flush(self, step=None):
        """Return the means and start again."""
        del step
        results = {name: metric.result() for name, metric in self._metrics.items()}
        for metric in self._metrics.values():
            metric.reset_states()
        return results


class LoudnessMetrics(BaseMetrics):
    """Mean difference of loudness in dB."""

    names = ("loudness_db",)

    def __init__(self, sample_rate, frame_rate, name="loudness"):
        super().__init__(sample_rate, frame_rate, name)

    def _loudness(self, audio):
        return spectral_ops.compute_loudness(audio, self._sample_rate, self._frame_rate)

    def update_state(self, batch, audio_gen):
        given = batch.get("loudness_db")
        original = self._loudness(batch["audio"]) if given is None else given
        for one, other in zip(original, self._loudness(audio_gen), strict=True):
            self.metrics["loudness_db"].update_state(np.mean(l1_distance(one, other)))


class F0CrepeMetrics(BaseMetrics):
    """Mean distance of the pitch that CREPE hears, and share of sounds in which it gets lost."""

    names = ("f0_dist", "outlier_ratio")

    def __init__(self, sample_rate, frame_rate, name="f0_crepe"):
        super().__init__(sample_rate, frame_rate, name)

    def _pitch(self, audio):
        return spectral_ops.compute_f0(audio, frame_rate=self._frame_rate, viterbi=True)

    def update_state(self, batch, audio_gen):
        given = batch.get("f0_hz"), batch.get("f0_confidence")
        for i, audio in enumerate(audio_gen):
            known = all(x is not None for x in given)
            f0_hz, confidence = (x[i] for x in given) if known else self._pitch(batch["audio"][i])
            if is_outlier(confidence):
                continue
            predicted, _ = self._pitch(audio)
            distance = f0_dist_conf_thresh(f0_hz, predicted, confidence)
            lost = distance is None or distance > OUTLIER_MIDI_THRESH
            self.metrics["outlier_ratio"].update_state(lost)
            if not lost:
                self.metrics["f0_dist"].update_state(distance)

    def flush(self, step=None):
        """Return the means, start again, and forget the network."""
        spectral_ops.reset_crepe()
        return super().flush(step)


class F0Metrics(BaseMetrics):
    """Mean distance of pitch, and raw pitch and chroma accuracy; see `ddsp_ref.analysis.metrics`.

    The original has the names of the two accuracies exchanged inside Keras, not in its results.
    """

    names = ("f0_dist", "raw_pitch_accuracy", "raw_chroma_accuracy")

    def __init__(self, sample_rate, frame_rate, rpa_tolerance=50, name="f0"):
        super().__init__(sample_rate, frame_rate, name)
        self._rpa_tolerance = rpa_tolerance

    def update_state(self, batch, f0_hz_predict):
        n_frames = np.shape(f0_hz_predict)[1]
        original = [batch["f0_hz"], batch["f0_confidence"]]
        if np.shape(original[0])[1] != n_frames:
            original = [core.resample(x, n_frames) for x in original]
        for f0_hz, confidence, predicted in zip(*original, f0_hz_predict, strict=True):
            if is_outlier(confidence):
                continue
            f0_hz, predicted = np.squeeze(f0_hz), np.squeeze(predicted)
            distance = f0_dist_conf_thresh(f0_hz, predicted, np.squeeze(confidence))
            self.metrics["f0_dist"].update_state(distance)
            for name, chroma in (("raw_pitch_accuracy", False), ("raw_chroma_accuracy", True)):
                accuracy = metrics.raw_pitch_accuracy(
                    f0_hz, predicted, tolerance_cents=float(self._rpa_tolerance), chroma=chroma
                )
                self.metrics[name].update_state(accuracy)


class EvalCounts(scores.EvalCounts):
    """Counts of right, wrong and missing; `f1` is the original's, too low if p + r < 1."""

    f1 = scores.EvalCounts.f1_magenta


def _counts(found: scores.EvalCounts) -> EvalCounts:
    return EvalCounts(found.tp, found.fp, found.fn)


def sequence2intervals(sequence: Notes):
    """Return intervals (n, 2), pitches and velocities of a list of notes."""
    intervals = np.stack([sequence.starts_s, sequence.ends_s], axis=1)
    return intervals, sequence.pitches_midi.astype(float), sequence.velocities.astype(float)


def compute_note_metrics(gt_sequence, pred_sequence):
    """Return counts of notes by onset, and by onset and end; see `ddsp_ref.analysis.scores`."""
    return tuple(map(_counts, scores.compute_note_metrics(gt_sequence, pred_sequence)))


def compute_frame_metrics(gt_pianoroll, pred_pianoroll):
    """Return counts of frames in which any note sounds; see `ddsp_ref.analysis.scores`."""
    rolls = (np.squeeze(np.asarray(roll)) for roll in (gt_pianoroll, pred_pianoroll))
    return _counts(scores.compute_frame_metrics(*rolls))


class MidiMetrics:
    """Scores of notes, batch by batch; see `ddsp_ref.analysis.scores`.

    Predictions are lists of notes (`ddsp_ref.analysis.notes.Notes`) or piano rolls. `flush`
    returns the scores, where the original writes summaries.
    """

    def __init__(self, frames_per_second, tag, align_midi_with_f0=True):
        self.tag = tag
        self._settings = {"frame_rate": frames_per_second, "align": align_midi_with_f0}
        self._scores = scores.MidiMetrics(**self._settings)

    def update_state(
        self, controls_batch, pred_seq_batch, gt_key="note_active_velocities", ch=None
    ):
        channel = (...,) if ch is None else (..., ch)
        for i, predicted in enumerate(pred_seq_batch):
            roll = np.asarray(controls_batch[gt_key][i])[channel]
            if not isinstance(predicted, Notes):
                predicted = np.asarray(predicted)[channel]
            f0_hz = np.squeeze(np.asarray(controls_batch["f0_hz"][i]))
            self._scores.add(roll, predicted, f0_hz)

    def flush(self, step=None):
        """Return the scores of onsets, full notes and frames, and start again."""
        del step
        counts = {name: getattr(self._scores, name) for name in ("onset", "full_note", "frame")}
        self._scores = scores.MidiMetrics(**self._settings)
        return {
            name: {"f1": c.f1_magenta, "precision": c.precision, "recall": c.recall}
            for name, c in counts.items()
        }
