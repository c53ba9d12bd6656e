"""Wide definitions of the oscillators: every convention of theirs that a port may have missed."""

from __future__ import annotations

import numpy as np

from ddsp_ref.conformance.variants._pieces import UPSAMPLE, let_gradient_through, stop, upsample
from ddsp_ref.ops.resampling import resample_cubic

PHASE = {
    "exclusive": "the first phase is 0: the sum stops before the sample (wavetables do so)",
    "midpoint": "the sum takes half of the first and the last step (trapezoids)",
    "not_summed": "phase is f0 times time, without a running sum",
    "frequency_times_steps": "the sum begins a step late: shifted by one sample the other way",
}
PRECISION = {"float32": "the phase is summed in float32 (3 rad off after 4 s at 440 Hz)"}
EACH_PRECISION = {
    "float32_each": "the phase of every partial is summed in float32 by itself (magenta/ddsp)"
}
WAVE = {
    "cos": "a cosine where a sine is meant",
    "negative": "the sine of the negative phase",
    "radians_missing": "the factor 2 pi of the phase is missing",
}
MASK = {
    "missing": "partials above half the sample rate are not silenced",
    "keeps_nyquist": "a partial at exactly half the sample rate is kept (> instead of >=)",
    "at_sample_rate": "partials are silenced above the sample rate, not above half of it",
    "plus_1e-4": "1e-4 is added to a mask of ones and zeros (ddsp_pytorch)",
    "plus_1e-7": "1e-7 is added to a mask of ones and zeros (DDSP-SVC)",
    "leaky_1e-4": "silenced partials keep 1e-4 of their amplitude",
    "leaky_1e-2": "silenced partials keep 1e-2 of their amplitude",
}
NUMBERS = {
    "from_0": "partials are counted from 0: the first one stands still",
    "from_2": "partials are counted from 2: the fundamental is missing",
    "odd": "odd partials only",
}
ADDED = {"mean": "the mean of the partials instead of their sum"}
MASKED_GRADIENT = {"passes": "silenced partials have a gradient, as if they were heard"}
PHASE_GRADIENT = {
    "own_sample": "the gradient of a frequency has its own sample only, not the sum over later "
    "samples",
    "forward": "the gradient of the running sum runs forward, not backward",
}


def running_sum(f, sample_rate, phase, precision, gradient, xp):
    """Return the phase in cycles along the first axis."""
    steps = f / sample_rate
    summed = xp.cumsum(steps, axis=0)
    cycles = {
        "exclusive": summed - steps,
        "midpoint": summed - 0.5 * (steps + steps[:1]),
        "not_summed": steps * np.arange(1, len(f) + 1).reshape((-1,) + (1,) * (f.ndim - 1)),
        "frequency_times_steps": summed + steps,
    }.get(phase, summed)
    if gradient == "own_sample":
        cycles = let_gradient_through(cycles, steps)
    elif gradient == "forward":
        backward = xp.cumsum(steps[::-1], axis=0)[::-1]
        cycles = let_gradient_through(cycles, backward)
    if precision.startswith("float32"):
        plain = (2 * np.pi * stop(f) / sample_rate).astype(np.float32)
        rough = np.cumsum(plain, axis=0, dtype=np.float32) / (2 * np.pi)
        cycles = let_gradient_through(rough.astype(np.float64), cycles)
    return cycles


def waveform(cycles, wave, xp):
    """Return the wave at a phase in cycles."""
    if wave == "cos":
        return xp.cos(2 * np.pi * cycles)
    turn = {"negative": -2 * np.pi, "radians_missing": 1.0}.get(wave, 2 * np.pi)
    return xp.sin(turn * cycles)


def silenced(values, frequencies, sample_rate, mask, masked_gradient, xp):
    """Return values where the frequency is below the limit, and what the mask leaves elsewhere."""
    if mask == "missing":
        return values
    limit = sample_rate if mask == "at_sample_rate" else sample_rate / 2
    audible = frequencies < limit
    if mask == "keeps_nyquist":
        audible = frequencies <= limit
    left = {"leaky_1e-4": 1e-4, "leaky_1e-2": 1e-2}.get(mask, 0.0)
    more = {"plus_1e-4": 1e-4, "plus_1e-7": 1e-7}.get(mask, 0.0)
    masked = xp.where(audible, (1 + more) * values, (left + more) * values)
    if masked_gradient == "passes":
        return let_gradient_through(masked, values)
    return masked


def oscillator_bank(
    frequency_envelopes,
    amplitude_envelopes,
    *,
    sample_rate=16000,
    sum_sinusoids=True,
    phase="inclusive",
    phase_precision="float64",
    wave="sin",
    mask=">=",
    added="sum",
    phase_gradient="full",
    masked_gradient="zero",
    xp=np,
):
    """Sum sinusoids, with every choice that ports disagree on."""
    f = frequency_envelopes
    cycles = running_sum(f, sample_rate, phase, phase_precision, phase_gradient, xp)
    waves = amplitude_envelopes * waveform(cycles, wave, xp)
    waves = silenced(waves, stop(f), sample_rate, mask, masked_gradient, xp)
    if not sum_sinusoids:
        return waves
    return xp.mean(waves, axis=1) if added == "mean" else xp.sum(waves, axis=1)


def _amplitude_envelopes(frames, n_samples, method, xp):
    if method == "cubic":
        return resample_cubic.define(frames, n_samples=n_samples, xp=xp)
    return upsample(frames, n_samples, {"window": "cosine"}.get(method, method), xp)


def harmonic_synthesis(
    f0_hz,
    amplitudes,
    harmonic_distribution,
    *,
    n_samples,
    sample_rate=16000,
    amp_resample_method="window",
    f0_upsample="linear",
    partials="from_1",
    phase="inclusive",
    phase_precision="float64",
    wave="sin",
    mask=">= at samples",
    added="sum",
    phase_gradient="full",
    masked_gradient="zero",
    xp=np,
):
    """Sum harmonics, with every choice that ports disagree on."""
    n_harmonics = harmonic_distribution.shape[1]
    k = np.arange(1, n_harmonics + 1)
    k = {"from_0": k - 1, "from_2": k + 1, "odd": 2 * k - 1}.get(partials, k)
    f0 = upsample(f0_hz, n_samples, f0_upsample, xp)
    frames = amplitudes[:, None] * harmonic_distribution
    if mask == "at_frames":
        hz = stop(f0_hz)[:, None] * k
        frames = silenced(frames, hz, sample_rate, ">=", masked_gradient, xp)
    envelopes = _amplitude_envelopes(frames, n_samples, amp_resample_method, xp)
    settings = sample_rate, phase, phase_precision, phase_gradient, xp
    if phase_precision == "float32_each":
        cycles = running_sum(f0[:, None] * k, *settings)
    else:
        cycles = k * running_sum(f0, *settings)[:, None]
    waves = envelopes * waveform(cycles, wave, xp)
    if mask != "at_frames":
        hz = stop(f0)[:, None] * k
        waves = silenced(waves, hz, sample_rate, mask, masked_gradient, xp)
    return xp.mean(waves, axis=1) if added == "mean" else xp.sum(waves, axis=1)


def sinusoidal_synthesis(
    frequencies_hz,
    amplitudes,
    *,
    n_samples,
    sample_rate=16000,
    amp_resample_method="window",
    frequency_upsample="linear",
    phase="inclusive",
    phase_precision="float64",
    wave="sin",
    mask=">=",
    added="sum",
    phase_gradient="full",
    masked_gradient="zero",
    xp=np,
):
    """Sum sinusoids given by frames, with every choice that ports disagree on."""
    return oscillator_bank(
        upsample(frequencies_hz, n_samples, frequency_upsample, xp),
        _amplitude_envelopes(amplitudes, n_samples, amp_resample_method, xp),
        sample_rate=sample_rate, phase=phase, phase_precision=phase_precision, wave=wave,
        mask=mask, added=added, phase_gradient=phase_gradient, masked_gradient=masked_gradient,
        xp=xp,
    )  # fmt: skip


def normalize_harmonics(
    harmonic_distribution,
    f0_hz,
    *,
    sample_rate=None,
    partials="from_1",
    mask=">=",
    order="mask_first",
    total="sum",
    silence="zeros",
    total_gradient="full",
    masked_gradient="zero",
    xp=np,
):
    """Normalise shares of partials, with every choice that ports disagree on."""
    given = harmonic_distribution
    k = np.arange(1, given.shape[0] + 1)
    k = {"from_0": k - 1, "from_2": k + 1, "odd": 2 * k - 1}.get(partials, k)
    kept = given
    if sample_rate is not None:
        kept = silenced(given, stop(f0_hz) * k, sample_rate, mask, masked_gradient, xp)
    counted = given if order == "normalise_first" else kept
    if total == "softmax":
        kept = counted = xp.where(kept != 0, xp.exp(kept), 0.0)
    sum_ = {
        "max": lambda: xp.max(counted),
        "mean": lambda: xp.mean(counted),
        "norm": lambda: xp.sqrt(xp.sum(counted**2) + 1e-300),
        "none": lambda: 1.0,
    }.get(total, lambda: xp.sum(counted))()
    sum_ = stop(sum_) if total_gradient == "detached" else sum_
    if silence == "uniform" and stop(sum_) == 0:
        return kept + 1.0 / len(k)
    if silence == "added":
        return kept / (sum_ + 1e-7)
    return kept / xp.where(sum_ == 0, 1e-7, sum_)


def remove_above_nyquist(
    frequencies_hz, amplitudes, *, sample_rate=16000, mask=">=", masked_gradient="zero", xp=np
):
    """Silence what would alias, with every choice that ports disagree on."""
    ones = np.ones(np.broadcast_shapes(np.shape(frequencies_hz), np.shape(amplitudes)))
    hz = stop(frequencies_hz)
    return silenced(amplitudes * ones, hz, sample_rate, mask, masked_gradient, xp)


def harmonic_frequencies(f0_hz, *, n_harmonics, partials="from_1", xp=np):
    """Multiply the fundamental, with every choice that ports disagree on."""
    k = np.arange(1, n_harmonics + 1)
    return f0_hz * {"from_0": k - 1, "from_2": k + 1, "odd": 2 * k - 1}.get(partials, k)


AMPLITUDES = {
    "window": "amplitudes by overlapping Hann windows",
    "linear": "amplitudes by straight lines (ddsp-vst, DDSP-SVC)",
    "cubic": "amplitudes by cubics",
} | UPSAMPLE
CHOICES = {
    oscillator_bank: {
        "phase": PHASE,
        "phase_precision": PRECISION,
        "wave": WAVE,
        "mask": MASK,
        "added": ADDED,
        "phase_gradient": PHASE_GRADIENT,
        "masked_gradient": MASKED_GRADIENT,
    },
    harmonic_synthesis: {
        "f0_upsample": UPSAMPLE | {"logarithmic": "f0 is interpolated on a scale of pitch, not Hz"},
        "amp_resample_method": AMPLITUDES,
        "partials": NUMBERS,
        "phase": PHASE,
        "phase_precision": PRECISION | EACH_PRECISION,
        "wave": WAVE,
        "mask": MASK | {"at_frames": "partials are silenced at frames, not at samples"},
        "added": ADDED,
        "phase_gradient": PHASE_GRADIENT,
        "masked_gradient": MASKED_GRADIENT,
    },
    sinusoidal_synthesis: {
        "frequency_upsample": UPSAMPLE,
        "amp_resample_method": AMPLITUDES,
        "phase": PHASE,
        "phase_precision": PRECISION,
        "wave": WAVE,
        "mask": MASK,
        "added": ADDED,
        "phase_gradient": PHASE_GRADIENT,
        "masked_gradient": MASKED_GRADIENT,
    },
    normalize_harmonics: {
        "partials": NUMBERS,
        "mask": MASK,
        "order": {"normalise_first": "shares are normalised before partials are silenced"},
        "total": {
            "max": "shares are divided by the largest one",
            "mean": "shares are divided by their mean",
            "norm": "shares are divided by the root of their squares",
            "none": "shares are not normalised (DDSP-SVC)",
            "softmax": "a softmax instead of shares of a sum",
        },
        "silence": {
            "uniform": "where nothing is left, all shares are equal",
            "added": "1e-7 is added to the sum instead of standing in for 0",
        },
        "total_gradient": {"detached": "the sum is detached: no gradient through the normaliser"},
        "masked_gradient": MASKED_GRADIENT,
    },
    remove_above_nyquist: {"mask": MASK, "masked_gradient": MASKED_GRADIENT},
    harmonic_frequencies: {"partials": NUMBERS},
}
SEE = "oscillators"
