"""Recurrent networks."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.networks.basic import Fc, FcStack, LayerNorm
from ddsp_ref.models.networks.initializers import forget_ones, glorot_uniform, orthogonal, zeros
from ddsp_ref.models.networks.network import Chain, Network, Pullback, Weight, Weights, named
from ddsp_ref.op import Op
from ddsp_ref.ops.layers.gru import gru
from ddsp_ref.ops.layers.lstm import lstm


def _check(who: str, dims: int, rnn_type: str) -> None:
    require(dims >= 1, f"{who}: dims is {dims}, must be at least 1")
    require(
        rnn_type in ("gru", "lstm"), f"{who}: rnn_type is {rnn_type!r}, must be 'gru' or 'lstm'"
    )


def _weights(n_in: int, dims: int, rnn_type: str) -> list[Weight]:
    """Return kernel, recurrent kernel and bias; Keras keeps both biases of a GRU in one array."""
    n_gates = {"gru": 3, "lstm": 4}[rnn_type] * dims
    is_gru = rnn_type == "gru"
    return [
        Weight("kernel", (n_in, n_gates), glorot_uniform),
        Weight("recurrent_kernel", (dims, n_gates), orthogonal),
        Weight("bias", (2, n_gates) if is_gru else (n_gates,), zeros if is_gru else forget_ones),
    ]


def _run_vjp(x: np.ndarray, state: np.ndarray, weights: Weights, rnn_type: str):
    """Run one direction; a state holds all that is carried, of an LSTM the memory as well.

    Returns all states, the carried state after the last frame, and a pullback from cotangents of
    both to those of x, state and the weights.
    """
    kernel, recurrent, bias = weights
    dims = len(recurrent)
    if rnn_type == "gru":
        y, gru_pullback = gru.vjp(x, state, kernel, recurrent, *bias)

        def pullback(y_bar, last_bar):
            y_bar = y_bar.copy()
            y_bar[..., -1, :] += last_bar
            x_bar, state_bar, kernel_bar, recurrent_bar, *bias_bars = gru_pullback(y_bar)
            return x_bar, state_bar, [kernel_bar, recurrent_bar, np.stack(bias_bars)]

        return y, y[..., -1, :], pullback

    hidden, cell = state[..., :dims], state[..., dims:]
    (y, last_cell), lstm_pullback = lstm.vjp(x, hidden, cell, kernel, recurrent, bias)

    def pullback(y_bar, last_bar):
        y_bar = y_bar.copy()
        y_bar[..., -1, :] += last_bar[..., :dims]
        x_bar, hidden_bar, cell_bar, *bars = lstm_pullback((y_bar, last_bar[..., dims:]))
        return x_bar, np.concatenate([hidden_bar, cell_bar], axis=-1), bars

    return y, np.concatenate([y[..., -1, :], last_cell], axis=-1), pullback


class Rnn(Network):
    """One recurrent layer that starts from zeros.

    Parameters
    ----------
    dims : int
        Number of units.
    rnn_type : str
        'gru' or 'lstm'.
    return_sequences : bool
        True: the state after each frame, (..., n_frames, dims). False: after the last,
        (..., dims).
    bidir : bool
        True: a second layer runs backwards in time; both outputs stand side by side.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, Rnn.
    """

    def __init__(
        self, dims: int, rnn_type: str, return_sequences: bool = True, bidir: bool = False
    ) -> None:
        _check("Rnn", dims, rnn_type)
        self.dims, self.rnn_type = dims, rnn_type
        self.return_sequences, self.bidir = return_sequences, bidir
        self.n_weights = 6 if bidir else 3

    def weights(self, n_in: int) -> list[Weight]:
        own = _weights(n_in, self.dims, self.rnn_type)
        return named("forward", own) + named("backward", own) if self.bidir else own

    def n_out(self, n_in: int) -> int:
        return (2 if self.bidir else 1) * self.dims

    def _direction_vjp(self, x: np.ndarray, weights: Weights) -> tuple[np.ndarray, Pullback]:
        n_carried = self.dims * (2 if self.rnn_type == "lstm" else 1)
        state = np.zeros((*x.shape[:-2], n_carried), x.dtype)
        y, last, run_pullback = _run_vjp(x, state, weights, self.rnn_type)
        no_last = np.zeros_like(last)

        def pullback(y_bar):
            if not self.return_sequences:
                full = np.zeros(y.shape, y_bar.dtype)
                full[..., -1, :] = y_bar
                y_bar = full
            x_bar, _, bars = run_pullback(y_bar, no_last)
            return x_bar, bars

        return (y if self.return_sequences else y[..., -1, :]), pullback

    def _vjp(self, x: np.ndarray, weights: Weights) -> tuple[np.ndarray, Pullback]:
        require(x.ndim >= 2, f"Rnn: x has shape {x.shape}, must be (..., n_frames, n_in)")
        if not self.bidir:
            return self._direction_vjp(x, weights)
        forth, forth_pullback = self._direction_vjp(x, weights[:3])
        back, back_pullback = self._direction_vjp(x[..., ::-1, :], weights[3:])
        if self.return_sequences:
            back = back[..., ::-1, :]

        def pullback(y_bar):
            forth_bar, back_bar = np.split(y_bar, 2, axis=-1)
            if self.return_sequences:
                back_bar = back_bar[..., ::-1, :]
            x_bar, bars = forth_pullback(forth_bar)
            turned_bar, more = back_pullback(back_bar)
            return x_bar + turned_bar[..., ::-1, :], bars + more

        return np.concatenate([forth, back], axis=-1), pullback


class StatelessRnn(Network):
    """One recurrent layer whose state comes in and goes out, for streaming.

    `net((x, state), weights)` returns the states of all frames and the state to go on from. Of
    an LSTM, the carried state is state and memory side by side, (..., 2 * dims).

    Parameters
    ----------
    dims : int
        Number of units.
    rnn_type : str
        'gru' or 'lstm'.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, StatelessRnn, which raises for 'lstm'.
    """

    n_weights = 3

    def __init__(self, dims: int, rnn_type: str) -> None:
        _check("StatelessRnn", dims, rnn_type)
        self.dims, self.rnn_type = dims, rnn_type
        self.n_carried = dims * (2 if rnn_type == "lstm" else 1)

    def weights(self, n_in: tuple[int, int]) -> list[Weight]:
        require(
            isinstance(n_in, tuple) and len(n_in) == 2 and n_in[1] == self.n_carried,
            f"StatelessRnn: inputs have {n_in} channels, must be two: x, and a state of "
            f"{self.n_carried}",
        )
        return _weights(n_in[0], self.dims, self.rnn_type)

    def n_out(self, n_in: tuple[int, int]) -> tuple[int, int]:
        return self.dims, self.n_carried

    def _vjp(self, x: tuple, weights: Weights) -> tuple[tuple, Pullback]:
        y, last, run_pullback = _run_vjp(*x, weights, self.rnn_type)

        def pullback(bars):
            x_bar, state_bar, weight_bars = run_pullback(*bars)
            return (x_bar, state_bar), weight_bars

        return (y, last), pullback


class RnnFc(Chain):
    """Recurrent layers and one `Fc`.

    Parameters
    ----------
    rnn_feat : int
        Number of units of each recurrent layer.
    out_feat : int
        Number of output channels.
    rnn_type : str
        'gru' or 'lstm'.
    nonlinearity : str, Op or None
        Of the last layer.
    bidir : bool
        As in the original, where it lands in another place than its name says: True gives an
        output for each frame, False one for the whole sequence. Never bidirectional.
    n_rnn : int
        Number of recurrent layers; with bidir=False only 1 works.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, RnnFc.
    """

    def __init__(
        self,
        rnn_feat: int,
        out_feat: int,
        rnn_type: str = "lstm",
        nonlinearity: str | Op | None = "sigmoid",
        bidir: bool = False,
        n_rnn: int = 1,
    ) -> None:
        require(n_rnn >= 0, f"RnnFc: n_rnn is {n_rnn}, must be at least 0, e.g. 1")
        require(
            bidir or n_rnn <= 1,
            f"RnnFc: n_rnn is {n_rnn}, must be 1 with bidir=False, which keeps only the last state",
        )
        recurrent = (Rnn(rnn_feat, rnn_type, return_sequences=bidir) for _ in range(n_rnn))
        super().__init__(*recurrent, Fc(out_feat, nonlinearity=nonlinearity))


class RnnSandwich(Chain):
    """A recurrent layer between two `FcStack`.

    Parameters
    ----------
    fc_stack_ch, fc_stack_layers : int
        Of each stack.
    rnn_ch : int
        Number of units of the recurrent layer.
    rnn_type : str
        'gru' or 'lstm'.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, RnnSandwich.
    """

    def __init__(
        self,
        fc_stack_ch: int = 256,
        fc_stack_layers: int = 2,
        rnn_ch: int = 512,
        rnn_type: str = "gru",
    ) -> None:
        super().__init__(
            FcStack(fc_stack_ch, fc_stack_layers),
            Rnn(rnn_ch, rnn_type),
            FcStack(fc_stack_ch, fc_stack_layers),
        )


class SingleGru(Chain):
    """A GRU and layer normalisation.

    Parameters
    ----------
    gru_dim : int
        Number of units.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/nn.py, SingleGru.
    """

    def __init__(self, gru_dim: int = 128) -> None:
        super().__init__(Rnn(gru_dim, "gru"), LayerNorm())
