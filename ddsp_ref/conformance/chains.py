"""Whole chains as ops: an instrument, the features of a recording, a step of training.

A port may pass op by op and still be wired wrongly. These are made of the definitions of their
parts, and are judged like any other op; they are no part of the registry.
"""

from __future__ import annotations

import functools

import numpy as np

from ddsp_ref.op import Case, Op
from ddsp_ref.ops.filters.fft_convolve import fft_convolve
from ddsp_ref.ops.filters.frequency_filter import frequency_filter
from ddsp_ref.ops.losses.spectral_loss import spectral_loss
from ddsp_ref.ops.oscillators.harmonic_synthesis import harmonic_synthesis
from ddsp_ref.ops.scaling.exp_sigmoid import exp_sigmoid
from ddsp_ref.ops.scaling.normalize_harmonics import normalize_harmonics
from ddsp_ref.ops.spectral.compute_loudness import compute_loudness
from ddsp_ref.ops.spectral.compute_mfcc import compute_mfcc
from ddsp_ref.ops.spectral.compute_rms_energy import compute_rms_energy
from ddsp_ref.registry import all_ops

SAMPLE_RATE = 16000
NOISE_BIAS = -5.0  # of an untrained network: little noise
# A logarithm with a floor far below the quietest bins makes a gradient that is all rounding.
_LOSS = {"mag_weight": 1.0, "logmag_weight": 1.0, "log_floor": "add", "log_eps": 1e-3}
_FEATURES = {"sample_rate": SAMPLE_RATE, "frame_rate": 250}
_MFCC = {"fft_size": 512, "n_mels": 64, "n_mfcc": 13, "sample_rate": SAMPLE_RATE}
_CONTROLS = "(n_frames),(n_frames),(n_frames,n_harmonics),(n_frames,n_bands),(n_samples),(n_taps)"


def define_instrument(
    f0_hz, amplitudes, harmonic_distribution, magnitudes, noise, impulse_response, *,
    window_size=257, xp=np,
):  # fmt: skip
    """Play the controls of a solo instrument as a network gives them: harmonics, noise, reverb."""
    shares = normalize_harmonics.define(
        exp_sigmoid.define(harmonic_distribution, xp=xp), f0_hz, sample_rate=SAMPLE_RATE, xp=xp
    )
    level = exp_sigmoid.define(amplitudes, xp=xp)
    n_samples = np.shape(noise)[0]
    tone = harmonic_synthesis.define(
        f0_hz, level, shares, n_samples=n_samples, sample_rate=SAMPLE_RATE, xp=xp
    )
    bands = exp_sigmoid.define(magnitudes + NOISE_BIAS, xp=xp)
    dry = tone + frequency_filter.define(noise, bands, window_size=window_size, xp=xp)
    wet_response = impulse_response * (np.arange(np.shape(impulse_response)[0]) > 0)
    return dry + fft_convolve.define(dry, wet_response, delay_compensation=0, xp=xp)


def instrument_vjp(
    f0_hz, amplitudes, harmonic_distribution, magnitudes, noise, impulse_response, *, window_size
):
    raw, pull_raw = exp_sigmoid.vjp(harmonic_distribution)
    shares, pull_shares = normalize_harmonics.vjp(raw, f0_hz, sample_rate=SAMPLE_RATE)
    level, pull_level = exp_sigmoid.vjp(amplitudes)
    tone, pull_tone = harmonic_synthesis.vjp(
        f0_hz, level, shares, n_samples=noise.shape[-1], sample_rate=SAMPLE_RATE
    )
    bands, pull_bands = exp_sigmoid.vjp(magnitudes + magnitudes.dtype.type(NOISE_BIAS))
    hiss, pull_hiss = frequency_filter.vjp(noise, bands, window_size=window_size)
    dry, later = tone + hiss, np.arange(impulse_response.shape[-1]) > 0
    wet, pull_wet = fft_convolve.vjp(dry, impulse_response * later, delay_compensation=0)

    def pullback(audio_bar):
        dry_bar, response_bar = pull_wet(audio_bar)
        dry_bar = dry_bar + audio_bar
        noise_bar, bands_bar = pull_hiss(dry_bar)
        f0_bar, level_bar, shares_bar = pull_tone(dry_bar)
        raw_bar, f0_from_shares = pull_shares(shares_bar)
        return (
            f0_bar + f0_from_shares, *pull_level(level_bar), *pull_raw(raw_bar),
            *pull_bands(bands_bar), noise_bar, response_bar * later,
        )  # fmt: skip

    return dry + wet, pullback


def _controls(n_frames, n_samples, n_harmonics, n_bands, n_taps, seed=0):
    """Return a glide with vibrato, an attack, a release, formants that move, hiss and a room."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, n_frames)
    f0_hz = 220 * 2 ** (t + 0.03 * np.sin(40 * t))
    amplitudes = 3 * np.sin(np.pi * t) - 1
    distribution = 2 * np.cos(np.outer(3 * t + 1, np.arange(n_harmonics) / 2)) - 1
    magnitudes = np.cos(np.outer(2 * t, np.arange(n_bands) / 3))
    noise = rng.uniform(-1, 1, n_samples)
    decay = np.exp(-np.arange(n_taps) / (n_taps / 5))
    return [
        f0_hz,
        amplitudes,
        distribution,
        magnitudes,
        noise,
        0.3 * decay * rng.normal(size=n_taps),
    ]


def instrument_cases():
    silent = _controls(4, 256, 5, 9, 32)
    silent[1] = np.full(4, -40.0)
    high = _controls(4, 256, 60, 9, 32)
    odd = _controls(7, 448, 12, 65, 1)
    return [
        Case("short", _controls(5, 320, 8, 9, 40), {"window_size": 0}),
        Case("partials above Nyquist", high),
        Case("silent but for noise", silent),
        Case("one tap, default window", odd),
        Case("half a second, long", _controls(125, 8000, 30, 65, 2000)),
    ]


chain_instrument = Op(
    "chain_instrument",
    define_instrument,
    vjp=instrument_vjp,
    cases=instrument_cases,
    signature=f"{_CONTROLS}->(n_samples)",
    source="Engel et al. 2020, figure 2, section 3; magenta/ddsp 3.7.0, solo_instrument.gin",
)


def define_features(audio, *, xp=np):
    """Hear what a network is told of a recording: loudness, energy, cepstrum."""
    return (
        compute_loudness.define(audio, **_FEATURES, xp=xp),
        compute_rms_energy.define(audio, **_FEATURES, xp=xp),
        compute_mfcc.define(audio, **_MFCC, xp=xp),
    )


def features_vjp(audio):
    loudness, pull_loudness = compute_loudness.vjp(audio, **_FEATURES)
    rms, pull_rms = compute_rms_energy.vjp(audio, **_FEATURES)
    mfcc, pull_mfcc = compute_mfcc.vjp(audio, **_MFCC)

    def pullback(bars):
        loudness_bar, rms_bar, mfcc_bar = bars
        slopes = pull_loudness(loudness_bar), pull_rms(rms_bar), pull_mfcc(mfcc_bar)
        return (sum(one for (one,) in slopes),)

    return (loudness, rms, mfcc), pullback


def recording(n_samples: int, seed: int = 0) -> np.ndarray:
    """Return a synthetic recording: three notes of a reed with breath, and the noise of a room."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_samples) / SAMPLE_RATE
    length = n_samples / SAMPLE_RATE
    note = np.minimum((3 * t / length).astype(int), 2)
    place = 3 * t / length - note
    f0_hz = np.array([196.0, 294.0, 247.0])[note] * (1 + 0.005 * np.sin(2 * np.pi * 5.5 * t))
    phase = 2 * np.pi * np.cumsum(f0_hz) / SAMPLE_RATE
    reed = sum(np.sin((2 * k + 1) * phase) / (k + 1) ** 1.3 for k in range(10))
    envelope = np.sin(np.pi * place) ** 0.5
    breath = 0.05 * rng.standard_normal(n_samples)
    return envelope * (0.2 * reed + breath) + 1e-3 * rng.standard_normal(n_samples)


def features_cases():
    return [
        Case("three notes", [recording(2048)]),
        Case("faint", [1e-4 * recording(1024, seed=1)]),
        Case("half a second, long", [recording(8000)]),
    ]


chain_features = Op(
    "chain_features",
    define_features,
    vjp=features_vjp,
    cases=features_cases,
    signature="(n_samples)->(n_frames),(n_frames),(n_mfcc_frames,n_mfcc)",
    source="magenta/ddsp 3.7.0, ddsp/training/preprocessing.py and encoders.py",
)


def define_training(
    target_audio, f0_hz, amplitudes, harmonic_distribution, magnitudes, noise, impulse_response, *,
    window_size=257, xp=np,
):  # fmt: skip
    """Compare an instrument with a target: the loss of a training step, to be differentiated."""
    audio = define_instrument(
        f0_hz, amplitudes, harmonic_distribution, magnitudes, noise, impulse_response,
        window_size=window_size, xp=xp,
    )  # fmt: skip
    return spectral_loss.define(target_audio, audio, **_LOSS, xp=xp)


def training_vjp(target_audio, *controls, window_size):
    audio, pull_audio = instrument_vjp(*controls, window_size=window_size)
    loss, pull_loss = spectral_loss.vjp(target_audio, audio, **_LOSS)

    def pullback(loss_bar):
        target_bar, audio_bar = pull_loss(loss_bar)
        return (target_bar, *pull_audio(audio_bar))

    return loss, pullback


def training_cases():
    return [Case("six scales", [0.5 * recording(2560), *_controls(40, 2560, 16, 33, 200)])]


chain_training = Op(
    "chain_training",
    define_training,
    vjp=training_vjp,
    cases=training_cases,
    signature=f"(n_samples),{_CONTROLS}->()",
    source="Engel et al. 2020, section 4.2; magenta/ddsp 3.7.0, ddsp/losses.py, SpectralLoss",
)

CHAINS = {op.name: op for op in (chain_instrument, chain_features, chain_training)}


@functools.cache
def judged_ops() -> dict[str, Op]:
    """Return all that vectors are made of: every op of the registry, then the chains.

    Examples
    --------
    >>> list(judged_ops())[-1]
    'chain_training'
    """
    return {**all_ops(), **CHAINS}


def long_cases(n_samples: int) -> dict[str, list[Case]]:
    """Return further cases of ops on long signals, where errors of phase and of sums add up.

    Parameters
    ----------
    n_samples : int
        Length; a multiple of 160.

    Returns
    -------
    dict
        Cases by name of op.
    """
    n_frames = n_samples // 160
    f0_hz, level, shares, *_ = _controls(n_frames, n_samples, 20, 2, 2)
    f0_hz, level, shares = f0_hz / 2 + 330, level + 2, shares + 4
    steps = 2 * np.pi * np.linspace(220, 880, n_samples)[:, None] / SAMPLE_RATE
    label = f"long, {n_samples} samples"
    audio = recording(n_samples)
    return {
        "angular_cumsum": [Case(label, [steps])],
        "harmonic_synthesis": [Case(label, [f0_hz, level, shares], {"n_samples": n_samples})],
        "compute_loudness": [Case(label, [audio])],
        "spectral_loss": [
            Case(label, [audio, 0.9 * recording(n_samples, seed=1)], {"logmag_weight": 1.0})
        ],
    }


# What `ddsp-ref conform ddsp_ref.conformance.chains:judged` asks: this library itself.
judged = judged_ops()
