"""Vector quantisation: each vector to the nearest entry of a code book."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op
from ddsp_ref.ops._products import product


def define(x, centroids, *, straight_through=True, xp=np):
    """Replace each vector by the nearest of given ones; backwards as if nothing happened.

    ``y = centroids[i]``, ``i = argmin_j sum((x - centroids[j])^2)``, and ``x_bar = y_bar``

    Parameters
    ----------
    x : array, shape (..., n)
        Vectors.
    centroids : array, shape (n_centroids, n)
        Code book.
    straight_through : bool
        False: the true gradient, which goes to the centroids.

    Returns
    -------
    y : array, shape (..., n)
        Nearest centroids.
    codes : array, shape (...)
        Their indices, as numbers of the same precision. Of equally near ones the first.

    Raises
    ------
    ParameterError
        If the shapes do not fit together.

    Notes
    -----
    Gradient: 1 for x, 0 for the centroids, which are moved by running means instead; codes have
    none. On purpose this is not the derivative of the value.
    Precision: distances are compared in double precision.
    Source: van den Oord et al. 2017; magenta/ddsp 3.7.0, ddsp/training/nn.py, VectorQuantization.
    Differences: magenta adds the difference to x, which costs a rounding.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> centroids = np.array([[0.0, 0.0], [1.0, 1.0]])
    >>> ddsp_ref.vector_quantize(np.array([[0.9, 0.8], [0.1, 0.3]]), centroids)
    (array([[1., 1.],
           [0., 0.]]), array([1., 0.]))
    """
    distances = xp.sum((x - centroids) ** 2, axis=1)
    code = xp.argmin(distances)
    return centroids[code], np.array(float(code))


def vjp(x, centroids, *, straight_through=True):
    doubles = centroids.astype(np.float64)
    # |x - e|^2 without |x|^2, which is the same for all e
    codes = ((doubles**2).sum(axis=1) - 2 * product(x.astype(np.float64), doubles.T)).argmin(axis=1)

    def pullback(bars):
        y_bar, _ = bars
        centroids_bar = np.zeros_like(doubles)
        if straight_through:
            return y_bar, centroids_bar.astype(x.dtype)
        np.add.at(centroids_bar, codes, y_bar)
        return np.zeros_like(x), centroids_bar.astype(x.dtype)

    return (centroids[codes], codes.astype(x.dtype)), pullback


def cases():
    rng = np.random.default_rng(0)
    x, centroids = rng.standard_normal((2, 6, 3)), rng.standard_normal((4, 3))
    square = np.array([[0.0, 0.0], [0.0, 4.0], [4.0, 0.0]])
    return [
        # squared distances 10, 2, 18; the gradient is meant to differ from that of the definition
        Case("by hand", [[1.0, 3.0], square], {}, (np.array([0.0, 4.0]), np.array(1.0)), False),
        Case("typical", [x, centroids], grad=False),
        Case("true gradient", [x, centroids], {"straight_through": False}),
        Case("equally near", [[2.0, 2.0], square], {}, (np.zeros(2), np.array(0.0)), False),
        Case("one centroid", [x, centroids[:1]], grad=False),
        Case("vectors of another size", [x, centroids[:, :2]],
             error=r"centroids has shape \(4, 2\), must be \(n_centroids, n\) with n=3"),
    ]  # fmt: skip


vector_quantize = Op(
    "vector_quantize",
    define,
    vjp=vjp,
    cases=cases,
    signature="(n),[n_centroids,n]->(n),()",
    source="magenta/ddsp 3.7.0, ddsp/training/nn.py, VectorQuantization",
)
