"""The spectral loss: the op, and the spectra that it has not."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddsp_ref.compat.magenta import core, spectral_ops
from ddsp_ref.compat.magenta._pieces import mean
from ddsp_ref.compat.magenta._record import Piece, apply
from ddsp_ref.compat.magenta.losses._consistency import Loss
from ddsp_ref.compat.magenta.losses._differences import by_rows
from ddsp_ref.compat.magenta.processors import as_array


@Piece
def cumulative_sum(x):
    """Sum along the last axis."""
    return np.cumsum(x, axis=-1), lambda bar: (np.cumsum(bar[..., ::-1], axis=-1)[..., ::-1],)


_VIEWS = {
    "mag_weight": lambda mag: mag,
    "delta_time_weight": lambda mag: core.diff(mag, axis=1),
    "delta_freq_weight": lambda mag: core.diff(mag, axis=2),
    "cumsum_freq_weight": cumulative_sum,
    "logmag_weight": core.safe_log,
}


class SpectralLoss(Loss):
    """Distance of the spectra of two signals at several resolutions; see `spectral_loss`."""

    def __init__(
        self,
        fft_sizes=(2048, 1024, 512, 256, 128, 64),
        loss_type="L1",
        mag_weight=1.0,
        delta_time_weight=0.0,
        delta_freq_weight=0.0,
        cumsum_freq_weight=0.0,
        logmag_weight=0.0,
        loudness_weight=0.0,
        name="spectral_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name, **kwargs)
        self.fft_sizes, self.loss_type = fft_sizes, loss_type
        self.mag_weight, self.logmag_weight = mag_weight, logmag_weight
        self.delta_time_weight, self.delta_freq_weight = delta_time_weight, delta_freq_weight
        self.cumsum_freq_weight, self.loudness_weight = cumsum_freq_weight, loudness_weight

    def call(self, target_audio, audio, weights=None):
        signals = as_array(target_audio), as_array(audio)
        # A weight that is not positive leaves its term out.
        views = {name: max(getattr(self, name), 0.0) for name in _VIEWS}
        loudness, loss = max(self.loudness_weight, 0.0), 0.0
        if self._needs_pieces(weights) and any(views.values()):
            for size in self.fft_sizes:
                loss = loss + self._spectra(signals, size, views, weights)
            views = dict.fromkeys(views, 0.0)
        if weights is not None and loudness > 0:
            # (batch, 1, 1) over (batch, frames): each signal has all weights in the original,
            # its own in the op
            loud = [spectral_ops.compute_loudness(signal, n_fft=2048) for signal in signals]
            loss = loss + by_rows("mean_difference", *loud, weights, self.loss_type) * loudness
            loudness = 0.0
        settings = {**views, "loudness_weight": loudness}
        if not any(settings.values()):
            return loss
        settings |= {"fft_sizes": tuple(self.fft_sizes), "loss_type": self.loss_type.upper()}
        if weights is None:
            return loss + mean(apply("spectral_loss", *signals, **settings))
        weights = as_array(weights)
        if weights.ndim < 2:
            weights = weights.reshape((1, 1, *weights.shape)[-2:])
        return loss + mean(apply("weighted_spectral_loss", *signals, weights, **settings))

    def _needs_pieces(self, weights):
        """Whether the original's spectra differ from those of the op.

        Transforms of other sizes than powers of two are padded with zeros to the next one, and
        weighted "COSINE" is a mean over the whole batch at once.
        """
        padded = any(size & (size - 1) for size in self.fft_sizes)
        return padded or (weights is not None and self.loss_type.upper() == "COSINE")

    def _spectra(self, signals, size, views, weights):
        """Return what the spectra of one size add."""
        mags = [spectral_ops.compute_mag(signal, size) for signal in signals]
        loss = 0.0
        for name, weight in views.items():
            if weight > 0:
                of_both = map(_VIEWS[name], mags)
                distance = by_rows("mean_difference", *of_both, weights, self.loss_type)
                loss = loss + distance * weight
        return loss
