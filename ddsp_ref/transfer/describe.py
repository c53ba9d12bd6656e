"""A transfer in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ddsp_ref.io.notes import note_of_hz

if TYPE_CHECKING:
    from ddsp_ref.transfer.pipeline import Transfer


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
    notes = adjusted.notes & heard.voiced
    lines = [
        ("instrument", transfer.instrument),
        ("duration", f"{transfer.seconds:.2f} s at {transfer.sample_rate} Hz"),
        ("voiced", f"{heard.voiced.mean():.0%} of the frames"),
        ("pitch", f"{pitch_range(heard.f0_hz[notes])} -> {pitch_range(adjusted.f0_hz[notes])}"),
        ("shift", _shifts(transfer)),
        ("loudness", f"{adjusted.loudness_db_change:+.1f} dB in the median of the notes"),
    ]
    if transfer.gain_db < 0:
        lines.append(("level", f"scaled by {transfer.gain_db:.1f} dB so that nothing is clipped"))
    lines += [("remark", remark) for remark in adjusted.remarks]
    lines.append(("time", describe_times(transfer.timings, transfer.seconds)))
    return "\n".join(f"{name:<11}{text}" for name, text in lines)


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
    """Return the time of every stage, the total, and its share of the duration.

    Examples
    --------
    >>> describe_times({"pitch": 0.25, "render": 0.5}, 10.0)
    'pitch 0.25 s, render 0.50 s; together 0.75 s, 0.075 of real time'
    """
    stages = ", ".join(f"{stage} {taken:.2f} s" for stage, taken in timings.items())
    total = sum(timings.values())
    return f"{stages}; together {total:.2f} s, {total / seconds:.3f} of real time"


def _shifts(transfer: Transfer) -> str:
    octaves = transfer.adjusted.octaves
    text = f"{octaves:+d} octave{'' if abs(octaves) == 1 else 's'} to fit the range"
    text = text if octaves else "no octave needed to fit the range"
    if transfer.controls.pitch_shift:
        text += f", {transfer.controls.pitch_shift:+.3g} octaves asked for"
    if transfer.controls.loudness_shift:
        text += f", {transfer.controls.loudness_shift:+.3g} dB asked for"
    return text
