"""The transform, padding, mel spectra, cepstra and older loudnesses: physics and literature."""

from __future__ import annotations

import tracemalloc

import numba
import numpy as np
import pytest
import scipy.fft
import scipy.signal

from ddsp_ref import get_op
from ddsp_ref.ops.spectral._tables import cosine_matrix, hann_window, mel_matrix

from ...check import assert_close, dot

stft, stft_magnitude = get_op("stft"), get_op("stft_magnitude")
pad_frames, frame = get_op("pad_frames"), get_op("frame")
loudness_v1 = get_op("compute_loudness_magenta_v1")
loudness_pytorch = get_op("compute_loudness_ddsp_pytorch")
OLD = {"v1": loudness_v1, "pytorch": loudness_pytorch}
each_old = pytest.mark.parametrize("op", OLD.values(), ids=OLD)
long_signals = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="minutes without compilation")

SINE = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)


@pytest.mark.parametrize("size", [2, 3, 7, 64])
def test_symmetric_window_is_that_of_scipy(size):
    wanted = scipy.signal.get_window("hann", size, fftbins=False)
    np.testing.assert_allclose(hann_window(size, symmetric=True), wanted, atol=1e-15)


def test_mel_bands_lie_where_librosa_puts_them():
    # librosa 0.11.0, librosa.mel_frequencies(n_mels=22, fmin=100, fmax=6000, htk=True)
    edges = [99.99999999999996, 185.2004884207346, 279.474880875384, 383.7895536834133]
    edges += [499.2138028323094, 626.9308049850584, 768.2497458416153, 924.6192401782719]
    edges += [1097.6421811294113, 1289.0921709268373, 1500.9317015228694, 1735.332271460903]
    edges += [1994.6966452049605, 2281.683483101433, 2599.2345944467825, 2950.6050930235947]
    edges += [3339.3967642196344, 3769.5949857654437, 4245.609580553048, 4772.320020304777]
    edges += [5355.12544346044, 6000.000000000001]
    weights = mel_matrix(80001, 20, 16000.0, 100.0, 6000.0)  # a bin for every tenth of a hertz
    heard = weights > 1e-9
    np.testing.assert_allclose(weights.argmax(axis=0) / 10, edges[1:-1], atol=0.06)
    np.testing.assert_allclose(heard.argmax(axis=0) / 10, edges[:-2], atol=0.11)
    last = 80000 - heard[::-1].argmax(axis=0)
    np.testing.assert_allclose(last / 10, edges[2:], atol=0.11)


def test_mel_bands_are_triangles_that_add_up_to_one():
    weights = mel_matrix(4001, 12, 8000.0, 0.0, 4000.0)
    pitch = 2595 * np.log10(1 + np.arange(4001) / 700)
    for band in weights.T:
        up, down = np.split(np.flatnonzero(band), [band[band > 0].argmax() + 1])
        for side in (up[1:-1], down[1:-1]):  # straight in mel
            slope = np.diff(band[side]) / np.diff(pitch[side])
            np.testing.assert_allclose(slope, slope[0], rtol=1e-9)
    first, last = weights[:, 0].argmax(), weights[:, -1].argmax()
    np.testing.assert_allclose(weights[first + 1 : last].sum(axis=1), 1, rtol=1e-12)


def test_bin_at_0_hz_is_in_no_mel_band():
    assert not mel_matrix(65, 8, 16000.0, 0.0, 8000.0)[0].any()


@pytest.mark.parametrize(("n_in", "n_out"), [(1, 1), (8, 8), (64, 13), (129, 20)])
def test_cosine_matrix_is_the_transform_of_scipy(n_in, n_out):
    wanted = scipy.fft.dct(np.eye(n_in), type=2, axis=1)[:, :n_out] / np.sqrt(2 * n_in)
    np.testing.assert_allclose(cosine_matrix(n_in, n_out), wanted, atol=1e-14)


def test_transform_is_that_of_scipy(rng):
    audio = rng.standard_normal(700)
    real, imag = stft(audio, frame_size=64, overlap=0.5, pad_end=False)
    window = scipy.signal.get_window("hann", 64)
    wanted = scipy.signal.ShortTimeFFT(window, 32, 1.0, scale_to=None)
    frames = wanted.stft(audio, p0=1, p1=1 + len(real))  # its first frame begins 32 before ours
    turned = frames.T * np.exp(-1j * np.pi * np.arange(33))[None]  # its time is the middle
    np.testing.assert_allclose(real + 1j * imag, turned, atol=1e-11)


def test_transform_and_magnitudes_agree(rng):
    audio = rng.standard_normal(500)
    for size, n_fft in ((64, 64), (100, 128), (33, 64)):
        real, imag = stft(audio, frame_size=size, overlap=0.6)
        magnitudes = stft_magnitude(audio, fft_size=n_fft, frame_size=size, overlap=0.6)
        np.testing.assert_allclose(np.hypot(real, imag), magnitudes, rtol=1e-12)


def test_pullback_of_the_transform_is_its_adjoint(rng):
    audio = rng.standard_normal((2, 900))
    settings = {"frame_size": 100, "overlap": 0.7}
    y, pullback = stft.vjp(audio, **settings)
    bars = tuple(rng.standard_normal(part.shape) for part in y)
    assert dot(pullback(bars)[0], audio) == pytest.approx(dot(bars, y), rel=1e-11)


@pytest.mark.parametrize("padding", ["center", "same", "valid"])
def test_padding_and_framing_give_the_frames_of_the_power(padding, rng):
    """Value and gradient of the root mean square, put together from its parts."""
    audio = rng.standard_normal(3000)
    settings = {"sample_rate": 16000, "frame_rate": 250, "frame_size": 512, "padding": padding}
    sizes = {"frame_size": 512, "hop_size": 64}
    wanted, pull_wanted = get_op("compute_rms_energy").vjp(audio, **settings)
    padded, pull_padding = pad_frames.vjp(audio, **sizes, padding=padding)
    frames, pull_frames = frame.vjp(padded, **sizes)
    rms = np.sqrt(np.mean(frames**2, axis=1))
    assert_close(rms, wanted, 1e-12, "value")
    bar = rng.standard_normal(rms.shape)
    (padded_bar,) = pull_frames((bar / (512 * rms))[:, None] * frames)
    assert_close(pull_padding(padded_bar)[0], pull_wanted(bar)[0], 1e-11, "cotangent")


def test_padding_at_the_end_of_frames_is_that_of_the_signal(rng):
    audio = rng.standard_normal((3, 1000))
    sizes = {"frame_size": 128, "hop_size": 48}
    padded = pad_frames(audio, **sizes, padding="same")
    np.testing.assert_array_equal(frame(audio, **sizes, pad_end=True), frame(padded, **sizes))


@pytest.mark.parametrize("mode", ["reflect", "symmetric"])
def test_mirrored_padding_is_that_of_numpy(mode, rng):
    audio = rng.standard_normal(50)
    y = pad_frames(audio, frame_size=33, hop_size=8, mode=mode)
    np.testing.assert_array_equal(y, np.pad(audio, 16, mode=mode))


def test_composites_are_their_parts(rng):
    """Value and gradient of the cepstral coefficients, from the ops that they are made of."""
    audio = rng.standard_normal(3000)
    band = {"n_mels": 20, "sample_rate": 16000, "low_hz": 100.0, "high_hz": 7000.0}
    sizes = {"fft_size": 256, "overlap": 0.5}
    y, pullback = get_op("compute_mfcc").vjp(audio, n_mfcc=7, **band, **sizes)
    pulls, value = [], audio
    for name, settings in (
        ("stft_magnitude", sizes),
        ("magnitude_to_mel", band),
        ("safe_log", {}),
        ("logmel_to_mfcc", {"n_mfcc": 7}),
    ):
        value, pull = get_op(name).vjp(value, **settings)
        pulls.append(pull)
    np.testing.assert_array_equal(y, value)
    bar = rng.standard_normal(y.shape)
    wanted = bar
    for pull in reversed(pulls):
        (wanted,) = pull(wanted)
    np.testing.assert_array_equal(pullback(bar)[0], wanted)
    logmel = get_op("compute_logmel")(audio, **band, **sizes)
    np.testing.assert_array_equal(logmel, np.log(get_op("compute_mel")(audio, **band, **sizes)))
    logmag = get_op("compute_logmag")(audio, **sizes)
    np.testing.assert_allclose(np.exp(logmag), stft_magnitude(audio, **sizes), rtol=1e-12)


def test_twice_the_amplitude_adds_to_the_first_coefficient_only(rng):
    audio = rng.standard_normal(3000)
    one, two = (get_op("compute_mfcc")(factor * audio, n_mels=40) for factor in (1, 2))
    wanted = np.zeros(13)
    wanted[0] = np.sqrt(2 * 40) * np.log(2)
    np.testing.assert_allclose(two - one, np.broadcast_to(wanted, one.shape), atol=1e-9)


@each_old
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_older_loudness_of_known_signals(op, dtype, rng):
    """The values by which a definition is known, away from the ends of the signals."""
    # 1 kHz is the middle of a bin: 512, and 256 beside it, all else is at the floor. In noise the
    # mean power of a bin is 2048 * 3/8 * 1/3 = 256 and its logarithm, on average, Euler's constant
    # less; the mean weight is -0.5955 dB. Deviations of 4 s are about 0.03 dB, 0.003 by logarithm.
    sine, noise, spread, silence = {
        loudness_v1: (
            -119.5625,
            10 * np.log10(256) - 10 / np.log(10) * np.euler_gamma - 20.7 - 0.5955,
            0.1,
            -120.0,
        ),
        loudness_pytorch: (-16.6495, (np.log(256) - np.euler_gamma) / 2 - 0.5955, 0.01, -16.7136),
    }[op]
    middle = slice(20, -40)
    # the samples of a sine, rounded to float32, are noise: it fills the empty bins
    allowed = 5e-5 if dtype == np.float64 else 0.03
    np.testing.assert_allclose(op(SINE.astype(dtype))[middle], sine, rtol=0, atol=allowed)
    uniform = rng.uniform(-1, 1, 64000).astype(dtype)
    assert op(uniform)[middle].mean() == pytest.approx(noise, abs=spread)
    np.testing.assert_allclose(op(np.zeros(8000, dtype)), silence, rtol=0, atol=5e-5)


def test_definitions_of_loudness_move_differently_with_level(rng):
    audio = rng.uniform(-1, 1, 6000)
    louder = 10**0.05 * audio  # by 1 dB
    one, two = (loudness_v1(signal, range_db=300.0) for signal in (audio, louder))
    np.testing.assert_allclose(two - one, 1, atol=1e-9)
    difference = loudness_pytorch(louder) - loudness_pytorch(audio)
    np.testing.assert_allclose(difference, np.log(10) / 20, atol=1e-6)


@each_old
def test_gradient_of_older_loudness_on_silence_is_zero(op):
    y, pullback = op.vjp(np.zeros(3000, np.float32))
    np.testing.assert_array_equal(pullback(np.ones_like(y))[0], 0)


@pytest.mark.parametrize("mode", ["reflect", "constant"])
def test_padding_of_the_pytorch_loudness_only_changes_the_ends(mode, rng):
    audio = rng.standard_normal(8000)
    other = "constant" if mode == "reflect" else "reflect"
    one, two = (loudness_pytorch(audio, pad_mode=m) for m in (mode, other))
    ends = 1024 // 160 + 1
    np.testing.assert_allclose(one[ends:-ends], two[ends:-ends], rtol=1e-12)
    assert np.abs(one[0] - two[0]) > 1e-3
    assert one.shape == (8000 // 160,)


@long_signals
@each_old
def test_memory_of_older_loudness_is_that_of_the_audio(op):
    audio = np.ones(60 * 16000, np.float32)  # the spectra are 32 times as large, or 13 times
    op(audio[:4000])
    tracemalloc.start()
    try:
        y, pullback = op.vjp(audio)
        pullback(y)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 7 * audio.nbytes + 4e6  # the signal in float64, padded; its cotangent, twice
