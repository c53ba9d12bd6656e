"""pyin: kernels equal their definitions, and the pitch of sounds whose pitch is known."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from ddsp_ref.analysis.frames import hop_size, n_frames
from ddsp_ref.analysis.pitch import fill_unvoiced, move_estimates
from ddsp_ref.analysis.pyin import pyin
from ddsp_ref.analysis.refinement import refine_f0
from ddsp_ref.analysis.yin import (
    autocorrelation,
    define_difference,
    define_normalised_difference,
    define_troughs,
    fft_length,
    find_candidates,
)
from ddsp_ref.errors import ParameterError
from ddsp_ref.jit import get_num_threads, set_num_threads

RATE = 16000


def sing(f0_hz, sample_rate=RATE, partials=None, n_samples=3200):
    """Sum partials of a pitch in Hz, constant or per sample, below Nyquist."""
    f0_hz = np.broadcast_to(np.asarray(f0_hz, np.float64), (n_samples,))
    phase = np.cumsum(f0_hz) / sample_rate
    audio = np.zeros(n_samples)
    for k, amplitude in (partials or {k: 1 / k for k in range(1, 9)}).items():
        audio += (k * f0_hz < 0.49 * sample_rate) * amplitude * np.sin(2 * np.pi * k * phase + k)
    return 0.3 * audio


def cents(got, wanted):
    return 1200 * np.log2(got / wanted)


def inner(pitch, seconds=0.04):
    """Select the frames whose window lies, but for a tapering edge, within the sound."""
    return (pitch.times_s >= seconds) & (pitch.times_s <= pitch.times_s[-1] - seconds)


@pytest.fixture
def some_frames(rng):
    t = np.arange(96)
    chirp = np.sin(2 * np.pi * (t / 9 + t**2 / 2000))
    edge = np.where(t < 48, 0.0, np.sin(2 * np.pi * t / 13.3))
    tones = [np.cos(2 * np.pi * t / period) for period in (4.0, 7.5, 11.1, 31.0)]
    return np.array([rng.standard_normal(96), chirp, edge, 0 * t, 1 + 0 * t, *tones])


def test_difference_by_hand_and_by_sums(rng):
    np.testing.assert_allclose(define_difference([1.0, 2.0, 4.0], 2), [0, 1 + 4 + 16, 9 + 4 + 16])
    x = rng.standard_normal(30)
    after = np.concatenate([x, np.zeros(12)])
    wanted = [sum((x[j] - after[j + k]) ** 2 for j in range(30)) for k in range(13)]
    np.testing.assert_allclose(define_difference(x, 12), wanted, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(define_difference(x, 12, 2)[::2], wanted, rtol=0.02, atol=1e-12)


def test_difference_between_samples():
    def wave(t):  # band-limited for all practical purposes, and silent at the edges
        return np.exp(-(((t - 64) / 14) ** 2)) * np.sin(0.9 * t)

    j = np.arange(-64, 256)
    wanted = [np.sum((wave(j) - wave(j + k / 2)) ** 2) for k in range(41)]
    np.testing.assert_allclose(define_difference(wave(np.arange(128)), 20, 2), wanted, atol=1e-6)


@pytest.mark.parametrize("lags_per_sample", [1, 2])
def test_candidates_equal_their_definition(some_frames, lags_per_sample):
    masses = np.random.default_rng(0).dirichlet(np.ones(20))
    max_period, first_lag, n_bins, longest = 40, 3 * lags_per_sample, 300, 40.0 * lags_per_sample
    padded = np.zeros((len(some_frames), fft_length(96, max_period)))
    padded[:, :96] = some_frames
    bins = np.empty((len(padded), 50), np.int16)
    probabilities, counts = np.empty((len(padded), 50)), np.empty(len(padded), np.int64)
    find_candidates(
        padded, autocorrelation(padded, max_period, lags_per_sample), first_lag, lags_per_sample,
        masses, 2.0, 0.01, longest, 120, n_bins, bins, probabilities, counts,
    )  # fmt: skip
    assert counts.max() > 3
    for t, frame in enumerate(some_frames):
        difference = define_difference(frame, max_period, lags_per_sample)
        indices, shifts, wanted = define_troughs(
            define_normalised_difference(difference)[first_lag:], masses, boltzmann=2.0,
            no_trough_prob=0.01, interpolate=lags_per_sample > 1,
        )  # fmt: skip
        pitch = np.maximum(np.round(120 * np.log2(longest / (first_lag + indices + shifts))), 0)
        by_bin = {int(b): p for b, p in zip(pitch, wanted) if b < n_bins and p > 0}
        np.testing.assert_array_equal(bins[t, : counts[t]], list(by_bin))
        np.testing.assert_allclose(probabilities[t, : counts[t]], [*by_bin.values()], rtol=1e-9)


@pytest.mark.parametrize("wrong_by", [-15.0, 0.0, 20.0])
def test_refined_pitch_is_that_of_the_wave(wrong_by):
    for f0_hz in (61.3, 233.1, 1111.7, 2345.6):
        frame = sing(f0_hz, n_samples=1024)[None]
        found = np.array([f0_hz * 2 ** (wrong_by / 1200)])
        centroid, spread = np.full(1, np.nan), np.full(1, np.nan)
        refine_f0(frame, float(RATE), found, centroid, spread)
        assert abs(cents(found[0], f0_hz)) < 1.0
        energies = frame[0] ** 2
        wanted = np.average(np.arange(1024) - 512, weights=energies)
        np.testing.assert_allclose(centroid, wanted, rtol=1e-9)
        wanted = np.average((np.arange(1024) - 512 - wanted) ** 2, weights=energies) ** 0.5
        np.testing.assert_allclose(spread, wanted, rtol=1e-9)


def test_a_glide_that_fades_is_heard_in_time():
    """Where the level falls fast, the beginning of a frame drowns its end."""
    t = np.arange(4800) / RATE
    octaves = np.clip((t - 0.1) / 0.1, 0, 1) / 3  # four semitones in 100 ms
    audio = sing(300.0 * 2.0**octaves, n_samples=len(t)) * 10 ** (-np.clip(t - 0.1, 0, 0.1) * 15)
    apart = {}
    for like_librosa in (False, True):
        pitch = pyin(audio, RATE, like_librosa=like_librosa)
        inside = (pitch.times_s > 0.1) & (pitch.times_s < 0.2)
        truth = 300.0 * 2.0 ** np.interp(pitch.times_s, t, octaves)
        apart[like_librosa] = np.abs(cents(pitch.f0_hz, truth))[inside].max()
    assert apart[False] < 20.0 < 50.0 < apart[True]


def test_estimates_are_moved_to_the_frames():
    f0_hz = np.array([100.0, 200.0, 400.0, 7.0, 300.0, 150.0, 300.0])
    voiced = np.array([1, 1, 1, 0, 1, 1, 1], bool)
    frames = np.arange(7.0)
    np.testing.assert_allclose(move_estimates(f0_hz, frames, frames, voiced, voiced), f0_hz)
    late = move_estimates(f0_hz, frames + 0.5, frames, voiced, voiced)  # held before anything
    wanted = [100, 100 * 2**0.5, 200 * 2**0.5, 7, 300, 150 * 2**0.5, 150 * 2**0.5]
    np.testing.assert_allclose(late, wanted, rtol=1e-14)
    crossed = move_estimates(f0_hz, np.array([0, 2, 1, 3, 4, 5, 6.0]), frames, voiced, voiced)
    np.testing.assert_allclose(crossed[:2], [100, 100 * 2**0.5], rtol=1e-14)
    sure = np.array([0, 1, 1, 0, 0, 0, 0], bool)  # two notes: one begins late, one has none
    kept = move_estimates(f0_hz, frames, frames, voiced, sure)
    np.testing.assert_allclose(kept, [200, 200, 400, 7, 300, 150, 300], rtol=1e-14)


def test_a_note_between_rests_keeps_its_pitch_up_to_the_edges():
    """Frames that hold a few samples of a low note do not speak for it."""
    t = np.arange(8000) / RATE
    audio = sing(120.0, n_samples=8000) * ((t > 0.1) & (t < 0.4))
    pitch = pyin(audio, RATE)
    sounds = pitch.voiced & (pitch.times_s > 0.1) & (pitch.times_s < 0.4)
    assert sounds.sum() > 70
    assert np.abs(cents(pitch.f0_hz, 120.0))[sounds].max() < 5.0


@pytest.mark.parametrize("f0_hz", [61.0, 262.3, 987.7, 2420.0])
@pytest.mark.parametrize("brightness", [0.3, 1.5])
def test_constant_pitch(f0_hz, brightness):
    partials = {k: k**-brightness for k in range(1, 40)}
    pitch = pyin(sing(f0_hz, partials=partials), RATE, frame_rate=50)
    assert pitch.voiced[inner(pitch)].all()
    assert np.abs(cents(pitch.f0_hz, f0_hz))[inner(pitch)].max() < 1.0
    assert pitch.f0_confidence[inner(pitch)].min() > (0.5 if f0_hz > 100 else 0.2)


@pytest.mark.parametrize(
    "partials",
    [
        {2: 1.0, 3: 1.0, 4: 1.0},  # no fundamental
        {1: 0.2, 2: 1.0, 3: 0.3},  # the octave drowns it
        {1: 1.0, 3: 0.8, 5: 0.6},  # odd partials only, as a clarinet
        {1: 1.0},
    ],
)
@pytest.mark.parametrize("f0_hz", [97.0, 311.0])
def test_octave_traps(partials, f0_hz):
    pitch = pyin(sing(f0_hz, partials=partials), RATE, frame_rate=50)
    assert np.abs(cents(pitch.f0_hz, f0_hz))[inner(pitch)].max() < 3.0


def test_glide_and_vibrato():
    t = np.arange(3200) / RATE
    for f0_hz, limit in ((200 * 2**t, 3.0), (440 * 2 ** (np.sin(11 * np.pi * t) / 24), 10.0)):
        pitch = pyin(sing(f0_hz), RATE, frame_rate=50, fmin_hz=100.0, fmax_hz=1000.0)
        error = cents(pitch.f0_hz, f0_hz[::320])[inner(pitch)]
        assert pitch.voiced[inner(pitch)].all()
        assert np.abs(error).max() < limit


def test_silence():
    pitch = pyin(np.zeros(3000, np.float32), RATE, frame_rate=50)
    assert not pitch.voiced.any()
    assert not pitch.f0_confidence.any()
    np.testing.assert_allclose(pitch.f0_hz, math.sqrt(50 * 2500), rtol=1e-6)
    assert np.isnan(pitch.voiced_f0_hz).all()


@pytest.mark.parametrize("frame_rate", [50, 250])
def test_noise_has_no_pitch(rng, frame_rate):
    white = rng.standard_normal(2400)
    for noise in (white, np.cumsum(white)):
        pitch = pyin(noise, RATE, frame_rate=frame_rate, fmin_hz=100.0, fmax_hz=1500.0)
        assert pitch.voiced.mean() < 0.1
        assert np.isfinite(pitch.f0_hz).all()


def test_a_note_between_rests():
    audio = np.zeros(9600)
    audio[3200:6400] = sing(330.0)
    pitch = pyin(audio, RATE, frame_rate=50, fmin_hz=100.0, fmax_hz=1500.0)
    assert pitch.voiced[12:19].all()
    assert not pitch.voiced[[0, 1, 2, 3, -4, -3, -2, -1]].any()
    assert np.abs(cents(pitch.f0_hz, 330.0)).max() < 40.0  # held through the rests
    np.testing.assert_array_equal(np.isnan(pitch.voiced_f0_hz), ~pitch.voiced)


@pytest.mark.parametrize("sample_rate", [8000, 11025, 22050, 44100, 48000, 96000])
def test_the_same_at_every_rate(sample_rate):
    n_samples = round(0.2 * sample_rate)
    audio = sing(415.3, sample_rate, n_samples=n_samples)
    for frame_rate in (20, Fraction(100, 3)):
        pitch = pyin(audio, sample_rate, frame_rate=frame_rate, fmin_hz=200.0, fmax_hz=900.0)
        n = n_frames(n_samples, hop_size(sample_rate, frame_rate))
        assert {len(v) for v in vars(pitch).values()} == {n}
        assert np.abs(cents(pitch.f0_hz, 415.3))[inner(pitch)].max() < 0.5
        np.testing.assert_allclose(pitch.times_s, np.arange(n) / float(frame_rate), rtol=1e-12)


def test_threads_change_nothing(rng):
    audio = sing(300 + 40 * np.sin(np.arange(12000) / 2000), n_samples=12000)
    audio += 0.01 * rng.standard_normal(12000)
    settings = {"frame_rate": 60, "fmin_hz": 200.0, "fmax_hz": 450.0}
    before = get_num_threads()
    try:
        set_num_threads(1)
        alone = pyin(audio, RATE, **settings)
        set_num_threads(4)
        together = pyin(audio, RATE, **settings)
    finally:
        set_num_threads(before)
    for name, value in vars(alone).items():
        np.testing.assert_array_equal(getattr(together, name), value)


def test_layout_precision_and_loudness_change_nothing():
    audio = sing(277.0, n_samples=1600).astype(np.float32)
    settings = {"frame_rate": 50, "fmin_hz": 100.0, "fmax_hz": 1000.0}
    wanted = pyin(audio.astype(np.float64), RATE, **settings)
    frozen = audio.copy()
    frozen.flags.writeable = False
    variants = (
        frozen,
        np.repeat(audio, 2)[::2],
        audio[::-1].copy()[::-1],
        audio * np.float32(2**-9),
    )
    for variant in variants:
        got = pyin(variant, RATE, **settings)
        assert got.f0_hz.dtype == got.f0_confidence.dtype == np.float32
        np.testing.assert_array_equal(got.f0_hz, wanted.f0_hz.astype(np.float32))
        np.testing.assert_array_equal(got.voiced, wanted.voiced)


def test_sounds_shorter_than_a_frame():
    for n_samples in (1, 2, 65, 700):
        pitch = pyin(sing(440.0, n_samples=n_samples), RATE)
        assert len(pitch.f0_hz) == n_frames(n_samples, 64)
        assert np.isfinite(pitch.f0_hz).all()


def test_unvoiced_frames_take_the_pitch_of_their_neighbours():
    def filled(f0_hz):
        f0_hz = np.array(f0_hz, np.float64)
        return fill_unvoiced(f0_hz, f0_hz > 0, 123.0)

    np.testing.assert_array_equal(filled([0, 0]), [123, 123])
    np.testing.assert_array_equal(filled([]), [])
    np.testing.assert_array_equal(filled([0, 0, 50, 60, 0]), [50, 50, 50, 60, 60])
    np.testing.assert_array_equal(filled([100, 0, 0, 0, 200]), [100, 100, 100, 200, 200])
    bridge = filled([100, 0, 0, 104])
    np.testing.assert_allclose(bridge, 100 * 1.04 ** (np.arange(4) / 3), rtol=1e-12)


TONE = np.sin(np.arange(800.0))
HOLED = np.where(np.arange(800) % 300 == 299, np.nan, TONE)


@pytest.mark.parametrize(
    ("audio", "settings", "message"),
    [
        (np.zeros(0), {}, "pyin: audio has 0 samples"),
        (np.zeros((2, 800)), {}, r"audio has shape \(2, 800\), .* once per channel"),
        (np.zeros(800, np.int16), {}, "dtype int16, .* such as 32768"),
        (HOLED, {}, r"audio\[299\] is nan, .* 2 of 800 samples"),
        (np.full(4, -np.inf), {}, r"audio\[0\] is -inf"),
        (TONE * 1e101, {}, r"audio\[1\] is .*e\+100, .* below 1e100"),
        (TONE, {"sample_rate": 0}, "sample_rate is 0, must be a finite number above 0"),
        (TONE, {"sample_rate": "16k"}, "sample_rate is '16k'"),
        (TONE, {"sample_rate": math.nan}, "sample_rate is nan"),
        (TONE, {"sample_rate": 16}, "fmax_hz is 2500.0, must be at most .*, 8.0"),
        (TONE, {"sample_rate": 1e12}, "fmin_hz is 50.0, .* lowest that works is 19073"),
        (TONE, {"frame_rate": -250}, "frame_rate is -250"),
        (TONE, {"frame_rate": True}, "frame_rate is True"),
        (TONE, {"frame_rate": 1e5}, "frame_rate is 100000.0, must be at most .*, 16000"),
        (TONE, {"fmin_hz": 0}, "fmin_hz is 0, must be a finite number above 0"),
        (TONE, {"fmin_hz": 500, "fmax_hz": 400}, "fmin_hz is 500, must be below .* 200.0, works"),
        (TONE, {"fmax_hz": 9000}, "fmax_hz is 9000, must be at most .*, 8000.0"),
        (TONE, {"frame_length": 639}, "frame_length is 639, must be a whole number from 640 "),
        (TONE, {"frame_length": 1024.0}, "frame_length is 1024.0"),
        (TONE, {"switch_prob": 1.0}, "switch_prob is 1.0, must be below 1"),
        (TONE, {"max_transition_rate": 0}, "max_transition_rate is 0"),
    ],
)
def test_wrong_uses(audio, settings, message):
    with pytest.raises(ParameterError, match=message):
        pyin(audio, **{"sample_rate": RATE, **settings})


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of another library
def test_agrees_with_librosa(rng):
    librosa = pytest.importorskip("librosa")
    t = np.arange(2 * RATE) / RATE
    f0_hz = 220 * 2 ** ((np.floor(4 * t) * 3 % 14 + 0.4 * np.sin(11 * np.pi * t)) / 12)
    audio = sing(f0_hz, n_samples=len(t)) * (t % 0.5 < 0.4) + 0.003 * rng.standard_normal(len(t))
    f0_theirs, voiced_theirs, probability = librosa.pyin(
        audio, sr=RATE, fmin=50.0, fmax=2500.0, frame_length=1024, hop_length=64
    )
    n = len(t) // 64
    for like_librosa, within_cents, share in ((True, 0.01, 0.995), (False, 20.0, 0.98)):
        pitch = pyin(audio, RATE, frame_length=1024, like_librosa=like_librosa)
        both = pitch.voiced & voiced_theirs[:n]
        apart = np.abs(cents(pitch.f0_hz, f0_theirs[:n]))[both]
        assert both.mean() > 0.6
        assert np.mean(apart < within_cents) > share
        assert np.mean(pitch.voiced == voiced_theirs[:n]) > share
        if like_librosa:  # all but a few frames, which begin loudly: see the Notes of pyin
            assert np.mean(np.abs(pitch.f0_confidence - probability[:n]) < 1e-6) > share
