"""Distance of two sets of weighted points on a line: how far weight has to be carried."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op
from ddsp_ref.ops.scaling import safe_divide


def define(u_values, v_values, u_weights, v_weights, *, p=1.0, normalize=False, xp=np):
    """Compare the cumulative weights of two sets of points on a line.

    ``y = (integral |U(x) - V(x)|^p dx)^(1/p)``, where U(x) is the sum of the u_weights whose
    value is at most x, V likewise, and the integral goes from the smallest to the largest value.

    Parameters
    ----------
    u_values : array, shape (..., n_u)
        Points of the first set, in any order.
    v_values : array, shape (..., n_v)
        Points of the second set, in any order.
    u_weights : array, shape (..., n_u)
        Their weights, meant to be at least 0.
    v_weights : array, shape (..., n_v)
        Weights of the second set.
    p : float
        Degree, from 1 to 100: 1 is the Wasserstein or earth mover's distance, 2 the distance of
        Cramér, the root of half the energy distance.
    normalize : bool
        If True, the weights of each set are divided by their sum; a sum of 0 counts as 1e-7. If
        False, what one set has more of is carried up to the largest value.

    Returns
    -------
    array, shape (...)
        Distance, for p = 1 in the unit of the values times that of the weights.

    Raises
    ------
    ParameterError
        If p is not from 1 to 100.

    Notes
    -----
    Gradient: that of the formula, in the order that the values are in: sorting has no gradient
    of its own, it says which value is a limit of which piece of the integral. Of values that are
    equal, one (the first in the order of u, then v) has the gradient of all. 0 for ``|U - V|``
    at 0, and with p > 1 for the root at 0.
    Precision: float64 inside, whatever the inputs.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, wasserstein_distance, after SciPy's
    stats.wasserstein_distance; Ramdas, Garcia and Cuturi 2017.
    Differences: where u_weights or v_weights is None in the original, pass ``1 / n`` for each. The
    original means to normalise the weights but throws the quotient away, so that its distance
    is that of normalize=False; with True it is that of SciPy.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> u, v = np.array([0.0, 1.0, 3.0]), np.array([5.0, 6.0, 8.0])
    >>> float(ddsp_ref.wasserstein_distance(u, v, np.full(3, 1 / 3), np.full(3, 1 / 3)).round(6))
    5.0
    """
    if normalize:
        u_weights = safe_divide.define(u_weights, xp.sum(u_weights), xp=xp)
        v_weights = safe_divide.define(v_weights, xp.sum(v_weights), xp=xp)
    values = xp.concatenate([u_values, v_values])
    values = values[xp.argsort(values)]
    places = values[:-1, None]
    u_below = xp.sum((u_values <= places) * u_weights, axis=1)
    v_below = xp.sum((v_values <= places) * v_weights, axis=1)
    gap = xp.abs(u_below - v_below)
    return xp.sum((values[1:] - values[:-1]) * gap**p) ** (1.0 / p)


def _running(ordered, weights):
    """Return the sums of weights up to each value in order, for equal values that of the last."""
    sums = np.cumsum(weights, axis=1)
    place = np.arange(ordered.shape[1] - 1)
    last = np.where(ordered[:, 1:] > ordered[:, :-1], place, place.size)
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    return np.take_along_axis(sums, last, axis=1)


def _transport(values, n_u, u_weights, v_weights, p):
    """Return the distance and its pullback, for weights that are used as they are."""
    order = np.argsort(values, axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    of_u = order < n_u
    weights = np.take_along_axis(np.concatenate([u_weights, v_weights], axis=1), order, axis=1)
    u_below = _running(ordered, np.where(of_u, weights, 0.0))
    v_below = _running(ordered, np.where(of_u, 0.0, weights))
    steps, apart = np.diff(ordered, axis=1), u_below - v_below
    cost = np.abs(apart) ** p
    total = np.sum(steps * cost, axis=1)
    y = total ** (1.0 / p)

    def pullback(y_bar):
        root_slope = np.divide(y, p * total, out=np.zeros_like(y), where=total > 0)
        outer = (y_bar * (root_slope if p > 1 else 1.0))[:, None]
        ordered_bar = np.zeros_like(ordered)
        ordered_bar[:, 1:] = outer * cost
        ordered_bar[:, :-1] -= outer * cost
        slope = np.sign(apart) * p * np.abs(apart) ** (p - 1.0)
        # a weight is in all sums from its own value on
        sums_bar = np.zeros_like(ordered)
        sums_bar[:, :-1] = np.cumsum((outer * steps * slope)[:, ::-1], axis=1)[:, ::-1]
        sums_bar = np.where(of_u, sums_bar, -sums_bar)
        values_bar, weights_bar = np.empty_like(values), np.empty_like(values)
        np.put_along_axis(values_bar, order, ordered_bar, axis=1)
        np.put_along_axis(weights_bar, order, sums_bar, axis=1)
        return values_bar[:, :n_u], values_bar[:, n_u:], weights_bar[:, :n_u], weights_bar[:, n_u:]

    return y, pullback


def vjp(u_values, v_values, u_weights, v_weights, *, p=1.0, normalize=False):
    n_u, dtype = u_values.shape[1], u_values.dtype
    values = np.concatenate([u_values, v_values], axis=1).astype(np.float64)
    weights = [u_weights.astype(np.float64), v_weights.astype(np.float64)]
    pull_shares = []
    if normalize:
        shares = [safe_divide.vjp(w, w.sum(axis=1, keepdims=True)) for w in weights]
        weights, pull_shares = zip(*shares)
    y, pull_transport = _transport(values, n_u, *weights, p)

    def pullback(y_bar):
        *values_bar, u_bar, v_bar = pull_transport(y_bar.astype(np.float64))
        weights_bar = [u_bar, v_bar]
        for i, pull in enumerate(pull_shares):
            own_bar, total_bar = pull(weights_bar[i])
            weights_bar[i] = own_bar + total_bar.sum(axis=1, keepdims=True)
        return *values_bar, *weights_bar

    return y.astype(dtype), pullback


def check(dims, *, p=1.0, normalize=False):
    require(1 <= p <= 100, f"p is {p}, must be from 1 to 100, e.g. 1")


def cases():
    rng = np.random.default_rng(0)
    u, v = rng.standard_normal((3, 6)), rng.standard_normal((3, 4))
    u_weights, v_weights = rng.uniform(0.1, 1.0, (3, 6)), rng.uniform(0.1, 1.0, (3, 4))
    typical = [u, v, u_weights, v_weights]
    # U - V is 2 from 0 to 1, -1 from 1 to 3, and 0 on: 2 from 0 to 1, -1 to 3
    pair = [np.array([3.0, 0.0]), np.array([1.0]), np.array([1.0, 2.0]), np.array([3.0])]
    shares, square = {"normalize": True}, {"p": 2.0}
    halves = np.array([0.5, 2.0, 1.0, 0.25, 4.0, 1.0])
    # weight 4 on one side: U - V is 2, -2, -1 until 3
    unequal = [*pair[:3], np.array([4.0])]
    return [
        Case("by hand", pair, {}, np.array(4.0)),
        Case("by hand, square", pair, square, np.array(math.sqrt(6.0))),
        Case("by hand, unequal", unequal, {}, np.array(6.0)),
        # U - V is 2/3 from 0 to 1 and -1/3 from there to 3
        Case("by hand, normalised", unequal, shares, np.array(4.0 / 3)),
        Case("typical", typical),
        Case("typical, square", typical, square),
        Case("typical, normalised", typical, shares | {"p": 1.5}),
        Case("one value each", [np.array([2.0]), np.array([-1.0]), np.ones(1), np.ones(1)], {},
             np.array(3.0)),
        # U - V is 2 from 0 to 1, where 1 and 2 are added to U and V: 1 up to 2
        Case("equal values", [np.array([0.0, 1.0]), np.array([1.0, 2.0]), np.array([2.0, 1.0]),
             np.array([2.0, 1.0])], {}, np.array(3.0), grad=False),
        # sums of these weights are exact in any order
        Case("same sets", [u, u[:, ::-1], halves, halves[::-1]], square, np.zeros(3), grad=False),
        Case("no weight", [u[0], v[0], np.zeros(6), np.zeros(4)], shares, np.array(0.0),
             grad=False),
        Case("degree", pair, {"p": 0.5}, error="p is 0.5, must be from 1 to 100"),
        Case("weights", [*pair[:2], np.ones(3), np.ones(1)], error=r"u_weights has shape \(3,\)"),
    ]  # fmt: skip


wasserstein_distance = Op(
    "wasserstein_distance",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_u),(n_v),(n_u),(n_v)->()",
    source="magenta/ddsp 3.7.0, ddsp/losses.py, wasserstein_distance; Ramdas et al. 2017",
)
