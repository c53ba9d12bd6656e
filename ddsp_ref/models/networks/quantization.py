"""Vector quantisation with centroids that follow running means."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.networks.initializers import zeros
from ddsp_ref.models.networks.network import Network, Pullback, Weight, Weights, check_weights
from ddsp_ref.ops.layers.vector_quantize import vector_quantize


class VectorQuantization(Network):
    """Replace each vector by the nearest centroid, and let the gradient pass.

    `net(x, weights)` returns the quantised x, (..., n), and the codes, (..., num_heads). Weights
    are no parameters of the optimizer: `counts` and `sums` are running means of how many vectors
    a centroid got and of their sum. Their cotangents are 0; `updated` moves them.

    Parameters
    ----------
    k : int
        Number of centroids.
    gamma : float
        How much of a running mean stays at each step, from 0 to 1.
    restart_threshold : float
        Centroids with a smaller share of the vectors, in units of an even share, start anew.
    num_heads : int
        Pieces that each vector is cut into, which are quantised one by one.
    commitment_loss_weight : float
        Weight of `commitment_loss`.

    Notes
    -----
    Source: van den Oord et al. 2017; magenta/ddsp 3.7.0, ddsp/training/nn.py, VectorQuantization.
    """

    n_weights = 2

    def __init__(
        self,
        k: int,
        gamma: float = 0.99,
        restart_threshold: float = 0.0,
        num_heads: int = 1,
        commitment_loss_weight: float = 0.2,
    ) -> None:
        who = "VectorQuantization"
        require(k >= 1, f"{who}: k is {k}, must be at least 1")
        require(num_heads >= 1, f"{who}: num_heads is {num_heads}, must be at least 1")
        require(0 <= gamma <= 1, f"{who}: gamma is {gamma}, must be from 0 to 1, e.g. 0.99")
        self.k, self.gamma, self.num_heads = k, gamma, num_heads
        self.restart_threshold = restart_threshold
        self.commitment_loss_weight = commitment_loss_weight

    def weights(self, n_in: int) -> list[Weight]:
        require(
            n_in % self.num_heads == 0,
            f"VectorQuantization: x has {n_in} channels, must be a multiple of num_heads, "
            f"{self.num_heads}",
        )
        return [
            Weight("counts", (self.k,), zeros),
            Weight("sums", (self.k, n_in // self.num_heads), zeros),
        ]

    def n_out(self, n_in: int) -> tuple[int, int]:
        return n_in, self.num_heads

    def _pieces(self, x: np.ndarray) -> np.ndarray:
        return x.reshape(*x.shape[:-1], self.num_heads, -1)

    def _vjp(self, x: np.ndarray, weights: Weights) -> tuple[tuple, Pullback]:
        (z, codes), op_pullback = vector_quantize.vjp(self._pieces(x), centroids(*weights))

        def pullback(bars):
            z_bar, codes_bar = bars
            x_bar, _ = op_pullback((self._pieces(np.asarray(z_bar)), codes_bar))
            return x_bar.reshape(x.shape), [np.zeros_like(weight) for weight in weights]

        return (z.reshape(x.shape), codes), pullback

    def unquantize(self, codes: np.ndarray, weights: Weights) -> np.ndarray:
        """Return the vectors of codes, (..., num_heads), as (..., n)."""
        rows = centroids(*weights)[np.asarray(codes).astype(np.int64)]
        return rows.reshape(*np.shape(codes)[:-1], -1)

    def restarted(self, x: np.ndarray, weights: Weights, rng: np.random.Generator) -> np.ndarray:
        """Return the centroids for a step of training, (k, n / num_heads).

        Those that got too few vectors are replaced by vectors of x in a random order, and, where
        x has not enough, by uniform random ones.
        """
        counts, sums = weights
        pieces = self._pieces(x).reshape(-1, sums.shape[1])
        lost = np.flatnonzero(counts * self.k <= self.restart_threshold * len(pieces))
        fresh = rng.random((len(lost), sums.shape[1])).astype(sums.dtype)
        n = min(len(lost), len(pieces))
        fresh[:n] = rng.permutation(pieces)[:n]
        found = centroids(counts, sums)
        found[lost] = fresh
        return found

    def updated(
        self, x: np.ndarray, weights: Weights, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        """Do what the original does in training: quantise, then move the running means.

        Parameters
        ----------
        x : ndarray, shape (..., n)
            Vectors.
        weights : sequence of arrays
            `counts` and `sums`.
        rng : numpy.random.Generator
            For centroids that start anew.

        Returns
        -------
        ndarray, shape (..., n)
            Quantised x.
        ndarray, shape (..., num_heads)
            Codes.
        list of ndarray
            New `counts` and `sums`.
        """
        x = np.asarray(x)
        check_weights("VectorQuantization", weights, self.weights(x.shape[-1]))
        counts, sums = (np.asarray(weight) for weight in weights)
        z, codes = vector_quantize(self._pieces(x), self.restarted(x, (counts, sums), rng))
        rows = codes.reshape(-1).astype(np.int64)
        now, total = np.bincount(rows, minlength=self.k), np.zeros(sums.shape)
        np.add.at(total, rows, self._pieces(x).reshape(len(rows), -1))
        left = 1 - self.gamma
        moved = [counts - left * (counts - now), sums - left * (sums - total)]
        return z.reshape(x.shape), codes, [m.astype(counts.dtype) for m in moved]

    def commitment_loss(self, z: np.ndarray, z_q: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the weighted mean square of z - z_q, and its gradient in z alone."""
        off = np.asarray(z) - np.asarray(z_q)
        weight = self.commitment_loss_weight
        return weight * float(np.mean(off**2, dtype=np.float64)), 2 * weight / off.size * off


def centroids(counts: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Return mean vectors, 0 where nothing was counted."""
    counts, sums = np.asarray(counts), np.asarray(sums)
    empty = counts == 0
    means = sums / np.where(empty, 1, counts)[:, None]
    means[empty] = 0
    return means
