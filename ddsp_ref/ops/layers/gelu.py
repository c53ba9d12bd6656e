"""Gaussian error linear unit: each value times the chance that a normal number lies below it."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.jit import njit, ranges, run_parts
from ddsp_ref.op import Case, Op

# The definition integrates the normal density by Gauss-Legendre: 64 nodes reach rounding.
NODES, WEIGHTS = np.polynomial.legendre.leggauss(64)
FAR = 9.0  # what the density holds beyond is 1e-19
ROOT_2_PI = math.sqrt(2 * math.pi)
# Values per part of the work
SIZE = 1 << 16


def define(x, *, xp=np):
    """Weigh each value with the normal distribution function at that value.

    ``y = x * Phi(x)``, ``Phi(x) = 1/2 + 1/sqrt(2 pi) * integral of exp(-s^2 / 2) from 0 to x``

    Parameters
    ----------
    x : array, shape (...)
        Input, any real number.

    Returns
    -------
    array, shape (...)
        Value of at least -0.17; close to x for large x, close to 0 for very negative x.

    Raises
    ------
    ParameterError
        If x is not finite.

    Notes
    -----
    Gradient: ``Phi(x) + x * exp(-x^2 / 2) / sqrt(2 pi)``.
    Precision: relative, also in the lower tail.
    Source: Hendrycks and Gimpel 2016; tf.nn.gelu and keras.activations.gelu, not approximated.
    Differences: BERT and others use a formula with tanh, off by up to 5e-4.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.gelu(np.array([-1.0, 0.0, 2.0])).round(4)
    array([-0.1587,  0.    ,  1.9545])
    """
    end = xp.minimum(xp.maximum(x, -FAR), FAR)[..., None]
    density = xp.exp(-0.5 * (end * (NODES + 1) / 2) ** 2) / ROOT_2_PI
    return x * (0.5 + xp.sum(density * WEIGHTS, axis=-1) * end[..., 0] / 2)


@njit
def _kernel(x, share):
    root_half = math.sqrt(0.5)
    for i in range(x.size):
        share[i] = 0.5 * math.erfc(-root_half * np.float64(x[i]))


def vjp(x):
    share, flat = np.empty_like(x), x.reshape(-1)
    parts = [slice(*part) for part in ranges(x.size, SIZE)]
    run_parts(_kernel, [(flat[part], share.reshape(-1)[part]) for part in parts])

    def pullback(y_bar):
        slope = np.exp(-0.5 * x * x)
        slope *= x / ROOT_2_PI
        slope += share
        slope *= y_bar
        return (slope,)

    return x * share, pullback


def cases():
    return [
        # the table of the normal distribution: Phi(1) = 0.841344746068543
        Case("by hand", [np.array([-1.0, 0.0, 1.0])], {},
             np.array([-0.158655253931457, 0.0, 0.841344746068543])),
        Case("typical", [np.linspace(-6.0, 6.0, 24).reshape(2, 12)]),
        Case("far out", [np.array([-40.0, -12.0, 0.5, 12.0, 300.0])]),
        Case("not a number", [np.array([np.nan])], error=r"x is nan at index \(0,\)"),
    ]  # fmt: skip


gelu = Op(
    "gelu",
    define,
    vjp=vjp,
    cases=cases,
    signature="()->()",
    source="Hendrycks and Gimpel 2016; tf.nn.gelu",
)
