"""CREPE through the original's names: the network's golden activations, and what follows them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

import ddsp_ref.compat.magenta as ddsp
from ddsp_ref.analysis.crepe import decode_activations, viterbi_centers
from ddsp_ref.analysis.crepe_network import tiny_network
from ddsp_ref.compat.magenta import _crepe
from ddsp_ref.errors import ImportFormatError, ParameterError
from ddsp_ref.jit import COMPILED

HOP = 1600
pytestmark = pytest.mark.skipif(
    not COMPILED, reason="one frame of a trained network takes seconds in plain Python"
)
with np.load(Path(__file__).parents[1] / "analysis" / "crepe_network.npz") as data:
    AUDIO, ACTIVATIONS = data["audio"] / np.float32(30000), data["tiny"]


@pytest.fixture
def tiny_for_full(monkeypatch):
    """Take the network that is here for the full one."""
    monkeypatch.setattr(_crepe, "full_network", lru_cache(tiny_network))
    monkeypatch.setattr(_crepe, "crepe_file", lambda size: None)


def test_pitch_of_two_sounds():
    network = ddsp.spectral_ops.PretrainedCREPE("tiny", hop_size=HOP)
    sounds = np.stack([AUDIO, AUDIO[::-1]])
    f0_hz, confidence = network.predict_f0_and_confidence(sounds, padding="valid")
    assert f0_hz.shape == confidence.shape == (2, 10)
    wanted_f0, wanted_confidence = decode_activations(ACTIVATIONS)
    np.testing.assert_allclose(f0_hz[0], wanted_f0, rtol=1e-5)
    np.testing.assert_allclose(confidence[0], wanted_confidence, atol=2e-6)
    followed, _ = network.predict_f0_and_confidence(AUDIO, viterbi=True, padding="valid")
    wanted, _ = decode_activations(ACTIVATIONS, viterbi=True)
    np.testing.assert_allclose(followed, [wanted], rtol=1e-5)


@pytest.mark.parametrize(("padding", "n_frames"), [("center", 251), ("same", 250), ("valid", 235)])
def test_compute_f0(tiny_for_full, padding, n_frames):
    f0_hz, confidence = ddsp.spectral_ops.compute_f0(AUDIO, 250, padding=padding)
    assert f0_hz.shape == confidence.shape == (n_frames,)
    assert f0_hz.dtype == np.float32
    first = {"center": 0, "same": 512, "valid": 512}[padding]  # "same" pads the end
    tone = np.arange(60, 150)  # glides up from 110 Hz, three octaves per second
    cents = 1200 * np.log2(f0_hz[tone] / 110) - 3600 * (first / 16000 + tone / 250)
    assert np.abs(np.median(cents)) < 20


def test_only_the_loudest_bin_is_given_to_the_path(tiny_for_full):
    f0_hz, _ = ddsp.spectral_ops.compute_f0(AUDIO, 10, padding="valid")
    one_hot = (ACTIVATIONS.max(axis=1, keepdims=True) == ACTIVATIONS).astype(np.float64)
    path = viterbi_centers(one_hot, min_transition=0.0)
    near = np.abs(np.arange(360) - path[:, None]) <= 4
    cents = 1997.3794084376191 + 20 * np.arange(360)
    mean = (near * ACTIVATIONS) @ cents / (near * ACTIVATIONS).sum(axis=1)
    np.testing.assert_allclose(f0_hz, 10 * 2 ** (mean / 1200), rtol=1e-5)


def test_features_and_metrics(tiny_for_full):
    features = ddsp.training.metrics.compute_audio_features(AUDIO)
    assert set(features) == {"audio", "loudness_db", "f0_hz", "f0_confidence"}
    assert len(features["f0_hz"]) == len(features["loudness_db"]) == 251
    metrics = ddsp.training.metrics.F0CrepeMetrics(16000, 250)
    far = 0.3 * np.sin(2 * np.pi * 1760 / 16000 * np.arange(len(AUDIO)))  # more than an octave
    batch = {"audio": np.stack([AUDIO, AUDIO])}
    metrics.update_state(batch, np.stack([AUDIO, far]))
    found = metrics.flush()
    assert found["outlier_ratio"] == 0.5
    assert found["f0_dist"] < 0.01
    assert metrics.flush() == {"f0_dist": 0.0, "outlier_ratio": 0.0}


def test_the_preprocessor_finds_pitch(tiny_for_full):
    preprocessor = ddsp.training.preprocessing.OnlineF0PowerPreprocessor(frame_rate=50)
    found = preprocessor({"audio": AUDIO[None]})
    assert found["f0_hz"].shape == found["pw_db"].shape == (1, 51, 1)
    wanted, _ = ddsp.spectral_ops.PretrainedCREPE("tiny", 320).predict_f0_and_confidence(AUDIO)
    np.testing.assert_allclose(found["f0_hz"][..., 0], wanted)


def test_networks_that_are_not_there(tmp_path):
    with pytest.raises(ParameterError, match="the network is 'large', must be 'full' or 'tiny'"):
        ddsp.spectral_ops.PretrainedCREPE("large")
    with pytest.raises(ImportFormatError, match=r"mine\.pth"):
        ddsp.spectral_ops.PretrainedCREPE(tmp_path / "mine.pth")


def test_sounds_that_cannot_be(tiny_for_full):
    with pytest.raises(
        ParameterError, match=r"compute_f0: audio has shape \(2, 2000\), must be one"
    ):
        ddsp.spectral_ops.compute_f0(np.zeros((2, 2000)), 250)
    f0_hz, _ = ddsp.spectral_ops.compute_f0(np.zeros((1, 2000, 1)), 250)
    assert len(f0_hz) == 32
    with pytest.raises(ParameterError, match="audio has 1000 samples, must have at least 1024"):
        ddsp.spectral_ops.compute_f0(np.zeros(1000), 250, padding="valid")
