"""CREPE's network: from a frame of sound to the activations of its 360 bins of pitch.

Six convolutions, each rectified, normalised and halved in time, and one dense layer. A convolution
is a product of overlapping rows: the samples that an output sees stand beside each other in memory.
Where there are few channels, several outputs in a row are one row of the product.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import as_strided
from safetensors.numpy import load_file

from ddsp_ref.analysis._checks import real_array
from ddsp_ref.errors import require
from ddsp_ref.jit import njit, ranges, read_only, run_parts
from ddsp_ref.ops._products import aligned_room, as_tiles, multiply
from ddsp_ref.ops.layers.dense import dense
from ddsp_ref.ops.layers.sigmoid import sigmoid

RATE, FRAME_LENGTH, N_BINS = 16_000, 1024, 360
N_CONVOLUTIONS = 6
_STRIDE = 4  # of the first convolution
_VECTORS = "bias", "scale", "shift"
_WIDEST = 64  # columns that make a product fast
_MOST_CHANNELS = 1024  # of any of CREPE's networks
_BLOCK = 16  # frames of a part of the work
_TINY = Path(__file__).parent / "data" / "crepe_tiny.safetensors"


@dataclass(frozen=True)
class _Layer:
    """One convolution, ready to be multiplied."""

    n_times: int  # of its output
    n_before: int  # zeros in front of its input
    n_seen: int  # numbers that one row sees
    step: int  # from one row to the next
    tiles: np.ndarray
    bias: np.ndarray
    scale: np.ndarray
    shift: np.ndarray


def _take(
    weights: Mapping[str, np.ndarray], name: str, shape: tuple[int | None, ...]
) -> np.ndarray:
    """Return a weight, a copy, or raise `ParameterError`."""
    require(name in weights, f"CrepeNetwork: the weights have no {name}")
    array = np.array(weights[name], np.float32)
    fits = array.ndim == len(shape) and all(
        n in (None, found) for n, found in zip(shape, array.shape)
    )
    wanted = ", ".join("any" if n is None else str(n) for n in shape)
    require(
        fits,
        f"CrepeNetwork: {name} has shape {array.shape}, must be "
        f"({wanted}{',' if len(shape) == 1 else ''})",
    )
    require(bool(np.isfinite(array).all()), f"CrepeNetwork: {name} is not finite")
    return array


def _prepare(n_times: int, stride: int, kernel: np.ndarray, *vectors: np.ndarray) -> _Layer:
    """Return a layer; a row of its product is as many outputs in a row as make it wide enough."""
    n_taps, n_in, n_out = kernel.shape
    n_beside = math.gcd(n_times // stride, max(1, _WIDEST // n_out))
    wide = np.zeros((n_taps + (n_beside - 1) * stride, n_in, n_beside, n_out), np.float32)
    for i in range(n_beside):
        wide[i * stride : i * stride + n_taps, :, i] = kernel
    bias, scale, shift = vectors
    return _Layer(
        n_times=n_times // stride,
        n_before=(n_taps - stride) // 2,
        n_seen=len(wide) * n_in,
        step=n_beside * stride * n_in,
        tiles=as_tiles(wide.reshape(-1, n_beside * n_out), np.float32),
        bias=read_only(np.tile(bias, n_beside)),
        scale=read_only(scale),
        shift=read_only(shift),
    )


@njit
def _rectify_and_halve(y, scale, shift, x):
    """x = the larger of two neighbours in time, after scale * relu(y) + shift."""
    for t in range(x.shape[0]):
        for c in range(x.shape[1]):
            a = max(y[2 * t, c], 0) * scale[c] + shift[c]
            b = max(y[2 * t + 1, c], 0) * scale[c] + shift[c]
            x[t, c] = max(a, b)


class CrepeNetwork:
    """CREPE's network with given weights.

    Parameters
    ----------
    weights : mapping of str to ndarray
        For i from 0 to 5 ``convolution/i/kernel`` (n_taps, n_in, n_out), ``convolution/i/bias``,
        ``.../scale`` and ``.../shift`` (n_out,) of the normalisation; ``classifier/kernel``
        (n_features, 360), time after time, and ``classifier/bias``.

    Raises
    ------
    ParameterError
        If a weight is missing or not finite, or its shape does not fit the others'.

    Notes
    -----
    Source: Kim, Salamon, Li and Bello, "CREPE: a convolutional representation for pitch
    estimation", ICASSP 2018; crepe 0.0.16, core.py, build_and_load_model: padding 'same', the
    first stride 4, relu before the normalisation.
    """

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        self._layers, n_times, n_in = [], FRAME_LENGTH, 1
        for i in range(N_CONVOLUTIONS):
            stride = 1 if i else _STRIDE
            kernel = _take(weights, f"convolution/{i}/kernel", (None, n_in, None))
            n_taps, _, n_out = kernel.shape
            require(
                stride <= n_taps <= FRAME_LENGTH and 1 <= n_out <= _MOST_CHANNELS,
                f"CrepeNetwork: convolution/{i}/kernel has shape {kernel.shape}, must have "
                f"{stride} to {FRAME_LENGTH} taps and 1 to {_MOST_CHANNELS} channels",
            )
            vectors = (_take(weights, f"convolution/{i}/{name}", (n_out,)) for name in _VECTORS)
            layer = _prepare(n_times, stride, kernel, *vectors)
            self._layers.append(layer)
            n_times, n_in = layer.n_times // 2, n_out
        self._n_features = n_times * n_in
        self._kernel = _take(weights, "classifier/kernel", (self._n_features, N_BINS))
        self._bias = _take(weights, "classifier/bias", (N_BINS,))

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Return the activations of frames.

        Parameters
        ----------
        frames : array, shape (n_frames, 1024)
            Frames at 16 kHz, each with mean 0 and deviation 1, as from `normalize_frames`.

        Returns
        -------
        array, shape (n_frames, 360), float32
            Activations, 0 to 1, for `decode_activations`.

        Raises
        ------
        ParameterError
            If the frames are not finite or of another length.
        """
        frames = real_array("CrepeNetwork: frames", frames, n_axes=2)
        require(
            frames.shape[1] == FRAME_LENGTH,
            f"CrepeNetwork: frames has shape {frames.shape}, must be (n_frames, {FRAME_LENGTH})",
        )
        features = np.empty((len(frames), self._n_features), np.float32)

        def part(begin: int, end: int) -> None:
            room = self._room()
            for i in range(begin, end):
                features[i] = self._features(frames[i], *room)

        run_parts(part, ranges(len(frames), _BLOCK))
        return sigmoid(dense(features, self._kernel, self._bias))

    def _room(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return inputs of all layers, with zeros at their ends, and outputs."""
        inputs, outputs = [], []
        for layer in self._layers:
            n_rows = layer.n_times * len(layer.scale) // len(layer.bias)
            inputs.append(np.zeros((n_rows - 1) * layer.step + layer.n_seen, np.float32))
            room = aligned_room(layer.n_times * len(layer.scale), np.float32)
            outputs.append(room.reshape(n_rows, len(layer.bias)))
        return inputs, outputs

    def _features(
        self, frame: np.ndarray, inputs: list[np.ndarray], outputs: list[np.ndarray]
    ) -> np.ndarray:
        x = frame[:, None]
        for layer, padded, y in zip(self._layers, inputs, outputs):
            begin = layer.n_before * x.shape[1]
            padded[begin : begin + x.size] = x.reshape(-1)
            rows = as_strided(padded, (len(y), layer.n_seen), (4 * layer.step, 4), writeable=False)
            multiply(rows, layer.tiles, layer.bias, y)
            y = y.reshape(layer.n_times, -1)
            x = np.empty((layer.n_times // 2, y.shape[1]), np.float32)
            _rectify_and_halve(y, layer.scale, layer.shift, x)
        return x.reshape(-1)


def normalize_frames(frames: np.ndarray) -> np.ndarray:
    """Return frames with mean 0 and deviation 1; a frame without any change becomes zeros.

    Examples
    --------
    >>> normalize_frames(np.array([[1.0, 3.0], [2.0, 2.0]]))
    array([[-1.,  1.],
           [ 0.,  0.]])
    """
    frames = frames - frames.mean(axis=-1, keepdims=True)
    return frames / np.maximum(frames.std(axis=-1, keepdims=True), 1e-8)


@lru_cache(maxsize=1)
def tiny_network() -> CrepeNetwork:
    """Return the smallest of the networks that CREPE's authors trained, which comes with ddsp_ref.

    MIT licence, copyright (c) 2018 Jong Wook Kim; see ``data/crepe_tiny.txt`` beside this file.
    """
    return CrepeNetwork(load_file(_TINY))
