"""Matrix products of our own: rows times a matrix, and the transposed product of its gradient.

A library for linear algebra has threads of its own, which wait for each other in loops: when the
processor is shared, a training step takes five times as long. These take part in the house's way
to share work (`run_parts`), and are compiled for the processor at hand, which the library's choice
of kernels may not know.

A tile is four rows of a matrix, 16 columns wide. Four rows of sums are updated by four rows at a
time, so that 16 multiply-adds follow on four loads; blocks of the matrix stay in the second cache.
"""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.jit import njit, njit_relaxed, ranges, read_only, run_parts

_LANES = 16  # numbers beside each other: one or two vector registers
_TILE = 4 * _LANES
_DEPTH, _MOST = 32, 32 * _LANES  # rows and columns of a block of the matrix, 64 kB in float32
_ROW = _MOST + 9 * _LANES  # from one row of sums to the next, which are not to meet in the cache
ROWS = 64  # of sums that are kept while the blocks are gone through
LONG = 2048  # rows that are added up in float32; parts are added in float64
_PART = 1 << 22  # multiply-adds of a part of the work, about 0.05 ms
# The library does products of up to so many multiply-adds in one thread, with less to prepare.
_SMALL = 1 << 18


def aligned_room(n, dtype):
    """Return room that begins with a line of the cache: vectors that cross lines cost double."""
    room = np.empty(n + 64, dtype)
    start = -room.ctypes.data % 64 // room.itemsize
    return room[start : start + n]


# For kernels. What returns arrays must not be called by them and by Python both: after a change in
# one file, numba 0.68 loads copies from its cache that no longer know how to return an array.
aligned = njit(aligned_room)


def _blocks(n_columns):
    """Return how many blocks columns are cut into, and how wide these are."""
    return -(-n_columns // _MOST), min(-(-n_columns // _LANES) * _LANES, _MOST)


def as_tiles(matrix, dtype):
    """Return a matrix in the order in which `multiply` reads it, padded by zeros.

    Shape (column blocks, row groups, tiles of a block): four rows after each other, 512 columns.
    """
    n_groups, (n_blocks, width) = -(-matrix.shape[0] // 4), _blocks(matrix.shape[1])
    padded = matrix
    if matrix.shape != (4 * n_groups, n_blocks * width):
        padded = np.zeros((4 * n_groups, n_blocks * width), dtype)
        padded[: matrix.shape[0], : matrix.shape[1]] = matrix
    tiles = padded.reshape(n_groups, 4, n_blocks, width // _LANES, _LANES)
    tiles = tiles.transpose(2, 0, 3, 1, 4)
    result = aligned_room(tiles.size, dtype).reshape(tiles.shape)
    result[:] = tiles
    return read_only(result.reshape(n_blocks, n_groups, 4 * width))


@njit_relaxed
def _add_products(weights, tiles, n_groups, sums, n_columns):
    """sums += weights @ matrix: four rows of sums, one after the other."""
    a, b, c, d = weights[0], weights[1], weights[2], weights[3]
    for j in range(n_groups):
        k = 4 * j
        a0, a1, a2, a3 = a[k], a[k + 1], a[k + 2], a[k + 3]
        b0, b1, b2, b3 = b[k], b[k + 1], b[k + 2], b[k + 3]
        c0, c1, c2, c3 = c[k], c[k + 1], c[k + 2], c[k + 3]
        d0, d1, d2, d3 = d[k], d[k + 1], d[k + 2], d[k + 3]
        for first in range(0, n_columns, _LANES):
            x, s = tiles[j, 4 * first : 4 * first + _TILE], sums[first:]
            for i in range(_LANES):
                x0, x1, x2, x3 = x[i], x[i + 16], x[i + 32], x[i + 48]
                s[i] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
                s[i + _ROW] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
                s[i + 2 * _ROW] += c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
                s[i + 3 * _ROW] += d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3


@njit_relaxed
def _load(rows, first, begin, weights):
    """Copy a block of four rows; what is missing at the end of a row is 0."""
    n = min(_DEPTH, rows.shape[1] - begin)
    for r in range(min(4, rows.shape[0] - first)):
        row, own = rows[first + r, begin:], weights[r]
        if n == _DEPTH:  # a constant number of moves
            for i in range(_DEPTH):
                own[i] = row[i]
        else:
            for i in range(_DEPTH):
                own[i] = row[i] if i < n else 0


@njit_relaxed
def multiply(rows, tiles, bias, products):
    """products = rows @ matrix + bias."""
    n_rows, n_in = rows.shape
    n_out = products.shape[1]
    weights = np.zeros((4, _DEPTH), rows.dtype)
    width = tiles.shape[2] // 4
    sums = aligned(ROWS * _ROW, rows.dtype).reshape(ROWS // 4, 4 * _ROW)
    for block in range(tiles.shape[0]):
        begin, end = block * width, min((block + 1) * width, n_out)
        for first in range(0, n_rows, ROWS):
            n_groups = (min(ROWS, n_rows - first) + 3) // 4
            for g in range(n_groups):
                for r in range(4):
                    own, start = sums[g, r * _ROW :], bias[begin:end]
                    for i in range(start.size):
                        own[i] = start[i]
                    for i in range(start.size, width):
                        own[i] = 0
            for depth in range(0, n_in, _DEPTH):
                matrix = tiles[block, depth // 4 :]
                n_deep = (min(_DEPTH, n_in - depth) + 3) // 4
                for g in range(n_groups):
                    _load(rows, first + 4 * g, depth, weights)
                    _add_products(weights, matrix, n_deep, sums[g], end - begin)
            for r in range(min(ROWS, n_rows - first)):
                product, own = products[first + r, begin:end], sums[r // 4, r % 4 * _ROW :]
                for i in range(product.size):
                    product[i] = own[i]


def no_bias(n_out, dtype):
    """Return zeros for `multiply`, of the kind that a bias is given as."""
    return read_only(np.zeros(n_out, dtype))


@njit_relaxed
def _add_outer(rows, tiles, n_used, sums):
    """sums += rows.T @ matrix: four rows of either, each group of four columns to its own sums."""
    r0, r1, r2, r3 = rows[0], rows[1], rows[2], rows[3]
    for g in range(sums.shape[0]):
        k = 4 * g
        a0, a1, a2, a3 = r0[k], r1[k], r2[k], r3[k]
        b0, b1, b2, b3 = r0[k + 1], r1[k + 1], r2[k + 1], r3[k + 1]
        c0, c1, c2, c3 = r0[k + 2], r1[k + 2], r2[k + 2], r3[k + 2]
        d0, d1, d2, d3 = r0[k + 3], r1[k + 3], r2[k + 3], r3[k + 3]
        own = sums[g]
        for first in range(0, n_used, _TILE):
            x, s = tiles[first : first + _TILE], own[first : first + _TILE]
            for i in range(_LANES):
                x0, x1, x2, x3 = x[i], x[i + 16], x[i + 32], x[i + 48]
                s[i] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
                s[i + 16] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
                s[i + 32] += c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
                s[i + 48] += d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3


@njit_relaxed
def _pack(rows, begin, end, tiles):
    """Write columns begin to end of up to 64 rows as tiles; missing rows are 0."""
    n = end - begin
    for r in range((rows.shape[0] + 3) // 4 * 4):
        target = tiles[r // 4, _LANES * (r % 4) :]
        for first in range(0, n, _LANES):
            own = target[4 * first :]
            if r < rows.shape[0] and first + _LANES <= n:
                source = rows[r, begin + first :]
                for i in range(_LANES):
                    own[i] = source[i]
            else:
                for i in range(_LANES):
                    known = r < rows.shape[0] and first + i < n
                    own[i] = rows[r, begin + first + i] if known else 0


@njit_relaxed
def add_transposed(rows, others, sums):
    """sums += rows.T @ others, up to 64 rows of both; the sums are tiles, see `from_tiles`."""
    n_rows, n_in = rows.shape
    weights = np.zeros((4, _DEPTH), rows.dtype)
    width = sums.shape[2] // 4
    packed = aligned(ROWS * width, rows.dtype).reshape(ROWS // 4, 4 * width)
    for block in range(sums.shape[0]):
        begin, end = block * width, min((block + 1) * width, others.shape[1])
        n_used = (end - begin + _LANES - 1) // _LANES * _TILE
        _pack(others, begin, end, packed)
        for depth in range(0, n_in, _DEPTH):
            n_deep = (min(_DEPTH, n_in - depth) + 3) // 4
            own = sums[block, depth // 4 : depth // 4 + n_deep]
            for first in range(0, n_rows, 4):  # what stands in weights beyond meets zeros
                _load(rows, first, depth, weights)
                _add_outer(weights, packed[first // 4], n_used, own)


@njit
def add_all_transposed(rows, others, sums):
    """sums += rows.T @ others, for any number of rows."""
    for first in range(0, rows.shape[0], ROWS):
        add_transposed(rows[first : first + ROWS], others[first : first + ROWS], sums)


def no_sums(n_parts, n_in, n_out, dtype):
    """Return zeros for `add_transposed`, for as many parts of the work."""
    n_blocks, width = _blocks(n_out)
    shape = n_parts, n_blocks, -(-n_in // 4), 4 * width
    sums = aligned_room(math.prod(shape), dtype).reshape(shape)
    sums[:] = 0
    return sums


def from_tiles(sums, n_in, n_out):
    """Return the matrix whose tiles are given, as float64 sums over a first axis."""
    n_parts, n_blocks, n_groups, size = sums.shape
    tiles = sums[0] if n_parts == 1 else sums.sum(axis=0, dtype=np.float64)
    tiles = tiles.reshape(n_blocks, n_groups, size // _TILE, 4, _LANES)
    whole = tiles.transpose(1, 3, 0, 2, 4).reshape(4 * n_groups, n_blocks * size // 4)
    return np.ascontiguousarray(whole[:n_in, :n_out], sums.dtype)


def _row_parts(n_rows, size):
    """Cut rows in parts of `size` multiply-adds per row, whole blocks of rows each."""
    return ranges(n_rows, max(_PART // size // ROWS, 1) * ROWS)


def affine(x, matrix, bias=None):
    """Return x @ matrix + bias, which is 0 if not given."""
    (n_rows, n_in), n_out = x.shape, matrix.shape[1]
    bias = no_bias(n_out, x.dtype) if bias is None else bias
    if n_rows * n_in * n_out <= _SMALL:
        y = x @ matrix
        y += bias
        return y
    y, tiles = np.empty((n_rows, n_out), x.dtype), as_tiles(matrix, x.dtype)

    def part(begin, end):
        multiply(x[begin:end], tiles, bias, y[begin:end])

    run_parts(part, _row_parts(n_rows, n_in * n_out))
    return y


def _rows(x):
    """Return the vectors along the last axis as one matrix, of the kind that an op is given."""
    return read_only(x if x.ndim == 2 else np.ascontiguousarray(x).reshape(-1, x.shape[-1]))


def product(x, matrix):
    """Return x @ matrix, whatever axes x has in front of its last."""
    y = affine(_rows(x), matrix)
    return y.reshape(*x.shape[:-1], matrix.shape[1])


def transposed_product(x, y):
    """Return x.T @ y, sums over rows in float64 of float32 sums over 2048 rows.

    Other axes in front of the last are rows, too.
    """
    x, y = _rows(x), _rows(y)
    (n_rows, n_in), n_out = x.shape, y.shape[1]
    if n_rows * n_in * n_out <= _SMALL:
        return x.T @ y
    parts = ranges(n_rows, LONG)
    sums = no_sums(len(parts), n_in, n_out, x.dtype)

    def part(i, begin, end):
        add_all_transposed(x[begin:end], y[begin:end], sums[i])

    run_parts(part, [(i, *rows) for i, rows in enumerate(parts)])
    return from_tiles(sums, n_in, n_out)
