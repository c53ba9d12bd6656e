"""Frequency to the unit interval and back: logarithmic scaling."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op

NOTE_0_HZ = 440.0 * 2.0 ** (-69 / 12)  # 8.18 Hz


def _midi(hz):
    return 12.0 * math.log2(hz / 440.0) + 69.0 if hz > 0 else 0.0


def define_unit_to_hz(unit, *, hz_min, hz_max, clip=False, xp=np):
    """Map the unit interval to a range of frequencies, equal steps being equal intervals.

    ``y = hz_min * (hz_max / hz_min) ** unit``

    Parameters
    ----------
    unit : array, shape (...)
        Position in the range, 0 to 1; beyond it the curve goes on, unless clip is set.
    hz_min : float
        Frequency in Hz at 0, at least 1e-30, or 0, which counts as MIDI note 0, 8.18 Hz.
    hz_max : float
        Frequency in Hz at 1, greater than hz_min (or 8.18 Hz), at most 1e30.
    clip : bool
        If true, unit is limited to 0 ... 1 first.

    Returns
    -------
    array, shape (...)
        Frequency in Hz.

    Raises
    ------
    ParameterError
        If the range is empty or one of its ends not allowed.

    Notes
    -----
    Gradient: ``ln(hz_max / hz_min) * y``; 0 where unit was clipped, not at the limits themselves.
    Precision: relative.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, unit_to_hz.
    Differences: none; that ``hz_min=0`` does not give 0 Hz is magenta's.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.unit_to_hz(np.array([0.0, 0.5, 1.0]), hz_min=100.0, hz_max=400.0).round(6)
    array([100., 200., 400.])
    """
    if clip:
        unit = xp.clip(unit, 0.0, 1.0)
    midi = _midi(hz_min) + (_midi(hz_max) - _midi(hz_min)) * unit
    return 440.0 * 2.0 ** ((midi - 69.0) / 12.0)


def vjp_unit_to_hz(unit, *, hz_min, hz_max, clip=False):
    dtype = unit.dtype.type
    bottom = hz_min if hz_min > 0 else NOTE_0_HZ
    log_span = math.log(hz_max / bottom)
    y = np.minimum(np.maximum(unit, 0), 1) if clip else unit
    y = np.exp(y * dtype(log_span))
    y *= dtype(bottom)

    def pullback(y_bar):
        unit_bar = y_bar * (dtype(log_span) * y)
        if clip:
            unit_bar *= (unit >= 0) & (unit <= 1)
        return (unit_bar,)

    return y, pullback


def check(dims, *, hz_min, hz_max, clip=False):
    require(
        hz_min == 0 or hz_min >= 1e-30,
        f"hz_min is {hz_min}, must be 0 or at least 1e-30, e.g. 20",
    )
    lowest = hz_min if hz_min > 0 else NOTE_0_HZ
    require(
        lowest < hz_max <= 1e30,
        f"hz_max is {hz_max}, must be greater than {lowest:.6g} Hz, which hz_min={hz_min} stands "
        f"for, and at most 1e30, e.g. {2 * lowest:.6g}",
    )


def cases_unit_to_hz():
    edges = np.array([-0.5, 0.5, 1.5])
    two_octaves = {"hz_min": 100.0, "hz_max": 400.0}
    whole = {"hz_min": 20.0, "hz_max": 8000.0}
    return [
        Case("by hand", [edges], two_octaves, np.array([50.0, 200.0, 800.0])),
        Case(
            "by hand, clipped", [edges], {**two_octaves, "clip": True}, np.array([100.0, 200, 400])
        ),
        # note 0 is five octaves and a half and a minor third below 440 Hz
        Case(
            "from zero",
            [np.array([0.0, 1.0])],
            {"hz_min": 0.0, "hz_max": 440.0},
            np.array([440.0 / 2**5.75, 440.0]),
        ),
        Case("typical", [np.linspace(0.0, 1.0, 12).reshape(3, 4)], whole),
        Case("limits", [np.array([0.0, 1.0])], {**whole, "clip": True}, grad=False),
        Case(
            "empty range", [edges], {"hz_min": 100.0, "hz_max": 50.0}, error="hz_max is 50.0, must"
        ),
        Case(
            "below note 0", [edges], {"hz_min": 0.0, "hz_max": 5.0}, error="greater than 8.1758 Hz"
        ),
        Case("negative", [edges], {"hz_min": -1.0, "hz_max": 5.0}, error="hz_min is -1.0, must be"),
    ]


unit_to_hz = Op(
    "unit_to_hz",
    define_unit_to_hz,
    vjp=vjp_unit_to_hz,
    check=check,
    cases=cases_unit_to_hz,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, unit_to_hz",
)


def define_hz_to_unit(frequencies_hz, *, hz_min, hz_max, clip=False, xp=np):
    """Map a range of frequencies to the unit interval, equal intervals being equal steps.

    ``y = ln(frequencies_hz / hz_min) / ln(hz_max / hz_min)``

    Parameters
    ----------
    frequencies_hz : array, shape (...)
        Frequency in Hz; 0 or less counts as MIDI note 0, which is 8.18 Hz.
    hz_min : float
        Frequency in Hz that becomes 0, at least 1e-30, or 0, which counts as 8.18 Hz.
    hz_max : float
        Frequency in Hz that becomes 1, greater than hz_min (or 8.18 Hz), at most 1e30.
    clip : bool
        If true, the result is limited to 0 ... 1.

    Returns
    -------
    array, shape (...)
        Position in the range, 0 to 1 for frequencies within it.

    Raises
    ------
    ParameterError
        If the range is empty or one of its ends not allowed.

    Notes
    -----
    Gradient: ``1 / (ln(hz_max / hz_min) * frequencies_hz)``; 0 where the frequency is not positive
    or y was clipped, not at the limits themselves.
    Precision: about 1e-6 of the range in float32.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, hz_to_unit.
    Differences: none; that frequencies between 0 and 8.18 Hz lie below 0 Hz is magenta's.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.hz_to_unit(np.array([100.0, 200.0, 400.0]), hz_min=100.0, hz_max=400.0)
    array([0. , 0.5, 1. ])
    """
    voiced = frequencies_hz > 0
    ratio = xp.where(voiced, frequencies_hz, 440.0) / 440.0
    midi = xp.where(voiced, 12.0 * xp.log2(ratio) + 69.0, 0.0)
    unit = (midi - _midi(hz_min)) / (_midi(hz_max) - _midi(hz_min))
    return xp.clip(unit, 0.0, 1.0) if clip else unit


def vjp_hz_to_unit(frequencies_hz, *, hz_min, hz_max, clip=False):
    dtype = frequencies_hz.dtype.type
    bottom = hz_min if hz_min > 0 else NOTE_0_HZ
    scale = 1 / math.log(hz_max / bottom)
    voiced = frequencies_hz > 0
    hz = np.where(voiced, frequencies_hz, dtype(NOTE_0_HZ))
    unit = np.log(hz / dtype(bottom)) * dtype(scale)
    y = np.minimum(np.maximum(unit, 0), 1) if clip else unit

    def pullback(y_bar):
        passed = voiced & (unit >= 0) & (unit <= 1) if clip else voiced
        return (y_bar * (dtype(scale) / hz) * passed,)

    return y, pullback


def cases_hz_to_unit():
    edges = np.array([50.0, 200.0, 800.0])
    two_octaves = {"hz_min": 100.0, "hz_max": 400.0}
    whole = {"hz_min": 20.0, "hz_max": 8000.0}
    return [
        Case("by hand", [edges], two_octaves, np.array([-0.5, 0.5, 1.5])),
        Case("by hand, clipped", [edges], {**two_octaves, "clip": True}, np.array([0.0, 0.5, 1.0])),
        Case(
            "from zero",
            [np.array([0.0, 440.0])],
            {"hz_min": 0.0, "hz_max": 440.0},
            np.array([0.0, 1.0]),
            grad=False,
        ),
        Case("typical", [np.linspace(20.0, 8000.0, 12).reshape(3, 4)], whole),
        Case("limits", [np.array([20.0, 8000.0])], {**whole, "clip": True}, grad=False),
        Case(
            "empty range", [edges], {"hz_min": 100.0, "hz_max": 100.0}, error="hz_max is 100.0, mus"
        ),
        Case("negative", [edges], {"hz_min": -1.0, "hz_max": 5.0}, error="hz_min is -1.0, must be"),
    ]


hz_to_unit = Op(
    "hz_to_unit",
    define_hz_to_unit,
    vjp=vjp_hz_to_unit,
    check=check,
    cases=cases_hz_to_unit,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, hz_to_unit",
)
