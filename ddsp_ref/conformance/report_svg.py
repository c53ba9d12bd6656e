"""Plots of an answer against the truth as SVG text, for a page that needs nothing else."""

from __future__ import annotations

import itertools

import numpy as np

WIDTH, HEIGHT = 420, 130
_LEFT, _BOTTOM = 52, 18
_MOST_POINTS = 400  # columns of a plot: more are not seen


def thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a curve with few points that looks the same: lowest and highest of each column.

    Examples
    --------
    >>> x, y = thinned(np.arange(10000), np.eye(1, 10000, 7777)[0])
    >>> len(x), float(y.max())
    (201, 1.0)
    """
    if len(y) <= _MOST_POINTS:
        return x, y
    bounds = np.linspace(0, len(y), _MOST_POINTS // 2 + 1).astype(int)
    kept = []
    for a, b in itertools.pairwise(bounds):
        kept += sorted({a + int(y[a:b].argmin()), a + int(y[a:b].argmax())})
    return x[kept], y[kept]


def plot(curves: dict[str, np.ndarray], x: np.ndarray, title: str, unit: str) -> str:
    """Return one plot.

    Parameters
    ----------
    curves : dict
        Values by name, which is also the class of the line in the style sheet; finite.
    x : array
        Places of the values.
    title : str
        Above the plot.
    unit : str
        Of x.

    Returns
    -------
    str
        An `svg` element.
    """
    low = min(float(y.min()) for y in curves.values())
    high = max(float(y.max()) for y in curves.values())
    if not high > low:
        low, high = low - 1, high + 1
    first, last = float(x[0]), float(x[-1]) if x[-1] > x[0] else float(x[0]) + 1

    def place(px: np.ndarray, py: np.ndarray) -> str:
        across = _LEFT + (px - first) / (last - first) * (WIDTH - _LEFT - 4)
        down = 16 + (high - py) / (high - low) * (HEIGHT - 18 - _BOTTOM)
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down))

    lines = [
        f'<polyline class="{name}" points="{place(*thinned(x, y))}"/>' for name, y in curves.items()
    ]
    return "".join([
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">',
        f'<text x="{_LEFT}" y="11">{title}</text>',
        f'<text x="{_LEFT - 4}" y="24" class="end">{high:.3g}</text>',
        f'<text x="{_LEFT - 4}" y="{HEIGHT - _BOTTOM}" class="end">{low:.3g}</text>',
        f'<text x="{_LEFT}" y="{HEIGHT - 4}">{first:.4g}</text>',
        f'<text x="{WIDTH - 4}" y="{HEIGHT - 4}" class="end">{last:.4g} {unit}</text>',
        *lines,
        "</svg>",
    ])  # fmt: skip


def longest_line(array: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the line along the longest axis of an array that holds the largest error."""
    if not array.ndim:
        return array.reshape(1), error.reshape(1)
    axis = int(np.argmax(array.shape))
    lines = (np.moveaxis(a, axis, -1).reshape(-1, array.shape[axis]) for a in (array, error))
    wanted, off = lines
    row = int(np.abs(off).max(axis=1).argmax())
    return wanted[row], off[row]


def plots_of(got: np.ndarray, want: np.ndarray) -> str:
    """Return plots of answer and truth, of the error, and of the error's spectrum.

    Parameters
    ----------
    got, want : array
        Of one shape; what is no finite number is drawn as 0.

    Returns
    -------
    str
        `svg` elements; nothing where there is nothing to draw.

    Examples
    --------
    >>> plots_of(np.ones(8), np.zeros(8)).count("<svg")
    3
    """
    if got.shape != want.shape or not want.size or got.dtype.kind not in "fiub":
        return ""
    want = np.nan_to_num(want.astype(np.float64), posinf=0.0, neginf=0.0)
    got = np.nan_to_num(got.astype(np.float64), posinf=0.0, neginf=0.0)
    truth, off = longest_line(want, got - want)
    x = np.arange(len(truth))
    found = [plot({"want": truth, "got": truth + off}, x, "truth and answer", "index")]
    found.append(plot({"error": off}, x, "error", "index"))
    if len(truth) >= 4:
        spectra = {"want": _level_db(truth), "error": _level_db(off)}
        bins = np.arange(len(spectra["want"])) / len(truth)
        found.append(plot(spectra, bins, "spectrum of truth and error, dB", "cycles per index"))
    return "".join(found)


def _level_db(x: np.ndarray) -> np.ndarray:
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(len(x)) + 0.5) / len(x))
    power = np.abs(np.fft.rfft(x * window)) ** 2
    return 10 * np.log10(np.maximum(power, max(float(power.max()), 1e-300) * 1e-16))
