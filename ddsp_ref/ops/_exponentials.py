"""Exponentials written out: a call of the C library keeps the loops around it scalar, 3x slower."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.jit import njit_relaxed

_LN_2, _LOG2_E = math.log(2.0), math.log2(math.e)


@njit_relaxed
def decay(x):
    """Return exp(-x) of a double x >= 0; what is smaller than exp(-700), 1e-304, is that."""
    x = min(x, 700.0)
    n = math.floor(x * _LOG2_E + 0.5)
    r = n * _LN_2 - x
    # Taylor series of exp(r), |r| <= ln(2) / 2: the first term left out is 2e-16
    p = 1 / 3628800 + r * (1 / 39916800 + r / 479001600)
    p = 1 / 5040 + r * (1 / 40320 + r * (1 / 362880 + r * p))
    p = 1 / 24 + r * (1 / 120 + r * (1 / 720 + r * p))
    p = 1.0 + r * (1.0 + r * (1 / 2 + r * (1 / 6 + r * p)))
    # 2 ** -n by its bit pattern
    bits = np.int64((np.int64(1023) - np.int64(n)) << np.int64(52))
    return p * bits.view(np.float64)


@njit_relaxed
def log_1_plus(x):
    """Return log(1 + x) of a double x from 0 to 1.

    The power series of 2 artanh(s), s = x / (2 + x) <= 1/3: the first term left out is 1e-17.
    """
    s = x / (2.0 + x)
    z = s * s
    p = 1 / 27 + z * (1 / 29 + z / 31)
    p = 1 / 21 + z * (1 / 23 + z * (1 / 25 + z * p))
    p = 1 / 15 + z * (1 / 17 + z * (1 / 19 + z * p))
    p = 1 / 9 + z * (1 / 11 + z * (1 / 13 + z * p))
    p = 1.0 + z * (1 / 3 + z * (1 / 5 + z * (1 / 7 + z * p)))
    return 2.0 * s * p
