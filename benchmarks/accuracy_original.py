"""What the accuracy table says of magenta/ddsp: figures measured from it, and its phase again."""

from __future__ import annotations

import numpy as np

from benchmarks import exact
from benchmarks.accuracy_cases import (
    HOP,
    RATE,
    envelope,
    frames,
    harmonic_amplitudes,
    last_second,
)
from benchmarks.exact import LONG

# magenta/ddsp 3.7.0, TensorFlow 2.15.1, CPU, float32; largest error in dB below the peak of a
# high-precision result. With `use_angular_cumsum` after the stroke.
MEASURED = {
    ("harmonic_synthesis, 60 partials, 440 Hz", "4 s"): "5.1 / -5.3",
    ("harmonic_synthesis, 60 partials, 440 Hz", "60 s"): "6.2 / 5.0",
    ("oscillator_bank, 440 Hz", "60 s"): "6.0 / 3.0",
    ("resample_linear, 64 samples a frame", "4 s"): "-141.3",
    ("resample_linear, without endpoint", "4 s"): "-86.9",
    ("resample_window, 64 samples a frame", "4 s"): "-132.5",
    ("resample_cubic, 64 samples a frame", "4 s"): "-135.7",
    ("resample_cubic, 60 samples a frame, no table", "4 s"): "-64.7",
    ("fft_convolve, 48000 taps", "4 s"): "-131.5",
    ("fft_convolve_frames, 128 taps a frame", "4 s"): "-134.4",
}


def _decibels(y, wanted) -> float:
    return float(20 * np.log10(np.abs(y.astype(LONG) - wanted).max() / np.abs(wanted).max()))


def _sum_of_sines(f0, levels, samples):
    """Sum sines of float32 phases, added up partial by partial in float32."""
    y = np.zeros(len(samples), np.float32)
    for k, level in enumerate(levels, start=1):
        hz = f0 * np.float32(k)
        phase = np.cumsum(hz * np.float32(2 * np.pi) / np.float32(RATE))[samples]
        y += np.where(hz[samples] < RATE / 2, level * np.sin(phase), np.float32(0))
    return y


def bank(kind, partials=1):
    def emulate(seconds):
        f0 = envelope(kind, np.float32, seconds)
        samples = last_second(len(f0))
        levels = harmonic_amplitudes(np.float32) if partials == 60 else np.ones(1, np.float32)
        audible = int(np.ceil(RATE / 2 / f0.min()))
        totals, values = exact.running_sums(f0, samples), exact.whole(f0[samples]).tolist()
        wanted = exact.partials(totals, values, 1 << exact.BITS, RATE, levels)
        return _decibels(_sum_of_sines(f0, levels[:audible], samples), wanted)

    return emulate


def wavetable(kind):
    def emulate(seconds):
        f0 = frames(kind, np.float32, seconds)
        samples = last_second(len(f0) * HOP)
        totals, values = exact.line_sums(f0, HOP, samples)
        before = [total - value for total, value in zip(totals, values)]
        points = np.random.default_rng(1).uniform(-1, 1, 2048).astype(np.float32)
        wanted = exact.lookup(points, before, RATE * HOP << exact.BITS)
        places = np.arange(len(f0) * HOP) / HOP
        hz = np.interp(places, np.arange(len(f0)), f0).astype(np.float32)
        phase = np.cumsum(hz / np.float32(RATE)) - hz / np.float32(RATE)
        place = phase[samples] % np.float32(1) * np.float32(2048)
        left = place.astype(int) % 2048
        rest = place - np.floor(place)
        y = points[left] + rest * (points[(left + 1) % 2048] - points[left])
        return _decibels(y, wanted)

    return emulate


EMULATED = {
    "harmonic_synthesis, 60 partials, 440 Hz": bank(440, 60),
    "harmonic_synthesis, 60 partials, 439.7 Hz": bank(439.7, 60),
    "harmonic_synthesis, 60 partials, glide": bank("glide", 60),
    "sinusoidal_synthesis, 439.7 Hz": bank(439.7),
    "sinusoidal_synthesis, glide": bank("glide"),
    "oscillator_bank, 440 Hz": bank(440),
    "oscillator_bank, 439.7 Hz": bank(439.7),
    "oscillator_bank, glide": bank("glide"),
    "wavetable_synthesis, noise in 2048 points, 439.7 Hz": wavetable(439.7),
    "wavetable_synthesis, noise in 2048 points, glide": wavetable("glide"),
}
