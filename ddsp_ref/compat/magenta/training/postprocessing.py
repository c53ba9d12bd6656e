"""Where notes are, and how loud, as in the original's ddsp/training/postprocessing.py."""

from __future__ import annotations

import numpy as np

from ddsp_ref.analysis import detection, quantiles, statistics
from ddsp_ref.compat.magenta import spectral_ops
from ddsp_ref.errors import require

QuantileTransformer = quantiles.QuantileTransformer


def smooth(x, filter_size=3):
    """Average over neighbouring frames; see `ddsp_ref.analysis.detection.smooth`."""
    return detection.smooth(np.asarray(x), filter_size=filter_size)


def detect_notes(
    loudness_db,
    f0_confidence,
    note_threshold=1.0,
    exponent=2.0,
    smoothing=40,
    f0_confidence_threshold=0.7,
    min_db=-spectral_ops.DB_RANGE,
):
    """Return where notes sound and how clearly; see `ddsp_ref.analysis.detection.detect_notes`."""
    return detection.detect_notes(
        np.asarray(loudness_db),
        np.asarray(f0_confidence),
        note_threshold=note_threshold,
        exponent=exponent,
        smoothing=smoothing,
        f0_confidence_threshold=f0_confidence_threshold,
        min_db=min_db,
    )


def fit_quantile_transform(loudness_db, mask_on, inv_quantile=None):
    """Learn the loudness of notes, and with `inv_quantile` give them another.

    See `ddsp_ref.analysis.quantiles.fit_quantile_transform` and `match_quantiles`. The changed
    loudness is one column, as in the original, which fails on a batch.
    """
    if inv_quantile is None:
        return quantiles.fit_quantile_transform(loudness_db, mask_on)
    transform, changed = quantiles.match_quantiles(loudness_db, mask_on, inv_quantile)
    return transform, changed.reshape(-1, 1)


def compute_dataset_statistics(
    data_provider, batch_size=1, power_frame_size=1024, power_frame_rate=50
):
    """Measure pitch, power and loudness of a data set; see `ddsp_ref.analysis.statistics`.

    A provider is any object with `get_batch(batch_size, repeats=1)`, which gives dictionaries
    with audio (or audio_16k), f0_hz, f0_confidence and loudness_db. Features and power need not
    have one frame rate if the provider says that of the features, as `frame_rate`.
    """
    batches = list(data_provider.get_batch(batch_size, repeats=1))
    require(batches, "postprocessing.compute_dataset_statistics: the provider gives no batch")
    audio_key = "audio_16k" if "audio_16k" in batches[0] else "audio"
    keys = ("loudness_db", "f0_hz", "f0_confidence", audio_key)
    *features, audio = (np.vstack([np.asarray(batch[key]) for batch in batches]) for key in keys)
    sample_rate = spectral_ops.CREPE_SAMPLE_RATE
    frame_rate = getattr(data_provider, "frame_rate", None)
    if frame_rate is None:
        n_power, _ = spectral_ops.get_framed_lengths(
            audio.shape[1], power_frame_size, sample_rate // power_frame_rate
        )
        require(
            abs(n_power - features[0].shape[1]) <= 1,
            f"postprocessing.compute_dataset_statistics: features have {features[0].shape[1]} "
            f"frames and the power {n_power}, must have as many unless data_provider.frame_rate "
            "says how dense the features are",
        )
    return statistics.compute_dataset_statistics(
        *features,
        audio,
        sample_rate=sample_rate,
        frame_rate=frame_rate or power_frame_rate,
        power_frame_size=power_frame_size,
        power_frame_rate=power_frame_rate,
    )
