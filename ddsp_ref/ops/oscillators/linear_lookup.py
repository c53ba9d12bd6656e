"""Reading from wavetables with straight lines between their points."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit, run_parts
from ddsp_ref.op import Case, Op


def define(phase, wavetables, *, xp=np):
    """Read from a wavetable at a phase, with straight lines between its points.

    ``y[t] = sum_i max(0, 1 - |phase[t] N - i|) w[i]`` over ``i = 0 ... N``, where N is the number
    of points and point N is point 0 again: with ``p = phase N``, ``y = (1 - r) w[i] + r w[i + 1]``
    for ``i = floor(p)`` and ``r = p - i``.

    Parameters
    ----------
    phase : array, shape (..., n_samples)
        Place in the table in cycles, from 0 to 1; beyond, y falls to 0 within one point.
    wavetables : array, shape (..., n_tables, n_wavetable)
        One table for each sample, or a single one for all of them (n_tables = 1).

    Returns
    -------
    array, shape (..., n_samples)
        Audio.

    Raises
    ------
    ParameterError
        If the number of tables is neither 1 nor n_samples.

    Notes
    -----
    Gradient: that of phase is the slope of the line, ``N (w[i + 1] - w[i])``; on a point of the
    table, where the slope jumps, it is taken as 0, as in the source.
    Precision: the place in the table is float64, whatever the input.
    Differences: none in value; the source sums over all points of the table, here two are read.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, linear_lookup.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> table = np.array([[0.0, 4.0, 8.0, 4.0]])
    >>> ddsp_ref.linear_lookup(np.array([0.0, 0.25, 0.375, 0.875, 1.0]), table)
    array([0., 4., 6., 2., 0.])
    """
    n_wavetable = wavetables.shape[1]
    closed = xp.concatenate([wavetables, wavetables[:, :1]], axis=1)
    distance = xp.abs(phase[:, None] * n_wavetable - np.arange(n_wavetable + 1))
    return xp.sum(xp.where(distance < 1, 1 - distance, 0.0) * closed, axis=1)


@njit
def _point(table, i):
    """Return point i of the table, which is closed at N and zero beyond."""
    n = len(table)
    if i < 0 or i > n:
        return 0.0
    return float(table[i if i < n else 0])


@njit
def _kernel(phase, wavetables, b, y):
    n_tables, n_wavetable = wavetables.shape[1:]
    for t in range(phase.shape[1]):
        table = wavetables[b, t if n_tables > 1 else 0]
        place = float(phase[b, t]) * n_wavetable
        y[b, t] = 0.0
        if -1 < place < n_wavetable + 1:
            i = math.floor(place)
            rest = place - i
            y[b, t] = (1 - rest) * _point(table, i) + rest * _point(table, i + 1)


@njit
def _kernel_vjp(phase, wavetables, b, y_bar, phase_bar, wavetables_bar):
    n_tables, n_wavetable = wavetables.shape[1:]
    for t in range(phase.shape[1]):
        row = t if n_tables > 1 else 0
        table = wavetables[b, row]
        place = float(phase[b, t]) * n_wavetable
        phase_bar[b, t] = 0.0
        if -1 < place < n_wavetable + 1:
            i, bar = math.floor(place), float(y_bar[b, t])
            rest = place - i
            if rest > 0:
                phase_bar[b, t] = bar * n_wavetable * (_point(table, i + 1) - _point(table, i))
            if i >= 0:
                wavetables_bar[b, row, i if i < n_wavetable else 0] += (1 - rest) * bar
            if i < n_wavetable:
                wavetables_bar[b, row, i + 1 if i + 1 < n_wavetable else 0] += rest * bar


def vjp(phase, wavetables):
    y = np.empty_like(phase)
    run_parts(_kernel, [(phase, wavetables, b, y) for b in range(len(phase))])

    def pullback(y_bar):
        phase_bar, wavetables_bar = np.empty_like(phase), np.zeros(wavetables.shape)
        results = (y_bar, phase_bar, wavetables_bar)
        run_parts(_kernel_vjp, [(phase, wavetables, b, *results) for b in range(len(phase))])
        return phase_bar, wavetables_bar

    return y, pullback


def check(dims):
    n_tables, n_samples = dims["n_tables"], dims["n_samples"]
    require(
        n_tables in (1, n_samples),
        f"there are {n_tables} wavetables for {n_samples} samples, must be 1 or {n_samples}",
    )


def cases():
    tables = np.sin(np.arange(120.0)).reshape(20, 6)
    phase = np.mod(0.03 + 0.137 * np.arange(20), 1.0)
    # four points at 0, 1/4, 1/2, 3/4; half-way, on a point, and on the line back to point 0
    places, table = np.array([0.125, 0.25, 0.9375, 1.0]), np.array([[1.0, 3.0, 5.0, 9.0]])
    # a point is 1/4 wide: beyond 0 and 1 the value of point 0 falls to 0
    outside = np.array([-0.0625, -0.25, -3.0, 1.125, 1.25, 2.0])
    falling = np.array([0.75, 0.0, 0.0, 0.5, 0.0, 0.0])
    return [
        Case("by hand", [places, table], {}, np.array([2.0, 3.0, 3.0, 1.0]), grad=False),
        Case("by hand, outside", [outside, table], {}, falling, grad=False),
        Case("one table", [phase, tables[:1]]),
        Case("a table for each sample", [phase, tables]),
        Case("a little outside", [np.array([-0.1, 1.05, -0.02, 1.1, 5e30]), tables[:1]]),
        Case("two points", [phase, tables[:1, :2]]),
        Case("one point", [np.array([0.3, 0.6, -0.7]), np.array([[2.0]])]),
        Case("one sample", [phase[:1], tables[:1]]),
        Case("tables do not fit", [phase, tables[:7]],
             error="there are 7 wavetables for 20 samples, must be 1 or 20"),
        Case("table without axis", [phase, tables[0]], error=r"wavetables has shape \(6,\)"),
    ]  # fmt: skip


linear_lookup = Op(
    "linear_lookup",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples),(n_tables,n_wavetable)->(n_samples)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, linear_lookup",
)
