"""The statistics of a data set of magenta/ddsp, as those that an instrument keeps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddsp_ref.importers.statistics_pickle import TransformerRecord

_SHARES = np.linspace(0.0, 1.0, 101)  # of the quantiles that an instrument keeps
# Of a distribution of which the smallest and largest value, mean and deviation are known.
_KNOWN_SHARES = [0.0, 0.16, 0.5, 0.84, 1.0]
_OCTAVE, _DEVIATION = 12.0, 5.0  # semitones around the mean pitch, if nothing else is known
_LARGEST = 1000.0


def make_statistics(saved: dict[str, object], level: str) -> tuple[dict[str, Any], str]:
    """Return the statistics of an instrument, and which of them stand for what was not saved.

    Parameters
    ----------
    saved : dict of str to object
        As from `read_statistics`; empty if there were none.
    level : str
        What the model is told about the level.

    Returns
    -------
    statistics : dict of str to object
        See `Instrument`; empty if level or pitch of the material are not known.
    told : str
        A sentence for the card; empty if nothing was saved.
    """
    if not saved:
        return {}, ""
    what = "power" if level == "power" else "loudness"
    known = _quantiles(saved) if what == "loudness" else None
    loudness, levels = _distribution(saved, what, known)
    pitch, pitches = _distribution(saved, "pitch", None)
    if loudness is None or pitch is None:
        missing = "level" if loudness is None else "pitch"
        return {}, f"the statistics that were saved do not say the {missing} of the material"
    told = (
        f"quantiles of the level {levels}, of the pitch {pitches}; voiced_share is not saved, 1 "
        "is assumed"
    )
    # of notes alone
    return {"loudness_db": loudness, "f0_midi": pitch, "voiced_share": 1.0}, told


def _quantiles(saved: dict[str, object]) -> np.ndarray | None:
    """Return the quantiles of the loudness of notes, if there are any."""
    record = saved.get("quantile_transform")
    if not isinstance(record, TransformerRecord):
        return None
    values, shares = record.attributes.get("quantiles_"), record.attributes.get("references_")
    if not (isinstance(values, np.ndarray) and isinstance(shares, np.ndarray)):
        return None
    if (
        values.size != shares.size
        or values.size < 2
        or {values.dtype.kind, shares.dtype.kind} != {"f"}
    ):
        return None
    return np.interp(_SHARES, shares.ravel(), values.ravel())


def _distribution(
    saved: dict[str, object], what: str, quantiles: np.ndarray | None
) -> tuple[dict[str, Any] | None, str]:
    """Return mean, deviation and quantiles of something, and where the quantiles come from."""
    lowest, mean, highest, deviation = (
        _number(saved.get(f"{kind}_{what}_note", saved.get(f"{kind}_{what}")))
        for kind in ("min", "mean", "max", "std")
    )
    origin = "as saved" if quantiles is not None else "interpolated from five figures"
    if quantiles is not None:
        mean = float(np.mean(quantiles)) if np.isnan(mean) else mean
        deviation = float(np.std(quantiles)) if np.isnan(deviation) else deviation
    elif what == "pitch" and np.isnan([lowest, highest, deviation]).any():
        lowest, highest, deviation = mean - _OCTAVE, mean + _OCTAVE, _DEVIATION
        origin = "assumed, an octave around the mean"
    if quantiles is None:
        known = [lowest, mean - deviation, mean, mean + deviation, highest]
        rising = np.maximum.accumulate(np.clip(known, lowest, highest))
        quantiles = np.interp(_SHARES, _KNOWN_SHARES, rising)
    found = {"mean": mean, "std": deviation, "quantiles": [float(x) for x in quantiles]}
    values = np.array([mean, deviation, *quantiles])
    # what an instrument may not hold: no number, or one that is no level and no pitch
    return (found, origin) if (np.abs(values) <= _LARGEST).all() else (None, origin)


def _number(value: object) -> float:
    value = np.asarray(value)
    return (
        float(value.ravel()[0]) if value.size == 1 and value.dtype.kind in "fiu" else float("nan")
    )
