"""Linear systems: superposition, time shift, energy, gain at 0 Hz, symmetry."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ddsp_ref
from ddsp_ref.registry import all_ops

from ..check import as_tuple, assert_close

# without compilation, a few of each: kernels are held to their definitions elsewhere
quick = settings(
    derandomize=True, max_examples=2 if numba.config.DISABLE_JIT else 12, deadline=None
)
seeds = st.integers(0, 2**32 - 1)
factors = st.floats(-4.0, 4.0)

# For each op the arrays in which its value is linear, all others held.
LINEAR = {
    "apply_window_to_impulse_response": ["impulse_response"],
    "center_crop": ["audio"],
    "difference": ["x"],
    "fft_convolve": ["audio", "impulse_response"],
    "fft_convolve_frames": ["audio", "impulse_responses"],
    "frequency_filter": ["audio", "magnitudes"],
    "frequency_impulse_response": ["magnitudes"],
    "gradient_reversal": ["x"],
    "harmonic_synthesis": ["amplitudes", "harmonic_distribution"],
    "harmonic_synthesis_shifted": ["amplitudes", "harmonic_distribution"],
    "linear_lookup": ["wavetables"],
    "oscillator_bank": ["amplitude_envelopes"],
    "resample_cubic": ["x"],
    "resample_linear": ["x"],
    "resample_nearest": ["x"],
    "resample_window": ["x"],
    "sinc_filter": ["audio"],
    "sinusoidal_synthesis": ["amplitudes"],
    "variable_length_delay": ["audio"],
    "wavetable_synthesis": ["amplitudes", "wavetables"],
}
PAIRS = [(op, name) for op, names in LINEAR.items() for name in names]


@pytest.mark.parametrize(("name", "argument"), PAIRS, ids=["-".join(p) for p in PAIRS])
@quick
@given(a=factors, b=factors, seed=seeds)
def test_superposition(name, argument, a, b, seed):
    op, rng = all_ops()[name], np.random.default_rng(seed)
    i = op.array_names.index(argument)
    for case in op.cases():
        if case.error:
            continue
        arrays = [np.asarray(x, np.float64) for x in case.arrays]
        one, two = rng.standard_normal((2, *arrays[i].shape))

        def apply(x, arrays=arrays, case=case):
            return op(*arrays[:i], x, *arrays[i + 1 :], **case.settings)

        parts = apply(one), apply(two)
        size = np.abs(parts).max() * (abs(a) + abs(b))
        error = np.abs(apply(a * one + b * two) - (a * parts[0] + b * parts[1])).max()
        assert error <= 1e-12 * size + 1e-300, case.label


@quick
@given(seed=seeds, factor=st.floats(0.01, 100.0), sign=st.sampled_from([-1, 1]))
def test_levels_follow_the_amplitude(seed, factor, sign):
    audio = np.random.default_rng(seed).standard_normal(1600)
    scaled = sign * factor * audio
    assert_close(ddsp_ref.stft_magnitude(scaled, fft_size=256),
                 factor * ddsp_ref.stft_magnitude(audio, fft_size=256), 1e-12, "stft")  # fmt: skip
    assert_close(ddsp_ref.compute_rms_energy(scaled),
                 factor * ddsp_ref.compute_rms_energy(audio), 1e-12, "rms")  # fmt: skip
    for level in (ddsp_ref.compute_loudness, ddsp_ref.compute_power):
        higher = level(scaled, range_db=300.0) - level(audio, range_db=300.0)
        np.testing.assert_allclose(higher, 20 * np.log10(factor), atol=1e-10)


@quick
@given(seed=seeds, delay=st.integers(0, 40), n_taps=st.integers(1, 50))
def test_a_delayed_sound_gives_a_delayed_result(seed, delay, n_taps):
    rng = np.random.default_rng(seed)
    audio, taps = rng.standard_normal(64), rng.standard_normal(n_taps)
    late = np.concatenate([np.zeros(delay), audio])
    kept = {"padding": "valid", "delay_compensation": 0}
    y = ddsp_ref.fft_convolve(audio, taps, **kept)
    got = ddsp_ref.fft_convolve(late, taps, **kept)
    assert_close(got[delay:], y, 1e-13, "convolution")
    assert np.abs(got[:delay]).max(initial=0.0) <= 1e-13 * np.abs(y).max()

    lead = np.full((len(late), 1), delay / 64)[:, 0]
    audio_long = np.concatenate([audio, np.zeros(delay)])
    delayed = ddsp_ref.variable_length_delay(lead, audio_long, max_length=64)
    np.testing.assert_array_equal(delayed, late)


@quick
@given(seed=seeds, n_hops=st.integers(1, 5))
def test_spectra_move_with_the_sound(seed, n_hops):
    audio = np.random.default_rng(seed).standard_normal(640)
    late = np.concatenate([np.zeros(64 * n_hops), audio])
    spectra = ddsp_ref.stft_magnitude(audio, fft_size=256)
    moved = ddsp_ref.stft_magnitude(late, fft_size=256)
    np.testing.assert_array_equal(moved[n_hops:], spectra)
    for measure in (ddsp_ref.compute_loudness, ddsp_ref.compute_power):
        still = measure(audio, padding="same")
        np.testing.assert_allclose(measure(late, padding="same")[n_hops:], still, atol=1e-9)


@pytest.mark.parametrize("method", ["linear", "nearest", "window", "cubic"])
@quick
@given(seed=seeds)
def test_controls_move_with_their_frames(method, seed):
    x = np.random.default_rng(seed).standard_normal((9, 2))
    op = all_ops()[f"resample_{method}"]
    whole, later = op(x, n_samples=72), op(x[1:], n_samples=64)
    inner = slice(8, 40)  # away from both ends, which cubics see from two frames off
    assert_close(later[inner], whole[8:][inner], 1e-13, method)


@quick
@given(seed=seeds, fft_size=st.sampled_from([16, 30, 256]))
def test_parseval_for_short_spectra(seed, fft_size):
    """Energy of a windowed frame = that of its spectrum / size; inner bins stand for two."""
    audio = np.random.default_rng(seed).standard_normal(2 * fft_size)
    spectrum = ddsp_ref.stft_magnitude(audio, fft_size=fft_size, pad_end=False)
    twice = np.full(fft_size // 2 + 1, 2.0)
    twice[[0, -1]] = 1.0
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(fft_size) / fft_size)
    for m, row in enumerate(spectrum):
        frame = audio[m * (fft_size // 4) :][:fft_size]
        energy = np.sum((window * frame) ** 2)
        np.testing.assert_allclose(np.sum(twice * row**2) / fft_size, energy, rtol=1e-12)


@quick
@given(seed=seeds, n_taps=st.integers(1, 80))
def test_energy_of_a_convolution_is_that_of_the_product_of_spectra(seed, n_taps):
    rng = np.random.default_rng(seed)
    audio, taps = rng.standard_normal(100), rng.standard_normal(n_taps)
    y = ddsp_ref.fft_convolve(audio, taps, padding="valid", delay_compensation=0)
    n = len(y)
    product = np.abs(np.fft.fft(audio, n) * np.fft.fft(taps, n)) ** 2
    np.testing.assert_allclose(np.sum(y**2), product.mean(), rtol=1e-12)


@quick
@given(seed=seeds)
def test_power_is_the_square_of_rms_energy(seed):
    audio = np.random.default_rng(seed).standard_normal(1600)
    level = ddsp_ref.compute_power(audio, range_db=300.0)
    np.testing.assert_allclose(level, 20 * np.log10(ddsp_ref.compute_rms_energy(audio)), atol=1e-9)


@quick
@given(seed=seeds, n_bands=st.integers(2, 70))
def test_frequency_responses_are_symmetric_and_smoothed_by_the_window(seed, n_bands):
    """Symmetric about its middle; a Hann window averages bands with weights 1/4, 1/2, 1/4."""
    bands = np.random.default_rng(seed).uniform(0, 1, n_bands)
    taps = ddsp_ref.frequency_impulse_response(bands)
    middle = n_bands - 1
    np.testing.assert_allclose(taps[1:][::-1], taps[1:], atol=1e-15)
    response = np.fft.fft(np.roll(taps, -middle))[:n_bands]
    around = np.concatenate([bands[1:2], bands, bands[-2:-1]])  # the spectrum is even
    smooth = 0.25 * around[:-2] + 0.5 * around[1:-1] + 0.25 * around[2:]
    np.testing.assert_allclose(response, smooth, atol=1e-14)


@quick
@given(cutoff=st.floats(0.01, 0.99), window_size=st.integers(8, 300))
def test_gain_of_windowed_sinc_filters_at_0_hz(cutoff, window_size):
    low = ddsp_ref.sinc_impulse_response(np.array(cutoff), window_size=window_size)
    high = ddsp_ref.sinc_impulse_response(np.array(cutoff), window_size=window_size, high_pass=True)
    np.testing.assert_allclose([low.sum(), high.sum()], [1.0, 0.0], atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", ["linear", "nearest", "window", "cubic"])
@quick
@given(value=st.floats(-1e3, 1e3, width=32), endpoint=st.booleans())
def test_a_constant_stays_constant(method, dtype, value, endpoint):
    x = np.full((5, 1), value, dtype)
    op = all_ops()[f"resample_{method}"]
    y = op(x, n_samples=40, add_endpoint=endpoint)
    np.testing.assert_allclose(y, value, rtol=4 * np.finfo(dtype).eps)


def test_all_named_ops_exist():
    assert set(LINEAR) <= set(all_ops())
    for name, arguments in LINEAR.items():
        assert set(arguments) <= set(all_ops()[name].array_names)
        assert len(as_tuple(all_ops()[name].cases()[0].expected)) == 1
