"""The one building block of both decoders: dense, layer norm, leaky ReLU, repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ddsp_ref.models.parameters import Parameters, glorot_uniform
from ddsp_ref.ops.layers.dense import dense
from ddsp_ref.ops.layers.fc_layer import fc_layer

Pullback = Callable[[np.ndarray], tuple[np.ndarray, Parameters]]

SLOPE = 0.2  # TensorFlow's default of leaky_relu
_PARTS = ("kernel", "bias", "gamma", "beta")


def init_dense(rng: np.random.Generator, prefix: str, n_in: int, n_out: int) -> Parameters:
    """Return the parameters of one dense layer: Glorot-uniform kernel, bias of zeros."""
    return {
        f"{prefix}/kernel": glorot_uniform(rng, (n_in, n_out)),
        f"{prefix}/bias": np.zeros(n_out, np.float32),
    }


def dense_vjp(
    params: Mapping[str, np.ndarray], prefix: str, x: np.ndarray
) -> tuple[np.ndarray, Pullback]:
    """Apply the dense layer of that name; the pullback gives `x_bar` and the gradients by name."""
    y, dense_pullback = dense.vjp(x, params[f"{prefix}/kernel"], params[f"{prefix}/bias"])

    def pullback(y_bar: np.ndarray) -> tuple[np.ndarray, Parameters]:
        x_bar, kernel_bar, bias_bar = dense_pullback(y_bar)
        return x_bar, {f"{prefix}/kernel": kernel_bar, f"{prefix}/bias": bias_bar}

    return y, pullback


def dense_value(params: Mapping[str, np.ndarray], prefix: str, x: np.ndarray) -> np.ndarray:
    """Apply the dense layer of that name."""
    return dense(x, params[f"{prefix}/kernel"], params[f"{prefix}/bias"])


def init_stack(
    rng: np.random.Generator, prefix: str, n_in: int, n_channels: int, n_layers: int
) -> Parameters:
    """Return the parameters of `n_layers` times (dense, layer norm), named `prefix/0/kernel`..."""
    params: Parameters = {}
    for i in range(n_layers):
        params |= init_dense(rng, f"{prefix}/{i}", n_in if i == 0 else n_channels, n_channels)
        params[f"{prefix}/{i}/gamma"] = np.ones(n_channels, np.float32)
        params[f"{prefix}/{i}/beta"] = np.zeros(n_channels, np.float32)
    return params


def stack_value(
    params: Mapping[str, np.ndarray],
    prefix: str,
    n_layers: int,
    x: np.ndarray,
    **settings: float,
) -> np.ndarray:
    """Return the value of a stack, keeping nothing for a gradient; settings are `fc_layer`'s."""
    for i in range(n_layers):
        x = fc_layer(x, *_layer(params, f"{prefix}/{i}"), **{"slope": SLOPE, **settings})
    return x


def _layer(params: Mapping[str, np.ndarray], name: str) -> list[np.ndarray]:
    return [params[f"{name}/{part}"] for part in _PARTS]


def stack_vjp(
    params: Mapping[str, np.ndarray], prefix: str, n_layers: int, x: np.ndarray
) -> tuple[np.ndarray, Pullback]:
    """Return the value of a stack, and a pullback to its input and its parameters."""
    pullbacks = []
    for i in range(n_layers):
        name = f"{prefix}/{i}"
        x, layer_pullback = fc_layer.vjp(x, *_layer(params, name), slope=SLOPE)
        pullbacks.append((name, layer_pullback))

    def pullback(y_bar: np.ndarray) -> tuple[np.ndarray, Parameters]:
        gradients: Parameters = {}
        for name, layer_pullback in reversed(pullbacks):
            y_bar, *own = layer_pullback(y_bar)
            gradients |= {f"{name}/{part}": bar for part, bar in zip(_PARTS, own, strict=True)}
        return y_bar, gradients

    return x, pullback
