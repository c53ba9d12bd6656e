"""One frame, one sample, one channel, a batch in another order: for every op of the registry."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.registry import all_ops

from ..check import as_tuple
from .bad_input import right_case

each_op = pytest.mark.parametrize("op", all_ops().values(), ids=list(all_ops()))


def shrunk(op, arrays, chosen):
    """Return the arrays with each chosen dimension cut to its first entry."""
    small = []
    for term, array in zip(op._inputs, arrays):
        lead = array.ndim - len(term.dims)
        index = tuple(slice(0, 1) if dim in chosen else slice(None) for dim in term.dims)
        small.append(array[(slice(None),) * lead + index])
    return small


@each_op
def test_single_entries_work_or_are_refused_clearly(op):
    arrays, settings = right_case(op)
    dims = sorted({dim for term in op._inputs for dim in term.dims})
    for chosen in [{dim} for dim in dims] + [set(dims)]:
        small = shrunk(op, arrays, chosen)
        try:
            y, pullback = op.vjp(*small, **settings)
        except ParameterError as error:
            text = str(error)
            assert text.startswith(f"{op.name}: "), text
            words = [*dims, *op.array_names, *op.settings]
            assert any(word in text for word in words), f"{text!r} names no argument"
            continue
        bars = tuple(np.ones_like(part) for part in as_tuple(y))
        cotangents = pullback(bars if isinstance(y, tuple) else bars[0])
        for part in (*as_tuple(y), *cotangents):
            assert np.isfinite(part).all(), chosen
        for part, truth in zip(as_tuple(y), as_tuple(op.define(*small, **settings))):
            np.testing.assert_allclose(
                part, truth, rtol=1e-9, atol=1e-9 * np.abs(truth).max() + 1e-12
            )


@each_op
def test_a_batch_in_another_order_gives_the_same_in_that_order(op):
    """Bit for bit: no entry of a batch sees its neighbours."""
    arrays, settings = right_case(op)
    if all(term.shared for term in op._inputs):
        pytest.skip("has no batch axes")
    order, scale = [2, 0, 3, 1], np.array([1.0, 0.9, 0.8, 0.7])
    batch = []
    for term, array in zip(op._inputs, arrays):
        core = array.reshape(-1, *array.shape[array.ndim - len(term.dims) :])[0]
        batch.append(array if term.shared else np.stack([core * s for s in scale]))
    moved = [a if term.shared else a[order] for term, a in zip(op._inputs, batch)]
    y, pullback = op.vjp(*batch, **settings)
    other, other_pullback = op.vjp(*moved, **settings)
    for one, two in zip(as_tuple(y), as_tuple(other)):
        np.testing.assert_array_equal(one[order], two)
    rng = np.random.default_rng(0)
    bars = tuple(rng.standard_normal(part.shape) for part in as_tuple(y))
    moved_bars = tuple(bar[order] for bar in bars)
    several = isinstance(y, tuple)
    pairs = zip(pullback(bars if several else bars[0]),
                other_pullback(moved_bars if several else moved_bars[0]))  # fmt: skip
    for term, (one, two) in zip(op._inputs, pairs):
        if term.shared:  # a sum over the batch, in another order
            np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-12 * np.abs(one).max())
        else:
            np.testing.assert_array_equal(one[order], two)
