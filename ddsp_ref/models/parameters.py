"""Parameters: a flat dictionary of arrays, how it starts, and what is measured on it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit_relaxed

Parameters = dict[str, np.ndarray]


def glorot_uniform(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw a kernel uniformly from ``[-limit, limit)``, ``limit = sqrt(6 / (n_in + n_out))``.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the numbers come from.
    shape : (int, int)
        Inputs and outputs of the layer.

    Returns
    -------
    ndarray, shape `shape`, float32
        The kernel.

    Notes
    -----
    Source: Glorot and Bengio 2010, eq. 16; the default of Keras' Dense layer.
    """
    limit = math.sqrt(6.0 / sum(shape))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def orthogonal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw a kernel whose rows (or columns, whichever are fewer) are orthonormal.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the numbers come from.
    shape : (int, int)
        Rows and columns.

    Returns
    -------
    ndarray, shape `shape`, float32
        The kernel.

    Notes
    -----
    Source: Saxe et al. 2013; the default of Keras' recurrent kernels, gates side by side.
    """
    n_rows, n_columns = shape
    normal = rng.standard_normal((max(shape), min(shape)))
    q, r = np.linalg.qr(normal)
    q *= np.sign(np.diag(r))  # makes the factorisation unique, hence q uniform
    return (q if n_rows >= n_columns else q.T).astype(np.float32)


@njit_relaxed
def _sum_of_squares(flat):
    total = 0.0
    for i in range(flat.size):
        total += np.float64(flat[i]) * np.float64(flat[i])
    return total


def global_norm(arrays: Mapping[str, np.ndarray]) -> float:
    """Return the Euclidean norm of all arrays taken as one vector.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        For example gradients.

    Returns
    -------
    float
        The norm, summed in float64.

    Examples
    --------
    >>> global_norm({"a": np.array([3.0]), "b": np.array([[4.0]])})
    5.0
    """
    total = 0.0
    for array in arrays.values():
        # np.dot would wake the threads of the linear algebra library, which wait in loops
        total += _sum_of_squares(array.ravel())
    return math.sqrt(total)


def count(parameters: Mapping[str, np.ndarray]) -> int:
    """Return how many numbers a set of parameters holds.

    Examples
    --------
    >>> count({"kernel": np.zeros((2, 3)), "bias": np.zeros(3)})
    9
    """
    return sum(array.size for array in parameters.values())


def check_names_and_shapes(
    parameters: Mapping[str, np.ndarray], wanted: Mapping[str, tuple[int, ...]]
) -> None:
    """Raise unless exactly the wanted arrays are there, in their shapes, and finite.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        What was found.
    wanted : mapping of str to tuple of int
        What should be there.

    Raises
    ------
    ParameterError
        Naming the first array that is missing, not wanted, of another shape, or not finite.
    """
    missing = sorted(set(wanted) - set(parameters))
    require(not missing, f"{_some(missing)} missing")
    extra = sorted(set(parameters) - set(wanted))
    require(not extra, f"{_some(extra)} not expected")
    for name, shape in wanted.items():
        array = parameters[name]
        require(
            array.shape == tuple(shape), f"{name} has shape {array.shape}, must be {tuple(shape)}"
        )
        require(np.isfinite(array).all(), f"{name} holds values that are not finite")


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more} {'is' if len(names) == 1 else 'are'}"
