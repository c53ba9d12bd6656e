"""Decibels to the unit interval and back: the scale on which networks are told levels."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define_db_to_unit(level_db, *, range_db=80.0, xp=np):
    """Map levels from -range_db to 0 dB linearly to the unit interval.

    ``y = level_db / range_db + 1``

    Parameters
    ----------
    level_db : array, shape (...)
        Loudness or power in dB; beyond the range the line goes on.
    range_db : float
        Dynamic range in dB, positive: -range_db becomes 0.

    Returns
    -------
    array, shape (...)
        0 for -range_db, 1 for 0 dB.

    Raises
    ------
    ParameterError
        If the range is not positive.

    Notes
    -----
    Gradient: ``1 / range_db``.
    Precision: that of a multiplication and an addition.
    Source: magenta/ddsp 3.7.0, ddsp/training/preprocessing.py, scale_db.
    Differences: none; the range is a setting, 80 dB in the original.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.db_to_unit(np.array([-80.0, -20.0, 0.0]))
    array([0.  , 0.75, 1.  ])
    """
    return level_db / range_db + 1.0


def vjp_db_to_unit(level_db, *, range_db=80.0):
    scale = level_db.dtype.type(1 / range_db)
    y = level_db * scale
    y += 1

    def pullback(y_bar):
        return (y_bar * scale,)

    return y, pullback


def check(dims, *, range_db=80.0):
    require(range_db > 0, f"range_db is {range_db}, must be above 0; 80 is usual")


def cases_db_to_unit():
    levels = np.array([-100.0, -80.0, -40.0, 0.0, 20.0])
    return [
        Case("by hand", [levels], expected=np.array([-0.25, 0.0, 0.5, 1.0, 1.25])),
        Case("by hand, 40 dB", [levels], {"range_db": 40.0}, np.array([-1.5, -1.0, 0.0, 1.0, 1.5])),
        Case("typical", [np.linspace(-80.0, 0.0, 12).reshape(3, 4)]),
        Case("no range", [levels], {"range_db": 0.0}, error="range_db is 0.0, must be above 0"),
        Case("not a number", [np.array([np.nan])], error=r"level_db is nan at index \(0,\)"),
    ]


db_to_unit = Op(
    "db_to_unit",
    define_db_to_unit,
    vjp=vjp_db_to_unit,
    check=check,
    cases=cases_db_to_unit,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/training/preprocessing.py, scale_db",
)


def define_unit_to_db(unit, *, range_db=80.0, xp=np):
    """Map the unit interval linearly to levels from -range_db to 0 dB.

    ``y = (unit - 1) range_db``

    Parameters
    ----------
    unit : array, shape (...)
        Place in the range, 0 to 1; beyond it the line goes on.
    range_db : float
        Dynamic range in dB, positive: 0 becomes -range_db.

    Returns
    -------
    array, shape (...)
        Level in dB.

    Raises
    ------
    ParameterError
        If the range is not positive.

    Notes
    -----
    Gradient: `range_db`.
    Precision: that of a subtraction and a multiplication.
    Source: magenta/ddsp 3.7.0, ddsp/training/preprocessing.py, inv_scale_db.
    Differences: none; the range is a setting, 80 dB in the original.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.unit_to_db(np.array([0.0, 0.75, 1.0]))
    array([-80., -20.,   0.])
    """
    return (unit - 1.0) * range_db


def vjp_unit_to_db(unit, *, range_db=80.0):
    scale = unit.dtype.type(range_db)
    y = unit - unit.dtype.type(1)
    y *= scale

    def pullback(y_bar):
        return (y_bar * scale,)

    return y, pullback


def cases_unit_to_db():
    places = np.array([-0.25, 0.0, 0.5, 1.0, 1.25])
    return [
        Case("by hand", [places], expected=np.array([-100.0, -80.0, -40.0, 0.0, 20.0])),
        Case("by hand, 40 dB", [places], {"range_db": 40.0}, np.array([-50.0, -40, -20, 0, 10])),
        Case("typical", [np.linspace(0.0, 1.0, 12).reshape(3, 4)]),
        Case("no range", [places], {"range_db": -1.0}, error="range_db is -1.0, must be above 0"),
        Case("not a number", [np.array([np.nan])], error=r"unit is nan at index \(0,\)"),
    ]


unit_to_db = Op(
    "unit_to_db",
    define_unit_to_db,
    vjp=vjp_unit_to_db,
    check=check,
    cases=cases_unit_to_db,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/training/preprocessing.py, inv_scale_db",
)
