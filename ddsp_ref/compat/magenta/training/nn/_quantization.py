"""Vector quantisation, and tables of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddsp_ref.compat.magenta import losses
from ddsp_ref.compat.magenta._layer import Layer
from ddsp_ref.compat.magenta._record import apply, value_of
from ddsp_ref.compat.magenta.processors import as_array
from ddsp_ref.compat.magenta.training.nn._keras import Embedding
from ddsp_ref.errors import require


def get_embedding(vocab_size=1024, n_dims=256):
    """Return a layer that looks up a vector for each whole number."""
    return Embedding(vocab_size, n_dims)


class VectorQuantization(Layer):
    """Replace vectors by the nearest of a code book; see `vector_quantize`.

    Weights: counts (k,) and sums (k, depth / num_heads), as in the original; the code book is
    sums / counts. They are not trained by gradient. Learning them, which the original does with
    running means while Keras trains, is not part of the face: `training=True` is refused.
    """

    n_own = 2

    def __init__(
        self,
        k,
        gamma=0.99,
        restart_threshold=0.0,
        num_heads=1,
        commitment_loss_weight=0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.k, self.num_heads = k, num_heads
        self.gamma, self.restart_threshold = gamma, restart_threshold
        self.commitment_loss_weight = commitment_loss_weight

    def start_weights(self, rng, x_shape):
        depth = x_shape[-1] // self.num_heads
        return [np.zeros(self.k, np.float32), np.zeros((self.k, depth), np.float32)]

    def _book(self, *x_shape):
        self.own(*x_shape)
        counts, sums = self.own_weights
        return np.divide(sums, counts[:, None], out=np.zeros_like(sums), where=counts[:, None] != 0)

    def call(self, x, training=False):
        x = as_array(x)
        require(not training, "training is True, must be False: the code book is learnt elsewhere")
        require(
            x.shape[-1] % self.num_heads == 0,
            f"x has {x.shape[-1]} channels, must have a multiple of {self.num_heads}",
        )
        heads = x.reshape(*x.shape[:-1], self.num_heads, x.shape[-1] // self.num_heads)
        z, codes = apply("vector_quantize", heads, self._book(x.shape))
        return z.reshape(*x.shape), value_of(codes).astype(np.int64)

    def unquantize(self, c):
        """Return the vectors that belong to codes."""
        c = np.asarray(c)
        z = self._book()[c]
        return z.reshape(*c.shape[:-1], c.shape[-1] * z.shape[-1])

    def committment_loss(self, z, z_q):
        """Return the mean square of z - z_q, which is not differentiated for z_q."""
        z_q = np.asarray(value_of(z_q))
        return losses.mean_difference(z, z_q, "L2") * self.commitment_loss_weight

    def get_losses_dict(self, z, z_q):
        """Return the loss by name."""
        return {f"{self.name}_commitment_loss": self.committment_loss(z, z_q)}
