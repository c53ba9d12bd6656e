"""Silence for oscillators that would alias."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(frequencies_hz, amplitudes, *, sample_rate=16000, xp=np):
    """Set the amplitude to 0 where the frequency is half the sample rate or more.

    ``y = amplitudes if frequencies_hz < sample_rate / 2 else 0``

    Parameters
    ----------
    frequencies_hz : array, shape (...)
        Frequency of each oscillator in Hz.
    amplitudes : array, shape (...)
        Amplitude of each oscillator.
    sample_rate : float
        Samples per second, positive.

    Returns
    -------
    array, shape (...)
        Amplitudes without those that would alias.

    Raises
    ------
    ParameterError
        If sample_rate is not positive.

    Notes
    -----
    Gradient: passed to the amplitudes that are kept, 0 for the others, exactly at half the sample
    rate as well; 0 for frequencies_hz, although y jumps there.
    Precision: exact. Frequencies are compared in their own precision.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, remove_above_nyquist.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> frequencies_hz = np.array([7999.0, 8000.0, 9000.0])
    >>> ddsp_ref.remove_above_nyquist(frequencies_hz, np.ones(3), sample_rate=16000)
    array([1., 0., 0.])
    """
    return xp.where(frequencies_hz >= sample_rate / 2, 0.0, amplitudes)


def vjp(frequencies_hz, amplitudes, *, sample_rate=16000):
    kept = frequencies_hz < frequencies_hz.dtype.type(sample_rate / 2)

    def pullback(y_bar):
        return np.zeros_like(frequencies_hz), y_bar * kept

    return amplitudes * kept, pullback


def check(dims, *, sample_rate=16000):
    require(
        0 < sample_rate < math.inf, f"sample_rate is {sample_rate}, must be positive, e.g. 16000"
    )


def cases():
    hz = np.array([100.0, 499.0, 500.0, 501.0])
    given = np.array([1.0, -2.0, 3.0, 4.0])
    rate = {"sample_rate": 1000}
    rows = np.linspace(100.0, 15000.0, 12).reshape(3, 4)
    return [
        Case("by hand", [hz, given], rate, np.array([1.0, -2.0, 0.0, 0.0]), grad=False),
        Case("typical", [rows, np.cos(rows)]),
        Case("one frequency", [np.array(7000.0), given], {}, given),
        Case("negative frequency", [-hz, given], rate, given),
        Case("all above", [hz + 8000.0, given], {}, np.zeros(4)),
        Case(
            "no rate", [hz, given], {"sample_rate": 0}, error="sample_rate is 0, must be positive"
        ),
        Case("shapes differ", [hz, given[:3]], error="batch axes do not fit together"),
    ]


remove_above_nyquist = Op(
    "remove_above_nyquist",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(),()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, remove_above_nyquist",
)
