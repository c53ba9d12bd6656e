"""Pictures of a timbre transfer: what was heard, what was made of it, and all in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ddsp_ref.plots.figure import AFTER, BEFORE, EXTRA, new_figure, note_axis, style
from ddsp_ref.plots.spectrograms import draw_spectrograms

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_transfer(transfer: Any) -> Figure:
    """Draw what was heard, what was played, and how both sound.

    Parameters
    ----------
    transfer : Transfer
        What `ddsp_ref.timbre_transfer` returns.

    Returns
    -------
    matplotlib.figure.Figure
        Spectrograms of input and output side by side; below them pitch, loudness, confidence and
        voicing over time, before and after the adjustment.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    figure = new_figure(12.0, 9.5)
    grid = figure.add_gridspec(4, 2, height_ratios=(3.0, 2.6, 2.0, 1.1))
    left = figure.add_subplot(grid[0, 0])
    right = figure.add_subplot(grid[0, 1], sharey=left)
    right.tick_params(labelleft=False)
    image = draw_spectrograms(
        [left, right],
        {
            "input": (transfer.input.audio, transfer.input.sample_rate),
            f"output: {transfer.instrument}": (transfer.audio, transfer.sample_rate),
        },
    )
    figure.colorbar(image, ax=[left, right], label="level (dB)", pad=0.01)

    pitch = figure.add_subplot(grid[1, :])
    loudness = figure.add_subplot(grid[2, :], sharex=pitch)
    confidence = figure.add_subplot(grid[3, :], sharex=pitch)
    heard, adjusted = transfer.input, transfer.adjusted
    draw_pitch(pitch, heard, adjusted)
    draw_loudness(loudness, heard, adjusted)
    draw_confidence(confidence, heard, adjusted)
    confidence.set_xlim(0, transfer.seconds)
    confidence.set_xlabel("time (s)")
    for axes in (pitch, loudness):
        axes.tick_params(labelbottom=False)
    return figure


def plot_features(heard: Any) -> Figure:
    """Draw what was heard in a recording.

    Parameters
    ----------
    heard : Heard
        What `ddsp_ref.listen` returns.

    Returns
    -------
    matplotlib.figure.Figure
        Loudness, pitch where there is one (MIDI numbers, named as notes), confidence and voicing.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    figure = new_figure(10.0, 6.0)
    loudness, pitch, confidence = figure.subplots(3, 1, sharex=True, height_ratios=(2.0, 2.6, 1.1))
    draw_loudness(loudness, heard)
    draw_pitch(pitch, heard)
    draw_confidence(confidence, heard)
    confidence.set_xlim(0, heard.seconds)
    confidence.set_xlabel("time (s)")
    return figure


def plot_adjustment(heard: Any, adjusted: Any) -> Figure:
    """Draw what an adjustment did.

    Parameters
    ----------
    heard : Heard
        What `ddsp_ref.listen` returns.
    adjusted : Adjusted
        What `ddsp_ref.adjust` made of it.

    Returns
    -------
    matplotlib.figure.Figure
        The likelihood of notes with the threshold, and where they are; loudness and pitch before
        and after.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    figure = new_figure(10.0, 7.0)
    notes, loudness, pitch = figure.subplots(3, 1, sharex=True, height_ratios=(1.6, 2.0, 2.6))
    _draw_likelihood(notes, heard, adjusted)
    draw_loudness(loudness, heard, adjusted)
    draw_pitch(pitch, heard, adjusted)
    pitch.set_xlim(0, heard.seconds)
    pitch.set_xlabel("time (s)")
    return figure


def _midi(f0_hz: np.ndarray) -> np.ndarray:
    return 69.0 + 12.0 * np.log2(np.asarray(f0_hz, float) / 440.0)


def _only(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return values with gaps, so that lines are interrupted there."""
    return np.where(mask, values, np.nan)


def _width(heard: Any, points: float) -> float:
    """Return the width of a line: thin where minutes are drawn into the space of seconds."""
    return points if heard.seconds <= 60 else points / 3


def _legend(axes: Axes, n_columns: int) -> None:
    axes.legend(frameon=False, ncols=n_columns, loc="lower right", bbox_to_anchor=(1.0, 1.0))


def _shade_notes(axes: Axes, heard: Any, adjusted: Any, top: float) -> None:
    axes.fill_between(
        heard.times, 0, top, where=adjusted.notes, color=AFTER, alpha=0.18, linewidth=0,
        label="note",
    )  # fmt: skip


def _draw_likelihood(axes: Axes, heard: Any, adjusted: Any) -> None:
    top = 1.05 * max(float(np.max(adjusted.likelihood)), adjusted.threshold, 1.0)
    _shade_notes(axes, heard, adjusted, top)
    axes.plot(
        heard.times, adjusted.likelihood, color=EXTRA, linewidth=_width(heard, 1.2),
        label="likelihood",
    )  # fmt: skip
    axes.axhline(adjusted.threshold, color=AFTER, linewidth=1.0, linestyle="--", label="threshold")
    axes.set_ylim(0, top)
    style(axes, "notes", y="likelihood")
    _legend(axes, 3)


def draw_pitch(axes: Axes, heard: Any, adjusted: Any | None = None) -> None:
    """Draw the pitch as heard, and as played if given, over names of notes.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where.
    heard : Heard
        Before.
    adjusted : Adjusted, optional
        After.
    """
    width = _width(heard, 1.6)
    before = _midi(heard.f0_hz)
    axes.plot(
        heard.times, _only(before, heard.voiced), color=BEFORE, label="input", linewidth=width
    )
    shown = before[heard.voiced]
    if adjusted is not None:
        after, known = _midi(adjusted.f0_hz), heard.voiced & adjusted.notes
        same = np.allclose(before[known], after[known], atol=0.5)
        axes.plot(heard.times, after, color=AFTER, alpha=0.3, linewidth=width / 2, zorder=0)
        axes.plot(
            heard.times,
            _only(after, adjusted.notes),
            color=AFTER,
            label="played",
            linewidth=width,
            linestyle=(0, (4, 1.5)) if same else "-",
        )
        shown = np.concatenate([before[known], after[known]])
    note_axis(axes, *(np.quantile(shown, [0.005, 0.995]) if len(shown) else (57.0, 81.0)))
    style(axes, "pitch", y="note")
    _legend(axes, 2)


def draw_loudness(axes: Axes, heard: Any, adjusted: Any | None = None) -> None:
    """Draw the loudness as heard, and as played if given; arguments as of `draw_pitch`."""
    lines = [("input", BEFORE, heard)] + ([("played", AFTER, adjusted)] if adjusted else [])
    for label, colour, curves in lines:
        axes.plot(
            heard.times,
            curves.loudness_db,
            color=colour,
            label=label,
            linewidth=_width(heard, 1.2),
        )
    axes.set_ylim(bottom=-82)
    style(axes, "loudness", y="A-weighted (dB)")
    _legend(axes, 2)


def draw_confidence(axes: Axes, heard: Any, adjusted: Any | None = None) -> None:
    """Draw confidence and voicing, and notes if given; arguments as of `draw_pitch`."""
    if adjusted is not None:
        _shade_notes(axes, heard, adjusted, 1.0)
    axes.plot(
        heard.times,
        heard.f0_confidence,
        color=EXTRA,
        linewidth=_width(heard, 0.9),
        label="confidence",
    )
    axes.fill_between(
        heard.times, -0.12, -0.04, where=heard.voiced, color=BEFORE, linewidth=0, label="voiced"
    )
    axes.set_ylim(-0.14, 1.05)
    axes.set_yticks([0, 0.5, 1])
    style(axes, "confidence and voicing", y="0 to 1")
    _legend(axes, 3)
