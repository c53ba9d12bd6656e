"""A timbre transfer in one picture."""

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
    _draw_pitch(pitch, transfer)
    _draw_loudness(loudness, transfer)
    _draw_confidence(confidence, transfer)
    confidence.set_xlim(0, transfer.seconds)
    confidence.set_xlabel("time (s)")
    for axes in (pitch, loudness):
        axes.tick_params(labelbottom=False)
    return figure


def _midi(f0_hz: np.ndarray) -> np.ndarray:
    return 69.0 + 12.0 * np.log2(np.asarray(f0_hz, float) / 440.0)


def _only(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return values with gaps, so that lines are interrupted there."""
    return np.where(mask, values, np.nan)


def _width(transfer: Any, points: float) -> float:
    """Return the width of a line: thin where minutes are drawn into the space of seconds."""
    return points if transfer.seconds <= 60 else points / 3


def _draw_pitch(axes: Axes, transfer: Any) -> None:
    heard, adjusted = transfer.input, transfer.adjusted
    width = _width(transfer, 1.6)
    before, after = _midi(heard.f0_hz), _midi(adjusted.f0_hz)
    axes.plot(heard.times, after, color=AFTER, alpha=0.3, linewidth=width / 2)
    known = heard.voiced & adjusted.notes
    axes.plot(
        heard.times, _only(before, heard.voiced), color=BEFORE, label="input", linewidth=width
    )
    axes.plot(
        heard.times,
        _only(after, adjusted.notes),
        color=AFTER,
        label="played",
        linewidth=width,
        linestyle=(0, (4, 1.5)) if np.allclose(before[known], after[known], atol=0.5) else "-",
    )
    both = np.concatenate([before[known], after[known]])
    note_axis(axes, *np.quantile(both, [0.005, 0.995]))
    style(axes, "pitch", y="note")
    axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0))


def _draw_loudness(axes: Axes, transfer: Any) -> None:
    heard, adjusted = transfer.input, transfer.adjusted
    axes.plot(
        heard.times, heard.loudness_db, color=BEFORE, label="input", linewidth=_width(transfer, 1.2)
    )
    axes.plot(
        heard.times,
        adjusted.loudness_db,
        color=AFTER,
        label="played",
        linewidth=_width(transfer, 1.2),
    )
    axes.set_ylim(bottom=-82)
    style(axes, "loudness", y="A-weighted (dB)")
    axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0))


def _draw_confidence(axes: Axes, transfer: Any) -> None:
    heard, adjusted = transfer.input, transfer.adjusted
    axes.fill_between(
        heard.times, 0, 1, where=adjusted.notes, color=AFTER, alpha=0.18, linewidth=0, label="note"
    )
    axes.plot(
        heard.times,
        heard.f0_confidence,
        color=EXTRA,
        linewidth=_width(transfer, 0.9),
        label="confidence",
    )
    axes.fill_between(
        heard.times, -0.12, -0.04, where=heard.voiced, color=BEFORE, linewidth=0, label="voiced"
    )
    axes.set_ylim(-0.14, 1.05)
    axes.set_yticks([0, 0.5, 1])
    style(axes, "confidence and voicing", y="0 to 1")
    axes.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1.0, 0.98))
