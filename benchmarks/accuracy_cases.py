"""The cases of the accuracy table: what is computed, on which samples, and what it should be.

A case is a function of dtype and duration that returns (got, wanted, peak): what an op gives,
the same samples with more digits, from the inputs after they were rounded to that dtype, and
the largest value of the whole result.
"""

from __future__ import annotations

import numpy as np

import ddsp_ref
from benchmarks import exact
from benchmarks.exact import LONG, PI

RATE, HOP = 16000, 64
TURN = 0x6487ED5110B4611A62633145C06E0E68948127044533E63A0  # 2 pi 2^192


def harmonic_amplitudes(dtype):
    """Return 60 amplitudes 1/k that add up to 1."""
    k = np.arange(1, 61)
    return (1 / k / (1 / k).sum()).astype(dtype)


def last_second(n_samples):
    """Return some samples of the last second, the very last one among them."""
    return np.arange(n_samples - 1, max(n_samples - RATE, 0) - 1, -7)[::-1]


def frames(kind, dtype, seconds):
    """Return f0 frame by frame: a constant, or a glide over the whole duration."""
    n_frames = round(seconds * RATE) // HOP
    if kind == "glide":
        return np.linspace(220.3, 659.9, n_frames).astype(dtype)
    return np.full(n_frames, kind).astype(dtype)


def envelope(kind, dtype, seconds):
    """Return f0 sample by sample."""
    n_samples = round(seconds * RATE)
    if kind == "glide":
        return np.linspace(220.3, 659.9, n_samples).astype(dtype)
    return np.full(n_samples, kind).astype(dtype)


def harmonic_synthesis(kind):
    def case(dtype, seconds):
        f0, levels = frames(kind, dtype, seconds), harmonic_amplitudes(dtype)
        n_samples, samples = len(f0) * HOP, last_second(len(f0) * HOP)
        shares = np.broadcast_to(levels, (len(f0), len(levels)))
        y = ddsp_ref.harmonic_synthesis(f0, np.ones_like(f0), shares, n_samples=n_samples)
        totals, values = exact.line_sums(f0, HOP, samples)
        unit = HOP << exact.BITS
        return y[samples], exact.partials(totals, values, unit, RATE, levels), np.abs(y).max()

    return case


def sinusoidal_synthesis(kind):
    def case(dtype, seconds):
        f0 = frames(kind, dtype, seconds)
        n_samples, samples = len(f0) * HOP, last_second(len(f0) * HOP)
        one = np.ones_like(f0)[:, None]
        y = ddsp_ref.sinusoidal_synthesis(f0[:, None], one, n_samples=n_samples)
        totals, values = exact.line_sums(f0, HOP, samples)
        return y[samples], exact.partials(totals, values, HOP << exact.BITS, RATE, [1]), 1

    return case


def oscillator_bank(kind):
    def case(dtype, seconds):
        f0 = envelope(kind, dtype, seconds)
        samples = last_second(len(f0))
        y = ddsp_ref.oscillator_bank(f0[:, None], np.ones_like(f0)[:, None])
        totals, values = exact.running_sums(f0, samples), exact.whole(f0[samples]).tolist()
        return y[samples], exact.partials(totals, values, 1 << exact.BITS, RATE, [1]), 1

    return case


def harmonic_oscillator_bank(kind):
    def case(dtype, seconds):
        f0 = envelope(kind, dtype, seconds)
        samples, levels = last_second(len(f0)), np.array([0.5, 0.25, 0.25], dtype)
        each = np.broadcast_to(levels, (len(f0), 3))
        y, _ = ddsp_ref.harmonic_oscillator_bank(f0, each, np.zeros((), dtype))
        totals = exact.running_sums(f0, samples)
        silent = [0] * len(totals)  # no partial is dropped
        wanted = exact.partials(totals, silent, 1 << exact.BITS, RATE, levels)
        return y[samples], wanted, np.abs(y).max()

    return case


def angular_cumsum(kind):
    """Phases are compared as points of the circle: next to 2 pi one may jump to 0."""

    def case(dtype, seconds):
        omega = (envelope(kind, np.float64, seconds) * (2 * np.pi / RATE)).astype(dtype)
        samples = last_second(len(omega))[-200:]
        got = ddsp_ref.angular_cumsum(omega[:, None])[samples, 0]
        totals = exact.running_sums(omega, samples, bits=57)
        cycles = exact.fractions([total << (192 - 57) for total in totals], TURN)
        distance = got.astype(LONG) / (2 * PI) - cycles
        wanted = 2 * PI * cycles
        return wanted + 2 * PI * (distance - np.rint(distance)), wanted, 2 * np.pi

    return case


def wavetable_synthesis(kind):
    def case(dtype, seconds):
        f0 = frames(kind, dtype, seconds)
        n_samples, samples = len(f0) * HOP, last_second(len(f0) * HOP)
        table = np.random.default_rng(1).uniform(-1, 1, 2048).astype(dtype)
        one = np.ones_like(f0)
        y = ddsp_ref.wavetable_synthesis(f0, one, table[None], n_samples=n_samples)
        totals, values = exact.line_sums(f0, HOP, samples)
        before = [total - value for total, value in zip(totals, values)]
        return (
            y[samples],
            exact.lookup(table, before, RATE * HOP << exact.BITS),
            np.abs(table).max(),
        )

    return case


def resample(method, n_samples_per_frame=HOP, add_endpoint=True, table_size=1024):
    def case(dtype, seconds):
        n_frames = round(seconds * RATE) // HOP
        x = np.random.default_rng(2).uniform(0, 1, n_frames).astype(dtype)
        n_samples = n_frames * n_samples_per_frame
        settings = {"n_samples": n_samples, "add_endpoint": add_endpoint}
        if method == "cubic":
            settings["table_size"] = table_size
        op = getattr(ddsp_ref, f"resample_{method}")
        samples = last_second(n_samples)
        y = op(x[:, None], **settings)[samples, 0]

        steps, length = (n_frames, n_samples) if add_endpoint else (n_frames - 1, n_samples - 1)
        left, rest = samples * steps // length, samples * steps % length
        r, wide = rest.astype(LONG) / length, x.astype(LONG)

        def frame(i):
            return wide[np.clip(i, 0, n_frames - 1)]

        if method == "cubic":
            if table_size:
                r = np.rint(rest.astype(LONG) * table_size / length) / table_size
            a, wanted = LONG(-0.75), LONG(0)
            for j in (-1, 0, 1, 2):
                s = abs(r - j)
                near = ((a + 2) * s - (a + 3)) * s**2 + 1
                wanted = wanted + np.where(s <= 1, near, a * (((s - 5) * s + 8) * s - 4)) * frame(
                    left + j
                )
            return y, wanted, 1
        share = np.sin(PI / 2 * r) ** 2 if method == "window" else r
        return y, frame(left) + share * (frame(left + 1) - frame(left)), 1

    return case


def few(n):
    """Return 100 samples, spread over all of n."""
    return np.unique(np.linspace(0, n - 1, 100).astype(int))


def noise(n, dtype, seed):
    return np.random.default_rng(seed).standard_normal(n).astype(dtype)


def fft_convolve(dtype, seconds):
    audio, taps = noise(round(seconds * RATE), dtype, 3), noise(48000, dtype, 4)
    taps *= np.exp(-np.arange(48000) / 8000).astype(dtype)
    samples = few(len(audio))
    y = ddsp_ref.fft_convolve(audio, taps, delay_compensation=0)
    wanted = exact.convolution(audio, taps[None], len(audio), samples)
    return y[samples], wanted, np.abs(y).max()


def fft_convolve_frames(dtype, seconds):
    n_frames = round(seconds * RATE) // HOP
    audio, taps = noise(n_frames * HOP, dtype, 3), noise(n_frames * 128, dtype, 4)
    taps = taps.reshape(n_frames, 128)
    samples = few(len(audio))
    y = ddsp_ref.fft_convolve_frames(audio, taps, delay_compensation=0)
    return y[samples], exact.convolution(audio, taps, HOP, samples), np.abs(y).max()


def frequency_impulse_response(dtype, seconds):
    magnitudes = np.random.default_rng(5).uniform(0, 1, (20, 65)).astype(dtype)
    y = ddsp_ref.frequency_impulse_response(magnitudes)
    lag, k = np.arange(-64, 64), np.arange(65)
    window = (LONG(1) + np.cos(PI * lag / 64)) / 2
    weight = np.where((k == 0) | (k == 64), LONG(1), LONG(2)) / 128
    table = np.cos(PI * (np.outer(lag, k) % 128) / 64) * weight
    wanted = np.sum(table * magnitudes[:, None, :].astype(LONG), axis=-1)
    return y, window * wanted, np.abs(y).max()


def variable_length_delay(dtype, seconds):
    n, length = round(seconds * RATE), 500
    audio, samples = noise(n, dtype, 6), last_second(n)
    phase = (0.5 + 0.4 * np.sin(np.arange(n) / 777)).astype(dtype)
    y = ddsp_ref.variable_length_delay(phase, audio, max_length=length)
    delay = phase[samples].astype(LONG) * length
    d = np.floor(delay)
    padded = np.concatenate([np.zeros(length + 1), audio]).astype(LONG)
    one = padded[samples - d.astype(int) + length + 1]
    two = padded[samples - d.astype(int) + length]
    return y[samples], one + (delay - d) * (two - one), np.abs(y).max()


def sine_and_noise(dtype, seconds):
    n = round(seconds * RATE)
    return (np.sin(np.arange(n) * 0.3) + 1e-3 * noise(n, np.float64, 7)).astype(dtype)


def stft_magnitude(dtype, seconds):
    """Three frames of the end, all bins; the error is set against the largest one."""
    audio = sine_and_noise(dtype, seconds)
    y = ddsp_ref.stft_magnitude(audio, fft_size=1024)
    padded = np.concatenate([audio, np.zeros(1024)]).astype(LONG)
    rows = [len(y) - 6, len(y) - 5, len(y) - 1]
    wanted = [abs(exact.spectrum(padded[256 * m : 256 * m + 1024], 513)) for m in rows]
    return y[rows], np.array(wanted), np.abs(y).max()


def compute_loudness(dtype, seconds):
    """Ten frames of the end, in dB."""
    audio = sine_and_noise(dtype, seconds)
    y = ddsp_ref.compute_loudness(audio)
    padded = np.concatenate([np.zeros(256), audio, np.zeros(512)]).astype(LONG)
    weight = exact.a_weighting_power(np.arange(257) * (RATE / 512))
    rows = np.arange(len(y) - 10, len(y))
    power = [np.mean(weight * abs(exact.spectrum(padded[64 * m : 64 * m + 512], 257)) ** 2)
             for m in rows]  # fmt: skip
    return y[rows], 10 * np.log10(np.array(power)), np.abs(y).max()
