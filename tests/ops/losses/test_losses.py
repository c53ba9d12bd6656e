"""What the spectral loss owes to its formula and to long, quiet and unequal signals."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from ddsp_ref import get_num_threads, get_op, set_num_threads
from ddsp_ref.ops.losses import _magnitude_kernels, _spectral_terms

from ...check import assert_close, central_difference

spectral_loss, stft_magnitude = get_op("spectral_loss"), get_op("stft_magnitude")
weighted_spectral_loss = get_op("weighted_spectral_loss")
SMALL = {"fft_sizes": (64, 32), "logmag_weight": 1.0}
EVERY = SMALL | {"delta_time_weight": 0.5, "delta_freq_weight": 0.3, "cumsum_freq_weight": 0.1}
both_types = pytest.mark.parametrize("loss_type", ["L1", "L2"])
all_types = pytest.mark.parametrize("loss_type", ["L1", "L2", "COSINE"])
long_signals = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="minutes without compilation")


@both_types
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_identical_signals_have_no_loss_and_no_gradient(loss_type, dtype, rng):
    audio = rng.standard_normal((2, 700)).astype(dtype)
    y, pullback = spectral_loss.vjp(audio, audio.copy(), loss_type=loss_type, **SMALL)
    np.testing.assert_array_equal(y, 0)
    for bar in pullback(np.ones_like(y)):
        np.testing.assert_array_equal(bar, 0)


@all_types
@pytest.mark.parametrize("views", [SMALL, EVERY], ids=["two views", "every view"])
def test_loss_does_not_depend_on_which_signal_is_the_target(loss_type, views, rng):
    one, other = rng.standard_normal((2, 700))
    settings = views | {"loss_type": loss_type, "loudness_weight": 0.01}
    y, pullback = spectral_loss.vjp(one, other, **settings)
    y_swapped, pullback_swapped = spectral_loss.vjp(other, one, **settings)
    assert y == pytest.approx(y_swapped, rel=1e-12)
    for a, b in zip(pullback(1.0), pullback_swapped(1.0)[::-1]):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_common_gain_scales_magnitudes_and_leaves_logarithms(rng):
    one, other = rng.standard_normal((2, 700))
    sizes = {"fft_sizes": (64, 32)}
    mag = spectral_loss(one, other, **sizes)
    assert spectral_loss(3 * one, 3 * other, **sizes) == pytest.approx(3 * mag, rel=1e-12)
    sizes |= {"mag_weight": 0.0, "logmag_weight": 1.0}
    log = spectral_loss(one, other, **sizes)
    assert spectral_loss(3 * one, 3 * other, **sizes) == pytest.approx(log, rel=1e-9)


def test_gain_of_one_signal_is_the_logarithm_of_the_gain(rng):
    audio = rng.standard_normal(700)
    settings = {"fft_sizes": (64, 32), "mag_weight": 0.0, "logmag_weight": 1.0}
    # 640 samples end with full hops, so no frame holds just the sample under the window's 0
    y = spectral_loss(audio[:640], np.e * audio[:640], **settings)
    assert y == pytest.approx(2.0, rel=1e-9)


@both_types
def test_loss_and_gradient_are_those_of_its_parts(loss_type, rng):
    signals = rng.standard_normal((2, 640))
    wanted, wanted_bars = 0.0, np.zeros((2, 640))
    for size in SMALL["fft_sizes"]:
        mags, pull_back = stft_magnitude.vjp(signals, fft_size=size)
        mags_bar = np.zeros_like(mags)
        for values, slopes in ((mags, np.ones_like(mags)), (np.log(mags), 1 / mags)):
            gap = values[1] - values[0]
            wanted += np.mean(np.abs(gap) if loss_type == "L1" else gap**2)
            gap_bar = (np.sign(gap) if loss_type == "L1" else 2 * gap) / gap.size
            mags_bar += slopes * np.stack([-gap_bar, gap_bar])
        wanted_bars += pull_back(mags_bar)[0]
    y, pullback = spectral_loss.vjp(*signals, loss_type=loss_type, **SMALL)
    assert y == pytest.approx(wanted, rel=1e-12)
    assert_close(np.stack(pullback(1.0)), wanted_bars, 1e-10, "cotangents")


@all_types
@pytest.mark.parametrize("log_floor", ["replace", "add"])
def test_every_view_at_once_is_the_sum_of_the_parts(loss_type, log_floor, rng):
    """The weighted loss keeps all magnitudes and compares one view after the other."""
    signals = rng.standard_normal((2, 640))
    settings = EVERY | {"loss_type": loss_type, "loudness_weight": 0.01, "log_floor": log_floor}
    wanted, pull_wanted = weighted_spectral_loss.vjp(*signals, np.ones((1, 1)), **settings)
    y, pullback = spectral_loss.vjp(*signals, **settings)
    assert y == pytest.approx(wanted, rel=1e-12)
    assert_close(pullback(1.0), pull_wanted(1.0)[:2], 1e-10, "cotangents")


@all_types
def test_weights_of_signals_are_factors(loss_type, rng):
    target, audio = rng.standard_normal((2, 2, 640))
    weights, settings = np.array([[[2.0]], [[0.5]]]), EVERY | {"loss_type": loss_type}
    y = spectral_loss(target, audio, loss_type=loss_type, **EVERY)
    got, pullback = weighted_spectral_loss.vjp(target, audio, weights, **settings)
    np.testing.assert_allclose(got, y * weights[:, 0, 0], rtol=1e-12)
    np.testing.assert_allclose(pullback(np.ones(2))[2][:, 0, 0], y, rtol=1e-12)


def test_frames_without_weight_do_not_count(rng):
    target, audio = rng.standard_normal((2, 640))
    changed, weights = audio.copy(), np.ones((40, 1))
    changed[320:] = 0
    weights[16:] = 0  # frames of 64 samples from 256 on
    settings = {"fft_sizes": (64,), "logmag_weight": 1.0}
    y, pullback = weighted_spectral_loss.vjp(target, audio, weights, **settings)
    assert weighted_spectral_loss(target, changed, weights, **settings) == y
    np.testing.assert_array_equal(pullback(1.0)[1][320:], 0)
    assert np.abs(pullback(1.0)[1][1:256]).min() > 0  # sample 0 is under a zero of the window


def test_one_target_for_a_batch_is_repeated(rng):
    target, audio = rng.standard_normal(300), rng.standard_normal((3, 300))
    y, pullback = spectral_loss.vjp(target, audio, **SMALL)
    y_all, pullback_all = spectral_loss.vjp(np.tile(target, (3, 1)), audio, **SMALL)
    np.testing.assert_array_equal(y, y_all)
    (bar, audio_bar), (bar_all, audio_bar_all) = pullback(np.ones(3)), pullback_all(np.ones(3))
    np.testing.assert_allclose(bar, bar_all.sum(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(audio_bar, audio_bar_all)


def test_silent_audio_is_at_the_floor_and_is_not_pulled(rng):
    target = rng.standard_normal(640).astype(np.float32)
    for settings in (SMALL, SMALL | {"log_floor": "add"}):
        y, pullback = spectral_loss.vjp(target, np.zeros_like(target), **settings)
        mags = [stft_magnitude(target, fft_size=size) for size in SMALL["fft_sizes"]]
        log_floor = np.log(1e-5)
        wanted = sum(np.mean(mag) + np.mean(np.log(mag) - log_floor) for mag in mags)
        assert y == pytest.approx(wanted, rel=1e-4)
        np.testing.assert_array_equal(pullback(np.float32(1))[1], 0)


@pytest.mark.parametrize("gain", [1e-6, 1e-12, 1e-25])
def test_quiet_audio_keeps_its_digits_next_to_a_loud_target(gain, rng):
    # one transform for both signals would drown the quiet one in rounding errors of the loud one
    target, audio = rng.standard_normal((2, 640)).astype(np.float32)
    audio *= np.float32(gain)
    truth, pull_true = spectral_loss.vjp(target.astype(float), audio.astype(float), **SMALL)
    y, pullback = spectral_loss.vjp(target, audio, **SMALL)
    assert y == pytest.approx(truth, rel=1e-6)
    assert_close(pullback(np.float32(1))[1], pull_true(1.0)[1], 1e-2, "cotangent of audio")


def test_added_floor_bounds_the_gradient(rng):
    target, audio = rng.standard_normal((2, 640))
    settings = SMALL | {"mag_weight": 0.0, "log_eps": 1e-3}
    steep, flat = (
        np.abs(spectral_loss.vjp(target, 1e-9 * audio, **settings, log_floor=f)[1](1.0)[1]).max()
        for f in ("replace", "add")
    )
    # each of the four frames at a sample adds at most sum_k |w| / (n_values * log_eps)
    assert flat <= 4 * len(SMALL["fft_sizes"]) / (640 / 16) / 1e-3
    assert steep > 1e4 * flat


@pytest.mark.parametrize("views", [SMALL, EVERY], ids=["two views", "every view"])
@pytest.mark.parametrize("fft_sizes", [(64, 32), (44, 20)])
def test_result_does_not_depend_on_how_time_is_divided(fft_sizes, views, rng, monkeypatch):
    target, audio = rng.standard_normal((2, 2, 1000))
    results = []
    # of 333 samples the last part is a single one, in which no frame begins
    for part in (64, 333, 1 << 20):
        monkeypatch.setattr(_magnitude_kernels, "_SEGMENT", part // 4)
        monkeypatch.setattr(_spectral_terms, "_PART", part)
        y, pullback = spectral_loss.vjp(target, audio, **views | {"fft_sizes": fft_sizes})
        results.append((y, *pullback(np.array([1.0, 2.0]))))
    for result in results[1:]:
        for one, other in zip(results[0], result):
            assert_close(one, other, 1e-11, "parts of 64 samples")


@long_signals
@pytest.mark.parametrize("more", [{}, {"delta_time_weight": 1.0}], ids=["two views", "three"])
def test_long_signals_give_the_same_bits_for_any_number_of_threads(more, rng):
    target, audio = rng.standard_normal((2, 2, 50000)).astype(np.float32)
    before, results = get_num_threads(), []
    try:
        for n_threads in (1, 2, 5):
            set_num_threads(n_threads)
            y, pullback = spectral_loss.vjp(target, audio, logmag_weight=1.0, **more)
            results.append((y, *pullback(np.ones_like(y))))
    finally:
        set_num_threads(before)
    for result in results[1:]:
        for one, other in zip(results[0], result):
            np.testing.assert_array_equal(one, other)


@long_signals
def test_gradient_of_a_long_signal_is_the_central_difference(rng):
    arrays = rng.standard_normal((2, 40000))
    settings = {"logmag_weight": 1.0, "loss_type": "L2", "log_floor": "add", "log_eps": 0.1}
    y, pullback = spectral_loss.vjp(*arrays, **settings)
    directions = list(rng.standard_normal((2, 40000)))
    wanted = central_difference(spectral_loss, arrays, settings, np.ones_like(y), directions, 1e-5)
    got = sum(np.sum(bar * d) for bar, d in zip(pullback(np.ones_like(y)), directions))
    scale = sum(np.abs(bar * d).sum() for bar, d in zip(pullback(np.ones_like(y)), directions))
    # a few of the half million magnitudes pass close by 0, where they have a kink
    assert abs(got - wanted) < 1e-5 * scale
