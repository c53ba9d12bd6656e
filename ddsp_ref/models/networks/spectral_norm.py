"""Spectral normalisation: kernels divided by their largest singular value."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.networks.network import Weight


def _draw(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw from a normal distribution of deviation 0.02, cut off at two deviations."""
    drawn = rng.standard_normal(shape)
    while (far := np.abs(drawn) > 2).any():
        drawn[far] = rng.standard_normal(int(far.sum()))
    return (0.02 * drawn).astype(np.float32)


def sn_u(kernel: Weight) -> Weight:
    """Return the vector that goes with a kernel: its estimate of a singular vector."""
    name = kernel.name.removesuffix("kernel") + "sn_u"
    return Weight(name, (1, kernel.shape[-1]), _draw)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / math.sqrt(max(float((vector * vector).sum()), 1e-12))


def spectral_normalize(
    kernel: np.ndarray, u: np.ndarray, power_iterations: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Divide a kernel by an estimate of its largest singular value.

    Parameters
    ----------
    kernel : ndarray, shape (..., n_out)
        Taken as a matrix, all axes but the last being its rows.
    u : ndarray, shape (1, n_out)
        Estimate of the singular vector, not zero.
    power_iterations : int
        How often it is improved first, at least 1.

    Returns
    -------
    ndarray
        The kernel, in the precision that it came in.
    ndarray
        The improved vector.

    Notes
    -----
    Source: Miyato et al. 2018; magenta/ddsp 3.7.0, ddsp/training/nn.py, SpectralNormalization.
    No gradient goes through it.

    Examples
    --------
    >>> kernel, u = spectral_normalize(np.diag([4.0, 2.0]), np.ones((1, 2)), 50)
    >>> kernel.round(6)
    array([[1. , 0. ],
           [0. , 0.5]])
    """
    require(
        power_iterations >= 1,
        f"spectral_normalize: power_iterations is {power_iterations}, must be at least 1",
    )
    matrix = np.reshape(kernel, (-1, np.shape(kernel)[-1])).astype(np.float64)
    vector = np.asarray(u, np.float64)
    for _ in range(power_iterations):
        v = _unit(vector @ matrix.T)
        vector = _unit(v @ matrix)
    sigma = float((v @ matrix @ vector.T)[0, 0])
    dtype = np.asarray(kernel).dtype
    return (np.asarray(kernel) / sigma).astype(dtype), vector.astype(dtype)
