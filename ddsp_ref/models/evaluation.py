"""How well a model plays recordings that it has not heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ddsp_ref.models.defects import click_flux, silence_level
from ddsp_ref.models.features import F0_RANGE_HZ, extract_features
from ddsp_ref.models.model import Model
from ddsp_ref.models.recordings import Recording
from ddsp_ref.models.sampler import Batch, excerpt
from ddsp_ref.models.voices import largest_first, of_voice
from ddsp_ref.processors.synths import uniform_noise

OUTLIER_CENTS = 50.0
_METRICS = ("spectral_loss", "loudness_l1_db", "f0_l1_cents", "f0_outlier_rate")
_COLUMNS = (*_METRICS, "click_flux_db")


def excerpts(recordings: Sequence[Recording], n_frames: int) -> list[Batch]:
    """Cut recordings into consecutive excerpts, each a batch of one.

    What is left over at the end belongs to the last: silence behind a recording would count as
    part of it, and in silence the logarithms of the loss know no bounds.
    """
    found = []
    for recording in recordings:
        starts = range(0, max(1, recording.n_frames - n_frames + 1), n_frames)
        for start, stop in zip(starts, [*starts[1:], recording.n_frames]):
            found.append(excerpt(recording, start, stop - start))
    return found


def held_out_loss(
    model: Model, params: Mapping[str, np.ndarray], batches: Sequence[Batch], seed: int
) -> float:
    """Return the mean spectral loss of excerpts, always with the same noise.

    Parameters
    ----------
    model : Model
        The model.
    params : mapping of str to ndarray
        Its parameters.
    batches : sequence of Batch
        As from `excerpts`.
    seed : int
        Of the noise.

    Returns
    -------
    float
        The mean over excerpts, each as much as it is long.
    """
    rng = np.random.default_rng([seed, 1])
    losses = [
        model.loss(of_voice(params, "".join(b.voices)), b, uniform_noise(b.audio.shape, rng))[0]
        for b in batches
    ]
    return float(np.average(losses, weights=[b.audio.shape[-1] for b in batches]))


def render_recording(
    model: Model, params: Mapping[str, np.ndarray], recording: Recording, seed: int
) -> np.ndarray:
    """Return a recording as the model plays it, shape (n_samples,)."""
    noise = uniform_noise(recording.audio.shape, np.random.default_rng([seed, 2]))
    features, params = recording.features, of_voice(params, recording.voice)
    return model.render(params, features.f0_hz, features.loudness_db, noise)


def compare(
    recording: Recording,
    audio: np.ndarray,
    model: Model,
    *,
    f0_range_hz: tuple[float, float] = F0_RANGE_HZ,
) -> dict[str, Any]:
    """Measure how far a rendered recording is from what it was asked to be.

    Parameters
    ----------
    recording : Recording
        The original.
    audio : ndarray, shape (n_samples,)
        As the model plays it.
    model : Model
        For its rates.
    f0_range_hz : (float, float)
        As for the features of the original.

    Returns
    -------
    dict
        `loudness_l1_db`: mean over frames; `f0_l1_cents` and `f0_outlier_rate` (share further
        than 50 cents away): over the `n_voiced` frames voiced in both, None if there are none;
        `click_flux_db`: see `ddsp_ref.models.defects.click_flux`, `recorded_flux_db`: the same of
        the recording.
    """
    config = model.config
    asked = recording.features
    got = extract_features(audio, config.sample_rate, config.frame_rate, f0_range_hz=f0_range_hz)
    both = asked.voiced & got.voiced
    cents = 1200 * np.abs(np.log2(got.f0_hz[both] / asked.f0_hz[both]))
    return {
        "loudness_l1_db": float(np.mean(np.abs(got.loudness_db - asked.loudness_db))),
        "f0_l1_cents": float(cents.mean()) if cents.size else None,
        "f0_outlier_rate": float(np.mean(cents > OUTLIER_CENTS)) if cents.size else None,
        "n_voiced": int(both.sum()),
        "click_flux_db": click_flux(audio, asked, config.sample_rate),
        "recorded_flux_db": click_flux(recording.audio, asked, config.sample_rate),
    }


def evaluate(
    model: Model,
    params: Mapping[str, np.ndarray],
    recordings: Sequence[Recording],
    *,
    n_frames: int,
    seed: int = 0,
    f0_range_hz: tuple[float, float] = F0_RANGE_HZ,
) -> dict[str, Any]:
    """Report on recordings, one by one and overall.

    Parameters
    ----------
    model : Model
        The model.
    params : mapping of str to ndarray
        Its parameters.
    recordings : sequence of Recording
        Those that were held out.
    n_frames : int
        Length of the excerpts whose spectral loss is averaged.
    seed : int
        Of the noise.
    f0_range_hz : (float, float)
        As for the features of the recordings.

    Returns
    -------
    dict
        Plain JSON: `overall` and `recordings`, each with `spectral_loss`, `loudness_l1_db`,
        `f0_l1_cents`, `f0_outlier_rate`, `click_flux_db`. Overall, recordings count by their
        length (pitch: by their voiced frames; clicks: the largest of all), and there is
        `silence_dbfs`, see `ddsp_ref.models.defects.silence_level`, at the lowest, the middle and
        the highest pitch of the recordings. `overall` is None without recordings.
    """
    rows = []
    for recording in recordings:
        loss = held_out_loss(model, params, excerpts([recording], n_frames), seed)
        audio = render_recording(model, params, recording, seed)
        row = compare(recording, audio, model, f0_range_hz=f0_range_hz)
        seconds = len(recording.audio) / model.config.sample_rate
        rows.append({"name": recording.name, "seconds": seconds, "spectral_loss": loss, **row})
    overall = None
    if rows:
        overall = {
            name: _mean(rows, name, "n_voiced" if name.startswith("f0") else "seconds")
            for name in _METRICS
        }
        flux = [row["click_flux_db"] for row in rows if row["click_flux_db"] is not None]
        f0_hz = np.concatenate([r.features.f0_hz[r.features.voiced] for r in recordings])
        pitches = np.quantile(f0_hz, [0, 0.5, 1]) if f0_hz.size else np.array([440.0])
        overall["click_flux_db"] = max(flux, default=None)
        overall["silence_dbfs"] = max(
            silence_level(model, of_voice(params, voice), pitches, seed)
            for voice in largest_first(recordings) or [""]
        )
    return {"overall": overall, "recordings": rows}


def _mean(rows: Sequence[Mapping[str, Any]], name: str, weight: str) -> float | None:
    known = [(row[name], row[weight]) for row in rows if row[name] is not None]
    total = sum(w for _, w in known)
    return sum(value * w for value, w in known) / total if total else None


def report_text(report: Mapping[str, Any]) -> str:
    """Return a report of `evaluate` as a table."""
    head = (
        "recording",
        "seconds",
        "spectral loss",
        "loudness dB",
        "f0 cents",
        "f0 > 50 ct",
        "flux dB",
    )
    rows = [head]
    for row in report["recordings"]:
        rows.append((row["name"], f"{row['seconds']:.1f}", *_cells(row)))
    if report["overall"] is None:
        return "no recordings were held out\n"
    total = sum(row["seconds"] for row in report["recordings"])
    rows.append(("overall", f"{total:.1f}", *_cells(report["overall"])))
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))])
        for row in rows
    ]
    lines.append(f"asked for silence: {report['overall']['silence_dbfs']:.0f} dBFS")
    return "\n".join(lines) + "\n"


def _cells(row: Mapping[str, Any]) -> list[str]:
    formats = (".3f", ".2f", ".1f", ".2%", ".1f")
    return ["-" if row[n] is None else format(row[n], f) for n, f in zip(_COLUMNS, formats)]
