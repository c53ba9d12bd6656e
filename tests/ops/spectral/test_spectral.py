"""What the short-time ops owe to physics, to the literature and to long signals."""

from __future__ import annotations

import math
import tracemalloc

import numba
import numpy as np
import pytest
import scipy.signal

from ddsp_ref import get_num_threads, get_op, set_num_threads
from ddsp_ref.ops.spectral import _frames
from ddsp_ref.ops.spectral._frames import add_frames, check_rates, cut_frames, framing
from ddsp_ref.ops.spectral._tables import a_weighting_db, hann_window

from ...check import central_difference

stft_magnitude, compute_loudness = get_op("stft_magnitude"), get_op("compute_loudness")
SHORT_TIME = [
    stft_magnitude,
    compute_loudness,
    get_op("compute_power"),
    get_op("compute_rms_energy"),
    get_op("compute_loudness_magenta_v1"),
]
each_op = pytest.mark.parametrize("op", SHORT_TIME, ids=[op.name for op in SHORT_TIME])
long_signals = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="minutes without compilation")


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_window_is_the_periodic_one(size):
    wanted = scipy.signal.get_window("hann", size) if size > 1 else np.zeros(1)
    np.testing.assert_allclose(hann_window(size), wanted, atol=1e-15)


def test_a_weighting_is_that_of_the_standard():
    # IEC 61672-1:2013, table 3, at the exact frequencies of the nominal ones
    table = {31.5: -39.4, 63: -26.2, 125: -16.1, 250: -8.6, 500: -3.2, 1000: 0.0, 2000: 1.2}
    table |= {4000: 1.0, 8000: -1.1, 16000: -6.6, 20000: -9.3, 10: -70.4}
    exact = [10 ** (round(10 * math.log10(nominal)) / 10) for nominal in table]
    np.testing.assert_allclose(a_weighting_db(exact), list(table.values()), atol=0.051)


def test_a_weighting_is_that_of_librosa():
    # librosa 0.11.0, librosa.A_weighting
    frequencies = np.array([0.0, 1.0, 20.0, 100.0, 440.0, 1000.0, 2500.0, 8000.0, 24000.0])
    wanted = [-80.0, -80.0, -50.39008501206484, -19.14243247933746, -4.094556210589168]
    wanted += [3.444647460231209e-4, 1.271013156762926, -1.146781875844171, -11.76119244567253]
    np.testing.assert_allclose(a_weighting_db(frequencies), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("padding", ["center", "same", "valid"])
def test_frames_are_counted_as_one_would_by_hand(padding):
    for n_samples in range(8, 60):
        for hop in (1, 3, 4, 8):
            n_frames, start = framing(n_samples, 8, hop, padding)
            end = n_samples + 4 if padding == "center" else n_samples
            if padding == "same":
                wanted = sum(1 for first in range(0, end, hop) if first < n_samples)
            else:
                wanted = sum(1 for first in range(start, end, hop) if first + 8 <= end)
            assert n_frames == wanted


def test_lengths_are_counted_in_whole_numbers():
    # 2067968 / 16000 seconds times 250 is a little less than 32312 in floating point
    assert framing(2067968, 512, 64, "same") == (32312, 0)
    assert framing(4000, 512, 64, "center") == (63, -256)


def test_a_rate_that_makes_a_whole_hop_is_let_pass():
    check_rates(44100, 44100 / 176)
    check_rates(48000.0, 250.0)


def test_adding_frames_is_the_transpose_of_cutting_them(rng):
    for n_samples, start, hop in ((100, -8, 5), (100, 0, 20), (7, -8, 3), (3, 0, 4)):
        signal = rng.standard_normal(n_samples)
        frames, other = np.full((9, 16), np.nan), rng.standard_normal((9, 16))
        window, added = hann_window(16), np.zeros(n_samples)
        cut_frames(signal, window, start, hop, frames)
        add_frames(other, window, start, hop, added)
        assert np.sum(frames * other) == pytest.approx(np.sum(signal * added), rel=1e-12)


def test_energy_of_the_spectra_is_that_of_the_signal(rng):
    # Parseval for every frame; at an overlap of 3/4 the squared windows add up to 3/2
    size = 64
    audio = np.concatenate([np.zeros(size), rng.standard_normal(500), np.zeros(size)])
    power = stft_magnitude(audio, fft_size=size) ** 2
    both_sides = 2 * power.sum() - power[:, [0, -1]].sum()
    assert both_sides == pytest.approx(1.5 * size * np.sum(audio**2), rel=1e-12)


def test_a_sine_in_the_middle_of_a_bin_gives_a_quarter_of_the_size():
    sine = 0.5 * np.sin(2 * np.pi * 8 / 64 * np.arange(256) + 0.3)
    mag = stft_magnitude(sine, fft_size=64, pad_end=False)
    np.testing.assert_allclose(mag[:, 8], 0.5 * 64 / 4, rtol=1e-12)
    assert np.abs(mag[:, 12:]).max() < 1e-12


@each_op
def test_shifting_by_a_hop_shifts_the_frames(op, rng):
    hop = 512 if op is stft_magnitude else 64
    audio = rng.standard_normal(3000)
    shifted = np.concatenate([rng.standard_normal(hop), audio])
    settings = {"pad_end": False} if op is stft_magnitude else {"padding": "valid"}
    one, two = op(audio, **settings), op(shifted, **settings)
    np.testing.assert_allclose(two[1:], one, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_magnitudes_of_very_quiet_audio_keep_their_digits(dtype, rng):
    audio = rng.standard_normal(100).astype(dtype)
    loud, quiet = (stft_magnitude(scale * audio, fft_size=16) for scale in (1, dtype(1e-25)))
    np.testing.assert_allclose(quiet, 1e-25 * loud, rtol=1e-4)


def test_loudness_of_known_signals(rng):
    seconds = 2
    sine = np.sin(2 * np.pi * 1000 * np.arange(seconds * 16000) / 16000)
    noise = rng.uniform(-1, 1, seconds * 16000)
    middle = slice(10, -10)
    np.testing.assert_allclose(compute_loudness(sine)[middle], 19.81, atol=0.005)
    assert compute_loudness(noise)[middle].mean() == pytest.approx(18.2, abs=0.15)
    assert set(compute_loudness(np.zeros(4000))) == {-80.0}


def test_a_decibel_more_is_a_decibel_more(rng):
    audio = rng.standard_normal(3000)
    for op in (compute_loudness, get_op("compute_power")):
        np.testing.assert_allclose(op(audio * 10**0.05), op(audio) + 1, rtol=1e-9)


def test_gradient_of_loudness_on_silence_is_zero():
    y, pullback = compute_loudness.vjp(np.zeros(2000, np.float32))
    np.testing.assert_array_equal(pullback(np.ones_like(y))[0], 0)


@each_op
def test_result_does_not_depend_on_how_the_frames_are_divided(op, rng, monkeypatch):
    audio = rng.standard_normal(3000)
    results = []
    for part in (1 << 10, 1 << 22):  # parts of two frames, all frames in one part
        monkeypatch.setattr(_frames, "_PART", part)
        y, pullback = op.vjp(audio)
        results.append((y, *pullback(np.cos(np.arange(y.size)).reshape(y.shape))))
    for one, other in zip(*results):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)


@long_signals
@each_op
def test_long_signals_give_the_same_bits_for_any_number_of_threads(op, rng):
    audio = rng.standard_normal((2, 80000)).astype(np.float32)
    before, results = get_num_threads(), []
    try:
        for n_threads in (1, 2, 5):
            set_num_threads(n_threads)
            y, pullback = op.vjp(audio)
            results.append((y, *pullback(np.ones_like(y))))
    finally:
        set_num_threads(before)
    for result in results[1:]:
        for one, other in zip(results[0], result):
            np.testing.assert_array_equal(one, other)


@long_signals
@each_op
def test_pullback_of_a_long_signal_is_the_central_difference(op, rng):
    audio, direction = rng.standard_normal((2, 60000))
    y, pullback = op.vjp(audio)
    y_bar = rng.standard_normal(y.shape)
    wanted = central_difference(op, [audio], {}, y_bar, [direction], 1e-5)
    scale = np.abs(pullback(y_bar)[0] * direction).sum()
    assert abs(np.sum(pullback(y_bar)[0] * direction) - wanted) < 1e-7 * scale


@long_signals
@pytest.mark.parametrize("op", SHORT_TIME[1:4], ids=[op.name for op in SHORT_TIME[1:4]])
def test_memory_is_that_of_the_audio_not_that_of_the_frames(op):
    audio = np.ones(60 * 16000, np.float32)  # the frames are 8 times as large
    op(audio[:4000])
    tracemalloc.start()
    try:
        y, pullback = op.vjp(audio)
        pullback(y)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * audio.nbytes + 4e6
