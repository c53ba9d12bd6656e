"""Long short-term memory: a recurrent layer with a memory beside its state."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import run_parts
from ddsp_ref.op import Case, Op
from ddsp_ref.ops._products import affine, transposed_product
from ddsp_ref.ops.layers._recurrent_kernels import even_rows, lstm_backward, lstm_forward, shares


def define(x, state, cell, kernel, recurrent_kernel, bias, *, xp=np):
    """Run a long short-term memory over a sequence of frames.

    With ``a = x[t] @ kernel + h @ recurrent_kernel + bias`` split into four gates (i, f, g, o):
    the new memory is ``c = sigmoid(a_f) * c + sigmoid(a_i) * tanh(a_g)`` and the new state
    ``h = sigmoid(a_o) * tanh(c)``.

    Parameters
    ----------
    x : array, shape (..., n_frames, n_in)
        Input sequence.
    state : array, shape (..., n_hidden)
        State before the first frame: zeros, or the last frame of an earlier call.
    cell : array, shape (..., n_hidden)
        Memory before the first frame: zeros, or what an earlier call returned.
    kernel : array, shape (n_in, 4 * n_hidden)
        Weights of the input, columns in the order input i, forget f, candidate g, output o.
    recurrent_kernel : array, shape (n_hidden, 4 * n_hidden)
        Weights of the state, same order of columns.
    bias : array, shape (4 * n_hidden,)
        Added to both, same order.

    Returns
    -------
    states : array, shape (..., n_frames, n_hidden)
        State after each frame; the last one is the state to go on from.
    cell : array, shape (..., n_hidden)
        Memory after the last frame, to go on from.

    Raises
    ------
    ParameterError
        If the kernels do not have four columns per unit.

    Notes
    -----
    Gradient: backpropagation through all frames; no truncation.
    Precision: gates are evaluated in double precision, products in that of the inputs.
    Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000;
    keras 2.15, LSTMCell, which magenta/ddsp 3.7.0 uses.
    Differences: state and memory are always given. PyTorch has two biases, which add up.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> weights = np.ones((1, 4)), np.ones((1, 4)), np.zeros(4)
    >>> states, cell = ddsp_ref.lstm(np.ones((2, 1)), np.zeros(1), np.zeros(1), *weights)
    >>> states.round(4)
    array([[0.3696],
           [0.6505]])
    >>> cell.round(4)
    array([1.1444])
    """
    n = state.shape[0]
    frames = []
    h, c = state, cell
    for x_t in x:
        a = xp.dot(x_t, kernel) + xp.dot(h, recurrent_kernel) + bias
        i = 1.0 / (1.0 + xp.exp(-a[:n]))
        f = 1.0 / (1.0 + xp.exp(-a[n : 2 * n]))
        g = xp.tanh(a[2 * n : 3 * n])
        o = 1.0 / (1.0 + xp.exp(-a[3 * n :]))
        c = f * c + i * g
        h = o * xp.tanh(c)
        frames.append(h)
    return xp.stack(frames), c


def vjp(x, state, cell, kernel, recurrent_kernel, bias):
    n_batch, n_frames, n_in = x.shape
    n = state.shape[1]
    flat_x = x.reshape(n_batch * n_frames, n_in)
    gates = affine(flat_x, kernel).reshape(n_batch, n_frames, 4 * n)
    cells = np.empty((n_batch, n_frames, n), x.dtype)
    y = np.empty((n_batch, n_frames, n), x.dtype)
    parts = shares(n_batch)
    shared = (gates, cells, y, state, cell, even_rows(recurrent_kernel.T), bias)
    run_parts(lstm_forward, [(*shared, *part) for part in parts])

    def pullback(bars):
        y_bar, last_bar = bars
        gates_bar = np.empty((n_batch, n_frames, 4 * n), x.dtype)
        bias_bars = np.zeros((len(parts), 4 * n))
        state_bar, cell_bar = np.empty_like(state), last_bar.copy()
        kept = (state_bar, cell_bar, y_bar, gates, cells, cell, even_rows(recurrent_kernel))
        run_parts(
            lstm_backward,
            [(gates_bar, bias_bars[i], *kept, *part) for i, part in enumerate(parts)],
        )
        gates_bar = gates_bar.reshape(n_batch * n_frames, 4 * n)
        before = np.concatenate([state[:, None], y[:, :-1]], axis=1)
        return (
            affine(gates_bar, kernel.T).reshape(x.shape),
            state_bar,
            cell_bar,
            transposed_product(flat_x, gates_bar),
            transposed_product(before.reshape(n_batch * n_frames, n), gates_bar),
            bias_bars.sum(axis=0).astype(x.dtype),
        )

    return (y, cells[:, -1].copy()), pullback


def check(dims):
    n_gates, n_hidden = dims["n_gates"], dims["n_hidden"]
    require(
        n_gates == 4 * n_hidden,
        f"the kernels have {n_gates} columns, must be four per unit, {4 * n_hidden} "
        f"for {n_hidden} units",
    )


def _random(n_frames, n_in, n_hidden, seed=0):
    rng = np.random.default_rng(seed)
    shapes = (
        (n_frames, n_in),
        (n_hidden,),
        (n_hidden,),
        (n_in, 4 * n_hidden),
        (n_hidden, 4 * n_hidden),
        (4 * n_hidden,),
    )
    return [0.7 * rng.standard_normal(shape) for shape in shapes]


def cases():
    # i = 1/4, f = 3/4, g = 3/5, o = 1/2 from the biases: c = 3/4 c + 3/20, h = tanh(c) / 2
    log_2, log_3 = math.log(2.0), math.log(3.0)
    bias = np.array([-log_3, log_3, log_2, 0.0])
    frames, none = np.array([[1.0], [0.0]]), np.zeros((1, 4))
    memories = np.array([1.65, 1.3875])
    # the forget gate alone reads the input, 3/4 then 1/2: 3/4 * 2 = 3/2, then 3/4
    forget = np.array([[0.0, log_3, 0.0, 0.0]])
    kept = np.tanh(np.array([[1.5], [0.75]])) / 2
    typical = _random(5, 3, 3)
    wrong = [*typical[:3], np.zeros((3, 9)), np.zeros((3, 9)), np.zeros(9)]
    far = [*typical[:3], 40 * typical[3], *typical[4:]]
    return [
        Case("by hand", [frames, [0.0], [2.0], none, none, bias],
             expected=(np.tanh(memories)[:, None] / 2, memories[1:])),
        Case("by hand, input", [frames, [0.0], [2.0], forget, none, np.zeros(4)],
             expected=(kept, np.array([0.75]))),
        Case("typical", typical),
        Case("batch", [np.stack([typical[0], -typical[0]]), *typical[1:]]),
        Case("one frame, one unit", _random(1, 2, 1, seed=1)),
        Case("saturated gates", far),
        Case("three gates", wrong, error="have 9 columns, must be four per unit, 12 for 3 units"),
        Case("memory of another size", [*typical[:2], np.zeros(2), *typical[3:]],
             error=r"cell has shape \(2,\), must be \(\.\.\., n_hidden\) with n_hidden=3"),
    ]  # fmt: skip


lstm = Op(
    "lstm",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames,n_in),(n_hidden),(n_hidden),[n_in,n_gates],[n_hidden,n_gates],[n_gates]"
    "->(n_frames,n_hidden),(n_hidden)",
    source="keras 2.15, LSTMCell; Hochreiter and Schmidhuber 1997; Gers et al. 2000",
)
