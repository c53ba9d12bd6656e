"""What the generic tests measure with: comparisons, taped gradients, differences."""

from __future__ import annotations

import warnings

import numpy as np


def as_tuple(value):
    return value if isinstance(value, tuple) else (value,)


def assert_close(got, wanted, fraction, what):
    """Assert that the largest difference is at most `fraction` of the largest wanted value."""
    got_all, wanted_all = as_tuple(got), as_tuple(wanted)
    assert len(got_all) == len(wanted_all), f"{what}: {len(got_all)} results, {len(wanted_all)}"
    for got_one, wanted_one in zip(got_all, wanted_all):
        got_one, wanted_one = np.asarray(got_one), np.asarray(wanted_one)
        assert got_one.shape == wanted_one.shape, f"{what}: {got_one.shape}, {wanted_one.shape}"
        if got_one.size == 0:
            continue
        scale = np.abs(wanted_one).max()
        error = np.abs(got_one.astype(np.float64) - wanted_one).max()
        assert error <= fraction * scale + 1e-300, (
            f"{what}: off by {error:.3g} where the largest value is {scale:.3g}; "
            f"{fraction:.1g} of it is allowed"
        )


def cast(case, dtype):
    """Return the arrays of a case in one precision."""
    return [np.asarray(a, dtype) for a in case.arrays]


def random_like(value, rng):
    if isinstance(value, tuple):
        return tuple(random_like(v, rng) for v in value)
    return rng.standard_normal(np.shape(value)).astype(value.dtype)


def dot(a, b):
    return sum(float(np.sum(x * y)) for x, y in zip(as_tuple(a), as_tuple(b)))


def taped_cotangents(op, arrays, settings, y_bar):
    """Differentiate the definition with autograd."""
    import autograd
    import autograd.numpy as anp

    def inner(*args):
        y = op.define(*args, xp=anp, **settings)
        total = 0.0
        for part, bar in zip(y if isinstance(y, tuple) else (y,), as_tuple(y_bar)):
            total = total + anp.sum(part * bar)
        return total

    with warnings.catch_warnings():
        # an output that an input does not reach: autograd warns, the cotangent is zero
        warnings.filterwarnings("ignore", message="Output seems independent of input")
        return autograd.grad(inner, argnum=tuple(range(len(arrays))))(*arrays)


def central_difference(op, arrays, settings, y_bar, directions, step):
    """Return d/ds <y_bar, op(arrays + s * directions)> at 0, two step sizes extrapolated."""

    def slope(h):
        up = op(*[a + h * d for a, d in zip(arrays, directions)], **settings)
        down = op(*[a - h * d for a, d in zip(arrays, directions)], **settings)
        return (dot(y_bar, up) - dot(y_bar, down)) / (2 * h)

    return (4 * slope(step / 2) - slope(step)) / 3
