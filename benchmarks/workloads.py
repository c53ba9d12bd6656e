"""For every op, the work that a training step or a transfer gives it: 4 s at 16 kHz, 250 frames/s.

Each entry returns (arrays, settings, multiply-adds): the count that limits the forward pass
(None where memory traffic is the limit, every input and output once).
"""

from __future__ import annotations

import numpy as np

FRAMES, SAMPLES, HARMONICS, BANDS = 1000, 64000, 60, 65
RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def positive(*shape):
    return RNG.random(shape, np.float32) + np.float32(1e-3)


def audio():
    return 0.1 * normal(SAMPLES)


def f0():
    return (110 + 20 * np.sin(np.arange(FRAMES) / 30)).astype(np.float32)


def elementwise(low, high, **settings):
    return lambda: ([RNG.uniform(low, high, 1_000_000).astype(np.float32)], settings, None)


def all_pole():
    angle = 0.3 + 0.1 * np.sin(np.arange(SAMPLES) / 1000)
    coefficients = np.stack([-1.9 * np.cos(angle), np.full(SAMPLES, 0.95**2)], axis=1)
    return [audio(), coefficients.astype(np.float32)], {}, 2 * SAMPLES


def gru():
    n_in, n_hidden = 256, 192
    arrays = [normal(16, FRAMES, n_in), np.zeros((16, n_hidden), np.float32)]
    arrays += [0.05 * normal(n_in, 3 * n_hidden), 0.05 * normal(n_hidden, 3 * n_hidden)]
    arrays += [normal(3 * n_hidden), normal(3 * n_hidden)]
    return arrays, {}, 16 * FRAMES * 3 * n_hidden * (n_in + n_hidden)


def lstm():
    n_in, n_hidden = 256, 192
    arrays = [normal(16, FRAMES, n_in), *np.zeros((2, 16, n_hidden), np.float32)]
    arrays += [0.05 * normal(n_in, 4 * n_hidden), 0.05 * normal(n_hidden, 4 * n_hidden)]
    arrays += [normal(4 * n_hidden)]
    return arrays, {}, 16 * FRAMES * 4 * n_hidden * (n_in + n_hidden)


def notes():
    """Masks of twenty notes of fifty frames, with room for a hundred."""
    return np.repeat(np.eye(20, 100, dtype="f4"), FRAMES // 20, axis=0)


def f0_pair(n_rows=None):
    """Two traces of a fundamental frequency, a semitone or so apart."""
    pair = f0(), np.roll(f0(), 100)
    return pair if n_rows is None else [np.tile(trace, (n_rows, 1)) for trace in pair]


def sinusoids():
    """Amplitudes and frequencies of sixty sinusoids."""
    return positive(FRAMES, 60), 4000 * positive(FRAMES, 60)


def taps():
    return normal(FRAMES, 128)


WORKLOADS = {
    "harmonic_synthesis": lambda: (
        # for each sample 45 in float64, which count twice, and 16 for the waves of a group; then
        # 36 for each group of 15 partials, and 4 for the turn to the next
        [f0(), positive(FRAMES), positive(FRAMES, HARMONICS)],
        {"n_samples": SAMPLES},
        SAMPLES * (106 + 40 * HARMONICS // 15),
    ),
    "resample_linear": lambda: ([normal(FRAMES, HARMONICS)], {"n_samples": SAMPLES}, None),
    "resample_window": lambda: ([normal(FRAMES, HARMONICS)], {"n_samples": SAMPLES}, None),
    "frequency_impulse_response": lambda: ([positive(FRAMES, BANDS)], {}, FRAMES * BANDS * 128),
    "fft_convolve": lambda: ([audio(), normal(48000)], {}, None),
    "crop_and_compensate_delay": lambda: (
        [normal(SAMPLES + 300)],
        {"n_samples": SAMPLES, "n_taps": 257},
        None,
    ),
    "fft_convolve_frames": lambda: ([audio(), taps()], {}, SAMPLES * 128),
    "frequency_filter": lambda: (
        [audio(), positive(FRAMES, BANDS)],
        {"window_size": 257},
        SAMPLES * 128 + FRAMES * BANDS * 128,
    ),
    "stft_magnitude": lambda: ([audio()], {}, None),
    "stft": lambda: ([audio()], {}, None),
    "magnitude_to_mel": lambda: ([positive(125, 1025)], {}, 125 * 1025 * 64),
    "compute_mel": lambda: ([audio()], {}, None),
    "compute_logmag": lambda: ([audio()], {}, None),
    "compute_logmel": lambda: ([audio()], {}, None),
    "logmel_to_mfcc": lambda: ([normal(250, 128)], {}, 250 * 128 * 13),
    "compute_mfcc": lambda: ([audio()], {}, None),
    "frame": lambda: ([audio()], {"frame_size": 512, "hop_size": 64}, None),
    "pad_frames": lambda: ([audio()], {"frame_size": 512, "hop_size": 64}, None),
    "pad_or_trim": lambda: ([normal(16, FRAMES + 1)], {"n_expected": FRAMES}, None),
    "spectral_loss": lambda: ([audio(), audio()], {"logmag_weight": 1.0}, None),
    "weighted_spectral_loss": lambda: (
        [audio(), audio(), np.ones((1, 1), np.float32)],
        {"logmag_weight": 1.0},
        None,
    ),
    "mean_difference": lambda: (
        [normal(16 * FRAMES, HARMONICS), normal(16 * FRAMES, HARMONICS), np.ones((1, 1), "f4")],
        {},
        None,
    ),
    "amplitude_loss": lambda: (
        [positive(16 * FRAMES, BANDS), positive(16 * FRAMES, BANDS), np.ones((1, 1), "f4")],
        {"log": True},
        None,
    ),
    "frequency_loss": lambda: ([*f0_pair(16), np.ones((1, 1), "f4")], {}, None),
    "harmonic_consistency_loss": lambda: (
        [*positive(2, FRAMES), *positive(2, FRAMES, HARMONICS), *f0_pair()],
        {},
        None,
    ),
    # for each sinusoid and centre the distance twice, and an exponential for those nearby
    "gaussian_mixture_log_density": lambda: (
        [100 * positive(FRAMES, 60), positive(FRAMES, 60), 100 * positive(FRAMES, 60)],
        {"scale": 0.5},
        FRAMES * 60 * 60 * 4,
    ),
    "sinusoidal_nll": lambda: ([*sinusoids(), *sinusoids()], {}, FRAMES * 60 * 60 * 4),
    "kde_consistency_loss": lambda: ([*sinusoids(), *sinusoids()], {}, 2 * FRAMES * 60 * 60 * 4),
    "wasserstein_distance": lambda: (
        [*normal(2, FRAMES, 60), *positive(2, FRAMES, 60)],
        {},
        None,
    ),
    "wasserstein_consistency_loss": lambda: ([*sinusoids(), *sinusoids()], {}, None),
    "two_way_mismatch": lambda: ([10 * positive(FRAMES, 8) + 200, *sinusoids()[::-1]], {}, None),
    "two_way_mismatch_loss": lambda: (
        [10 * positive(FRAMES, 8) + 200, *sinusoids()[::-1]],
        {},
        None,
    ),
    "compute_loudness": lambda: ([audio()], {}, None),
    "compute_loudness_magenta_v1": lambda: ([audio()], {}, None),
    "compute_loudness_ddsp_pytorch": lambda: ([audio()], {}, None),
    "compute_rms_energy": lambda: ([audio()], {}, None),
    "compute_power": lambda: ([audio()], {}, None),
    "dense": lambda: (
        [normal(16 * FRAMES, 256), normal(256, 256), normal(256)],
        {},
        16 * FRAMES * 256 * 256,
    ),
    "fc_layer": lambda: (
        [normal(16 * FRAMES, 128), normal(128, 128), *normal(3, 128)],
        {},
        16 * FRAMES * 128 * 128,
    ),
    "layer_norm": lambda: ([normal(16 * FRAMES, 256), positive(256), normal(256)], {}, None),
    "gru": gru,
    "normalize_harmonics": lambda: (
        [positive(16, FRAMES, HARMONICS), np.tile(f0(), (16, 1))],
        {"sample_rate": 16000},
        None,
    ),
    "exp_sigmoid": elementwise(-8, 8),
    "leaky_relu": elementwise(-3, 3),
    "relu": elementwise(-3, 3),
    "sigmoid": elementwise(-8, 8),
    "tanh": elementwise(-3, 3),
    "softplus": elementwise(-8, 8),
    "relu6": elementwise(-3, 9),
    "elu": elementwise(-3, 3),
    "gelu": elementwise(-3, 3),
    "swish": elementwise(-8, 8),
    "mish": elementwise(-8, 8),
    "softsign": elementwise(-3, 3),
    "exponential": elementwise(-3, 3),
    "hard_sigmoid": elementwise(-3, 3),
    "softmax": lambda: ([normal(FRAMES, 1024)], {}, None),
    "crelu": lambda: ([normal(FRAMES, 1024)], {}, None),
    "round_straight_through": elementwise(-30, 30),
    "straight_through_softmax": lambda: (
        [normal(FRAMES, 1024), RNG.random(FRAMES, np.float32)],
        {},
        None,
    ),
    "straight_through_choice": lambda: (
        [normal(FRAMES, 1024), normal(FRAMES, 1024), RNG.random(FRAMES, np.float32)],
        {},
        None,
    ),
    "vector_quantize": lambda: (
        [normal(16 * FRAMES, 64), normal(512, 64)],
        {},
        16 * FRAMES * 512 * 64,
    ),
    "lstm": lstm,
    "group_norm": lambda: ([normal(16, FRAMES, 256), positive(256), normal(256)], {}, None),
    "scale_and_shift": lambda: (
        [normal(16, FRAMES, 256), normal(16, FRAMES, 256), normal(16, FRAMES, 256)],
        {},
        None,
    ),
    "conv_1d": lambda: (
        [normal(16, FRAMES, 256), normal(3, 256, 256), normal(256)],
        {"dilation": 4},
        16 * FRAMES * 3 * 256 * 256,
    ),
    "conv_1d_transpose": lambda: (
        [normal(16, FRAMES // 4, 256), normal(8, 256, 256), normal(256)],
        {"stride": 4},
        16 * FRAMES * 2 * 256 * 256,
    ),
    "conv_2d": lambda: (
        [normal(125, 64, 32), normal(3, 3, 32, 32), normal(32)],
        {},
        125 * 64 * 9 * 32 * 32,
    ),
    "max_pool_1d": lambda: ([normal(125, 115, 64)], {"pool_size": 3, "stride": 2}, None),
    "polyphase_resample": lambda: ([normal(16, FRAMES, 256)], {"stride": 4}, None),
    "note_mask": lambda: ([np.repeat(positive(20), FRAMES // 20)], {}, None),
    "note_mask_from_onsets": lambda: ([f0(), np.tile(np.eye(1, 50, dtype="f4")[0], 20)], {}, None),
    "note_lengths": lambda: ([notes()], {}, None),
    "short_note_mask": lambda: ([notes(), positive(100), normal(100)], {}, None),
    "note_moments": lambda: ([normal(FRAMES, HARMONICS), notes()], {}, None),
    "pool_over_notes": lambda: ([normal(FRAMES, HARMONICS), notes()], {}, None),
    "hz_to_midi": elementwise(20, 8000),
    "midi_to_hz": elementwise(0, 127),
    "hz_to_unit": elementwise(20, 1000, hz_min=20.0, hz_max=1000.0),
    "unit_to_hz": elementwise(0, 1, hz_min=20.0, hz_max=1000.0),
    "midi_to_unit": elementwise(0, 127),
    "unit_to_midi": elementwise(0, 1),
    "db_to_unit": elementwise(-80, 0),
    "unit_to_db": elementwise(0, 1),
    "activations_to_f0": lambda: ([positive(FRAMES, 360), np.full(FRAMES, 180, "f4")], {}, None),
    "amplitude_to_db": elementwise(1e-4, 1),
    "db_to_amplitude": elementwise(-80, 0),
    "power_to_db": elementwise(1e-4, 1),
    "db_to_power": elementwise(-80, 0),
    "safe_log": elementwise(1e-4, 10),
    "log_base": elementwise(1e-4, 10),
    "log_scale": elementwise(-1, 1, min_x=1e-3, max_x=10.0),
    "soft_limit": elementwise(-8, 8),
    "gradient_reversal": elementwise(-3, 3),
    "hz_to_bark": elementwise(20, 8000),
    "bark_to_hz": elementwise(0, 21),
    "hz_to_mel": elementwise(20, 8000),
    "mel_to_hz": elementwise(0, 3000),
    "hz_to_erb": elementwise(20, 8000),
    "sym_exp_sigmoid": elementwise(-4, 4),
    "safe_divide": lambda: ([normal(1_000_000), positive(1_000_000)], {}, None),
    "difference": lambda: ([normal(FRAMES, 1024)], {}, None),
    "frequencies_softmax": lambda: ([normal(FRAMES, 20, 64)], {}, None),
    "frequencies_sigmoid": lambda: ([normal(FRAMES, 100, 8)], {}, None),
    "frequencies_critical_bands": lambda: ([normal(FRAMES, 100, 8)], {}, None),
    "resample_nearest": lambda: ([normal(FRAMES, HARMONICS)], {"n_samples": SAMPLES}, None),
    "resample_cubic": lambda: ([normal(FRAMES, HARMONICS)], {"n_samples": SAMPLES}, None),
    "center_crop": lambda: ([audio()], {"frame_size": 1024}, None),
    "remove_above_nyquist": lambda: (
        [10_000 * positive(FRAMES, 1024), normal(FRAMES, 1024)],
        {},
        None,
    ),
    "harmonic_frequencies": lambda: ([f0()], {"n_harmonics": HARMONICS}, None),
    "harmonic_to_sinusoidal": lambda: (
        [positive(FRAMES), positive(FRAMES, HARMONICS), f0()],
        {},
        None,
    ),
    "sinusoidal_to_harmonic": lambda: (
        [positive(FRAMES, 100), 8000 * positive(FRAMES, 100), f0()],
        {"n_harmonics": HARMONICS},
        None,
    ),
    # five for its phase, in float64, which count twice; six for its sine, two for its level
    "sinusoidal_synthesis": lambda: (
        [f0()[:, None] * np.arange(1, HARMONICS + 1, dtype="f4"), positive(FRAMES, HARMONICS)],
        {"n_samples": SAMPLES},
        18 * SAMPLES * HARMONICS,
    ),
    "harmonic_synthesis_shifted": lambda: (
        [f0(), positive(FRAMES), 0.01 * normal(FRAMES, HARMONICS), positive(FRAMES, HARMONICS)],
        {"n_samples": SAMPLES},
        18 * SAMPLES * HARMONICS,
    ),
    "streaming_harmonic_synthesis": lambda: (
        [f0()[:2], positive(2), positive(2, HARMONICS), np.zeros((), np.float32)],
        {"n_samples": 320},
        18 * 320 * HARMONICS,
    ),
    # a sine in float64 takes eleven multiply-adds, and its phase and level four
    "oscillator_bank": lambda: (
        [2000 * positive(SAMPLES, HARMONICS), positive(SAMPLES, HARMONICS)],
        {},
        15 * SAMPLES * HARMONICS,
    ),
    "harmonic_oscillator_bank": lambda: (
        [100 * positive(SAMPLES), positive(SAMPLES, HARMONICS), np.zeros((), np.float32)],
        {},
        15 * SAMPLES * HARMONICS,
    ),
    "angular_cumsum": lambda: ([normal(SAMPLES, HARMONICS)], {}, None),
    "linear_lookup": lambda: ([RNG.random(SAMPLES, np.float32), normal(1, 2048)], {}, None),
    "harmonic_distribution_to_wavetable": lambda: ([positive(FRAMES, HARMONICS)], {}, None),
    "wavetable_synthesis": lambda: (
        [f0(), positive(FRAMES), normal(FRAMES, 512)],
        {"n_samples": SAMPLES},
        None,
    ),
    "all_pole": all_pole,
    "variable_length_delay": lambda: ([RNG.random(SAMPLES, np.float32), audio()], {}, None),
    "apply_window_to_impulse_response": lambda: ([taps()], {}, None),
    "sinc": elementwise(-100, 100),
    "sinc_impulse_response": lambda: ([RNG.random(FRAMES, np.float32)], {}, None),
    "sinc_filter": lambda: (
        [audio(), RNG.random(FRAMES, np.float32)],
        {"window_size": 128},
        SAMPLES * 129,
    ),
    "exp_decay_impulse_response": lambda: (
        [np.ones((), np.float32), np.ones((), np.float32), normal(48000)],
        {},
        None,
    ),
    "crossfade": lambda: ([normal(SAMPLES), normal(SAMPLES), positive(SAMPLES)], {}, None),
    "note_hmm_loss": lambda: ([60 + normal(FRAMES), positive(FRAMES)], {}, None),
}
