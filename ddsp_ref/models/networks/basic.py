"""Fully connected networks, and the layers they are made of."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.networks.initializers import glorot_uniform, ones, uniform, zeros
from ddsp_ref.models.networks.network import Chain, Layer, Network, Pullback, Weight, Weights
from ddsp_ref.op import Op
from ddsp_ref.ops.layers.crelu import crelu
from ddsp_ref.ops.layers.dense import dense
from ddsp_ref.ops.layers.elu import elu
from ddsp_ref.ops.layers.exponential import exponential
from ddsp_ref.ops.layers.gelu import gelu
from ddsp_ref.ops.layers.hard_sigmoid import hard_sigmoid
from ddsp_ref.ops.layers.layer_norm import layer_norm
from ddsp_ref.ops.layers.leaky_relu import leaky_relu
from ddsp_ref.ops.layers.mish import mish
from ddsp_ref.ops.layers.polyphase_resample import polyphase_resample
from ddsp_ref.ops.layers.relu import relu
from ddsp_ref.ops.layers.relu6 import relu6
from ddsp_ref.ops.layers.sigmoid import sigmoid
from ddsp_ref.ops.layers.softmax import softmax
from ddsp_ref.ops.layers.softplus import softplus
from ddsp_ref.ops.layers.softsign import softsign
from ddsp_ref.ops.layers.swish import swish
from ddsp_ref.ops.layers.tanh import tanh

# The names that the original knows. TensorFlow keeps the slope as a float32, in float64 too.
NONLINEARITIES: dict[str, tuple[Op, dict[str, float]]] = {
    "crelu": (crelu, {}),
    "elu": (elu, {}),
    "exponential": (exponential, {}),
    "gelu": (gelu, {}),
    "hard_sigmoid": (hard_sigmoid, {}),
    "leaky_relu": (leaky_relu, {"slope": float(np.float32(0.2))}),
    "mish": (mish, {}),
    "relu": (relu, {}),
    "relu6": (relu6, {}),
    "selu": (elu, {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}),
    "sigmoid": (sigmoid, {}),
    "silu": (swish, {}),
    "softmax": (softmax, {}),
    "softplus": (softplus, {}),
    "softsign": (softsign, {}),
    "swish": (swish, {}),
    "tanh": (tanh, {}),
}


class Identity(Network):
    """Pass the input on.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, Identity.
    """

    def _vjp(self, x: np.ndarray, weights: Weights) -> tuple[np.ndarray, Pullback]:
        return x, lambda y_bar: (y_bar, [])


class Activation(Layer):
    """A nonlinearity by its name.

    Parameters
    ----------
    nonlinearity : str or Op
        A name that the original knows, or any op of one array.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, get_nonlinearity.
    """

    def __init__(self, nonlinearity: str | Op) -> None:
        if isinstance(nonlinearity, Op):
            super().__init__(nonlinearity)
            return
        require(
            nonlinearity in NONLINEARITIES,
            f"Activation: no nonlinearity is called {nonlinearity!r}; there are "
            f"{', '.join(NONLINEARITIES)}, linear",
        )
        op, settings = NONLINEARITIES[nonlinearity]
        super().__init__(op, **settings)

    def n_out(self, n_in: int) -> int:
        return 2 * n_in if self.op is crelu else n_in


def activation(nonlinearity: str | Op | None) -> Network:
    """Return the network of a nonlinearity; None and 'linear' stand for none."""
    return Identity() if nonlinearity in (None, "linear") else Activation(nonlinearity)


class Dense(Layer):
    """An affine map of the last axis.

    Parameters
    ----------
    ch : int
        Number of output channels.
    """

    def __init__(self, ch: int) -> None:
        require(ch >= 1, f"Dense: ch is {ch}, must be at least 1")
        super().__init__(dense)
        self.ch = ch

    def weights(self, n_in: int) -> list[Weight]:
        return [
            Weight("kernel", (n_in, self.ch), glorot_uniform),
            Weight("bias", (self.ch,), zeros),
        ]

    def n_out(self, n_in: int) -> int:
        return self.ch


class LayerNorm(Layer):
    """Each frame to mean 0 and variance 1, scaled and shifted; epsilon is Keras' default."""

    def __init__(self) -> None:
        super().__init__(layer_norm, epsilon=1e-3)

    def weights(self, n_in: int) -> list[Weight]:
        return [Weight("gamma", (n_in,), ones), Weight("beta", (n_in,), zeros)]


class Fc(Chain):
    """Dense layer, layer normalisation, nonlinearity.

    Parameters
    ----------
    ch : int
        Number of output channels.
    nonlinearity : str, Op or None
        See `Activation`.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, Fc.
    """

    def __init__(self, ch: int = 128, nonlinearity: str | Op | None = "leaky_relu") -> None:
        super().__init__(Dense(ch), LayerNorm(), activation(nonlinearity))


class FcStack(Chain):
    """Several `Fc` one after the other.

    Parameters
    ----------
    ch : int
        Number of channels of each.
    layers : int
        How many.
    nonlinearity : str, Op or None
        See `Activation`.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, FcStack.
    """

    def __init__(
        self, ch: int = 256, layers: int = 2, nonlinearity: str | Op | None = "leaky_relu"
    ) -> None:
        require(layers >= 0, f"FcStack: layers is {layers}, must be at least 0")
        super().__init__(*(Fc(ch, nonlinearity) for _ in range(layers)))


class FcStackOut(Chain):
    """`FcStack` and a dense layer.

    Parameters
    ----------
    ch, layers : int
        Of the stack.
    n_out : int
        Number of output channels.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, FcStackOut.
    """

    def __init__(self, ch: int, layers: int, n_out: int) -> None:
        super().__init__(FcStack(ch, layers), Dense(n_out))


class PolyphaseResample(Layer):
    """Move samples between time and channels; without weights.

    Parameters
    ----------
    stride : int
        By how much.
    resample_type : str
        'down' or 'up'.
    trim_or_pad : str
        'trim' or 'pad': what to do where stride does not divide.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, PolyphaseResample.
    """

    def __init__(
        self, stride: int = 2, resample_type: str = "down", trim_or_pad: str = "pad"
    ) -> None:
        for name, value, known in (
            ("resample_type", resample_type, ("down", "up")),
            ("trim_or_pad", trim_or_pad, ("trim", "pad")),
        ):
            require(
                value in known,
                f"PolyphaseResample: {name} is {value!r}, must be {known[0]!r} or {known[1]!r}",
            )
        up, trim = resample_type == "up", trim_or_pad == "trim"
        super().__init__(polyphase_resample, stride=stride, up=up, trim=trim)

    def n_out(self, n_in: int) -> int:
        stride = self.settings["stride"]
        if not self.settings["up"]:
            return n_in * stride
        return n_in // stride if self.settings["trim"] else -(-n_in // stride)


class Embedding(Network):
    """A learned vector for each whole number.

    Parameters
    ----------
    vocab_size : int
        How many numbers there are; inputs are whole numbers from 0 to vocab_size - 1, (...).
    n_dims : int
        Size of a vector; outputs are (..., n_dims).

    Notes
    -----
    The cotangent of the numbers is 0. Source: magenta/ddsp 3.7.0, ddsp/training/nn.py,
    get_embedding.
    """

    n_weights = 1

    def __init__(self, vocab_size: int = 1024, n_dims: int = 256) -> None:
        require(vocab_size >= 1, f"Embedding: vocab_size is {vocab_size}, must be at least 1")
        require(n_dims >= 1, f"Embedding: n_dims is {n_dims}, must be at least 1")
        self.vocab_size, self.n_dims = vocab_size, n_dims

    def weights(self, n_in: int) -> list[Weight]:
        return [Weight("embeddings", (self.vocab_size, self.n_dims), uniform)]

    def n_out(self, n_in: int) -> int:
        return self.n_dims

    def _vjp(self, x: np.ndarray, weights: Weights) -> tuple[np.ndarray, Pullback]:
        table = np.asarray(weights[0])
        rows = x.astype(np.int64)
        wrong = x[(rows != x) | (rows < 0) | (rows >= self.vocab_size)]
        require(
            not wrong.size,
            f"Embedding: x holds {wrong.flat[0] if wrong.size else 0:g}, must hold whole numbers "
            f"from 0 to {self.vocab_size - 1}",
        )

        def pullback(y_bar: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
            table_bar = np.zeros(table.shape)
            np.add.at(table_bar, rows, y_bar)
            return np.zeros(x.shape, table.dtype), [table_bar.astype(table.dtype)]

        return table[rows], pullback
