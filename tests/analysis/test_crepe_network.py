"""CREPE's network: against a plain text of it, against PyTorch, on tones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from ddsp_ref.analysis import crepe_network
from ddsp_ref.analysis.crepe_network import CrepeNetwork, normalize_frames, tiny_network
from ddsp_ref.analysis.crepe_pitch import crepe
from ddsp_ref.analysis.pyin import pyin
from ddsp_ref.errors import MissingExtraError, ParameterError
from ddsp_ref.importers.crepe import crepe_file, full_network, read_crepe_weights
from ddsp_ref.jit import COMPILED, get_num_threads, set_num_threads

GOLDEN = Path(__file__).with_name("crepe_network.npz")
SHIPPED = load_file(crepe_network._TINY)
trained = pytest.mark.skipif(
    not COMPILED, reason="one frame of a trained network takes seconds in plain Python"
)
CHANNELS = (1, 6, 3, 64, 2, 5, 4)  # with one, many and few of them beside each other in a product
TAPS = (20, 7, 8, 5, 4, 3)


def random_weights(rng):
    weights = {}
    for i, (n_in, n_out, n_taps) in enumerate(zip(CHANNELS, CHANNELS[1:], TAPS)):
        kernel = rng.standard_normal((n_taps, n_in, n_out)) / np.sqrt(n_taps * n_in)
        weights[f"convolution/{i}/kernel"] = kernel
        for name in ("bias", "scale", "shift"):  # scales of both signs
            weights[f"convolution/{i}/{name}"] = rng.standard_normal(n_out)
    weights["classifier/kernel"] = rng.standard_normal((4 * CHANNELS[-1], 360))
    weights["classifier/bias"] = rng.standard_normal(360)
    return {k: a.astype(np.float32) for k, a in weights.items()}


def define_network(weights, frame):
    """One frame, one output after the other, in float64."""
    x = np.asarray(frame, np.float64)[:, None]
    for i in range(6):
        kernel, bias, scale, shift = (
            weights[f"convolution/{i}/{name}"].astype(np.float64)
            for name in ("kernel", "bias", "scale", "shift")
        )
        stride, n_taps = 1 if i else 4, len(kernel)
        before = (n_taps - stride) // 2
        padded = np.pad(x, [(before, n_taps - stride - before), (0, 0)])
        y = []
        for t in range(0, len(x), stride):
            seen = padded[t : t + n_taps]
            y.append(bias + np.einsum("ki,kio->o", seen, kernel))
        y = scale * np.maximum(y, 0) + shift
        x = y.reshape(len(y) // 2, 2, -1).max(axis=1)
    z = x.reshape(-1) @ weights["classifier/kernel"].astype(np.float64)
    return 1 / (1 + np.exp(-z - weights["classifier/bias"]))


def golden_frames():
    with np.load(GOLDEN) as data:
        audio = data["audio"].astype(np.float64)
        starts = range(0, len(audio) - 1023, 1600)
        frames = normalize_frames(np.stack([audio[s : s + 1024] for s in starts]))
        return frames, {size: data[size] for size in ("tiny", "full")}


def tone(f0_hz, seconds=0.5, rate=16000):
    phase = 2 * np.pi * f0_hz * np.arange(round(seconds * rate)) / rate
    return sum(0.3 * np.sin(k * phase) / k for k in range(1, 6)).astype(np.float32)


def test_the_network_is_its_text(rng):
    weights, frames = random_weights(rng), rng.standard_normal((3, 1024))
    wanted = [define_network(weights, frame) for frame in frames]
    got = CrepeNetwork(weights)(frames)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, atol=2e-6)
    assert np.std(wanted) > 0.1, "nearly constant: nothing would be tested"


def test_by_hand():
    """One channel; every layer passes on what it gets, and the last adds 1."""
    weights = {}
    for i in range(6):
        n_taps = 1 if i else 4
        weights[f"convolution/{i}/kernel"] = np.ones((n_taps, 1, 1)) / n_taps
        weights[f"convolution/{i}/bias"] = np.zeros(1)
        weights[f"convolution/{i}/scale"] = np.ones(1)
        weights[f"convolution/{i}/shift"] = np.ones(1) * (i == 5)
    weights["classifier/kernel"] = np.zeros((4, 360))
    weights["classifier/kernel"][:, 7] = 1, 10, 0, 0  # time after time
    weights["classifier/bias"] = np.zeros(360)
    frame = np.zeros(1024)
    frame[:4] = 1.0  # of the means of four in the first quarter the largest is 1
    frame[256:512] = -3.0  # is rectified
    got = CrepeNetwork(weights)(frame[None])[0]
    np.testing.assert_allclose(got[7], 1 / (1 + np.exp(-(2.0 + 10 * 1.0))), rtol=1e-6)
    np.testing.assert_array_equal(np.delete(got, 7), 0.5)


@trained
def test_the_network_that_ships_says_what_it_says_in_pytorch():
    frames, wanted = golden_frames()
    np.testing.assert_allclose(tiny_network()(frames), wanted["tiny"], atol=2e-6)


@trained
def test_the_full_network_says_what_it_says_in_pytorch():
    try:
        network = full_network()
    except MissingExtraError as error:
        pytest.skip(str(error))
    frames, wanted = golden_frames()
    np.testing.assert_allclose(network(frames), wanted["full"], atol=2e-6)
    for name, array in read_crepe_weights(crepe_file("tiny")).items():
        np.testing.assert_array_equal(array.astype(np.float32), SHIPPED[name])


@trained
def test_results_do_not_depend_on_threads_or_company(rng):
    frames = rng.standard_normal((40, 1024)).astype(np.float32)
    before = get_num_threads()
    try:
        set_num_threads(1)
        alone = tiny_network()(frames)
        set_num_threads(3)
        np.testing.assert_array_equal(tiny_network()(frames), alone)
    finally:
        set_num_threads(before)
    np.testing.assert_allclose(tiny_network()(frames[5:6])[0], alone[5], atol=2e-6)


@trained
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("f0_hz", [65.4, 220.0, 880.0])
def test_tones(f0_hz, rate):
    pitch = crepe(tone(f0_hz, rate=rate), rate)
    middle = slice(20, -20)
    assert pitch.voiced[middle].all()
    assert np.abs(1200 * np.log2(pitch.f0_hz[middle] / f0_hz)).max() < 20  # a bin
    assert pitch.f0_hz.dtype == np.float32


@trained
@pytest.mark.parametrize("viterbi", [True, False])
def test_a_glide_is_heard_when_it_is_played(viterbi):
    rate, seconds = 44100, 2.0
    t = np.arange(round(rate * seconds)) / rate
    phase = 2 * np.pi * np.cumsum(200 * 2.0**t) / rate
    audio = sum(0.3 * np.sin(k * phase) / k for k in range(1, 6))
    pitch = crepe(audio, rate, frame_rate=252, viterbi=viterbi)
    assert pitch.f0_hz.dtype == np.float64
    cents = 1200 * np.log2(pitch.f0_hz / 200.0) - 1200 * pitch.times_s
    assert np.abs(cents[20:-20]).max() < 25
    assert abs(np.mean(cents[20:-20])) < 5  # 4 ms would be 4.8


@trained
def test_frames_are_those_of_pyin():
    for n, rate, frame_rate in ((16000, 16000, 250), (1, 48000, 100), (7777, 22050, 97.3)):
        audio = tone(300.0, rate=rate)[:n]
        ours, theirs = (f(audio, rate, frame_rate=frame_rate) for f in (crepe, pyin))
        np.testing.assert_array_equal(ours.times_s, theirs.times_s)
        assert len(ours.f0_hz) == len(ours.f0_confidence) == len(ours.voiced) == len(theirs.f0_hz)


@trained
def test_loudness_does_not_matter():
    audio = tone(330.0).astype(np.float64)
    wanted = crepe(audio, 16000)
    for gain in (1e-3, 1e30, 1e200):
        pitch = crepe(gain * audio, 16000)
        np.testing.assert_allclose(pitch.f0_hz, wanted.f0_hz, rtol=1e-4)
        np.testing.assert_array_equal(pitch.voiced, wanted.voiced)


@trained
def test_noise_and_silence_are_not_voiced(rng):
    for audio in (np.zeros(8000), 0.1 * rng.standard_normal(8000)):
        pitch = crepe(audio, 16000)
        assert pitch.voiced.mean() < 0.1
        assert np.isfinite(pitch.f0_hz).all()


def without(name):
    return {k: a for k, a in SHIPPED.items() if k != name}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: crepe(np.zeros((2, 8)), 16000), r"crepe: audio has shape \(2, 8\), must have"),
        (lambda: crepe(np.zeros(0), 16000), "must hold at least one value"),
        (lambda: crepe(np.full(9, np.nan), 16000), "crepe: audio .* finite"),
        (lambda: crepe(np.zeros(9), 100), "crepe: sample_rate is 100, must be a whole number"),
        (lambda: crepe(np.zeros(9), 16000, network="full"), "network is 'full', must be 'tiny'"),
        (
            lambda: crepe(np.zeros(9), 48000, frame_rate=20000),
            "crepe: frame_rate is 20000, must be at most 16000",
        ),
        (
            lambda: tiny_network()(np.zeros((2, 512))),
            r"has shape \(2, 512\), must be \(n_frames, 1",
        ),
        (lambda: CrepeNetwork({}), "the weights have no convolution/0/kernel"),
        (lambda: CrepeNetwork(without("classifier/bias")), "have no classifier/bias"),
        (
            lambda: CrepeNetwork(SHIPPED | {"convolution/2/bias": np.zeros(3)}),
            r"convolution/2/bias has shape \(3,\), must be \(16,\)",
        ),
        (
            lambda: CrepeNetwork(SHIPPED | {"convolution/0/kernel": np.zeros((2, 1, 8))}),
            r"has shape \(2, 1, 8\), must have 4 to 1024 taps and 1 to 1024 channels",
        ),
        (
            lambda: CrepeNetwork(SHIPPED | {"convolution/0/kernel": np.zeros((4, 1, 0))}),
            r"has shape \(4, 1, 0\), must have 4 to 1024 taps and 1 to 1024 channels",
        ),
        (
            lambda: CrepeNetwork(SHIPPED | {"classifier/bias": np.full(360, np.nan)}),
            "classifier/bias is not finite",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ParameterError, match=message):
        call()
