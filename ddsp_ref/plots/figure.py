"""Making and saving figures; the only file that imports matplotlib."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ddsp_ref.errors import MissingExtraError, ParameterError
from ddsp_ref.io.files import atomic_path, check_output_path
from ddsp_ref.io.notes import note_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Told apart by people who see few colours, and in grey.
BEFORE, AFTER, EXTRA = "#3b6fa0", "#e0681c", "#7a7a7a"
SUFFIXES = (".png", ".svg", ".pdf")


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure in the house style.

    Parameters
    ----------
    width, height : float
        Inches.

    Returns
    -------
    matplotlib.figure.Figure
        With the Agg canvas: works without a screen. A notebook shows it without any set-up.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError(
            'plots need matplotlib, which is not installed: pip install "ddsp_ref[plot]"'
        ) from None
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)

    def show() -> bytes:
        data = io.BytesIO()
        figure.savefig(data, format="png")
        return data.getvalue()

    # What notebooks ask for; not of a class of ours, because tools look for one of matplotlib's.
    figure._repr_png_ = show  # type: ignore[attr-defined]
    return figure


def check_plot_output(path: str | os.PathLike[str]) -> Path:
    """Tell early, before any work is done, that a plot could not be made or written.

    Parameters
    ----------
    path : str or PathLike
        Where a plot is going to be written.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    ParameterError
        If the suffix is not .png, .svg or .pdf, or the folder does not exist.
    """
    path = check_output_path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ParameterError(f"cannot write {path}: a plot is a {', '.join(SUFFIXES)} file")
    new_figure(1, 1)
    return path


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure; a file that is already there is replaced in one step.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to write.
    path : str or PathLike
        The suffix gives the format: .png, .svg or .pdf.
    """
    path = check_plot_output(path)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix.lower()[1:])


def style(axes: Axes, title: str = "", x: str = "", y: str = "") -> None:
    """Give axes a title, labels, a quiet grid and no frame on the right and at the top."""
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(True, color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def note_axis(axes: Axes, low: float, high: float) -> None:
    """Let the y axis run over MIDI numbers and write names of notes at it.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where.
    low, high : float
        Range in MIDI numbers.
    """
    low, high = np.floor(low - 1.5), np.ceil(high + 1.5)
    ticks = [n for n in range(int(low), int(high) + 1) if n % 12 in _named(high - low)]
    axes.set_yticks(ticks, [note_name(n) for n in ticks], fontsize=8)
    axes.set_ylim(low, high)


def _named(n_semitones: float) -> tuple[int, ...]:
    """Return which notes of an octave get a name, so that names do not touch."""
    if n_semitones <= 12:
        return tuple(range(12))
    if n_semitones <= 18:
        return (0, 2, 4, 5, 7, 9, 11)
    if n_semitones <= 32:
        return (0, 2, 4, 7, 9)
    return (0, 7) if n_semitones <= 54 else (0,)
