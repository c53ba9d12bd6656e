"""Encoders of features and of instruments by number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.networks.basic import Dense, Embedding
from ddsp_ref.models.networks.by_name import Outputs, TimeMean, concatenate_vjp
from ddsp_ref.models.networks.encoders import ZEncoder
from ddsp_ref.models.networks.network import Chain, Network, Pullback, Weights
from ddsp_ref.models.networks.normalization import Normalize


class AggregateFeaturesEncoder(ZEncoder):
    """A dense layer of pitch and loudness, and its mean over time.

    Parameters
    ----------
    ch : int
        Number of output channels.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/encoders.py, AggregateFeaturesEncoder.
    """

    def __init__(self, ch: int = 512) -> None:
        super().__init__(("f0_scaled", "ld_scaled"), Chain(Dense(ch), TimeMean()))

    def _z_vjp(self, inputs: tuple, weights: Weights) -> tuple[np.ndarray, Pullback]:
        return _joined_vjp(self.part, inputs, weights)


class ExpressionEncoder(ZEncoder):
    """A given network of features, normalised, a dense layer, and its mean over time.

    Parameters
    ----------
    net : Network
        From all inputs side by side to any number of channels.
    z_dims : int
        Number of output channels.
    input_keys : sequence of str
        Names of features, each (..., n_frames, n). With 'audio', the original raises.
    pool_time : bool
        True: one z for the whole sequence.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/encoders.py, ExpressionEncoder.
    """

    def __init__(
        self,
        net: Network,
        z_dims: int = 128,
        input_keys: Sequence[str] = ("f0_scaled", "ld_scaled"),
        pool_time: bool = True,
    ) -> None:
        require(
            "audio" not in input_keys,
            "ExpressionEncoder: input_keys name 'audio', must name features only; the original "
            "raises",
        )
        pool = [TimeMean()] if pool_time else []
        super().__init__(input_keys, Chain(net, Normalize("layer"), Dense(z_dims), *pool))

    def _z_vjp(self, inputs: tuple, weights: Weights) -> tuple[np.ndarray, Pullback]:
        return _joined_vjp(self.part, inputs, weights)


class OneHotEncoder(ZEncoder):
    """A learned vector for each instrument.

    Parameters
    ----------
    one_hot_key : str
        Name of the input, whole numbers (..., 1).
    vocab_size, n_dims : int
        See `Embedding`.
    skip_expand : bool
        True: z is (..., 1, n_dims), and is broadcast where it is used.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/encoders.py, OneHotEncoder.
    """

    def __init__(
        self,
        one_hot_key: str = "instrument",
        vocab_size: int = 1024,
        n_dims: int = 256,
        skip_expand: bool = True,
    ) -> None:
        super().__init__((one_hot_key,), Embedding(vocab_size, n_dims))
        self.skip_expand = skip_expand

    def _z_vjp(self, inputs: tuple, weights: Weights) -> tuple[np.ndarray, Pullback]:
        z, part_pullback = self.part._vjp(inputs[0], weights)

        def pullback(z_bar):
            x_bar, bars = part_pullback(z_bar)
            return (x_bar,), bars

        return z, pullback

    def _run_vjp(self, inputs: tuple, weights: Weights) -> tuple[Outputs, Pullback]:
        if not self.skip_expand:
            return super()._run_vjp(inputs, weights)
        z, z_pullback = self._z_vjp(inputs[:1], weights)

        def pullback(bars):
            x_bars, weight_bars = z_pullback(bars["z"])
            return (*x_bars, np.zeros(inputs[1].shape, z.dtype)), weight_bars

        return {"z": z}, pullback


def _joined_vjp(part: Network, inputs: tuple, weights: Weights) -> tuple[np.ndarray, Pullback]:
    """Run a network of all inputs side by side."""
    joined, join_pullback = concatenate_vjp(inputs)
    z, part_pullback = part._vjp(joined, weights)

    def pullback(z_bar):
        joined_bar, bars = part_pullback(z_bar)
        return tuple(join_pullback(joined_bar)), bars

    return z, pullback
