"""Leaky rectifier: the nonlinearity between the dense layers of a decoder."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit, ranges, run_parts
from ddsp_ref.op import Case, Op

# Values per part of the work
SIZE = 1 << 18


def define(x, *, slope=0.2, xp=np):
    """Pass positive values, shrink negative ones.

    ``y = x if x > 0 else slope * x``

    Parameters
    ----------
    x : array, shape (...)
        Input, any real number.
    slope : float
        Factor for negative values, at least 0.

    Returns
    -------
    array, shape (...)
        Rectified input.

    Raises
    ------
    ParameterError
        If slope is negative.

    Notes
    -----
    Gradient: 1 for x > 0, slope for x <= 0 (the kink included, as in TensorFlow).
    Precision: one rounding.
    Source: Maas et al. 2013; tf.nn.leaky_relu, whose default slope of 0.2 magenta/ddsp 3.7.0 uses.
    Differences: PyTorch's default slope is 0.01.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.leaky_relu(np.array([-1.0, 0.0, 2.0]))
    array([-0.2,  0. ,  2. ])
    """
    return xp.where(x > 0, x, slope * x)


@njit
def _kernel(given, x, slope, result):
    """result = given where x > 0, slope * given elsewhere: value and gradient alike."""
    for i in range(x.size):
        result[i] = given[i] if x[i] > 0 else given[i] * slope


def _rectify(given, x, slope):
    result, given, x_flat = np.empty(x.size, x.dtype), given.reshape(-1), x.reshape(-1)
    slope = x.dtype.type(slope)
    parts = [slice(*part) for part in ranges(x.size, SIZE)]
    run_parts(_kernel, [(given[part], x_flat[part], slope, result[part]) for part in parts])
    return result.reshape(x.shape)


def vjp(x, *, slope=0.2):
    def pullback(y_bar):
        return (_rectify(y_bar, x, slope),)

    return _rectify(x, x, slope), pullback


def check(dims, *, slope=0.2):
    require(slope >= 0, f"slope is {slope}, must be at least 0, e.g. 0.2")


def cases():
    return [
        Case("by hand", [np.array([-3.0, 4.0])], {"slope": 0.5}, np.array([-1.5, 4.0])),
        Case("typical", [np.random.default_rng(0).standard_normal((2, 3, 4))]),
        Case("plain rectifier", [np.array([-2.0, 2.0])], {"slope": 0.0}, np.array([0.0, 2.0])),
        Case("steep", [np.array([-2.0, 2.0])], {"slope": 3.0}, np.array([-6.0, 2.0])),
        Case("kink", [np.array([0.0, 1.0])], {}, np.array([0.0, 1.0]), grad=False),
        Case("negative slope", [np.zeros(2)], {"slope": -0.2}, error="slope is -0.2, must be at"),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]


leaky_relu = Op(
    "leaky_relu",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="()->()",
    source="Maas et al. 2013; tf.nn.leaky_relu",
)
