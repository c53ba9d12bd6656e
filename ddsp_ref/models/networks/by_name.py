"""Networks whose inputs and outputs have names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.networks.network import Network, Pullback, Sizes, Value, Weights
from ddsp_ref.ops.resampling.resample_linear import resample_linear

Splits = Sequence[tuple[str, int]]
Outputs = dict[str, np.ndarray]


def split_to_dict(y: np.ndarray, splits: Splits) -> Outputs:
    """Cut the last axis into named pieces.

    Parameters
    ----------
    y : ndarray, shape (..., n)
        What is cut; the pieces are views of it.
    splits : sequence of (str, int)
        Name and number of channels of each piece, n together.

    Returns
    -------
    dict of str to ndarray
        The pieces.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, split_to_dict.

    Examples
    --------
    >>> split_to_dict(np.arange(3), [("a", 1), ("b", 2)])
    {'a': array([0]), 'b': array([1, 2])}
    """
    total = sum(size for _, size in splits)
    require(
        y.shape[-1] == total,
        f"split_to_dict: y has {y.shape[-1]} channels, must have {total}, the sum of the splits",
    )
    ends = np.cumsum([size for _, size in splits])
    return {name: y[..., end - size : end] for (name, size), end in zip(splits, ends)}


def join_splits(bars: Mapping[str, np.ndarray], splits: Splits) -> np.ndarray:
    """Put named pieces side by side again, the inverse of `split_to_dict`."""
    return np.concatenate([bars[name] for name, _ in splits], axis=-1)


class NamedNetwork(Network):
    """A network that takes and returns arrays by name.

    It takes a dictionary, in which other names are passed over, or a tuple in the order of
    `input_keys`; cotangents of inputs come back in the same form. Cotangents of outputs are
    given by name, and one that is left out counts as 0.

    A subclass gives `input_keys`, `weights` for a tuple of sizes, and `_run_vjp`.
    """

    input_keys: tuple[str, ...] = ()

    def _in_order(self, x: Value) -> tuple:
        """Return inputs, or their sizes, in the order of `input_keys`."""
        who = type(self).__name__
        if isinstance(x, dict):
            missing = [key for key in self.input_keys if key not in x]
            given = ", ".join(x) or "none"
            require(not missing, f"{who}: input {missing[:1]} is missing, got {given}")
            return tuple(x[key] for key in self.input_keys)
        x = x if isinstance(x, tuple) else (x,)
        require(
            len(x) == len(self.input_keys),
            f"{who}: got {len(x)} inputs, takes {len(self.input_keys)}: "
            f"{', '.join(self.input_keys)}",
        )
        return x

    def weights(self, n_in: Sizes) -> list:
        return self._weights(self._in_order(n_in))

    def n_out(self, n_in: Sizes) -> dict[str, int]:
        raise NotImplementedError

    def _weights(self, n_in: tuple) -> list:
        raise NotImplementedError

    def _run_vjp(self, inputs: tuple, weights: Weights) -> tuple[Outputs, Pullback]:
        raise NotImplementedError

    def _vjp(self, x: Value, weights: Weights) -> tuple[Outputs, Pullback]:
        outputs, run_pullback = self._run_vjp(self._in_order(x), weights)

        def pullback(bars: Mapping[str, np.ndarray]):
            unknown = [key for key in bars if key not in outputs]
            known = ", ".join(outputs)
            require(
                not unknown, f"{type(self).__name__}: no output is called {unknown}, only {known}"
            )
            full = {key: np.asarray(bars.get(key, np.zeros_like(y))) for key, y in outputs.items()}
            x_bars, weight_bars = run_pullback(full)
            if not isinstance(x, dict):
                return (x_bars if isinstance(x, tuple) else x_bars[0]), weight_bars
            return _by_key(x, self.input_keys, x_bars), weight_bars

        return outputs, pullback


def _by_key(x: Mapping[str, np.ndarray], keys: Sequence[str], bars: Sequence[np.ndarray]) -> dict:
    """Return a cotangent for each input; where a key is read twice they add up."""
    found = {key: np.zeros(value.shape, bars[0].dtype) for key, value in x.items()}
    for key, bar in zip(keys, bars):
        found[key] = found[key] + bar
    return found


def concatenate_vjp(arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, Pullback]:
    """Put arrays side by side along the last axis."""
    ends = np.cumsum([array.shape[-1] for array in arrays])

    def pullback(bar: np.ndarray) -> list[np.ndarray]:
        return np.split(bar, ends[:-1], axis=-1)

    return np.concatenate(arrays, axis=-1), pullback


class TimeMean(Network):
    """The mean over time, (..., n_frames, n) to (..., 1, n)."""

    def _vjp(self, x: np.ndarray, weights: Weights) -> tuple[np.ndarray, Pullback]:
        def pullback(y_bar: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
            return np.broadcast_to(y_bar / y_bar.dtype.type(x.shape[-2]), x.shape), []

        return x.mean(axis=-2, keepdims=True, dtype=np.float64).astype(x.dtype), pullback


def to_frames_vjp(z: np.ndarray, n_frames: int) -> tuple[np.ndarray, Pullback]:
    """Resample (..., n, ch) to a number of frames, if it has another."""
    if z.shape[-2] == n_frames:
        return z, lambda bar: bar
    y, resample_pullback = resample_linear.vjp(z, n_samples=n_frames)
    return y, lambda bar: resample_pullback(bar)[0]
