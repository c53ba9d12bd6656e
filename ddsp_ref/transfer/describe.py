"""A transfer in words, or what was rendered."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ddsp_ref.io.notes import note_of_hz

if TYPE_CHECKING:
    from ddsp_ref.transfer.pipeline import Transfer
    from ddsp_ref.transfer.render import Rendered


def describe(transfer: Transfer) -> str:
    """Return what there is to say about a transfer, a line per matter.

    Parameters
    ----------
    transfer : Transfer
        Of `timbre_transfer`.

    Returns
    -------
    str
        Lines without a newline at the end.
    """
    heard, adjusted = transfer.input, transfer.adjusted
    notes = _pitched(transfer)
    lines = [
        *_heading(transfer.instrument, transfer),
        ("voiced", f"{heard.voiced.mean():.0%} of the frames"),
        ("pitch", f"{pitch_range(heard.f0_hz[notes])} -> {pitch_range(adjusted.f0_hz[notes])}"),
        ("shift", _shifts(transfer)),
        *_tuning(transfer),
        ("loudness", f"{adjusted.loudness_db_change:+.1f} dB in the median of the notes"),
        *_level(transfer.gain_db),
        *(("remark", remark) for remark in transfer.remarks),
        ("time", describe_times(transfer.timings, transfer.seconds)),
    ]
    return _table(lines)


def describe_rendered(rendered: Rendered, instrument: str) -> str:
    """Return what there is to say about what an instrument played from curves, as `describe` does.

    Parameters
    ----------
    rendered : Rendered
        Of `render`.
    instrument : str
        Its name.

    Returns
    -------
    str
        Lines without a newline at the end.
    """
    lines = [
        *_heading(instrument, rendered),
        *_level(rendered.gain_db),
        ("time", describe_times({"render": rendered.taken}, rendered.seconds)),
    ]
    return _table(lines)


def _heading(instrument: str, sound: Transfer | Rendered) -> list[tuple[str, str]]:
    duration = f"{sound.seconds:.2f} s at {sound.sample_rate} Hz"
    return [("instrument", instrument), ("duration", duration)]


def _level(gain_db: float) -> list[tuple[str, str]]:
    return [("level", f"scaled by {gain_db:.1f} dB so that nothing is clipped")] * (gain_db < 0)


def _table(lines: list[tuple[str, str]]) -> str:
    return "\n".join(f"{name:<11}{text}" for name, text in lines)


def report(transfer: Transfer) -> dict[str, Any]:
    """Return what there is to say about a transfer, as plain JSON.

    Parameters
    ----------
    transfer : Transfer
        Of `timbre_transfer`.

    Returns
    -------
    dict
        Numbers, text, and lists and dicts of them.
    """
    heard, adjusted = transfer.input, transfer.adjusted
    on = _pitched(transfer)
    return {
        "instrument": transfer.instrument,
        "seconds": round(transfer.seconds, 4),
        "sample_rate": transfer.sample_rate,
        "f0_tracker": heard.f0_tracker,
        "voiced_share": round(float(heard.voiced.mean()), 4),
        "note_share": round(float(adjusted.notes.mean()), 4),
        "pitch_hz": {"heard": _span(heard.f0_hz[on]), "played": _span(adjusted.f0_hz[on])},
        "adjusted": adjusted.adjusted,
        "octaves": adjusted.octaves,
        "tuning_cents": adjusted.tuning_cents,
        "key": adjusted.key,
        "loudness_db_change": round(adjusted.loudness_db_change, 3),
        "gain_db": round(transfer.gain_db, 3),
        "controls": asdict(transfer.controls),
        "remarks": list(transfer.remarks),
        "timings_s": {stage: round(taken, 4) for stage, taken in transfer.timings.items()},
        "real_time_factor": round(transfer.real_time_factor, 4),
    }


def _span(f0_hz: np.ndarray) -> dict[str, float]:
    low, median, high = np.quantile(f0_hz, [0.01, 0.5, 0.99])
    return {"low": round(low, 2), "median": round(median, 2), "high": round(high, 2)}


def _pitched(transfer: Transfer) -> np.ndarray:
    """Return the frames that say what pitches there are: in notes, if there are any."""
    voiced = transfer.input.voiced
    notes = transfer.adjusted.notes & voiced
    return notes if notes.any() else voiced


def _tuning(transfer: Transfer) -> list[tuple[str, str]]:
    cents, key = transfer.adjusted.tuning_cents, transfer.adjusted.key
    if cents is None:
        return []
    scale = key or "the chromatic scale"
    text = (
        f"{cents:+.0f} cents from A4 = 440 Hz, drawn to {scale} by {transfer.controls.autotune:g}"
    )
    return [("tuning", text)]


def pitch_range(f0_hz: np.ndarray) -> str:
    """Return a range of pitches, leaving out 1 % at either end.

    Parameters
    ----------
    f0_hz : ndarray, shape (n,)
        Frequencies.

    Returns
    -------
    str
        Hz and names of notes.

    Examples
    --------
    >>> pitch_range(np.array([220.0, 440.0]))
    '222 to 438 Hz (A3 to A4)'
    """
    low, high = np.quantile(f0_hz, [0.01, 0.99])
    return f"{low:.0f} to {high:.0f} Hz ({note_of_hz(low)} to {note_of_hz(high)})"


def describe_times(timings: dict[str, float], seconds: float) -> str:
    """Return the time of every stage, the total of several, and its share of the duration.

    Examples
    --------
    >>> describe_times({"pitch": 0.25, "render": 0.5}, 10.0)
    'pitch 0.25 s, render 0.50 s; together 0.75 s, 0.075 of real time'
    >>> describe_times({"render": 0.5}, 10.0)
    'render 0.50 s, 0.050 of real time'
    """
    stages = ", ".join(f"{stage} {taken:.2f} s" for stage, taken in timings.items())
    total = sum(timings.values())
    together = f"; together {total:.2f} s" if len(timings) > 1 else ""
    return f"{stages}{together}, {total / seconds:.3f} of real time"


def _shifts(transfer: Transfer) -> str:
    octaves = transfer.adjusted.octaves
    text = f"{octaves:+d} octave{'' if abs(octaves) == 1 else 's'} to fit the range"
    text = text if octaves else "no octave needed to fit the range"
    text = text if transfer.adjusted.adjusted else "not adjusted"
    if transfer.controls.pitch_shift:
        text += f", {transfer.controls.pitch_shift:+.3g} octaves asked for"
    if transfer.controls.loudness_shift:
        text += f", {transfer.controls.loudness_shift:+.3g} dB asked for"
    return text
