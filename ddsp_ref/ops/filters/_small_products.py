"""Rows times a constant matrix, for matrices so small that calling a library costs more."""

from __future__ import annotations

import numpy as np

from ddsp_ref.jit import njit_relaxed

_ROW = 16  # numbers beside each other: one or two vector registers
_TILE = 4 * _ROW


def as_tiles(matrix, dtype):
    """Return a matrix in the order in which `multiply` reads it, padded by zeros.

    That is tiles of 4 by 16, those that belong to the same four rows after each other.
    """
    n_rows, n_columns = (-(-n // step) for n, step in zip(matrix.shape, (4, _ROW)))
    padded = np.zeros((4 * n_rows, _ROW * n_columns))
    padded[: matrix.shape[0], : matrix.shape[1]] = matrix
    tiles = padded.reshape(n_rows, 4, n_columns, _ROW).swapaxes(1, 2)
    tiles = np.ascontiguousarray(tiles.reshape(n_rows, n_columns * _TILE), dtype)
    tiles.flags.writeable = False
    return tiles


@njit_relaxed
def _add_products(weights, tiles, sums):
    """sums += weights @ matrix, four rows of each at a time; the sums are in tiles, too."""
    a, b, c, d = weights[0], weights[1], weights[2], weights[3]
    for j in range(tiles.shape[0]):
        k = 4 * j
        a0, a1, a2, a3 = a[k], a[k + 1], a[k + 2], a[k + 3]
        b0, b1, b2, b3 = b[k], b[k + 1], b[k + 2], b[k + 3]
        c0, c1, c2, c3 = c[k], c[k + 1], c[k + 2], c[k + 3]
        d0, d1, d2, d3 = d[k], d[k + 1], d[k + 2], d[k + 3]
        for first in range(0, sums.size, _TILE):
            x, s = tiles[j, first : first + _TILE], sums[first : first + _TILE]
            for i in range(_ROW):
                x0, x1, x2, x3 = x[i], x[i + 16], x[i + 32], x[i + 48]
                s[i] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
                s[i + 16] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
                s[i + 32] += c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
                s[i + 48] += d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3


@njit_relaxed
def multiply(rows, tiles, products):
    """products = rows @ matrix."""
    n_rows, n_in = rows.shape
    n_out = products.shape[1]
    weights = np.zeros((4, 4 * tiles.shape[0]), rows.dtype)
    sums = np.empty(tiles.shape[1], rows.dtype)
    for first in range(0, n_rows, 4):
        n = min(4, n_rows - first)
        for r in range(n):
            row, own = rows[first + r], weights[r]
            for i in range(n_in):
                own[i] = row[i]
        for i in range(sums.size):
            sums[i] = 0
        _add_products(weights, tiles, sums)
        for r in range(n):
            product, own = products[first + r], sums[_ROW * r :]
            for begin in range(0, n_out - _ROW + 1, _ROW):
                target, source = product[begin:], own[4 * begin :]
                for i in range(_ROW):
                    target[i] = source[i]
            for i in range(n_out - n_out % _ROW, n_out):
                product[i] = own[4 * (i - i % _ROW) + i % _ROW]
