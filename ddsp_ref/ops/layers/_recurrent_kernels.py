"""The recurrences of GRU and LSTM, forwards and backwards, for a few sequences at once."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.jit import njit, njit_relaxed, ranges
from ddsp_ref.ops._exponentials import decay
from ddsp_ref.ops._products import aligned, aligned_room

_MOST = 4  # sequences that share one pass over the weights


def shares(n_batch):
    """Cut a batch into parts: by size alone, so that results do not depend on threads.

    Few sequences are cut in two: what a pass over the weights costs is reading them.
    """
    return ranges(n_batch, max(1, min(_MOST, (n_batch + 1) // 2)))


def even_rows(matrix):
    """Copy a matrix row by row, with a row of zeros added if their number is odd."""
    n_rows, n_columns = matrix.shape
    n_even = n_rows + n_rows % 2
    copy = aligned_room(n_even * n_columns, matrix.dtype).reshape(n_even, n_columns)
    copy[:n_rows], copy[n_rows:] = matrix, 0
    return copy


@njit
def _aligned_rows(n_rows, n_columns, dtype):
    return aligned(n_rows * n_columns, dtype).reshape(n_rows, n_columns)


@njit_relaxed
def _sigmoid(x):
    e = decay(abs(x))
    return (1.0 if x >= 0 else e) / (1.0 + e)


@njit_relaxed
def _tanh(x):
    e = decay(2.0 * abs(x))
    return math.copysign((1.0 - e) / (1.0 + e), x)


@njit_relaxed
def _multiply_one(a, w, out):
    """Do this for the last row: one row of weights after the other, as fast as they can be read."""
    last = a.shape[0] - 1
    for j in range(w.shape[0]):
        own, total = w[j], a.dtype.type(0)
        for k in range(a.shape[1]):
            total += a[last, k] * own[k]
        out[last, j] = total


@njit_relaxed
def _multiply(a, w, out):
    """out[b, j] = sum over k of a[b, k] * w[j, k], for an even number of j.

    Four rows by two columns keep all sums in registers: on few rows this reaches what BLAS
    reaches on large matrices, and a thread runs through a whole sequence without meeting others.
    """
    n_rows, n_k = a.shape
    n_quads = n_rows - n_rows % 4
    zero = a.dtype.type(0)
    for j in range(0, w.shape[0], 2):
        w0, w1 = w[j], w[j + 1]
        for b in range(0, n_quads, 4):
            a0, a1, a2, a3 = a[b], a[b + 1], a[b + 2], a[b + 3]
            s00 = s01 = s10 = s11 = s20 = s21 = s30 = s31 = zero
            for k in range(n_k):
                s00 += a0[k] * w0[k]
                s01 += a0[k] * w1[k]
                s10 += a1[k] * w0[k]
                s11 += a1[k] * w1[k]
                s20 += a2[k] * w0[k]
                s21 += a2[k] * w1[k]
                s30 += a3[k] * w0[k]
                s31 += a3[k] * w1[k]
            out[b, j], out[b, j + 1] = s00, s01
            out[b + 1, j], out[b + 1, j + 1] = s10, s11
            out[b + 2, j], out[b + 2, j + 1] = s20, s21
            out[b + 3, j], out[b + 3, j + 1] = s30, s31
        if n_rows - n_quads > 1:
            a0, a1 = a[n_quads], a[n_quads + 1]
            s00 = s01 = s10 = s11 = zero
            for k in range(n_k):
                s00 += a0[k] * w0[k]
                s01 += a0[k] * w1[k]
                s10 += a1[k] * w0[k]
                s11 += a1[k] * w1[k]
            out[n_quads, j], out[n_quads, j + 1] = s00, s01
            out[n_quads + 1, j], out[n_quads + 1, j + 1] = s10, s11
    if n_rows % 2:
        _multiply_one(a, w, out)


# In the kernels below the loops are short on purpose: with more arrays in one loop the
# compiler no longer proves that they do not overlap, and gives up on vector code.


@njit_relaxed
def gru_forward(gates, inner, y, state, weights, bias, recurrent_bias, start, stop):
    """Run sequences start..stop; gates holds x @ kernel and is overwritten with z, r, candidate.

    inner keeps the recurrent part of the candidate, before the reset gate.
    """
    n = state.shape[1]
    h = _aligned_rows(stop - start, n, y.dtype)
    h[:] = state[start:stop]
    recurrent = _aligned_rows(stop - start, weights.shape[0], y.dtype)
    for t in range(y.shape[1]):
        _multiply(h, weights, recurrent)
        for b in range(stop - start):
            gate, c, h_b, y_t = gates[start + b, t], inner[start + b, t], h[b], y[start + b, t]
            z, r, candidate = gate[:n], gate[n : 2 * n], gate[2 * n :]
            rec, rec_h = recurrent[b], recurrent[b, 2 * n :]
            bias_h, recurrent_bias_h = bias[2 * n :], recurrent_bias[2 * n :]
            for i in range(2 * n):
                gate[i] = _sigmoid(float(gate[i] + bias[i] + rec[i] + recurrent_bias[i]))
            for i in range(n):
                c[i] = rec_h[i] + recurrent_bias_h[i]
            for i in range(n):
                candidate[i] = _tanh(float(candidate[i] + bias_h[i] + r[i] * c[i]))
            for i in range(n):
                h_b[i] = candidate[i] + z[i] * (h_b[i] - candidate[i])
            for i in range(n):
                y_t[i] = h_b[i]


@njit_relaxed
def gru_backward(bars, bias_bars, state_bar, y_bar, y, gates, inner, state, weights, start, stop):
    """Walk sequences start..stop backwards.

    bars[b, t] gets four cotangents: candidate, z, r, inner. The first three are those of the
    weighted input, the last three those of the weighted state. bias_bars is their sum.
    """
    n = state.shape[1]
    h_bar = np.zeros((stop - start, n), y.dtype)
    recurrent_bar = _aligned_rows(stop - start, 3 * n, y.dtype)
    product = _aligned_rows(stop - start, weights.shape[0], y.dtype)
    for t in range(y.shape[1] - 1, -1, -1):
        for b in range(stop - start):
            gate, c = gates[start + b, t], inner[start + b, t]
            z, r, candidate = gate[:n], gate[n : 2 * n], gate[2 * n :]
            before = y[start + b, t - 1] if t > 0 else state[start + b]
            h_b, y_bar_t = h_bar[b], y_bar[start + b, t]
            bar = bars[start + b, t]
            candidate_bar, z_bar = bar[:n], bar[n : 2 * n]
            r_bar, inner_bar = bar[2 * n : 3 * n], bar[3 * n :]
            for i in range(n):
                h_b[i] += y_bar_t[i]
            for i in range(n):
                candidate_bar[i] = h_b[i] * (1 - z[i]) * (1 - candidate[i] * candidate[i])
            for i in range(n):
                z_bar[i] = h_b[i] * (before[i] - candidate[i]) * z[i] * (1 - z[i])
            for i in range(n):
                r_bar[i] = candidate_bar[i] * c[i] * r[i] * (1 - r[i])
            for i in range(n):
                inner_bar[i] = candidate_bar[i] * r[i]
            for i in range(3 * n):
                recurrent_bar[b, i] = bar[n + i]
            for i in range(n):
                h_b[i] *= z[i]
            for i in range(4 * n):
                bias_bars[i] += bar[i]
        _multiply(recurrent_bar, weights, product)
        for b in range(stop - start):
            for i in range(n):
                h_bar[b, i] += product[b, i]
    for b in range(stop - start):
        for i in range(n):
            state_bar[start + b, i] = h_bar[b, i]


@njit_relaxed
def lstm_forward(gates, cells, y, state, cell, weights, bias, start, stop):
    """Run sequences start..stop; gates holds x @ kernel and is overwritten with i, f, g, o.

    cells gets the memory after each frame.
    """
    n = state.shape[1]
    h = _aligned_rows(stop - start, n, y.dtype)
    h[:] = state[start:stop]
    c = cell[start:stop].copy()
    recurrent = _aligned_rows(stop - start, weights.shape[0], y.dtype)
    for t in range(y.shape[1]):
        _multiply(h, weights, recurrent)
        for b in range(stop - start):
            gate, c_b, h_b = gates[start + b, t], c[b], h[b]
            rec, c_t, y_t = recurrent[b], cells[start + b, t], y[start + b, t]
            i, f, g, o = gate[:n], gate[n : 2 * n], gate[2 * n : 3 * n], gate[3 * n :]
            for k in range(4 * n):
                gate[k] += bias[k] + rec[k]
            for k in range(2 * n):
                gate[k] = _sigmoid(float(gate[k]))
            for k in range(n):
                g[k] = _tanh(float(g[k]))
            for k in range(n):
                o[k] = _sigmoid(float(o[k]))
            for k in range(n):
                c_b[k] = f[k] * c_b[k] + i[k] * g[k]
            for k in range(n):
                h_b[k] = o[k] * _tanh(float(c_b[k]))
            for k in range(n):
                c_t[k] = c_b[k]
            for k in range(n):
                y_t[k] = h_b[k]


@njit_relaxed
def lstm_backward(
    bars, bias_bars, state_bar, cell_bar, y_bar, gates, cells, cell, weights, start, stop
):
    """Walk sequences start..stop backwards.

    bars[b, t] gets the cotangents of the four gates before their nonlinearities, in the order of
    the kernel, bias_bars their sum. cell_bar holds that of the last memory, and gets the first's.
    """
    n = cell.shape[1]
    h_bar = np.zeros((stop - start, n), y_bar.dtype)
    c_bar = cell_bar[start:stop].copy()
    gates_bar = _aligned_rows(stop - start, 4 * n, y_bar.dtype)
    product = _aligned_rows(stop - start, weights.shape[0], y_bar.dtype)
    squashed = np.empty(n, y_bar.dtype)
    for t in range(y_bar.shape[1] - 1, -1, -1):
        for b in range(stop - start):
            gate, c_t, bar = gates[start + b, t], cells[start + b, t], bars[start + b, t]
            i, f, g, o = gate[:n], gate[n : 2 * n], gate[2 * n : 3 * n], gate[3 * n :]
            before = cells[start + b, t - 1] if t > 0 else cell[start + b]
            h_b, c_b, y_bar_t, kept = h_bar[b], c_bar[b], y_bar[start + b, t], gates_bar[b]
            i_bar, f_bar, g_bar, o_bar = bar[:n], bar[n : 2 * n], bar[2 * n : 3 * n], bar[3 * n :]
            for k in range(n):
                squashed[k] = _tanh(float(c_t[k]))
            for k in range(n):
                h_b[k] += y_bar_t[k]
            for k in range(n):
                o_bar[k] = h_b[k] * squashed[k] * o[k] * (1 - o[k])
            for k in range(n):
                c_b[k] += h_b[k] * o[k] * (1 - squashed[k] * squashed[k])
            for k in range(n):
                i_bar[k] = c_b[k] * g[k] * i[k] * (1 - i[k])
            for k in range(n):
                f_bar[k] = c_b[k] * before[k] * f[k] * (1 - f[k])
            for k in range(n):
                g_bar[k] = c_b[k] * i[k] * (1 - g[k] * g[k])
            for k in range(n):
                c_b[k] *= f[k]
            for k in range(4 * n):
                kept[k] = bar[k]
            for k in range(4 * n):
                bias_bars[k] += bar[k]
        _multiply(gates_bar, weights, product)
        for b in range(stop - start):
            for k in range(n):
                h_bar[b, k] = product[b, k]
    for b in range(stop - start):
        for k in range(n):
            state_bar[start + b, k] = h_bar[b, k]
        for k in range(n):
            cell_bar[start + b, k] = c_bar[b, k]
