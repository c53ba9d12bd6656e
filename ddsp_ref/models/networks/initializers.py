"""How weights start: what Keras draws by default."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.models import parameters

Shape = tuple[int, ...]


def zeros(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Return zeros: the start of biases and shifts."""
    return np.zeros(shape, np.float32)


def ones(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Return ones: the start of scales."""
    return np.ones(shape, np.float32)


def glorot_uniform(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Draw a kernel uniformly from ``[-limit, limit)``, ``limit = sqrt(6 / (n_in + n_out))``.

    Of a convolution, n_in and n_out count the taps of the kernel as well.
    """
    n_taps = math.prod(shape[:-2])
    limit = math.sqrt(6.0 / (n_taps * (shape[-2] + shape[-1])))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def orthogonal(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Draw a kernel with orthonormal rows or columns, all axes but the last taken as rows."""
    return parameters.orthogonal(rng, (math.prod(shape[:-1]), shape[-1])).reshape(shape)


def uniform(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Draw uniformly from [-0.05, 0.05): the start of an embedding."""
    return rng.uniform(-0.05, 0.05, shape).astype(np.float32)


def forget_ones(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Return the bias of an LSTM: ones for the forget gate, the second of four, zeros elsewhere."""
    bias = np.zeros((4, shape[0] // 4), np.float32)
    bias[1] = 1
    return bias.reshape(shape)
