"""Pictures of a training run: loss curves, and spectrograms of original and rendered sound."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from ddsp_ref.plots.curves import plot_loss_curves
from ddsp_ref.plots.figure import new_figure, save_figure
from ddsp_ref.plots.spectrograms import draw_spectrograms


def plot_losses(
    path: str | os.PathLike[str],
    training: Sequence[tuple[int, float]],
    held_out: Sequence[tuple[int, float]],
) -> None:
    """Draw loss curves as PNG.

    Parameters
    ----------
    path : str or PathLike
        The picture.
    training, held_out : sequence of (int, float)
        Steps and losses.

    Raises
    ------
    MissingExtraError
        Without matplotlib.
    """
    named = {"training": training, "held out": held_out}
    curves = {name: tuple(zip(*points)) for name, points in named.items() if points}
    save_figure(plot_loss_curves(curves, title="spectral loss"), path)


def plot_spectrograms(
    path: str | os.PathLike[str],
    rows: Sequence[tuple[str, np.ndarray, np.ndarray]],
    sample_rate: int,
) -> None:
    """Draw spectrograms of pairs of sounds, original on the left, rendered on the right.

    Parameters
    ----------
    path : str or PathLike
        The picture, a PNG.
    rows : sequence of (str, ndarray, ndarray)
        Name, original, rendered; sounds have shape (n_samples,).
    sample_rate : int
        Samples per second.

    Raises
    ------
    MissingExtraError
        Without matplotlib.
    """
    figure = new_figure(12.0, 0.5 + 3.0 * len(rows))
    grid = figure.subplots(len(rows), 2, squeeze=False, sharex="row", sharey=True)
    for axes, (name, original, rendered) in zip(grid, rows):
        pair = {
            f"{name}, original": (original, sample_rate),
            f"{name}, rendered": (rendered, sample_rate),
        }
        image = draw_spectrograms(axes, pair)
        figure.colorbar(image, ax=list(axes), label="level (dB)", pad=0.01)
    save_figure(figure, path)
