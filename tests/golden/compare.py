"""Hold an op to a recorded call of the original: value and gradients, in both precisions."""

from __future__ import annotations

import numpy as np

from ..check import as_tuple, assert_close


def assert_golden(op, arrays, settings, y, y_bar=None, gradients=None, *, precision=1e-11):
    """Assert that value and pullback agree with recorded ones.

    Args:
        op: the op under test.
        arrays: its inputs in its own shapes, float32 as they were recorded.
        settings: its settings.
        y: the recorded float64 output, in the op's own shape.
        y_bar: the recorded cotangent of it.
        gradients: one recorded float64 gradient per array, None where it is not compared.
        precision: what the recorded float64 numbers are worth, as a fraction of the largest.
    """
    for dtype, value_bound, gradient_bound in (
        (np.float64, precision, precision),
        (np.float32, op.float32_error + precision, op.float32_grad_error + precision),
    ):
        inputs = [np.asarray(a, dtype) for a in arrays]
        got, pullback = op.vjp(*inputs, **settings)
        assert_close(got, y, value_bound, f"{op.name}, {np.dtype(dtype).name}")
        if gradients is None:
            continue
        bars = tuple(np.asarray(bar, dtype) for bar in as_tuple(y_bar))
        cotangents = pullback(bars if isinstance(got, tuple) else bars[0])
        for name, cotangent, wanted in zip(op.array_names, cotangents, gradients):
            if wanted is not None:
                what = f"{op.name}, cotangent of {name}, {np.dtype(dtype).name}"
                assert_close(cotangent, wanted, gradient_bound, what)
