"""The graph: order, names, and cotangents of values that are used more than once."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.processors.effects import Add, Reverb
from ddsp_ref.processors.graph import Graph


def test_a_value_used_twice_gets_both_cotangents():
    graph = Graph([(Add(), ["x", "x"]), (Add(name="again"), ["add/signal", "x"])])
    y, pullback = graph.vjp({"x": np.array([1.0, 2.0])})
    np.testing.assert_array_equal(y, [3.0, 6.0])
    np.testing.assert_array_equal(pullback(np.array([1.0, 10.0]))["x"], [3.0, 30.0])


def test_controls_can_be_read_and_send_gradients_back():
    graph = Graph([(Reverb(), ["x", "ir"]), (Add(), ["reverb/controls/audio", "reverb/signal"])])
    inputs = {"x": np.array([1.0, 2.0, 0.0]), "ir": np.array([5.0, 1.0])}
    y, pullback = graph.vjp(inputs)
    np.testing.assert_allclose(y, [2.0, 5.0, 2.0])
    np.testing.assert_allclose(pullback(np.ones(3))["x"], [3.0, 3.0, 2.0])


def test_an_unread_node_has_no_part_in_the_gradient():
    graph = Graph([(Reverb(name="unread"), ["x", "ir"]), (Add(), ["x", "x"])])
    bars = graph.vjp({"x": np.ones(3), "ir": np.ones(2)})[1](np.ones(3))
    np.testing.assert_allclose(bars["x"], 2.0)
    np.testing.assert_allclose(bars["ir"], 0.0)


def test_tap_zero_of_a_reverb_counts_as_zero_and_has_no_gradient():
    delta = np.array([1.0, 0.0, 0.0, 0.0])
    y, pullback = Reverb().vjp(delta, np.array([7.0, 0.5, 0.25]))
    np.testing.assert_allclose(y, [1.0, 0.5, 0.25, 0.0], atol=1e-15)
    assert pullback(np.ones(4))[1][0] == 0.0


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([], "nodes is empty"),
        ([(Add(), ["a", "b"]), (Add(), ["a", "b"])], "two processors are called 'add'"),
        ([(Add(), ["reverb/signal", "b"]), (Reverb(), ["a", "b"])], "comes later"),
    ],
)
def test_lists_that_cannot_be_read_in_order_are_refused(nodes, message):
    with pytest.raises(ParameterError, match=message):
        Graph(nodes)


def test_missing_inputs_are_named():
    with pytest.raises(ParameterError, match="inputs lack b; they hold a"):
        Graph([(Add(), ["a", "b"])])({"a": np.ones(2)})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: Add()([1.0, 2.0], [3.0]),
            r"Add: signal_one has shape \(2,\) and signal_two \(1,\)",
        ),
        (lambda: Add()(np.ones(2)), r"Add: takes 2 arrays \(signal_one, signal_two\), got 1"),
        (lambda: Reverb().vjp(np.ones(2)), r"Reverb: takes 2 arrays \(audio, impulse_response\)"),
        (lambda: Reverb()(np.ones(2), np.ones(0)), r"impulse_response has shape \(0,\), must be"),
        (lambda: Reverb()(np.ones(2), 1.0), r"impulse_response has shape \(\), must be"),
        (lambda: Add().get_signal(signal_one=np.ones(2)), "missing or unknown: signal_two"),
        (lambda: Add().get_signal(signal_one=1, signal_two=1, gain=1), "unknown: gain"),
    ],
)
def test_wrong_uses_of_processors(call, message):
    with pytest.raises(ParameterError, match=message):
        call()


def test_lists_are_arrays():
    np.testing.assert_array_equal(Add()([1.0, 2.0], [3.0, 4.0]), [4.0, 6.0])
