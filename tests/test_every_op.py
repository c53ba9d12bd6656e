"""What every op has to hold, by name of none of them."""

from __future__ import annotations

import doctest
import inspect
import re

import numpy as np
import pytest

from ddsp_ref import get_num_threads, set_num_threads
from ddsp_ref.errors import ParameterError
from ddsp_ref.registry import all_ops

from .check import (
    as_tuple,
    assert_close,
    cast,
    central_difference,
    dot,
    random_like,
    taped_cotangents,
)

OPS = list(all_ops().values())
RIGHT = [(op, case) for op in OPS for case in op.cases() if case.error is None]
WRONG = [(op, case) for op in OPS for case in op.cases() if case.error is not None]
BY_HAND = [(op, case) for op, case in RIGHT if case.expected is not None]
SMOOTH = [(op, case) for op, case in RIGHT if case.grad]


def names(pairs):
    return [f"{op.name}-{case.label.replace(' ', '_')}" for op, case in pairs]


each_op = pytest.mark.parametrize("op", OPS, ids=[op.name for op in OPS])
right = pytest.mark.parametrize(("op", "case"), RIGHT, ids=names(RIGHT))
by_hand = pytest.mark.parametrize(("op", "case"), BY_HAND, ids=names(BY_HAND))
smooth = pytest.mark.parametrize(("op", "case"), SMOOTH, ids=names(SMOOTH))
wrong = pytest.mark.parametrize(("op", "case"), WRONG, ids=names(WRONG))


@by_hand
def test_definition_gives_the_value_worked_out_by_hand(op, case):
    got = op.define(*cast(case, np.float64), **case.settings)
    for part, wanted in zip(as_tuple(got), as_tuple(case.expected)):
        np.testing.assert_allclose(part, wanted, rtol=1e-12, atol=1e-12)


@right
def test_fast_path_agrees_with_definition(op, case):
    truth = op.define(*cast(case, np.float64), **case.settings)
    assert_close(op(*cast(case, np.float64), **case.settings), truth, 1e-11, "float64")
    # the definition of the rounded inputs: rounding them is not the op's error
    rounded = cast(case, np.float32)
    fast = op(*rounded, **case.settings)
    assert all(part.dtype == np.float32 for part in as_tuple(fast))
    truth = op.define(*[a.astype(np.float64) for a in rounded], **case.settings)
    assert_close(fast, truth, op.float32_error, "float32")


@right
def test_forward_is_the_value_of_vjp(op, case):
    for dtype in (np.float32, np.float64):
        arrays = cast(case, dtype)
        for one, other in zip(
            as_tuple(op(*arrays, **case.settings)), as_tuple(op.vjp(*arrays, **case.settings)[0])
        ):
            np.testing.assert_array_equal(one, other)


@smooth
def test_pullback_is_the_taped_gradient_of_the_definition(op, case, rng):
    arrays = cast(case, np.float64)
    y, pullback = op.vjp(*arrays, **case.settings)
    y_bar = random_like(y, rng)
    truth = taped_cotangents(op, arrays, case.settings, y_bar)
    for name, got, wanted in zip(op.array_names, pullback(y_bar), truth):
        assert_close(got, wanted, 1e-10, f"cotangent of {name}, float64")

    rounded = cast(case, np.float32)
    y, pullback = op.vjp(*rounded, **case.settings)
    doubles = [a.astype(np.float64) for a in rounded]
    found, truths = [], []
    for _ in range(2):  # a cotangent of one number may cancel to nearly 0, hardly so both times
        y_bar = random_like(y, rng)
        bars = tuple(b.astype(np.float64) for b in as_tuple(y_bar))
        found.append(pullback(y_bar))
        y_bar = bars if len(bars) > 1 else bars[0]
        truths.append(taped_cotangents(op, doubles, case.settings, y_bar))
    for name, got, wanted in zip(op.array_names, zip(*found), zip(*truths)):
        assert all(one.dtype == np.float32 for one in got)
        what = f"cotangent of {name}, float32"
        assert_close(np.stack(got), np.stack(wanted), op.float32_grad_error, what)


@each_op
def test_arrays_that_are_not_there_cannot_be_wanted(op):
    case = next(case for case in op.cases() if case.error is None)
    with pytest.raises(ParameterError, match=rf"{op.name}: wrt is \(9,\), must be numbers"):
        op.vjp(*cast(case, np.float64), wrt=(9,), **case.settings)


@smooth
def test_cotangents_that_are_not_wanted_are_left_out(op, case, rng):
    arrays = cast(case, np.float64)
    y, pullback = op.vjp(*arrays, **case.settings)
    y_bar = random_like(y, rng)
    every = pullback(y_bar)
    for i, wanted in enumerate(every):
        same, alone = op.vjp(*arrays, wrt=(i,), **case.settings)
        for one, other in zip(as_tuple(same), as_tuple(y)):
            np.testing.assert_array_equal(one, other)
        cotangents = alone(y_bar)
        assert [got is None for got in cotangents] == [j != i for j in range(len(every))]
        np.testing.assert_array_equal(cotangents[i], wanted)


@smooth
def test_pullback_is_the_central_difference(op, case, rng):
    arrays = cast(case, np.float64)
    y, pullback = op.vjp(*arrays, **case.settings)
    y_bar = random_like(y, rng)
    cotangents = pullback(y_bar)
    for i, name in enumerate(op.array_names):
        directions = [np.zeros_like(a) for a in arrays]
        size = np.maximum(np.abs(arrays[i]), 1e-3 * (np.abs(arrays[i]).max() or 1e3))
        directions[i] = rng.standard_normal(arrays[i].shape) * size
        wanted = central_difference(op, arrays, case.settings, y_bar, directions, 1e-5)
        # what cancels in the dot product is lost in both
        scale = np.abs(cotangents[i] * directions[i]).sum() + np.abs(wanted)
        noise = 1e-9 * sum(np.abs(p * b).sum() for p, b in zip(as_tuple(y), as_tuple(y_bar)))
        got = dot(cotangents[i], directions[i])
        assert abs(got - wanted) <= 1e-6 * scale + noise, f"{name}: {got} and {wanted}"


@right
def test_pullback_is_linear_repeatable_and_leaves_inputs_alone(op, case, rng):
    arrays = cast(case, np.float64)
    kept = [a.copy() for a in arrays]
    y, pullback = op.vjp(*arrays, **case.settings)
    values = [part.copy() for part in as_tuple(y)]
    a_bar, b_bar = random_like(y, rng), random_like(y, rng)
    both = tuple(2 * a + b for a, b in zip(as_tuple(a_bar), as_tuple(b_bar)))
    first, second = pullback(a_bar), pullback(b_bar)
    again, combined = pullback(a_bar), pullback(both if isinstance(y, tuple) else both[0])
    for name, one, two, repeat, sum_ in zip(op.array_names, first, second, again, combined):
        np.testing.assert_array_equal(one, repeat)
        assert_close(sum_, 2 * one + two, 1e-10, f"linear in {name}")
    for array, copy in zip(arrays, kept):
        np.testing.assert_array_equal(array, copy)
    for part, value in zip(as_tuple(y), values):
        np.testing.assert_array_equal(part, value)
    for array, cotangent in zip(arrays, first):
        assert cotangent.shape == array.shape


def _stacked(op, case):
    """Return the arrays with a batch axis of 3 that differ, shared arrays as they are."""
    arrays = cast(case, np.float64)
    lead = [a.ndim - len(term.dims) for a, term in zip(arrays, op._inputs)]
    n_lead = max((n for n, term in zip(lead, op._inputs) if not term.shared), default=0)
    stacked = []
    for array, term, n in zip(arrays, op._inputs, lead):
        if not term.shared:
            array = array.reshape((1,) * (n_lead - n) + array.shape)
            array = np.stack([array * factor for factor in (1.0, 0.75, 0.5)])
        stacked.append(array)
    return stacked


@right
def test_batch_is_a_loop(op, case, rng):
    arrays = _stacked(op, case)
    try:
        y, pullback = op.vjp(*arrays, **case.settings)
    except ParameterError:
        pytest.skip("scaled inputs are outside the range of this op")
    y_bar = random_like(y, rng)
    cotangents = pullback(y_bar)
    shared_sums = [np.zeros_like(a) for a in arrays]
    for b in range(3):
        ones = [a if term.shared else a[b] for a, term in zip(arrays, op._inputs)]
        y_one, pull_one = op.vjp(*ones, **case.settings)
        for part, whole in zip(as_tuple(y_one), as_tuple(y)):
            np.testing.assert_allclose(whole[b], part, rtol=1e-12, atol=1e-14)
        bars = tuple(bar[b] for bar in as_tuple(y_bar))
        for i, one in enumerate(pull_one(bars if isinstance(y, tuple) else bars[0])):
            if op._inputs[i].shared:
                shared_sums[i] += one
            else:
                assert_close(cotangents[i][b], one, 1e-10, f"{op.array_names[i]}[{b}]")
    for i, term in enumerate(op._inputs):
        if term.shared:
            assert_close(cotangents[i], shared_sums[i], 1e-10, op.array_names[i])


@right
def test_one_array_for_the_whole_batch_is_broadcast(op, case, rng):
    for i, term in enumerate(op._inputs):
        if term.shared or sum(not other.shared for other in op._inputs) == 1:
            continue
        full = _stacked(op, case)
        full[i] = np.stack([full[i][0]] * 3)
        single = list(full)
        single[i] = full[i][:1]
        try:
            y, pullback = op.vjp(*full, **case.settings)
        except ParameterError:
            pytest.skip("scaled inputs are outside the range of this op")
        y_one, pullback_one = op.vjp(*single, **case.settings)
        assert_close(y_one, y, 1e-12, "value")
        y_bar = random_like(y, rng)
        wanted, got = pullback(y_bar), pullback_one(y_bar)
        for j in range(len(full)):
            total = wanted[j].sum(axis=0, keepdims=True) if j == i else wanted[j]
            assert got[j].shape == single[j].shape
            assert_close(got[j], total, 1e-10, op.array_names[j])


@right
def test_memory_layouts_do_not_matter(op, case):
    arrays = cast(case, np.float64)
    y = as_tuple(op(*arrays, **case.settings))

    def strided(a):
        wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1])) if a.ndim else np.zeros(())
        if not a.ndim:
            return a
        wide[..., ::2] = a
        return wide[..., ::2]

    def read_only(a):
        a = a.copy()
        a.flags.writeable = False
        return a

    layouts = {
        "strided": strided,
        "reversed": lambda a: a[..., ::-1].copy()[..., ::-1] if a.ndim else a,
        "Fortran order": lambda a: np.asfortranarray(a) if a.ndim else a,
        "read-only": read_only,
        "nested lists": lambda a: a.tolist(),
    }
    for what, change in layouts.items():
        other = as_tuple(op(*[change(a) for a in arrays], **case.settings))
        for one, two in zip(y, other):
            np.testing.assert_array_equal(one, two, err_msg=what)


@right
def test_results_do_not_depend_on_the_number_of_threads(op, case, rng):
    arrays = _stacked(op, case)
    before, results = get_num_threads(), []
    seed = rng.integers(1 << 30)
    try:
        for n_threads in (1, 3):
            set_num_threads(n_threads)
            try:
                y, pullback = op.vjp(*arrays, **case.settings)
            except ParameterError:
                pytest.skip("scaled inputs are outside the range of this op")
            y_bar = random_like(y, np.random.default_rng(seed))
            results.append((*as_tuple(y), *pullback(y_bar)))
    finally:
        set_num_threads(before)
    for one, two in zip(*results):
        np.testing.assert_array_equal(one, two)


@each_op
def test_an_empty_batch_gives_an_empty_result(op):
    case = next(case for case in op.cases() if case.error is None)
    arrays = cast(case, np.float64)
    if all(term.shared for term in op._inputs):
        pytest.skip("has no batch axes")
    empty = [
        a if term.shared else np.zeros((0, *a.shape[a.ndim - len(term.dims) :]))
        for a, term in zip(arrays, op._inputs)
    ]
    y, pullback = op.vjp(*empty, **case.settings)
    assert all(part.shape[0] == 0 for part in as_tuple(y))
    for array, cotangent in zip(empty, pullback(y)):
        assert cotangent.shape == array.shape


@wrong
def test_wrong_uses_say_what_is_wrong(op, case):
    for call in (op, op.vjp, op.define):
        with pytest.raises(ParameterError, match=case.error) as caught:
            call(*case.arrays, **case.settings)
        assert str(caught.value).startswith(op.name), "the message does not name the op"


@each_op
def test_wrong_number_of_arrays_and_unknown_settings_are_named(op):
    case = next(case for case in op.cases() if case.error is None)
    with pytest.raises(ParameterError, match=f"takes {len(op.array_names)} array"):
        op(*case.arrays, np.zeros(3), **case.settings)
    with pytest.raises(ParameterError, match="no setting 'no_such_setting'"):
        op(*case.arrays, **case.settings, no_such_setting=1)
    with pytest.raises(ParameterError, match="has dtype"):
        op(*[np.array(["text"])] * len(op.array_names), **case.settings)


@each_op
def test_settings_that_are_no_finite_number_are_refused(op):
    case = next(case for case in op.cases() if case.error is None)
    for name, default in op.settings.items():
        if isinstance(default, (int, float)) and not isinstance(default, bool):
            for value in (np.nan, np.inf):
                with pytest.raises(ParameterError, match=name):
                    op(*case.arrays, **{**case.settings, name: value})


@each_op
def test_cases_cover_what_they_must(op):
    cases = op.cases()
    assert cases[0].expected is not None, "the first case is the value worked out by hand"
    assert any(case.error for case in cases), "no wrong use"
    assert any(case.grad and not case.error for case in cases), "no case with a gradient"
    labels = [case.label for case in cases]
    assert len(set(labels)) == len(labels), "labels repeat"


@each_op
def test_docstring_is_complete(op):
    text = inspect.getdoc(op)
    first = text.splitlines()[0]
    assert first.endswith("."), first
    assert len(first) < 90, first
    for section in ("Parameters", "Returns", "Raises", "Notes", "Examples"):
        assert re.search(rf"^{section}\n-+$", text, re.M), f"no section {section}"
    for name in (*op.array_names, *op.settings):
        assert re.search(rf"^(\w+, )*{name}(, \w+)* : ", text, re.M), f"{name} is not described"
    for word in ("Gradient", "Source"):
        assert word in text, f"the notes do not speak of {word}"


@each_op
def test_example_in_the_docstring_is_true(op):
    found = doctest.DocTestParser().get_doctest(op.__doc__, {}, op.name, None, 0)
    assert found.examples, "no example"
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    said: list[str] = []
    runner.run(found, out=said.append)
    assert runner.failures == 0, "".join(said)


@each_op
def test_file_reads_like_the_others(op):
    module = inspect.getmodule(op._define)
    source = inspect.getsource(module)
    order = [source.find(f"\ndef {name}(") for name in ("define", "vjp", "check", "cases")]
    present = [place for place in order if place >= 0]
    if order[0] >= 0:  # a file for one op; pairs of inverses have names of their own
        assert present == sorted(present), "order is define, vjp, check, cases"
    assert module.__name__.startswith("ddsp_ref.ops.")
