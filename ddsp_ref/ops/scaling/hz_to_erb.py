"""Width of the auditory filter at a frequency."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op


def define(frequencies_hz, *, xp=np):
    """Compute the equivalent rectangular bandwidth of the ear at a frequency.

    ``y = 0.108 * frequencies_hz + 24.7``

    Parameters
    ----------
    frequencies_hz : array, shape (...)
        Frequency in Hz.

    Returns
    -------
    array, shape (...)
        Bandwidth in Hz.

    Raises
    ------
    ParameterError
        If a frequency is not finite.

    Notes
    -----
    Gradient: ``0.108``.
    Precision: that of a multiplication and an addition.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, hz_to_erb; Glasberg and Moore 1990, eq. 3, with
    ``24.7 * 4.37 / 1000`` rounded to 0.108.
    Differences: none. This is a bandwidth, not the number of such bands below a frequency, which
    other libraries call ERB rate.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.hz_to_erb(np.array([0.0, 1000.0]))
    array([ 24.7, 132.7])
    """
    return 0.108 * frequencies_hz + 24.7


def vjp(frequencies_hz):
    slope = frequencies_hz.dtype.type(0.108)
    y = frequencies_hz * slope
    y += frequencies_hz.dtype.type(24.7)

    def pullback(y_bar):
        return (y_bar * slope,)

    return y, pullback


def cases():
    return [
        Case("by hand", [np.array([0.0, 100.0, 1000.0])], {}, np.array([24.7, 35.5, 132.7])),
        Case("typical", [np.linspace(20.0, 8000.0, 12).reshape(3, 4)]),
        Case("infinite", [np.array([np.inf])], error=r"frequencies_hz is inf at index \(0,\)"),
    ]


hz_to_erb = Op(
    "hz_to_erb",
    define,
    vjp=vjp,
    cases=cases,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, hz_to_erb",
)
