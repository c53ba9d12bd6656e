"""Dense layer: an affine map of the last axis."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op
from ddsp_ref.ops._products import affine, transposed_product

# Rows that are summed in the precision of the input before the sum goes on in double.
BLOCK = 128


def define(x, kernel, bias, *, xp=np):
    """Map the channels of each frame by a matrix and an offset.

    ``y = x @ kernel + bias``

    Parameters
    ----------
    x : array, shape (..., n_in)
        Input.
    kernel : array, shape (n_in, n_out)
        Weights.
    bias : array, shape (n_out,)
        Offset.

    Returns
    -------
    array, shape (..., n_out)
        Mapped input.

    Raises
    ------
    ParameterError
        If the shapes do not fit together.

    Notes
    -----
    Gradient: ``x_bar = y_bar @ kernel.T``, ``kernel_bar = x.T @ y_bar``, ``bias_bar`` is the sum
    of y_bar over all frames.
    Precision: that of one matrix product of the linked BLAS, over all leading axes at once.
    Source: keras 2.15, Dense.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> kernel = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 3.0]])
    >>> ddsp_ref.dense(np.array([1.0, 10.0]), kernel, np.array([0.5, 0.5, 0.5]))
    array([ 1.5, 10.5, 32.5])
    """
    return xp.sum(x[:, None] * kernel, axis=0) + bias


def _sum_of_rows(matrix):
    """Sum over the first axis; a plain float32 sum over 16000 rows would lose two digits."""
    n_rows, n_columns = matrix.shape
    whole = n_rows - n_rows % BLOCK
    blocks = matrix[:whole].reshape(-1, BLOCK, n_columns).sum(axis=1)
    rest = matrix[whole:].sum(axis=0)
    return (blocks.sum(axis=0, dtype=np.float64) + rest).astype(matrix.dtype)


def vjp(x, kernel, bias):
    def pullback(y_bar):
        return affine(y_bar, kernel.T), transposed_product(x, y_bar), _sum_of_rows(y_bar)

    return affine(x, kernel, bias), pullback


def cases():
    rng = np.random.default_rng(0)
    frames = rng.standard_normal((2, 5, 3))
    kernel, bias = rng.standard_normal((3, 4)), rng.standard_normal(4)
    one_by_one = np.full((1, 1), 3.0)
    return [
        Case(
            "by hand",
            [np.array([1.0, 2.0]), np.array([[3.0, 0.0], [4.0, 5.0]]), np.array([0.5, -10.0])],
            expected=np.array([11.5, 0.0]),
        ),
        Case("typical", [frames, kernel, bias]),
        Case("more frames than a block of the bias sum", [np.ones((131, 1)), one_by_one, [1.0]]),
        Case("one unit", [np.array([[2.0]]), one_by_one, [1.0]], expected=np.array([[7.0]])),
        Case(
            "kernel of another size",
            [frames, np.zeros((2, 4)), bias],
            error=r"kernel has shape \(2, 4\), must be \(n_in, n_out\) with n_in=3",
        ),
        Case(
            "kernel with a batch axis",
            [frames, np.zeros((2, 3, 4)), bias],
            error=r"kernel has shape \(2, 3, 4\), must be \(n_in, n_out\)",
        ),
    ]


dense = Op(
    "dense",
    define,
    vjp=vjp,
    cases=cases,
    signature="(n_in),[n_in,n_out],[n_out]->(n_out)",
    source="keras 2.15, Dense",
)
