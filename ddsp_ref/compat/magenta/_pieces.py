"""Bookkeeping between ops, with its pullbacks: axes, slices, sums, padding."""

from __future__ import annotations

import numpy as np

from ddsp_ref.compat.magenta._record import Piece, operator


def unbroadcast(bar, shape):
    """Sum a cotangent over the axes along which its array was repeated."""
    if np.shape(bar) == shape:
        return bar
    bar = bar.sum(axis=tuple(range(bar.ndim - len(shape))))
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and bar.shape[i] != 1)
    return bar.sum(axis=axes, keepdims=True)


@operator
def add(a, b):
    return a + b, lambda bar: (unbroadcast(bar, np.shape(a)), unbroadcast(bar, np.shape(b)))


@operator
def multiply(a, b):
    def pullback(bar):
        return unbroadcast(bar * b, np.shape(a)), unbroadcast(bar * a, np.shape(b))

    return a * b, pullback


@operator
def take(x, *, index):
    def pullback(bar):
        x_bar = np.zeros_like(x)
        if isinstance(index, np.ndarray) and index.dtype.kind == "i":  # places may come twice
            np.add.at(x_bar, index, bar)
        else:
            x_bar[index] = bar
        return (x_bar,)

    return x[index], pullback


@operator
def reshape(x, *, shape):
    return x.reshape(shape), lambda bar: (bar.reshape(x.shape),)


@Piece
def moveaxis(x, *, start, stop):
    return np.moveaxis(x, start, stop), lambda bar: (np.moveaxis(bar, stop, start),)


@Piece
def concatenate(*arrays, axis=-1):
    stops = np.cumsum([a.shape[axis] for a in arrays])[:-1]
    return np.concatenate(arrays, axis), lambda bar: tuple(np.split(bar, stops, axis))


@Piece
def repeat_batch(x, *, n_batch):
    """Repeat the one element of a batch."""
    y = np.broadcast_to(x, (n_batch, *x.shape[1:])).copy()
    return y, lambda bar: (bar.sum(axis=0, keepdims=True),)


@Piece
def mean(x, *, axis=None, keepdims=False):
    y = np.mean(x, axis=axis, keepdims=keepdims)
    n = x.size // max(y.size, 1)

    def pullback(bar):
        if axis is not None and not keepdims:
            bar = np.expand_dims(bar, axis)
        return (np.broadcast_to(bar / x.dtype.type(n), x.shape),)

    return y, pullback


@Piece
def pad(x, *, widths, mode="constant", constant_values=0.0):
    """Pad as NumPy does; what is repeated adds up on the way back."""
    places = np.pad(np.arange(x.size).reshape(x.shape), widths, mode, **_value(mode, -1))
    y = np.pad(x, widths, mode, **_value(mode, constant_values))

    def pullback(bar):
        kept = places >= 0
        x_bar = np.bincount(places[kept], weights=bar[kept], minlength=x.size)
        return (x_bar.reshape(x.shape).astype(x.dtype),)

    return y, pullback


def _value(mode, value):
    return {"constant_values": value} if mode == "constant" else {}


@Piece
def replace_nan(x, *, value):
    broken = np.isnan(x)
    return np.where(broken, x.dtype.type(value), x), lambda bar: (np.where(broken, 0, bar),)


@Piece
def complex_of(real, imaginary):
    """Join real and imaginary part; a cotangent G stands for Re(sum(y * conj(G)))."""
    return real + 1j * imaginary, lambda bar: (bar.real, bar.imag)
