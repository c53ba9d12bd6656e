"""The layers of Keras that the original is made of, their weights in Keras' order and shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ddsp_ref.compat.magenta._layer import Layer
from ddsp_ref.compat.magenta._pieces import concatenate
from ddsp_ref.compat.magenta._record import apply
from ddsp_ref.compat.magenta.processors import as_array
from ddsp_ref.compat.magenta.training.nn._functions import get_nonlinearity
from ddsp_ref.errors import require
from ddsp_ref.models.parameters import orthogonal


def glorot(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw a kernel as Keras does by default; all but the last two axes are its extent."""
    extent = math.prod(shape[:-2])
    limit = math.sqrt(6.0 / (extent * (shape[-2] + shape[-1])))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


class Dense(Layer):
    """Linear map of the last axis; see `dense`. Weights: kernel, bias."""

    n_own = 2

    def __init__(self, units: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def start_weights(self, rng, x_shape):
        return [glorot(rng, (x_shape[-1], self.units)), np.zeros(self.units, np.float32)]

    def call(self, x):
        x = as_array(x)
        return apply("dense", x, *self.own(x.shape))


class LayerNormalization(Layer):
    """Mean 0 and variance 1 over the last axis; see `layer_norm`. Weights: gamma, beta."""

    n_own = 2

    def start_weights(self, rng, x_shape):
        return [np.ones(x_shape[-1], np.float32), np.zeros(x_shape[-1], np.float32)]

    def call(self, x):
        x = as_array(x)
        return apply("layer_norm", x, *self.own(x.shape), epsilon=1e-3)


class Activation(Layer):
    """A nonlinearity by name, see `get_nonlinearity`."""

    def __init__(self, nonlinearity, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.function = get_nonlinearity(nonlinearity)

    def call(self, x):
        return self.function(x)


class Sequential(Layer):
    """Layers one after the other."""

    def __init__(self, layers: Sequence[Layer], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layers = list(layers)

    def call(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class _Recurrent(Layer):
    """A recurrent layer; its weights are kernel, recurrent kernel and bias."""

    n_own = 3
    n_gates = 0

    def __init__(self, units: int, return_sequences: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.return_sequences = units, return_sequences

    def start_weights(self, rng, x_shape):
        gates = self.n_gates * self.units
        recurrent = orthogonal(rng, (self.units, gates))
        return [glorot(rng, (x_shape[-1], gates)), recurrent, self.start_bias()]

    def start_bias(self) -> np.ndarray:
        raise NotImplementedError

    def states(self, x, initial_state=None, weights=None):
        """Return the state at every frame, (batch, time, units)."""
        raise NotImplementedError

    def call(self, x, initial_state=None):
        x = as_array(x)
        require(x.ndim == 3, f"x has shape {x.shape}, must be (batch, time, channels)")
        y = self.states(x, initial_state, self.own(x.shape))
        return y if self.return_sequences else y[:, -1, :]


def _rest(x, units):
    return np.zeros((x.shape[0], units), x.dtype)


class GRU(_Recurrent):
    """Gated recurrent unit, as Keras has it by default; see `gru`."""

    n_gates = 3

    def start_bias(self):
        return np.zeros((2, 3 * self.units), np.float32)

    def states(self, x, initial_state=None, weights=None):
        kernel, recurrent, bias = weights
        state = _rest(x, self.units) if initial_state is None else initial_state
        return apply("gru", x, state, kernel, recurrent, bias[0], bias[1])


class LSTM(_Recurrent):
    """Long short-term memory; see `lstm`."""

    n_gates = 4

    def start_bias(self):
        bias = np.zeros(4 * self.units, np.float32)
        bias[self.units : 2 * self.units] = 1.0  # Keras starts by forgetting nothing
        return bias

    def states(self, x, initial_state=None, weights=None):
        state = initial_state or (_rest(x, self.units), _rest(x, self.units))
        states, _ = apply("lstm", x, *state, *weights)
        return states


class Bidirectional(Layer):
    """Two recurrent layers, one of which reads backwards; their outputs side by side."""

    def __init__(self, layer: _Recurrent, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.forward = layer
        self.backward = type(layer)(layer.units, layer.return_sequences)

    def call(self, x):
        x = as_array(x)
        ahead, back = self.forward(x), self.backward(x[:, ::-1])
        if self.forward.return_sequences:
            back = back[:, ::-1]
        return concatenate(ahead, back, axis=-1)


class Conv2D(Layer):
    """Convolution of (batch, rows, columns, channels), padding "same"; see `conv_2d`, `conv_1d`.

    Weights: kernel (height, width, channels in, channels out), bias. Dilation is along the rows
    and needs a kernel of width 1.
    """

    n_own = 2

    def __init__(
        self, filters, kernel_size, strides=(1, 1), dilation=1, ortho_init=False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides
        self.dilation, self.ortho_init = dilation, ortho_init

    def start_weights(self, rng, x_shape):
        shape = (*self.kernel_size, x_shape[-1], self.filters)
        kernel = glorot(rng, shape)
        if self.ortho_init:
            kernel = orthogonal(rng, (math.prod(shape[:-1]), self.filters)).reshape(shape)
        return [kernel, np.zeros(self.filters, np.float32)]

    def call(self, x):
        kernel, bias = self.own(x.shape)
        rows, columns = self.strides
        if self.kernel_size[1] == x.shape[2] == 1:
            y = apply(
                "conv_1d", x[:, :, 0, :], kernel[:, 0], bias, stride=rows, dilation=self.dilation
            )
            return y[:, :, None, :]
        return apply("conv_2d", x, kernel, bias, row_stride=rows, column_stride=columns)


class Conv2DTranspose(Conv2D):
    """Upsampling of (batch, time, 1, channels) along time; see `conv_1d_transpose`.

    Weights: kernel (taps, 1, channels out, channels in), bias.
    """

    def start_weights(self, rng, x_shape):
        kernel, bias = super().start_weights(rng, x_shape)
        return [np.ascontiguousarray(np.swapaxes(kernel, -1, -2)), bias]

    def call(self, x):
        kernel, bias = self.own(x.shape)
        flat = x[:, :, 0, :]
        y = apply("conv_1d_transpose", flat, kernel[:, 0], bias, stride=self.strides[0])
        return y[:, :, None, :]


class MaxPool2D(Layer):
    """Largest of neighbouring columns; see `max_pool_1d`."""

    def __init__(self, width, stride, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width, self.stride = width, stride

    def call(self, x):
        return apply("max_pool_1d", x, pool_size=self.width, stride=self.stride)


class Embedding(Layer):
    """A row of a table for each whole number. Weights: the table."""

    n_own = 1

    def __init__(self, input_dim: int, output_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.input_dim, self.output_dim = input_dim, output_dim

    def start_weights(self, rng):
        shape = (self.input_dim, self.output_dim)
        return [rng.uniform(-0.05, 0.05, shape).astype(np.float32)]

    def call(self, x):
        rows = np.asarray(x).astype(np.int64)
        require(
            rows.size == 0 or 0 <= rows.min() <= rows.max() < self.input_dim,
            f"x has numbers from {rows.min()} to {rows.max()}, must be from 0 to "
            f"{self.input_dim - 1}",
        )
        return self.own()[0][rows]
