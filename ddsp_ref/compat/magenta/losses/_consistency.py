"""Losses that compare sets of sinusoids: transport, densities, two-way mismatch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddsp_ref.compat.magenta import core
from ddsp_ref.compat.magenta._function import function
from ddsp_ref.compat.magenta._layer import Layer
from ddsp_ref.compat.magenta._pieces import mean
from ddsp_ref.compat.magenta._record import apply, value_of
from ddsp_ref.compat.magenta.losses._densities import mixture_log_density, transport
from ddsp_ref.compat.magenta.losses._differences import mean_absolute
from ddsp_ref.compat.magenta.processors import as_array


class Loss(Layer):
    """Base of losses: a call gives a number."""

    def get_losses_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the loss by name."""
        return {self.name: self(*args, **kwargs)}


def _shares(amps):
    """Return amplitudes that sum to one, and 1e-7 in place of 0 before that."""
    amps = as_array(amps)
    silent = np.asarray(value_of(amps)) == 0
    amps = amps + np.where(silent, 1e-7, 0.0).astype(amps.dtype)
    total = mean(amps, axis=-1, keepdims=True) * amps.shape[-1]
    return apply("safe_divide", amps, total)


@function("u_values", "v_values", "u_weights", "v_weights")
def wasserstein_distance(u_values, v_values, u_weights, v_weights, p=1.0):
    """Return how far weights have to be carried, for each row.

    As in the original the weights are not normalised, though None stands for equal shares.
    """
    if u_weights is None:
        u_weights = np.full(u_values.shape, 1 / u_values.shape[-1], u_values.dtype)
    if v_weights is None:
        v_weights = np.full(v_values.shape, 1 / v_values.shape[-1], v_values.dtype)
    return transport(u_values, v_values, u_weights, v_weights, p=float(p))


class WassersteinConsistencyLoss(Loss):
    """Transport between two sets of sinusoids, over semitones; with `midi=False` 0, as there."""

    def __init__(self, weight=1.0, midi=True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight, self.midi = weight, midi

    def call(self, amps_a, freqs_a, amps_b, freqs_b):
        if self.weight <= 0 or not self.midi:
            return 0.0
        notes = core.hz_to_midi(freqs_a), core.hz_to_midi(freqs_b)
        return mean(wasserstein_distance(*notes, amps_a, amps_b)) * self.weight


class KDEConsistencyLoss(Loss):
    """Unlikeliness of each of two sets of sinusoids under a density around the other."""

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
        a, b, loss = (amps_a, freqs_a), (amps_b, freqs_b), 0.0
        if self.weight_a > 0:
            loss = loss + mean(self.nll(*a, *b, self.scale_b)) * self.weight_a
        if self.weight_b > 0:
            loss = loss + mean(self.nll(*b, *a, self.scale_a)) * self.weight_b
        if self.weight_mean_amp > 0:
            levels = [mean(as_array(amps), axis=-1) for amps in (amps_a, amps_b)]
            apart = mean_absolute(*levels, np.ones((), levels[0].dtype))
            loss = loss + apart * self.weight_mean_amp
        return loss

    def nll(self, amps, freqs, amps_target, freqs_target, scale_target):
        """Return the negative log-likelihood of sinusoids given others, (batch, time)."""
        notes, target_notes = core.hz_to_midi(freqs), core.hz_to_midi(freqs_target)
        likely = mixture_log_density(notes, _shares(amps_target), target_notes, scale=scale_target)
        amps = as_array(amps)
        total = mean(amps, axis=-1, keepdims=True) * amps.shape[-1]
        return mean(-likely * apply("safe_divide", amps, total), axis=-1)


class TWMLoss(Loss):
    """Two-way mismatch of sinusoids and the harmonics of candidates for their pitch."""

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

    def _combined(self, f0_candidates, freqs, amps):
        sinusoids, harmonics = self.get_loss_tensors(f0_candidates, freqs, amps)
        return sinusoids * self.sinusoids_weight + harmonics * self.harmonics_weight

    def call(self, f0_candidates, freqs, amps):
        loss = self._combined(f0_candidates, freqs, amps)
        share = apply("softmax", loss * (-1 / self.softmin_temperature))
        return mean(loss * share)

    def predict_f0(self, f0_candidates, freqs, amps):
        """Return the best candidate of each frame, (batch, time, 1)."""
        loss = self._combined(f0_candidates, freqs, amps)
        best = np.argmin(loss, axis=-1)[..., None]
        return np.take_along_axis(np.asarray(f0_candidates), best, axis=-1)

    def get_loss_tensors(self, f0_candidates, freqs, amps):
        """Return both losses for each candidate, (batch, time, candidate)."""
        f0, freqs, amps = map(as_array, (f0_candidates, freqs, amps))
        ratios = apply("safe_divide", freqs[:, :, None, :], f0[:, :, :, None])
        numbers = np.arange(1, self.n_harmonic_gaussians + 1).astype(f0.dtype)
        unlikely = -mixture_log_density(
            ratios, np.ones_like(numbers), numbers, scale=self.harmonics_scale
        )
        level = amps[:, :, None, :]
        sinusoids = apply("safe_divide", mean(unlikely * level, axis=-1), mean(level, axis=-1))

        points = np.arange(1, self.n_harmonic_points + 1).astype(f0.dtype)
        notes = core.hz_to_midi(f0[:, :, :, None] * points)
        batch, time, n_candidates, n_points = notes.shape
        likely = mixture_log_density(
            notes.reshape(batch, time, n_candidates * n_points),
            _shares(amps),
            core.hz_to_midi(freqs),
            scale=self.sinusoids_scale,
        )
        prior = np.linspace(1.0, 1.0 / self.n_harmonic_points, self.n_harmonic_points)
        audible = np.asarray(value_of(notes)) < core.hz_to_midi(self.sample_rate / 2.0)
        heard = audible.mean(axis=-1, keepdims=True)
        weight = prior * np.divide(audible, heard, out=np.zeros(audible.shape), where=heard > 0)
        unlikely = -likely.reshape(*notes.shape) * weight.astype(f0.dtype)
        return sinusoids, mean(unlikely, axis=-1)
