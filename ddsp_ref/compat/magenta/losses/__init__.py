"""The losses of the original's ddsp/losses.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddsp_ref.compat.magenta import core, spectral_ops
from ddsp_ref.compat.magenta._function import function
from ddsp_ref.compat.magenta._pieces import mean
from ddsp_ref.compat.magenta._record import apply, value_of
from ddsp_ref.compat.magenta.dags import DAGLayer
from ddsp_ref.compat.magenta.losses._consistency import (
    KDEConsistencyLoss,
    Loss,
    TWMLoss,
    WassersteinConsistencyLoss,
    wasserstein_distance,
)
from ddsp_ref.compat.magenta.losses._differences import (
    at_least,
    cumulative_sum,
    mean_absolute,
    mean_cosine,
    mean_square,
)
from ddsp_ref.compat.magenta.losses._transcriber import HmmTranscriber
from ddsp_ref.compat.magenta.processors import as_array
from ddsp_ref.errors import require

__all__ = [
    "EmbeddingLoss",
    "FilteredNoiseConsistencyLoss",
    "HarmonicConsistencyLoss",
    "HmmTranscriber",
    "KDEConsistencyLoss",
    "Loss",
    "LossGroup",
    "ParamLoss",
    "SpectralLoss",
    "TWMLoss",
    "WassersteinConsistencyLoss",
    "amp_loss",
    "freq_loss",
    "mean_difference",
    "wasserstein_distance",
]

_MEANS = {"L1": mean_absolute, "L2": mean_square, "COSINE": mean_cosine}


class LossGroup(DAGLayer):
    """Losses strung together; a call gives all of them by name."""

    def __init__(self, dag, **kwarg_losses):
        super().__init__(dag, **kwarg_losses)
        self.loss_names = self.module_names

    @property
    def losses(self):
        return [getattr(self, name) for name in self.loss_names]

    def call(self, outputs, **kwargs):
        found = self.run_dag(outputs, **kwargs)
        return {key: loss for name in self.loss_names for key, loss in found[name].items()}

    def get_losses_dict(self, outputs, **kwargs):
        """Return all losses by name."""
        return self(outputs, **kwargs)


@function("target", "value", "weights")
def mean_difference(target, value, loss_type="L1", weights=None):
    """Return the mean distance of two arrays, "L1", "L2" or "COSINE".

    "COSINE", which fails in the original on TensorFlow 2, is what it was on TensorFlow 1.
    """
    kind = loss_type.upper()
    known = ", ".join(_MEANS)
    require(kind in _MEANS, f"loss_type is {loss_type!r}, must be one of {known}")
    weights = np.ones((), target.dtype) if weights is None else weights
    return _MEANS[kind](target, value, weights)


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
        self.loudness_weight = loudness_weight
        # of terms that `spectral_loss` has not
        self.more_weights = {
            "delta_time": delta_time_weight,
            "delta_freq": delta_freq_weight,
            "cumsum_freq": cumsum_freq_weight,
        }

    def call(self, target_audio, audio, weights=None):
        signals = as_array(target_audio), as_array(audio)
        two = {"mag_weight": self.mag_weight, "logmag_weight": self.logmag_weight}
        plain = self.loss_type in ("L1", "L2") and weights is None
        plain = plain and all(size & (size - 1) == 0 for size in self.fft_sizes)
        loss = 0.0
        if plain and any(weight > 0 for weight in two.values()):
            settings = {"fft_sizes": tuple(self.fft_sizes), "loss_type": self.loss_type, **two}
            loss = mean(apply("spectral_loss", *signals, **settings))
            two = {}
        terms = {**two, **self.more_weights}
        if any(weight > 0 for weight in terms.values()):
            for size in self.fft_sizes:
                loss = loss + self._terms(signals, size, terms, weights)
        if self.loudness_weight > 0:
            loud = [spectral_ops.compute_loudness(signal, n_fft=2048) for signal in signals]
            distance = mean_difference(*loud, self.loss_type, weights)
            loss = loss + distance * self.loudness_weight
        return loss

    def _terms(self, signals, size, terms, weights):
        """Return what the spectra of one size add."""
        mags = [spectral_ops.compute_mag(signal, size) for signal in signals]
        views = {
            "mag_weight": lambda mag: mag,
            "delta_time": lambda mag: core.diff(mag, axis=1),
            "delta_freq": lambda mag: core.diff(mag, axis=2),
            "cumsum_freq": cumulative_sum,
            "logmag_weight": core.safe_log,
        }
        loss = 0.0
        for name, weight in terms.items():
            if weight > 0:
                views_of_both = map(views[name], mags)
                loss = loss + mean_difference(*views_of_both, self.loss_type, weights) * weight
        return loss


class EmbeddingLoss(Loss):
    """Distance of what a model of the caller's makes of two signals."""

    def __init__(
        self, weight=1.0, loss_type="L1", pretrained_model=None, name="embedding_loss", **kwargs
    ) -> None:
        super().__init__(name, **kwargs)
        self.weight, self.loss_type, self.pretrained_model = weight, loss_type, pretrained_model

    def call(self, target_audio, audio):
        if self.weight <= 0:
            return 0.0
        target, value = self.pretrained_model(target_audio), self.pretrained_model(audio)
        return mean_difference(target, value, self.loss_type) * self.weight


@function("amp", "amp_target", "weights")
def amp_loss(amp, amp_target, loss_type="L1", weights=None, log=False, amin=1e-5):
    """Return the mean distance of amplitudes, or of their logarithms; see `log_base`."""
    if log:
        amp = core.log10(at_least(amp, floor=amin))
        amp_target = core.log10(at_least(amp_target, floor=amin))
    return mean_difference(amp, amp_target, loss_type, weights)


@function("f_hz", "f_hz_target", "weights")
def freq_loss(f_hz, f_hz_target, loss_type="L1", weights=None):
    """Return the mean distance of frequencies in semitones; see `hz_to_midi`."""
    notes = core.hz_to_midi(f_hz), core.hz_to_midi(f_hz_target)
    return mean_difference(*notes, loss_type, weights)


class FilteredNoiseConsistencyLoss(Loss):
    """Distance of noise magnitudes."""

    def __init__(self, weight=1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight = weight

    def call(self, noise_magnitudes, noise_magnitudes_target):
        return amp_loss(noise_magnitudes, noise_magnitudes_target) * self.weight


class HarmonicConsistencyLoss(Loss):
    """Distances of the controls of two harmonic sounds, where the second one sounds."""

    def __init__(
        self, amp_weight=1.0, dist_weight=1.0, f0_weight=1.0, amp_threshold=1e-4, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.amp_weight, self.dist_weight, self.f0_weight = amp_weight, dist_weight, f0_weight
        self.amp_threshold = amp_threshold

    def call(self, harm_amp, harm_amp_target, harm_dist, harm_dist_target, f0_hz, f0_hz_target):
        target = as_array(harm_amp_target)
        sounds = (np.asarray(value_of(target)) >= self.amp_threshold).astype(target.dtype)
        amp = amp_loss(harm_amp, harm_amp_target)
        dist = amp_loss(harm_dist, harm_dist_target, weights=sounds)
        f0 = freq_loss(f0_hz, f0_hz_target, weights=sounds)
        return {
            "harm_amp_loss": amp * self.amp_weight,
            "harm_dist_loss": dist * self.dist_weight,
            "f0_hz_loss": f0 * self.f0_weight,
        }


class ParamLoss(Loss):
    """Mean distance of any two arrays."""

    def __init__(self, weight=1.0, loss_type="L1", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight, self.loss_type = weight, loss_type

    def call(self, pred, target, weights=None):
        return mean_difference(pred, target, self.loss_type, weights) * self.weight
