"""Curves of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ddsp_ref.plots.figure import AFTER, BEFORE, EXTRA, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SMOOTH = 200  # a curve with more points than this is drawn with its running mean


def plot_loss_curves(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, title: str = "loss"
) -> Figure:
    """Draw losses over the steps of a training.

    Parameters
    ----------
    curves : mapping of str to (sequence of float, sequence of float)
        Names; steps and losses. Curves of more than 200 points get their running mean on top.
    title : str
        What is drawn.

    Returns
    -------
    matplotlib.figure.Figure
        One panel with a logarithmic axis of losses.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> figure = plot_loss_curves({"training": ([0, 1, 2], [9.0, 7.0, 6.0])})
    >>> figure.axes[0].get_xlabel()
    'step'
    """
    figure = new_figure(8.0, 4.2)
    axes = figure.subplots()
    colours = (BEFORE, AFTER, EXTRA, "#2a8c5a", "#8a4fa3")
    for i, (name, (steps, losses)) in enumerate(curves.items()):
        colour = colours[i % len(colours)]
        steps, losses = np.asarray(steps, float), np.asarray(losses, float)
        if len(losses) > _SMOOTH:
            axes.plot(steps, losses, color=colour, alpha=0.25, linewidth=0.6)
            n = max(3, len(losses) // 50) | 1
            padded = np.pad(losses, n // 2, mode="edge")
            losses = np.convolve(padded, np.ones(n) / n, mode="valid")
        marker = "o" if len(losses) <= 40 else None
        axes.plot(steps, losses, color=colour, label=name, linewidth=1.6, marker=marker, ms=4)
    if all((np.asarray(losses) > 0).all() for _, losses in curves.values()):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
    style(axes, title, "step", "loss")
    axes.grid(True, which="minor", color="#eeeeee", linewidth=0.4)
    if curves:
        axes.legend(frameon=False)
    return figure
