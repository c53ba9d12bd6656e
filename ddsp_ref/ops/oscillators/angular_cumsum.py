"""Running sum of angular frequency, wrapped to one turn."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.jit import njit, ranges, run_parts
from ddsp_ref.op import Case, Op

COLUMNS = 32  # channels that one thread takes at a time


def define(angular_frequency, *, xp=np):
    """Add up angular frequency to a phase between 0 and 2 pi.

    ``y[t] = sum_{s <= t} angular_frequency[s]  mod  2 pi``

    Parameters
    ----------
    angular_frequency : array, shape (..., n_samples, n_channels)
        Radians per sample, of either sign.

    Returns
    -------
    array, shape (..., n_samples, n_channels)
        Phase in radians, at least 0; up to 2 pi, which rounding may reach.

    Raises
    ------
    ParameterError
        If a frequency is not finite.

    Notes
    -----
    Gradient: a running sum from the end; where the phase wraps, its slope is taken as 1.
    Precision: the sum is float64 and wrapped at every sample, whatever the input.
    Differences: magenta sums float32 in chunks of `chunk_size` samples, to lose less than in one
    sum; here there is no need of chunks. It takes further channel axes only in name: it raises.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, angular_cumsum.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> quarter = np.full((6, 1), np.pi / 2)
    >>> (ddsp_ref.angular_cumsum(quarter - 0.01).ravel() / np.pi).round(2)
    array([0.5 , 0.99, 1.49, 1.99, 0.48, 0.98])
    """
    return xp.cumsum(angular_frequency, axis=0) % (2 * np.pi)


@njit
def _kernel(angular_frequency, b, first, last, y):
    turn, per_turn = 2 * math.pi, 1 / (2 * math.pi)
    steps, phases = angular_frequency[b, :, first:last], y[b, :, first:last]
    now = np.zeros(last - first)
    for t in range(len(steps)):
        for c in range(len(now)):
            total = now[c] + steps[t, c]
            total = max(total - turn * math.floor(total * per_turn), 0.0)
            now[c] = total
            phases[t, c] = total


@njit
def _kernel_vjp(y_bar, b, first, last, angular_frequency_bar):
    bars, results = y_bar[b, :, first:last], angular_frequency_bar[b, :, first:last]
    later = np.zeros(last - first)
    for t in range(len(bars) - 1, -1, -1):
        for c in range(len(later)):
            later[c] += bars[t, c]
            results[t, c] = later[c]


def vjp(angular_frequency):
    n_batch, _, n_channels = angular_frequency.shape
    parts = [(b, *part) for b in range(n_batch) for part in ranges(n_channels, COLUMNS)]
    y = np.empty_like(angular_frequency)
    run_parts(_kernel, [(angular_frequency, *part, y) for part in parts])

    def pullback(y_bar):
        angular_frequency_bar = np.empty_like(y)
        run_parts(_kernel_vjp, [(y_bar, *part, angular_frequency_bar) for part in parts])
        return (angular_frequency_bar,)

    return y, pullback


def cases():
    wave = 2.5 * np.sin(1 + np.arange(60.0)).reshape(20, 3)
    # 1, 4, 7 - 2 pi; and downwards: -1, -4, -7, which are 2 pi - 1, 2 pi - 4, 4 pi - 7
    up = np.array([[1.0, -1.0], [3.0, -3.0], [3.0, -3.0]])
    turn = 2 * np.pi
    wanted = np.array([[1.0, turn - 1], [4.0, turn - 4], [7 - turn, 2 * turn - 7]])
    return [
        Case("by hand", [up], {}, wanted),
        Case("both signs", [wave]),
        Case("many channels", [0.1 + np.arange(70.0).reshape(2, 35) / 30]),
        Case("faster than a turn", [np.array([[7.0], [20.0], [-30.0], [100.0]])]),
        Case("one sample", [np.array([[0.5, -0.5]])]),
        Case("standing still", [np.zeros((3, 1))], {}, np.zeros((3, 1)), grad=False),
        Case("no channels", [np.ones(3)], error=r"angular_frequency has shape \(3,\)"),
        Case("not a number", [np.array([[np.nan]])], error="angular_frequency is nan"),
    ]


angular_cumsum = Op(
    "angular_cumsum",
    define,
    vjp=vjp,
    cases=cases,
    signature="(n_samples,n_channels)->(n_samples,n_channels)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, angular_cumsum",
)
