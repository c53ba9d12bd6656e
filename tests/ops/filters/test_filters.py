"""What is peculiar to the FIR filters: where a click lands, long signals, both fast paths."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsp_ref import (
    fft_convolve,
    fft_convolve_frames,
    frequency_filter,
    frequency_impulse_response,
    get_num_threads,
    set_num_threads,
)
from ddsp_ref.ops.filters import _convolution as blocks
from ddsp_ref.ops.filters import _partitions as partitions
from ddsp_ref.ops.filters import _tiles as tiles
from ddsp_ref.ops.filters import fft_convolve as one_file
from ddsp_ref.ops.filters import frequency_impulse_response as response_file

from ...check import assert_close, dot

needs_jit = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="long loops")


def noise(rng, *shape, dtype=np.float64):
    return rng.standard_normal(shape).astype(dtype)


# -- sizes and settings at random ------------------------------------------------------------


@st.composite
def a_call(draw):
    """Draw sizes that fit together, and settings that leave something of the convolution."""
    n_samples, n_taps = draw(st.integers(1, 60)), draw(st.integers(1, 40))
    hop = draw(st.integers(1, n_samples))
    n_frames = -(-n_samples // hop)
    call = {
        "padding": draw(st.sampled_from(["same", "valid"])),
        "delay_compensation": draw(st.integers(-1, n_samples + n_taps - 2)),
    }
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    return noise(rng, n_samples), noise(rng, n_frames, n_taps), call


@settings(max_examples=60, deadline=None)
@given(a_call())
def test_any_sizes_agree_with_the_definition(call):
    audio, responses, chosen = call
    got = fft_convolve_frames(audio, responses, **chosen)
    np.testing.assert_allclose(
        got, fft_convolve_frames.define(audio, responses, **chosen), atol=1e-12
    )
    got = fft_convolve(audio, responses[0], **chosen)
    np.testing.assert_allclose(got, fft_convolve.define(audio, responses[0], **chosen), atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(a_call(), st.integers(1, 60))
def test_both_ways_to_convolve_frames_agree(call, hop):
    audio, responses, chosen = call
    n_frames = -(-len(audio) // hop)
    responses = np.resize(responses, (1, n_frames, responses.shape[1]))
    sizes = len(audio), responses.shape[2]
    start, n_out = blocks.crop(*sizes, chosen["padding"], chosen["delay_compensation"])
    arrays = audio[np.newaxis], responses
    for array in arrays:
        array.flags.writeable = False  # as an op gives them; else numba compiles once more
    inputs = *arrays, hop, start, n_out
    (y, pullback), (y_fft, pullback_fft) = tiles.time_vjp(*inputs), blocks.fft_vjp(*inputs)
    np.testing.assert_allclose(y, y_fft, atol=1e-12)
    for one, other in zip(pullback(y), pullback_fft(y)):
        np.testing.assert_allclose(one, other, atol=1e-11)


# -- where things land in time ---------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 5, 19])
@pytest.mark.parametrize("delay_compensation", [-1, 0, 3])
def test_a_click_gives_the_response(at, delay_compensation, rng):
    response = noise(rng, 9)
    click = np.zeros(20)
    click[at] = 1.0
    start = 3 if delay_compensation < 0 else delay_compensation
    wanted = np.zeros(40)
    wanted[at : at + 9] = response
    got = fft_convolve(click, response, delay_compensation=delay_compensation)
    np.testing.assert_allclose(got, wanted[start : start + 20], atol=1e-14)
    # in frames of 4 samples, only the response of its own frame is heard
    responses = np.full((5, 9), 100.0)
    responses[at // 4] = response
    got = fft_convolve_frames(click, responses, delay_compensation=delay_compensation)
    np.testing.assert_array_equal(got, wanted[start : start + 20])


def test_one_response_for_all_frames_is_one_convolution(rng):
    audio, response = noise(rng, 2, 50), noise(rng, 2, 12)
    frames = np.repeat(response[:, np.newaxis], 10, axis=1)
    np.testing.assert_allclose(
        fft_convolve_frames(audio, frames), fft_convolve(audio, response), atol=1e-13
    )


def test_audio_moved_by_a_frame_moves_the_output(rng):
    audio, responses = noise(rng, 48), noise(rng, 6, 11)
    moved = np.concatenate([np.zeros(8), audio[:-8]])
    moved_responses = np.concatenate([responses[:1], responses[:-1]])
    y = fft_convolve_frames(audio, responses, delay_compensation=0)
    got = fft_convolve_frames(moved, moved_responses, delay_compensation=0)
    np.testing.assert_allclose(got[8:], y[:-8], atol=1e-13)
    np.testing.assert_array_equal(got[:8], 0.0)


@pytest.mark.parametrize(("window_size", "late", "height"), [(0, 2, 1.0), (8, 0, 1.0), (9, 0, 0.5)])
def test_delay_of_a_flat_filter(window_size, late, height, rng):
    """As documented; odd windows of the original miss their own middle."""
    if window_size == 9:
        height = 0.5 - 0.5 * np.cos(2 * np.pi * 5 / 8)  # window[half], one past the top
    audio = noise(rng, 40)
    y = frequency_filter(audio, np.ones((4, 17)), window_size=window_size)
    np.testing.assert_allclose(y, height * np.concatenate([np.zeros(late), audio])[:40], atol=1e-12)


# -- responses from magnitudes ---------------------------------------------------------------


@pytest.mark.parametrize("window_size", [2, 4, 5, 8, 15, 16])
def test_the_window_is_that_of_scipy(window_size):
    _, window = response_file._taps(9, window_size)
    hann = scipy.signal.windows.hann(window_size, sym=window_size % 2 == 1)
    if window_size == 16:
        np.testing.assert_allclose(16 * window, hann, atol=1e-15)
    else:  # shortened to the lags that the original keeps, zeros past the end
        half = (window_size + 1) // 2
        kept = np.append(hann, [0.0, 0.0])[half - max(half - 2, 0) : 2 * half + 1]
        np.testing.assert_allclose(16 * window, kept, atol=1e-15)


def test_the_response_is_symmetric_about_its_middle(rng):
    h = frequency_impulse_response(noise(rng, 33))
    np.testing.assert_allclose(h[33:], h[31:0:-1], atol=1e-14)


def test_the_spectrum_of_the_response_is_the_smoothed_magnitudes(rng):
    """A Hann window in time is the kernel (1/4, 1/2, 1/4) over the bands."""
    magnitudes = noise(rng, 33)
    h = frequency_impulse_response(magnitudes)
    spectrum = np.fft.rfft(np.fft.ifftshift(h))
    around = np.concatenate([magnitudes[1:2], magnitudes, magnitudes[-2:-1]])
    smoothed = around[:-2] / 4 + around[1:-1] / 2 + around[2:] / 4
    np.testing.assert_allclose(spectrum, smoothed, atol=1e-13)


@pytest.mark.parametrize("window_size", [0, 9, 16])
@pytest.mark.parametrize("n_bands", [9, 129])
def test_the_filter_is_its_parts(window_size, n_bands, rng):
    """Bit for bit, value and cotangents; 129 bands and frames of 150 samples go by FFT."""
    hop = 150 if n_bands == 129 else 10
    audio, magnitudes = noise(rng, 2, 3 * hop), noise(rng, 2, 3, n_bands)
    y, pullback = frequency_filter.vjp(audio, magnitudes, window_size=window_size)
    responses, pull_responses = frequency_impulse_response.vjp(magnitudes, window_size=window_size)
    wanted, pull_frames = fft_convolve_frames.vjp(audio, responses)
    np.testing.assert_array_equal(y, wanted)
    audio_bar, magnitudes_bar = pullback(y)
    wanted_audio_bar, responses_bar = pull_frames(y)
    np.testing.assert_array_equal(audio_bar, wanted_audio_bar)
    np.testing.assert_array_equal(magnitudes_bar, *pull_responses(responses_bar))


# -- long signals ----------------------------------------------------------------------------

# (op, shapes): a reverberation, a filter in blocks, filtered noise, long frames by FFT,
# one frame in time, where float32 sums are the longest
LONG = [
    (fft_convolve, [(5, 64000), (1, 48000)]),
    (fft_convolve, [(5, 64000), (5, 513)]),
    (fft_convolve, [(2, 64000), (1, 20)]),
    (fft_convolve_frames, [(2, 64000), (2, 1000, 128)]),
    (fft_convolve_frames, [(2, 64000), (2, 50, 1000)]),
    (fft_convolve_frames, [(2, 64000), (2, 1, 20)]),
    (frequency_filter, [(2, 64000), (2, 1000, 65)]),
]
long = pytest.mark.parametrize(
    ("op", "shapes"), LONG, ids=[f"{op.name}-{'x'.join(map(str, s[1]))}" for op, s in LONG]
)


@needs_jit
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_taps", [20, 513, 8000, 48000])
def test_long_convolution_is_that_of_scipy(n_taps, dtype, rng):
    audio, response = noise(rng, 2, 64000, dtype=dtype), noise(rng, n_taps, dtype=dtype)
    got = fft_convolve(audio, response, padding="valid", delay_compensation=0)
    assert got.dtype == dtype
    rows = [scipy.signal.fftconvolve(a.astype(np.float64), response) for a in audio]
    assert_close(got, np.stack(rows), 1e-12 if dtype == np.float64 else 2e-6, "value")


@needs_jit
@long
def test_pullback_is_the_adjoint(op, shapes, rng):
    """The ops are linear in each array: <op(x + dx) - op(x), w> = <dx, x_bar>, without limits."""
    arrays = [noise(rng, *shape) for shape in shapes]
    y, pullback = op.vjp(*arrays)
    w = noise(rng, *y.shape)
    cotangents = pullback(w)
    for i, cotangent in enumerate(cotangents):
        direction = noise(rng, *shapes[i])
        moved = [direction if j == i else a for j, a in enumerate(arrays)]
        scale = np.linalg.norm(y) * np.linalg.norm(w)
        assert abs(dot(op(*moved), w) - dot(direction, cotangent)) < 1e-12 * scale


@needs_jit
@long
def test_float32_on_long_signals(op, shapes, rng):
    arrays = [noise(rng, *shape, dtype=np.float32) for shape in shapes]
    y, pullback = op.vjp(*arrays)
    y_bar = noise(rng, *y.shape, dtype=np.float32)
    truth, true_pullback = op.vjp(*[a.astype(np.float64) for a in arrays])
    assert_close(y, truth, op.float32_error, "value")
    true_cotangents = true_pullback(y_bar.astype(np.float64))
    for name, one, other in zip(op.array_names, pullback(y_bar), true_cotangents):
        assert_close(one, other, op.float32_grad_error, f"cotangent of {name}")


@needs_jit
@long
def test_long_signals_do_not_depend_on_the_number_of_threads(op, shapes, rng):
    arrays = [noise(rng, *shape, dtype=np.float32) for shape in shapes]
    before, results = get_num_threads(), []
    try:
        for n_threads in (1, 3):
            set_num_threads(n_threads)
            y, pullback = op.vjp(*arrays)
            results.append((y, *pullback(y)))
    finally:
        set_num_threads(before)
    for one, two in zip(*results):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("n_taps", [3, 100])
def test_blocks_and_one_piece_agree(n_taps, rng):
    audio, response = noise(rng, 2, 9000), noise(rng, 2, 1, n_taps)
    assert one_file._block_size(9000, n_taps) < 4500
    for responses in (response, response[:1]):
        y, pullback = blocks.fft_vjp(audio, responses, 4000, 1, 9000)
        y_one, pullback_one = blocks.fft_vjp(audio, responses, 9000, 1, 9000)
        np.testing.assert_allclose(y, y_one, atol=1e-11)
        for one, other in zip(pullback(y), pullback_one(y)):
            assert one.shape == other.shape
            assert_close(one, other, 1e-12, "cotangent")


@pytest.mark.parametrize("n_taps", [700, 2500])
@pytest.mark.parametrize("start", [0, 900, 2000])
def test_partitions_and_one_piece_agree(n_taps, start, rng, monkeypatch):
    monkeypatch.setattr(partitions, "_LONGEST", 256)
    monkeypatch.setattr(partitions, "_AT_ONCE", 3)
    audio, response = noise(rng, 2, 1500), noise(rng, 2, n_taps)
    for responses in (response, response[:1]):
        y, pullback = one_file._partitions_vjp(audio, responses, start, 1200)
        y_one, pullback_one = blocks.fft_vjp(audio, responses[:, np.newaxis], 1500, start, 1200)
        np.testing.assert_allclose(y, y_one, atol=1e-11)
        audio_bar, response_bar = pullback_one(y)
        for one, other in zip(pullback(y), (audio_bar, response_bar[:, 0])):
            assert one.shape == other.shape
            assert_close(one, other, 1e-12, "cotangent")


def test_batch_axes_of_different_number(rng):
    audio, response = noise(rng, 2, 3, 30), noise(rng, 3, 7)
    y, pullback = fft_convolve.vjp(audio, response)
    audio_bar, response_bar = pullback(y)
    assert response_bar.shape == (3, 7)
    total = np.zeros((3, 7))
    for i, j in np.ndindex(2, 3):
        one, pull_one = fft_convolve.vjp(audio[i, j], response[j])
        np.testing.assert_allclose(y[i, j], one, atol=1e-13)
        one_bar, share = pull_one(one)
        np.testing.assert_allclose(audio_bar[i, j], one_bar, atol=1e-12)
        total[j] += share
    np.testing.assert_allclose(response_bar, total, atol=1e-12)
