"""Initial parameters and what is measured on them."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.models.parameters import (
    check_names_and_shapes,
    count,
    global_norm,
    glorot_uniform,
    orthogonal,
)


def test_glorot_limit(rng):
    kernel = glorot_uniform(rng, (100, 50))
    limit = np.sqrt(6 / 150)
    assert kernel.dtype == np.float32
    assert 0.98 * limit < np.abs(kernel).max() <= limit
    assert abs(kernel.std() - limit / np.sqrt(3)) < 0.02 * limit


@pytest.mark.parametrize("shape", [(8, 24), (24, 8), (5, 5)])
def test_orthogonal(rng, shape):
    kernel = orthogonal(rng, shape).astype(np.float64)
    product = kernel @ kernel.T if shape[0] <= shape[1] else kernel.T @ kernel
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-6)


def test_norm_and_count():
    arrays = {"a": np.full((2, 2), 2.0, np.float32), "b": np.array([3.0], np.float32)}
    assert global_norm(arrays) == 5.0
    assert count(arrays) == 5


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "a is missing"),
        ({"a": np.zeros(2), "b": np.zeros(1)}, "b is not expected"),
        ({"a": np.zeros(3)}, r"a has shape \(3,\), must be \(2,\)"),
        ({"a": np.array([0.0, np.nan])}, "a holds values that are not finite"),
    ],
)
def test_names_and_shapes(arrays, message):
    with pytest.raises(ParameterError, match=message):
        check_names_and_shapes(arrays, {"a": (2,)})
