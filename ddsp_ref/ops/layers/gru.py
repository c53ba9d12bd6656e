"""Gated recurrent unit: the memory of a decoder."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import run_parts
from ddsp_ref.op import Case, Op
from ddsp_ref.ops._products import affine, transposed_product
from ddsp_ref.ops.layers._recurrent_kernels import even_rows, gru_backward, gru_forward, shares

LN_2 = math.log(2.0)


def define(x, state, kernel, recurrent_kernel, bias, recurrent_bias, *, xp=np):
    """Run a gated recurrent unit over a sequence of frames.

    With ``a = x[t] @ kernel + bias`` and ``c = h @ recurrent_kernel + recurrent_bias``, each
    split into three gates (z, r, h): ``z = sigmoid(a_z + c_z)``, ``r = sigmoid(a_r + c_r)``,
    ``n = tanh(a_h + r * c_h)`` and the new state is ``h = z * h + (1 - z) * n``.

    Parameters
    ----------
    x : array, shape (..., n_frames, n_in)
        Input sequence.
    state : array, shape (..., n_hidden)
        State before the first frame: zeros, or the last frame of an earlier call.
    kernel : array, shape (n_in, 3 * n_hidden)
        Weights of the input, columns in the order update z, reset r, candidate h.
    recurrent_kernel : array, shape (n_hidden, 3 * n_hidden)
        Weights of the state, same order of columns.
    bias : array, shape (3 * n_hidden,)
        Added to the weighted input: row 0 of the bias of a Keras GRU.
    recurrent_bias : array, shape (3 * n_hidden,)
        Added to the weighted state: row 1 of the bias of a Keras GRU.

    Returns
    -------
    array, shape (..., n_frames, n_hidden)
        State after each frame; the last one is the state to go on from.

    Raises
    ------
    ParameterError
        If the kernels do not have three columns per unit.

    Notes
    -----
    Gradient: backpropagation through all frames; no truncation.
    Precision: gates are evaluated in double precision, products in that of the inputs.
    Source: Cho et al. 2014, with the reset gate after the product as in cuDNN;
    keras 2.15, GRUCell with reset_after=True, the default that magenta/ddsp 3.7.0 uses.
    Differences: the two rows of the Keras bias are two arrays; the state is always given.
    PyTorch orders the gates r, z, n.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> weights = np.ones((1, 3)), np.ones((1, 3)), np.zeros(3), np.zeros(3)
    >>> ddsp_ref.gru(np.ones((2, 1)), np.zeros(1), *weights).round(4)
    array([[0.2048],
           [0.3468]])
    """
    n = state.shape[0]
    frames = []
    h = state
    for x_t in x:
        a = xp.dot(x_t, kernel) + bias
        c = xp.dot(h, recurrent_kernel) + recurrent_bias
        z = 1.0 / (1.0 + xp.exp(-(a[:n] + c[:n])))
        r = 1.0 / (1.0 + xp.exp(-(a[n : 2 * n] + c[n : 2 * n])))
        candidate = xp.tanh(a[2 * n :] + r * c[2 * n :])
        h = z * h + (1.0 - z) * candidate
        frames.append(h)
    return xp.stack(frames)


def run(gates, state, weights, bias, recurrent_bias):
    """Return the states after each frame, and what else their gradient needs.

    `gates`, shape (n_batch, n_frames, 3 * n_hidden), holds x @ kernel and is overwritten;
    `weights` are those of `as_weights`.
    """
    n_batch, n_frames, _ = gates.shape
    inner = np.empty((n_batch, n_frames, state.shape[1]), gates.dtype)
    y = np.empty_like(inner)
    shared = (gates, inner, y, state, weights, bias, recurrent_bias)
    run_parts(gru_forward, [(*shared, *part) for part in shares(n_batch)])
    return y, inner


def as_weights(recurrent_kernel):
    """Return the recurrent kernel as `run` reads it."""
    return even_rows(recurrent_kernel.T)


def vjp(x, state, kernel, recurrent_kernel, bias, recurrent_bias):
    n_batch, n_frames, n_in = x.shape
    n = state.shape[1]
    flat_x = x.reshape(n_batch * n_frames, n_in)
    gates = affine(flat_x, kernel).reshape(n_batch, n_frames, 3 * n)
    y, inner = run(gates, state, as_weights(recurrent_kernel), bias, recurrent_bias)

    def pullback(y_bar):
        parts = shares(n_batch)
        bars = np.empty((n_batch, n_frames, 4 * n), x.dtype)
        bias_bars = np.zeros((len(parts), 4 * n))
        state_bar = np.empty_like(state)
        kept = (state_bar, y_bar, y, gates, inner, state, even_rows(recurrent_kernel))
        run_parts(
            gru_backward,
            [(bars, bias_bars[i], *kept, *part) for i, part in enumerate(parts)],
        )
        bars = bars.reshape(n_batch * n_frames, 4 * n)
        bias_bar = bias_bars.sum(axis=0).astype(x.dtype)
        before = np.concatenate([state[:, None], y[:, :-1]], axis=1)
        before = before.reshape(n_batch * n_frames, n)
        # the columns of bars stand in the order candidate, z, r: h, z, r of the kernel
        gate_bars = bars[:, : 3 * n]
        x_bar = affine(gate_bars, np.roll(kernel, n, axis=1).T)
        return (
            x_bar.reshape(x.shape),
            state_bar,
            np.roll(transposed_product(flat_x, gate_bars), -n, axis=1),
            transposed_product(before, bars[:, n:]),
            np.roll(bias_bar[: 3 * n], -n),
            bias_bar[n:],
        )

    return y, pullback


def check(dims):
    n_gates, n_hidden = dims["n_gates"], dims["n_hidden"]
    require(
        n_gates == 3 * n_hidden,
        f"the kernels have {n_gates} columns, must be three per unit, {3 * n_hidden} "
        f"for {n_hidden} units",
    )


def _random(n_frames, n_in, n_hidden, seed=0):
    rng = np.random.default_rng(seed)
    shapes = (
        (n_frames, n_in),
        (n_hidden,),
        (n_in, 3 * n_hidden),
        (n_hidden, 3 * n_hidden),
        (3 * n_hidden,),
        (3 * n_hidden,),
    )
    return [0.7 * rng.standard_normal(shape) for shape in shapes]


def cases():
    frames, one, none = np.array([[1.0], [0.0]]), np.ones(1), np.zeros((1, 3))
    # z = 3/4, r = 1/2 and c_h = 2 ln 2 from the biases: candidate = tanh(ln 2) = 3/5
    log_3 = math.log(3.0)
    biases = np.array([log_3, 0.0, 0.0]), np.array([0.0, 0.0, 2 * LN_2])
    # x = 1 in the first frame makes z = 9/10 and the candidate tanh(2 ln 2) = 15/17
    kernel = np.array([[log_3, 0.0, LN_2]])
    first = 0.9 + 0.1 * 15 / 17
    # h = 1 makes z = 1/2, r = 3/4 and c_h = 4 ln 2: candidate = tanh(3 ln 2) = 63/65
    recurrent_kernel = np.array([[-log_3, log_3, 2 * LN_2]])
    typical = _random(4, 2, 3, seed=4)
    far = np.resize([60.0, -60.0, 0.0], 9)
    wrong = [np.zeros((4, 2)), np.zeros(3), np.zeros((2, 6)), np.zeros((3, 6)), *np.zeros((2, 6))]
    return [
        # h = 3/4 h + 1/4 * 3/5 from 1: 0.9, then 0.825
        Case(
            "by hand, biases alone",
            [frames, one, none, none, *biases],
            expected=np.array([[0.9], [0.825]]),
        ),
        Case(
            "by hand, input weights",
            [frames, one, kernel, none, *biases],
            expected=np.array([[first], [0.75 * first + 0.15]]),
        ),
        Case(
            "by hand, recurrent weights",
            [frames[:1], one, none, recurrent_kernel, *biases],
            expected=np.array([[0.5 + 0.5 * 63 / 65]]),
        ),
        Case("typical", _random(6, 3, 4)),
        Case("odd number of units", _random(4, 2, 5, seed=1)),
        Case("one frame", _random(1, 2, 3, seed=2)),
        Case("one unit", _random(5, 1, 1, seed=3)),
        Case("saturated gates", [*typical[:4], far, typical[5]]),
        Case("two gates", wrong, error="have 6 columns, must be three per unit, 9 for 3 units"),
        Case(
            "state of another size",
            [typical[0], np.zeros(2), *typical[2:]],
            error=r"recurrent_kernel has shape \(3, 9\), must be \(n_hidden, n_gates\) with n_hid",
        ),
    ]


gru = Op(
    "gru",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames,n_in),(n_hidden),[n_in,n_gates],[n_hidden,n_gates],[n_gates],[n_gates]"
    "->(n_frames,n_hidden)",
    source="keras 2.15, GRUCell with reset_after=True; Cho et al. 2014",
)
