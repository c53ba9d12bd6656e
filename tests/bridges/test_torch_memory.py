"""The PyTorch bridge: what is shared, what is kept, and who may write to it."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.registry import get_op

from ..check import as_tuple, cast, random_like
from ..test_every_op import right

torch = pytest.importorskip("torch")

from ddsp_ref.bridges import torch as bridged  # noqa: E402

from .test_torch import pull, tensors_of  # noqa: E402


@right
def test_results_belong_to_the_caller(op, case, rng):
    """Writing to a result changes neither inputs nor gradients."""
    inputs = tensors_of(cast(case, np.float64))
    wanted, pullback = op.vjp(*cast(case, np.float64), **case.settings)
    y_bar = random_like(wanted, rng)
    with torch.no_grad():
        for part in as_tuple(bridged.bridge(op)(*inputs, **case.settings)):
            part.fill_(7.0)
    y = bridged.bridge(op)(*inputs, **case.settings)
    with torch.no_grad():
        for part in as_tuple(y):
            part.fill_(7.0)
    pull(y, y_bar)
    for given, array, x_bar in zip(inputs, cast(case, np.float64), pullback(y_bar)):
        np.testing.assert_array_equal(given.detach(), array)
        np.testing.assert_array_equal(given.grad, x_bar)


def test_memory_is_shared_on_the_cpu(monkeypatch):
    op, seen = get_op("tanh"), []
    vjp = op._vjp
    monkeypatch.setattr(op, "_vjp", lambda x: seen.append(x) or vjp(x))
    x = torch.ones(4, requires_grad=True)
    bridged.tanh(x)
    assert seen[0].__array_interface__["data"][0] == x.data_ptr()


def test_an_input_changed_before_backward_is_noticed():
    x = torch.ones(3, requires_grad=True) * 1.0
    y = bridged.tanh(x)
    with torch.no_grad():
        x.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_the_graph_can_be_kept_for_a_second_pass():
    x = torch.zeros(3, requires_grad=True)
    y = bridged.tanh(x).sum()
    y.backward(retain_graph=True)
    y.backward()
    torch.testing.assert_close(x.grad, torch.full((3,), 2.0))
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_what_the_gradient_needs_is_kept_only_where_one_is_wanted(monkeypatch):
    op, calls = get_op("tanh"), []
    vjp = op._vjp
    monkeypatch.setattr(op, "_vjp", lambda *a, **k: calls.append("vjp") or vjp(*a, **k))
    monkeypatch.setattr(op, "_forward", lambda x: calls.append("forward") or np.tanh(x))
    x = torch.ones(3, requires_grad=True)
    for context in (torch.no_grad(), torch.inference_mode()):
        with context:
            bridged.tanh(x)
    bridged.tanh(x.detach())
    assert calls == ["forward"] * 3
    bridged.tanh(x).sum().backward()
    assert calls == ["forward"] * 3 + ["vjp"]
