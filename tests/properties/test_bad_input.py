"""Every op refuses what cannot work, in one sentence that names op and argument."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.registry import all_ops

from ..check import as_tuple
from .bad_input import documented_kind, failures_of_arrays, failures_of_settings, right_case

each_op = pytest.mark.parametrize("op", all_ops().values(), ids=list(all_ops()))


@each_op
def test_arrays_that_cannot_work_are_refused(op):
    lines = failures_of_arrays(op)
    assert not lines, "\n".join(lines)


@each_op
def test_settings_that_cannot_work_are_refused_and_others_give_finite_numbers(op):
    lines = failures_of_settings(op)
    assert not lines, "\n".join(lines)


@each_op
def test_settings_are_held_to_the_type_that_the_docstring_gives(op):
    """A rate documented as int divides another one, which its own check sees to."""
    for name, kind in op._kinds.items():
        said = documented_kind(op, name)
        if said.startswith(("{", "sequence", "tuple", "str")):
            continue
        base = {"bool": "True or False", "int": "whole number", "float": "number"}
        expected = "must be a " + base[said.removesuffix(" or None")]
        if said == "bool":
            expected = "must be True or False"
        if name.endswith("_rate"):
            expected = "must be a number"
        assert kind.rule.startswith(expected), f"{name}: {said}, but {kind.rule}"
        assert kind.none == said.endswith(" or None"), f"{name}: {said}"


@each_op
def test_cotangents_that_cannot_work_are_refused(op):
    arrays, settings = right_case(op)
    y, pullback = op.vjp(*arrays, **settings)
    parts = as_tuple(y)

    def as_given(bars):
        return bars if isinstance(y, tuple) else bars[0]

    wrong = [
        ("shape", tuple(np.ones((2, *p.shape, 3)) for p in parts)),
        ("dtype", tuple(np.zeros(p.shape, complex) for p in parts)),
        ("dtype", tuple(np.full(p.shape, "1") for p in parts)),
    ]
    for word, bars in wrong:
        with pytest.raises(ParameterError, match=f"^{op.name}: y_bar has {word}"):
            pullback(as_given(bars))
    if isinstance(y, tuple):
        with pytest.raises(ParameterError, match=f"{op.name}: the pullback takes a tuple of"):
            pullback(parts[0])


@each_op
def test_values_and_cotangents_are_the_callers_to_change(op):
    """Where a value is not read-only, changing it harms neither the pullback nor the inputs."""
    arrays, settings = right_case(op)
    rng = np.random.default_rng(0)
    kept = [a.copy() for a in arrays]
    y, pullback = op.vjp(*arrays, **settings)
    bars = tuple(rng.standard_normal(p.shape) for p in as_tuple(y))
    y_bar = bars if isinstance(y, tuple) else bars[0]
    wanted = [x_bar.copy() for x_bar in pullback(y_bar)]
    for part in as_tuple(y):
        if part.flags.writeable:
            part[...] = np.nan
    cotangents = pullback(y_bar)
    for x_bar in cotangents:
        assert x_bar.flags.writeable
        for other in (*cotangents, *bars, *as_tuple(y)):
            assert other is x_bar or not np.shares_memory(other, x_bar)
        x_bar[...] = np.nan
    for one, two in zip(wanted, pullback(y_bar)):
        np.testing.assert_array_equal(one, two)
    for one, two in zip(kept, arrays):
        np.testing.assert_array_equal(one, two)
    value = op(*arrays, **settings)
    assert all(part.flags.writeable for part in as_tuple(value)), "a value without pullback"
