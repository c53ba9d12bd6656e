"""Losses that hold sounds to each other by their controls, sinusoids or pitch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddsp_ref.compat.magenta._function import function
from ddsp_ref.compat.magenta._layer import Layer
from ddsp_ref.compat.magenta._pieces import mean
from ddsp_ref.compat.magenta._record import apply
from ddsp_ref.compat.magenta.losses._differences import by_rows
from ddsp_ref.compat.magenta.processors import as_array


class Loss(Layer):
    """Base of losses: a call gives a number."""

    def get_losses_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the loss by name."""
        return {self.name: self(*args, **kwargs)}


class FilteredNoiseConsistencyLoss(Loss):
    """Distance of noise magnitudes; see `amplitude_loss`."""

    def __init__(self, weight=1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight = weight

    def call(self, noise_magnitudes, noise_magnitudes_target):
        magnitudes = noise_magnitudes, noise_magnitudes_target
        return by_rows("amplitude_loss", *magnitudes, None, "L1") * self.weight


class HarmonicConsistencyLoss(Loss):
    """Distances of the controls of two harmonic sounds; see `harmonic_consistency_loss`."""

    def __init__(
        self, amp_weight=1.0, dist_weight=1.0, f0_weight=1.0, amp_threshold=1e-4, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.amp_weight, self.dist_weight, self.f0_weight = amp_weight, dist_weight, f0_weight
        self.amp_threshold = amp_threshold

    def call(self, harm_amp, harm_amp_target, harm_dist, harm_dist_target, f0_hz, f0_hz_target):
        losses = apply(
            "harmonic_consistency_loss",
            *[as_array(x)[..., 0] for x in (harm_amp, harm_amp_target)],
            *[as_array(x) for x in (harm_dist, harm_dist_target)],
            *[as_array(x)[..., 0] for x in (f0_hz, f0_hz_target)],
            amp_weight=self.amp_weight,
            dist_weight=self.dist_weight,
            f0_weight=self.f0_weight,
            amp_threshold=self.amp_threshold,
        )
        names = "harm_amp_loss", "harm_dist_loss", "f0_hz_loss"
        return {name: mean(loss) for name, loss in zip(names, losses, strict=True)}


@function("u_values", "v_values", "u_weights", "v_weights")
def wasserstein_distance(u_values, v_values, u_weights, v_weights, p=1.0):
    """Return how far weights have to be carried, for each row; see the op of this name.

    As in the original the weights are not normalised, though None stands for equal shares.
    """
    if u_weights is None:
        u_weights = np.full(u_values.shape, 1 / u_values.shape[-1], u_values.dtype)
    if v_weights is None:
        v_weights = np.full(v_values.shape, 1 / v_values.shape[-1], v_values.dtype)
    arrays = u_values, v_values, u_weights, v_weights
    return apply("wasserstein_distance", *arrays, p=float(p))


class WassersteinConsistencyLoss(Loss):
    """Transport between two sets of sinusoids; see `wasserstein_consistency_loss`.

    With `midi=False` it is 0, as in the original, which compares frequencies in semitones only.
    """

    def __init__(self, weight=1.0, midi=True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight, self.midi = weight, midi

    def call(self, amps_a, freqs_a, amps_b, freqs_b):
        if self.weight <= 0 or not self.midi:
            return 0.0
        sinusoids = [as_array(x) for x in (amps_a, freqs_a, amps_b, freqs_b)]
        return mean(apply("wasserstein_consistency_loss", *sinusoids)) * self.weight


class KDEConsistencyLoss(Loss):
    """Unlikeliness of each of two sets of sinusoids given the other; see `kde_consistency_loss`."""

    def __init__(
        self,
        weight_a=1.0,
        weight_b=1.0,
        weight_mean_amp=1.0,
        scale_a=0.1,
        scale_b=0.1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.weight_a, self.weight_b, self.weight_mean_amp = weight_a, weight_b, weight_mean_amp
        self.scale_a, self.scale_b = scale_a, scale_b

    def call(self, amps_a, freqs_a, amps_b, freqs_b):
        losses = apply(
            "kde_consistency_loss",
            *[as_array(x) for x in (amps_a, freqs_a, amps_b, freqs_b)],
            # A weight that is not positive leaves its term out.
            weight_a=max(self.weight_a, 0.0),
            weight_b=max(self.weight_b, 0.0),
            weight_mean_amp=max(self.weight_mean_amp, 0.0),
            scale_a=self.scale_a,
            scale_b=self.scale_b,
        )
        return mean(losses)

    def nll(self, amps, freqs, amps_target, freqs_target, scale_target):
        """Return the negative log-likelihood of sinusoids given others, (batch, time)."""
        sinusoids = [as_array(x) for x in (amps, freqs, amps_target, freqs_target)]
        return apply("sinusoidal_nll", *sinusoids, scale=scale_target)


class TWMLoss(Loss):
    """Mismatch of sinusoids and candidates for their pitch; see `two_way_mismatch_loss`."""

    def __init__(
        self,
        sinusoids_weight=1.0,
        harmonics_weight=1.0,
        sinusoids_scale=0.5,
        harmonics_scale=0.2,
        n_harmonic_points=10,
        n_harmonic_gaussians=30,
        softmin_temperature=1.0,
        sample_rate=16000,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sinusoids_weight, self.harmonics_weight = sinusoids_weight, harmonics_weight
        self.sinusoids_scale, self.harmonics_scale = sinusoids_scale, harmonics_scale
        self.n_harmonic_points = n_harmonic_points
        self.n_harmonic_gaussians = n_harmonic_gaussians
        self.softmin_temperature, self.sample_rate = softmin_temperature, sample_rate

    def call(self, f0_candidates, freqs, amps):
        losses = apply(
            "two_way_mismatch_loss",
            *[as_array(x) for x in (f0_candidates, freqs, amps)],
            sinusoids_weight=self.sinusoids_weight,
            harmonics_weight=self.harmonics_weight,
            softmin_temperature=self.softmin_temperature,
            **self._mismatch(),
        )
        return mean(losses)

    def predict_f0(self, f0_candidates, freqs, amps):
        """Return the best candidate of each frame, (batch, time, 1)."""
        sinusoids, harmonics = self.get_loss_tensors(f0_candidates, freqs, amps)
        loss = sinusoids * self.sinusoids_weight + harmonics * self.harmonics_weight
        best = np.argmin(loss, axis=-1)[..., None]
        return np.take_along_axis(np.asarray(f0_candidates), best, axis=-1)

    def get_loss_tensors(self, f0_candidates, freqs, amps):
        """Return both losses for each candidate, (batch, time, candidate)."""
        arrays = [as_array(x) for x in (f0_candidates, freqs, amps)]
        return apply("two_way_mismatch", *arrays, **self._mismatch())

    def _mismatch(self):
        return {
            "sinusoids_scale": self.sinusoids_scale,
            "harmonics_scale": self.harmonics_scale,
            "n_harmonic_points": self.n_harmonic_points,
            "n_harmonic_gaussians": self.n_harmonic_gaussians,
            "sample_rate": self.sample_rate,
        }
