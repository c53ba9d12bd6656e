"""Frequency to the Bark scale of critical bands and back."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op

# z = SPAN * f / (f + KNEE_HZ) - OFFSET
SPAN, KNEE_HZ, OFFSET = 26.81, 1960.0, 0.53


def define_hz_to_bark(frequencies_hz, *, xp=np):
    """Convert frequency to critical-band rate in Bark.

    ``y = 26.81 / (1 + 1960 / frequencies_hz) - 0.53``

    Parameters
    ----------
    frequencies_hz : array, shape (...)
        Frequency in Hz, meant to be at least 0; above the pole of the formula at -1960.

    Returns
    -------
    array, shape (...)
        Critical-band rate in Bark, from -0.53 at 0 Hz to 26.28 at infinite frequency.

    Raises
    ------
    ParameterError
        If a frequency is -1960 Hz or less.

    Notes
    -----
    Gradient: ``26.81 * 1960 / (frequencies_hz + 1960) ** 2``.
    Precision: about 1e-6 Bark in float32. Evaluated as ``26.81 * f / (f + 1960) - 0.53``, which
    needs no division by f.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, hz_to_bark; Traunmüller 1990, eq. 6.
    Differences: at 0 Hz magenta has the value but divides by zero in the gradient, and beyond the
    pole it returns values that stand for no frequency; here the first is defined, the second
    raises.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.hz_to_bark(np.array([0.0, 100.0, 1960.0])).round(4)
    array([-0.53  ,  0.7715, 12.875 ])
    """
    require_above_pole(xp.all(frequencies_hz > -KNEE_HZ))
    return SPAN * frequencies_hz / (KNEE_HZ + frequencies_hz) - OFFSET


def require_above_pole(holds):
    rule = f"must be greater than -{KNEE_HZ:.0f}, where the formula has a pole; 0 is the lowest"
    require(holds, f"hz_to_bark: frequencies_hz {rule} frequency")


def vjp_hz_to_bark(frequencies_hz):
    dtype = frequencies_hz.dtype.type
    require_above_pole((frequencies_hz > -KNEE_HZ).all())
    inverse = 1 / (frequencies_hz + dtype(KNEE_HZ))
    y = frequencies_hz * inverse
    y *= dtype(SPAN)
    y -= dtype(OFFSET)

    def pullback(y_bar):
        return (y_bar * (inverse * inverse * dtype(SPAN * KNEE_HZ)),)

    return y, pullback


def cases_hz_to_bark():
    return [
        # f / (f + 1960) is 0, 1/2, 2/3, 1/3 and -1
        Case(
            "by hand",
            [np.array([0.0, 1960.0, 3920.0, 980.0, -980.0])],
            {},
            26.81 * np.array([0.0, 1 / 2, 2 / 3, 1 / 3, -1.0]) - 0.53,
        ),
        Case("typical", [np.linspace(20.0, 8000.0, 12).reshape(3, 4)]),
        Case("very high", [np.array([1e6, 1e9])]),
        Case("pole", [np.array([100.0, -1960.0])], error="must be greater than -1960"),
        Case("infinite", [np.array([np.inf])], error=r"frequencies_hz is inf at index \(0,\)"),
    ]


hz_to_bark = Op(
    "hz_to_bark",
    define_hz_to_bark,
    vjp=vjp_hz_to_bark,
    cases=cases_hz_to_bark,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, hz_to_bark",
)


def define_bark_to_hz(bark, *, xp=np):
    """Convert critical-band rate in Bark to frequency.

    ``y = 1960 / (26.81 / (bark + 0.53) - 1)``

    Parameters
    ----------
    bark : array, shape (...)
        Critical-band rate in Bark, below 26.28, where the frequency is infinite.

    Returns
    -------
    array, shape (...)
        Frequency in Hz; 0 at -0.53 Bark and negative below.

    Raises
    ------
    ParameterError
        If a rate is 26.28 Bark or more.

    Notes
    -----
    Gradient: ``26.81 * 1960 / (26.28 - bark) ** 2``.
    Precision: relative to the frequency, lost towards 26.28 Bark by cancellation. Evaluated as
    ``1960 * (bark + 0.53) / (26.28 - bark)``, which is defined at 0 Hz.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, bark_to_hz; Traunmüller 1990, eq. 6 solved for f.
    Differences: from 26.28 Bark on magenta returns infinity or negative frequencies; this op
    raises.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.bark_to_hz(np.array([-0.53, 5.0, 12.875])).round(4)
    array([   0.    ,  509.3421, 1960.    ])
    """
    require_below_end(xp.all(bark < SPAN - OFFSET))
    return KNEE_HZ * (bark + OFFSET) / (SPAN - (bark + OFFSET))


def require_below_end(holds):
    rule = f"must be less than {SPAN - OFFSET:.2f}, where the frequency is infinite, e.g. 24"
    require(holds, f"bark_to_hz: bark {rule}")


def vjp_bark_to_hz(bark):
    dtype = bark.dtype.type
    require_below_end((bark < dtype(SPAN - OFFSET)).all())
    rest = 1 / (dtype(SPAN - OFFSET) - bark)
    y = bark + dtype(OFFSET)
    y *= dtype(KNEE_HZ)
    y *= rest

    def pullback(y_bar):
        return (y_bar * (rest * rest * dtype(SPAN * KNEE_HZ)),)

    return y, pullback


def cases_bark_to_hz():
    return [
        # a share s of 26.81 above -0.53 is 1960 s / (1 - s): 0, 1960, 3920, 980, -980
        Case(
            "by hand",
            [26.81 * np.array([0.0, 1 / 2, 2 / 3, 1 / 3, -1.0]) - 0.53],
            {},
            np.array([0.0, 1960.0, 3920.0, 980.0, -980.0]),
        ),
        Case("typical", [np.linspace(0.0, 21.0, 12).reshape(3, 4)]),
        Case("end of the scale", [np.array([1.0, 26.29])], error="bark must be less than 26.28"),
        Case("not a number", [np.array([np.nan])], error=r"bark is nan at index \(0,\)"),
    ]


bark_to_hz = Op(
    "bark_to_hz",
    define_bark_to_hz,
    vjp=vjp_bark_to_hz,
    cases=cases_bark_to_hz,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, bark_to_hz",
)
