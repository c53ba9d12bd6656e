"""Spectrograms on a logarithmic axis of frequency, with a colour scale in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from ddsp_ref.plots.figure import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_WINDOW = 0.064  # seconds
_COLUMNS, _ROWS = 1200, 360  # at most; more than a screen shows
_LOWEST_HZ = 60.0
_RANGE_DB = 80.0
_TICKS_HZ = (100, 200, 500, 1000, 2000, 5000, 10000, 20000)


def spectrogram_db(
    audio: np.ndarray, sample_rate: int, highest_hz: float | None = None
) -> tuple[np.ndarray, float]:
    """Return levels over time and the logarithm of frequency, in memory that does not grow.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,)
        A sound.
    sample_rate : int
        Samples per second.
    highest_hz : float, optional
        Frequency of the last row; half the sample rate if not given.

    Returns
    -------
    levels : ndarray, shape (360, n_columns)
        dB relative to a sine of full scale. Rows go from 60 Hz up in equal steps of pitch.
    highest_hz : float
        Frequency of the last row.
    """
    highest_hz = highest_hz or sample_rate / 2
    size = 2 * round(_WINDOW * sample_rate / 2)
    hop = max(size // 8, -(-len(audio) // _COLUMNS))
    window = np.hanning(size + 1)[:-1]
    n_fft = 2 * scipy.fft.next_fast_len(size, real=True)
    rows_hz = np.geomspace(_LOWEST_HZ, highest_hz, _ROWS)
    bins_hz = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    # A row shows the strongest of its bins: high up, rows are wider than a partial.
    edges_hz = rows_hz * (highest_hz / _LOWEST_HZ) ** (-0.5 / (_ROWS - 1))
    first = np.minimum(np.searchsorted(bins_hz, edges_hz), len(bins_hz) - 1)
    several = np.diff(first, append=len(bins_hz)) > 1
    columns = []
    for centre in range(0, len(audio), hop):
        start = centre - size // 2
        frame = audio[max(start, 0) : start + size]
        frame = np.pad(frame, (max(-start, 0), size - len(frame) - max(-start, 0)))
        power = np.abs(scipy.fft.rfft(frame * window, n_fft)) ** 2 * (2 / window.sum()) ** 2
        strongest = np.maximum.reduceat(power, first)
        columns.append(np.where(several, strongest, np.interp(rows_hz, bins_hz, power, right=0.0)))
    return 10 * np.log10(np.array(columns).T + 1e-14), highest_hz


def draw_spectrograms(
    axes: Sequence[Axes], sounds: Mapping[str, tuple[np.ndarray, int]]
) -> AxesImage:
    """Draw one spectrogram into each of several axes, with one scale of colours.

    Parameters
    ----------
    axes : sequence of matplotlib.axes.Axes
        As many as there are sounds.
    sounds : mapping of str to (ndarray, int)
        Titles; audio and sample rate.

    Returns
    -------
    matplotlib.image.AxesImage
        To hang a colour bar on. The brightest colour is the loudest spot of all sounds; the
        axis of frequency ends where that of the lowest sample rate does.
    """
    highest_hz = min(rate for _, rate in sounds.values()) / 2
    levels = {t: spectrogram_db(a, rate, highest_hz)[0] for t, (a, rate) in sounds.items()}
    top = 5 * np.ceil(max(level.max() for level in levels.values()) / 5)
    for ax, (title, (audio, rate)) in zip(axes, sounds.items(), strict=True):
        image = ax.imshow(
            levels[title],
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=top - _RANGE_DB,
            vmax=top,
            extent=(0, len(audio) / rate, np.log2(_LOWEST_HZ), np.log2(highest_hz)),
            interpolation="nearest",
        )
        ticks = [f for f in _TICKS_HZ if f < highest_hz]
        ax.set_yticks(np.log2(ticks), [f"{f // 1000}k" if f >= 1000 else str(f) for f in ticks])
        ax.set_title(title, loc="left", fontsize=10, fontweight="bold")
        ax.set_xlabel("time (s)")
    axes[0].set_ylabel("frequency (Hz)")
    return image


def plot_spectrograms(sounds: Mapping[str, tuple[np.ndarray, int]]) -> Figure:
    """Draw spectrograms side by side.

    Parameters
    ----------
    sounds : mapping of str to (ndarray of shape (n_samples,), int)
        Titles; audio and sample rate.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per sound, colours in dB relative to a sine of full scale, in common.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> noise = np.random.default_rng(0).uniform(-1, 1, 16000)
    >>> figure = plot_spectrograms({"noise": (noise, 16000), "softer": (noise / 10, 16000)})
    >>> len(figure.axes)
    3
    """
    figure = new_figure(1.5 + 4.5 * len(sounds), 4.2)
    axes = figure.subplots(1, len(sounds), sharey=True, squeeze=False)[0]
    image = draw_spectrograms(axes, sounds)
    figure.colorbar(image, ax=list(axes), label="level (dB)", pad=0.02)
    return figure
