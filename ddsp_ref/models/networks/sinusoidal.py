"""Encoders that end in controls of synthesizers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ddsp_ref.models.networks.basic import Dense
from ddsp_ref.models.networks.by_name import NamedNetwork, Outputs, Splits, concatenate_vjp
from ddsp_ref.models.networks.network import (
    Network,
    Pullback,
    Sizes,
    Weight,
    Weights,
    count_weights,
    named,
    split_weights,
)
from ddsp_ref.models.networks.residual import ResNet
from ddsp_ref.ops.scaling.exp_sigmoid import exp_sigmoid
from ddsp_ref.ops.scaling.frequencies_softmax import frequencies_softmax
from ddsp_ref.ops.scaling.normalize_harmonics import normalize_harmonics
from ddsp_ref.ops.scaling.unit_hz import hz_to_unit
from ddsp_ref.ops.spectral.compute_logmel import compute_logmel


class SinusoidalToHarmonicEncoder(NamedNetwork):
    """From sinusoids to a harmonic series: its pitch, amplitude and distribution.

    Inputs `sin_freqs` in Hz and `sin_amps`, both (..., n_frames, n_sinusoids); outputs `harm_amp`
    (..., n_frames, 1), `harm_dist` (..., n_frames, n_harmonics) and `f0_hz` (..., n_frames, 1).

    Parameters
    ----------
    net : Network
        From 2 * n_sinusoids channels to any number.
    n_harmonics : int
        Number of partials.
    f0_depth : int
        Number of pitches, from 20 to 1200 Hz, that the network weighs.
    sample_rate : float
        Samples per second; partials from half of it on are removed.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/encoders.py, SinusoidalToHarmonicEncoder, with its
    default scale functions. There, a depth other than 64 needs another function.
    """

    input_keys = ("sin_freqs", "sin_amps")

    def __init__(
        self,
        net: Network,
        n_harmonics: int = 100,
        f0_depth: int = 64,
        sample_rate: float = 16000,
    ) -> None:
        self.n_harmonics, self.sample_rate = n_harmonics, sample_rate
        self.parts = [net, Dense(1), Dense(n_harmonics), Dense(f0_depth)]
        self.n_weights = count_weights(self.parts)

    def _weights(self, n_in: tuple) -> list[Weight]:
        found = named("net", self.parts[0].weights(sum(n_in)))
        n = self.parts[0].n_out(sum(n_in))
        for name, part in zip(("amp_out", "hd_out", "f0_out"), self.parts[1:]):
            found += named(name, part.weights(n))
        return found

    def n_out(self, n_in: Sizes) -> dict[str, int]:
        return {"harm_amp": 1, "harm_dist": self.n_harmonics, "f0_hz": 1}

    def _run_vjp(self, inputs: tuple, weights: Weights) -> tuple[Outputs, Pullback]:
        own = split_weights(weights, self.parts)
        unit, unit_pullback = hz_to_unit.vjp(inputs[0], hz_min=0.0, hz_max=self.sample_rate / 2)
        joined, join_pullback = concatenate_vjp([unit, inputs[1]])
        x, net_pullback = self.parts[0]._vjp(joined, own[0])
        heads = [part._vjp(x, w) for part, w in zip(self.parts[1:], own[1:])]
        (raw_amp, _), (raw_dist, _), (raw_f0, _) = heads
        amp, amp_pullback = exp_sigmoid.vjp(raw_amp)
        level, level_pullback = exp_sigmoid.vjp(raw_dist)
        f0, f0_pullback = frequencies_softmax.vjp(raw_f0, hz_min=20.0, hz_max=1200.0)
        dist, dist_pullback = normalize_harmonics.vjp(level, f0, sample_rate=self.sample_rate)

        def pullback(bars):
            level_bar, f0_bar = dist_pullback(bars["harm_dist"])
            f0_bar = f0_bar + bars["f0_hz"][..., 0]
            raw_bars = [
                amp_pullback(bars["harm_amp"])[0],
                level_pullback(level_bar)[0],
                f0_pullback(f0_bar)[0],
            ]
            head_bars = [step(bar) for (_, step), bar in zip(heads, raw_bars)]
            joined_bar, net_bars = net_pullback(sum(x_bar for x_bar, _ in head_bars))
            unit_bar, amps_bar = join_pullback(joined_bar)
            flat = [bar for _, found in head_bars for bar in found]
            return (*unit_pullback(unit_bar), amps_bar), net_bars + flat

        return {"harm_amp": amp, "harm_dist": dist, "f0_hz": f0[..., None]}, pullback


class ResnetSinusoidalEncoder(NamedNetwork):
    """From audio to controls of sinusoids and noise, by a `ResNet` of the log mel spectrum.

    Input `audio`, (..., n_samples); outputs (..., n_frames, n) as named.

    Parameters
    ----------
    output_splits : sequence of (str, int)
        Names and sizes of the outputs; each has a dense layer.
    size : str
        Of the `ResNet`. The original's default, 'tiny', does not exist there.
    logmel_settings : dict or None
        Settings of `compute_logmel`, for another spectrum than its default.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/encoders.py, ResnetSinusoidalEncoder.
    """

    input_keys = ("audio",)

    def __init__(
        self,
        output_splits: Splits = (
            ("frequencies", 100 * 64),
            ("amplitudes", 100),
            ("noise_magnitudes", 60),
        ),
        size: str = "small",
        logmel_settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.output_splits = tuple(map(tuple, output_splits))
        self.logmel_settings = dict(logmel_settings or {})
        self.parts = [ResNet(size), *(Dense(n) for _, n in self.output_splits)]
        self.n_weights = count_weights(self.parts)

    def _weights(self, n_in: tuple) -> list[Weight]:
        n_bins = self.logmel_settings.get("n_mels", compute_logmel.settings["n_mels"])
        for _ in range(5):  # each of the five strides of 2 rounds up
            n_bins = -(-n_bins // 2)
        n = n_bins * self.parts[0].n_out(1)
        found = named("resnet", self.parts[0].weights(1))
        for i, part in enumerate(self.parts[1:]):
            found += named(f"dense_outs/{i}", part.weights(n))
        return found

    def n_out(self, n_in: Sizes) -> dict[str, int]:
        return dict(self.output_splits)

    def _run_vjp(self, inputs: tuple, weights: Weights) -> tuple[Outputs, Pullback]:
        own = split_weights(weights, self.parts)
        logmel, logmel_pullback = compute_logmel.vjp(inputs[0], **self.logmel_settings)
        image, net_pullback = self.parts[0]._vjp(logmel[..., None], own[0])
        x = image.reshape(*image.shape[:-2], -1)
        heads = [part._vjp(x, w) for part, w in zip(self.parts[1:], own[1:])]
        keys = [key for key, _ in self.output_splits]

        def pullback(bars):
            head_bars = [step(bars[key]) for (_, step), key in zip(heads, keys)]
            x_bar = sum(bar for bar, _ in head_bars)
            image_bar, net_bars = net_pullback(x_bar.reshape(image.shape))
            flat = [bar for _, found in head_bars for bar in found]
            return logmel_pullback(image_bar[..., 0]), net_bars + flat

        return {key: y for key, (y, _) in zip(keys, heads)}, pullback
