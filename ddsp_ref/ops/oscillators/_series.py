"""Sine and cosine of half a cycle as polynomials, for |x| <= 1/2.

``sin(pi x) = x (SIN[0] + SIN[1] x^2 + SIN[2] x^4 + ...)`` to 6e-16, ``cos(pi x) = COS[0] + COS[1]
x^2 + ...`` to 1e-16, in exact arithmetic: they meet the functions at the Chebyshev nodes of x^2 in
[0, 1/4]. The power series needs three terms more for as much. SHORT_SIN, to 1.4e-8, is for float32.
Made with 50 digits; `tests/ops/oscillators/test_series.py` makes them again.
"""

from __future__ import annotations

import numpy as np

SIN = (
    3.1415926535897927,
    -5.1677127800497855,
    2.5501640398618677,
    -0.599264528825224,
    0.08214587881631043,
    -0.0073703643265304155,
    0.0004659870158043378,
    -2.113362735205297e-05,
)
COS = (
    1.0,
    -4.934802200544676,
    4.058712126416497,
    -1.335262768843447,
    0.23533063012953284,
    -0.025806888737002202,
    0.0019295562724817132,
    -0.00010456655338748738,
    4.149564353942586e-06,
)
SHORT_SIN = (
    3.1415926400772034,
    -5.167710076668315,
    2.550077386528912,
    -0.5982904112834275,
    0.07765591227601387,
)


def sine_series(dtype):
    """Return the coefficients of the sine with as many terms as a dtype needs, in that dtype."""
    dtype = np.dtype(dtype)
    return tuple(map(dtype.type, SHORT_SIN if dtype == np.float32 else SIN))
