"""Fully connected, recurrent and normalising layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddsp_ref.compat.magenta._layer import Layer
from ddsp_ref.compat.magenta.processors import as_array
from ddsp_ref.compat.magenta.training.nn._functions import ensure_4d, inv_ensure_4d
from ddsp_ref.compat.magenta.training.nn._keras import (
    GRU,
    LSTM,
    Activation,
    Bidirectional,
    Dense,
    LayerNormalization,
    Sequential,
)
from ddsp_ref.compat.magenta.training.nn._normalize import normalize_op
from ddsp_ref.errors import require

_RECURRENT = {"gru": GRU, "lstm": LSTM}


def _recurrent(rnn_type: str):
    require(rnn_type in _RECURRENT, f"rnn_type is {rnn_type!r}, must be 'gru' or 'lstm'")
    return _RECURRENT[rnn_type]


class Normalize(Layer):
    """Normalise, then scale and shift each channel; see `normalize_op`. Weights: scale, shift."""

    n_own = 2

    def __init__(self, norm_type="layer", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.norm_type = norm_type

    def start_weights(self, rng, x_shape):
        shape = (1, 1, 1, x_shape[-1])
        return [np.ones(shape, np.float32), np.zeros(shape, np.float32)]

    def call(self, x):
        x = as_array(x)
        scale, shift = self.own(x.shape)
        y = normalize_op(ensure_4d(x), self.norm_type)
        return inv_ensure_4d(y * scale + shift, x.ndim)


class ConditionalScaleAndShift(Layer):
    """Scale and shift x by what a dense layer makes of z."""

    def __init__(self, shift_only=False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shift_only, self.dense = shift_only, Dense(None)

    def call(self, inputs):
        x, z = map(as_array, inputs)
        channels = x.shape[-1]
        self.dense.units = channels if self.shift_only else 2 * channels
        y = self.dense(z)
        if self.shift_only:
            return x + y
        return x * y[..., :channels] + y[..., channels:]


class ConditionalNorm(Layer):
    """Normalise x, then scale and shift it by z; see `normalize_op`."""

    def __init__(self, norm_type="instance", shift_only=False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.norm_type = norm_type
        self.conditional_scale_and_shift = ConditionalScaleAndShift(shift_only)

    def call(self, inputs):
        x, z = inputs
        return self.conditional_scale_and_shift([normalize_op(x, self.norm_type), z])


def get_norm(norm_type, conditional, shift_only):
    """Return a conditional norm, or one with weights of its own."""
    if conditional:
        return ConditionalNorm(norm_type, shift_only)
    return Normalize(norm_type)


class Fc(Sequential):
    """Dense layer, layer norm, nonlinearity."""

    def __init__(self, ch=128, nonlinearity="leaky_relu", **kwargs: Any) -> None:
        super().__init__([Dense(ch), LayerNormalization(), Activation(nonlinearity)], **kwargs)


class FcStack(Sequential):
    """Several `Fc`."""

    def __init__(self, ch=256, layers=2, nonlinearity="leaky_relu", **kwargs: Any) -> None:
        super().__init__([Fc(ch, nonlinearity) for _ in range(layers)], **kwargs)


class FcStackOut(Layer):
    """Several `Fc` and a dense layer."""

    def __init__(self, ch, layers, n_out, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stack, self.dense_out = FcStack(ch, layers), Dense(n_out)

    def call(self, x):
        return self.dense_out(self.stack(x))


class Rnn(Layer):
    """A recurrent layer, "gru" or "lstm"; see `gru` and `lstm`."""

    def __init__(self, dims, rnn_type, return_sequences=True, bidir=False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        rnn = _recurrent(rnn_type)(dims, return_sequences)
        self.rnn = Bidirectional(rnn) if bidir else rnn

    def call(self, x):
        return self.rnn(x)


class StatelessRnn(Layer):
    """A recurrent layer that is given its state and returns it; see `gru`.

    Only "gru": with "lstm", which has two states, the original fails.
    """

    def __init__(self, dims, rnn_type, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        require(rnn_type == "gru", f"StatelessRnn: rnn_type is {rnn_type!r}, must be 'gru'")
        self.rnn = GRU(dims, return_sequences=True)

    def call(self, x, state):
        y = self.rnn(x, state)
        return y, y[:, -1, :]


class RnnFc(Sequential):
    """Recurrent layers and an `Fc`.

    As in the original `bidir` says whether all frames are returned, and never that the layers are
    bidirectional.
    """

    def __init__(
        self,
        rnn_feat,
        out_feat,
        rnn_type="lstm",
        nonlinearity="sigmoid",
        bidir=False,
        n_rnn=1,
        **kwargs: Any,
    ) -> None:
        recurrent = [Rnn(rnn_feat, rnn_type, return_sequences=bidir) for _ in range(n_rnn)]
        super().__init__([*recurrent, Fc(out_feat, nonlinearity)], **kwargs)


class RnnSandwich(Sequential):
    """`FcStack`, `Rnn`, `FcStack`."""

    def __init__(
        self, fc_stack_ch=256, fc_stack_layers=2, rnn_ch=512, rnn_type="gru", **kwargs: Any
    ) -> None:
        stacks = [FcStack(fc_stack_ch, fc_stack_layers) for _ in range(2)]
        super().__init__([stacks[0], Rnn(rnn_ch, rnn_type), stacks[1]], **kwargs)


class SingleGru(Sequential):
    """GRU and layer norm."""

    def __init__(self, gru_dim=128, **kwargs: Any) -> None:
        super().__init__([GRU(gru_dim, return_sequences=True), LayerNormalization()], **kwargs)


class Identity(Layer):
    """Return x."""

    def call(self, x):
        return as_array(x)
