"""The polynomials of sine and cosine are what their text says."""

from __future__ import annotations

import mpmath
import pytest

from ddsp_ref.ops.oscillators._series import COS, SHORT_SIN, SIN


def sine(z):
    root = mpmath.sqrt(z)
    return mpmath.sin(mpmath.pi * root) / root


def cosine(z):
    return mpmath.cos(mpmath.pi * mpmath.sqrt(z))


KNOWN = [(SIN, sine, 6e-16), (COS, cosine, 1e-16), (SHORT_SIN, sine, 1.4e-8)]


@pytest.mark.parametrize(("found", "function", "bound"), KNOWN)
def test_polynomials(found, function, bound):
    with mpmath.workdps(50):
        n = len(found)
        turns = [mpmath.pi * (2 * k + 1) / (2 * n) for k in range(n)]
        nodes = [(1 + mpmath.cos(turn)) / 8 for turn in turns]  # in [0, 1/4]
        powers = mpmath.matrix([[z**j for j in range(n)] for z in nodes])
        made = mpmath.lu_solve(powers, mpmath.matrix([function(z) for z in nodes]))
        assert [float(c) for c in made] == list(found)
        places = [mpmath.mpf(k) / 4000 for k in range(1, 1001)]
        off = max(abs(sum(c * z**j for j, c in enumerate(found)) - function(z)) for z in places)
        assert 0 < off < bound
