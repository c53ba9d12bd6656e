"""Power to decibels and back."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define_power_to_db(power, *, ref_db=0.0, range_db=80.0, xp=np):
    """Convert power to decibels with a floor.

    ``y = max(10 * log10(max(power, 10 ** (-range_db / 10))) - ref_db, -range_db)``

    Parameters
    ----------
    power : array, shape (...)
        Power, meant to be at least 0; less than the floor counts as the floor.
    ref_db : float
        Level in dB that becomes 0.
    range_db : float
        Depth of the floor in dB, positive.

    Returns
    -------
    array, shape (...)
        Level in dB, at least -range_db.

    Raises
    ------
    ParameterError
        If range_db is not positive.

    Notes
    -----
    Gradient: ``10 / (ln(10) * power)`` above both floors, 0 below; at the floor of the power
    itself 0, at the floor of the level 1 (as in TensorFlow).
    Precision: about 1e-5 dB in float32.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, power_to_db.
    Differences: none. The power is limited before ref_db is taken off and the level after, so with
    a negative ref_db the lowest value is ``-range_db - ref_db``, above -range_db.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.power_to_db(np.array([0.0, 0.01, 1.0, 100.0]))
    array([-80., -20.,   0.,  20.])
    """
    safe = xp.maximum(10.0 ** (-range_db / 10.0), power)
    return xp.maximum(10.0 * xp.log10(safe) - ref_db, -range_db)


def vjp_power_to_db(power, *, ref_db=0.0, range_db=80.0):
    dtype = power.dtype.type
    floor = dtype(math.exp(-range_db * math.log(10.0) / 10))
    safe = np.maximum(power, floor)
    level = np.log(safe)
    level *= dtype(10 / math.log(10.0))
    level -= dtype(ref_db)

    def pullback(y_bar):
        passed = (power > floor) & (level >= -dtype(range_db))
        return (y_bar * (dtype(10 / math.log(10.0)) / safe) * passed,)

    return np.maximum(level, -dtype(range_db)), pullback


def check_power_to_db(dims, *, ref_db=0.0, range_db=80.0):
    require(range_db > 0, f"range_db is {range_db}, must be positive, e.g. 80")


def cases_power_to_db():
    by_hand = np.array([1.0, 1000.0, 1e-3])
    reference = {"ref_db": 20.0, "range_db": 60.0}
    return [
        Case("by hand", [by_hand], expected=np.array([0.0, 30.0, -30.0])),
        Case("by hand, reference", [by_hand], reference, np.array([-20.0, 10.0, -50.0])),
        Case("typical", [np.linspace(1e-4, 5.0, 12).reshape(3, 4)]),
        # above the floor of the power, below that of the level
        Case("between the floors", [np.array([1e-5, 1.0])], reference, np.array([-60.0, -20.0])),
        Case(
            "negative reference",
            [np.array([0.0, 1e-3])],
            {"ref_db": -20.0, "range_db": 60.0},
            np.array([-40.0, -10.0]),
        ),
        Case("silence", [np.array([-1.0, 0.0, 1e-12, 1.0])], {}, np.array([-80.0, -80, -80, 0])),
        Case("no range", [by_hand], {"range_db": 0.0}, error="range_db is 0.0, must be positive"),
        Case("not a number", [np.array([np.nan])], error=r"power is nan at index \(0,\)"),
    ]


power_to_db = Op(
    "power_to_db",
    define_power_to_db,
    vjp=vjp_power_to_db,
    check=check_power_to_db,
    cases=cases_power_to_db,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, power_to_db",
)


def define_db_to_power(level_db, *, xp=np):
    """Convert decibels to power.

    ``y = 10 ** (level_db / 10)``

    Parameters
    ----------
    level_db : array, shape (...)
        Level in dB.

    Returns
    -------
    array, shape (...)
        Power, positive.

    Raises
    ------
    ParameterError
        If a level is not finite.

    Notes
    -----
    Gradient: ``ln(10) / 10 * y``.
    Precision: in float32 up to 15 units in the last place between -80 and 6 dB, since the exponent
    is rounded first; with an exponential in float64 it would be half a unit, in twice the time.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, db_to_power.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.db_to_power(np.array([-20.0, 0.0, 30.0])).round(6)
    array([1.e-02, 1.e+00, 1.e+03])
    """
    return 10.0 ** (level_db / 10.0)


def vjp_db_to_power(level_db):
    scale = level_db.dtype.type(math.log(10.0) / 10)
    y = np.exp(level_db * scale)

    def pullback(y_bar):
        return (y_bar * (scale * y),)

    return y, pullback


def cases_db_to_power():
    by_hand = np.array([0.0, 30.0, -10.0])
    return [
        Case("by hand", [by_hand], expected=np.array([1.0, 1000.0, 0.1])),
        Case("typical", [np.linspace(-80.0, 20.0, 12).reshape(3, 4)]),
        Case("deep", [np.array([-300.0, -200.0])]),
        Case("not a number", [np.array([np.nan])], error=r"level_db is nan at index \(0,\)"),
    ]


db_to_power = Op(
    "db_to_power",
    define_db_to_power,
    vjp=vjp_db_to_power,
    cases=cases_db_to_power,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, db_to_power",
)
