"""The pitch of a recording by CREPE, from sound to frequencies."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from ddsp_ref.analysis._checks import real_array
from ddsp_ref.analysis.crepe import viterbi_centers
from ddsp_ref.analysis.crepe_network import (
    FRAME_LENGTH,
    N_BINS,
    RATE,
    CrepeNetwork,
    normalize_frames,
    tiny_network,
)
from ddsp_ref.analysis.frames import (
    centred_frames,
    frame_positions,
    frame_times,
    hop_size,
)
from ddsp_ref.analysis.pitch import Pitch, fill_unvoiced
from ddsp_ref.errors import require
from ddsp_ref.io.resampling import check_sample_rate, resample
from ddsp_ref.ops.spectral.activations_to_f0 import activations_to_f0

VOICED = 0.5  # confidence from which on its authors call a frame voiced
DEFAULT_HZ = 440.0  # of a recording without any pitch
_CHUNK = 4096  # frames that are cut out of the sound at once: 16 times its size


def crepe(
    audio: np.ndarray,
    sample_rate: int,
    *,
    frame_rate: float | Fraction = 250,
    network: str | CrepeNetwork = "tiny",
    viterbi: bool = True,
) -> Pitch:
    """Track the pitch of one voice or instrument with CREPE, a convolutional network.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,), float32 or float64
        The sound, at least one sample.
    sample_rate : int
        Samples per second, 4000 to 384000; the network hears it at 16000.
    frame_rate : int, float or Fraction
        Frames per second, at most `sample_rate` and 16000.
    network : "tiny" or CrepeNetwork
        "tiny", the smallest of its authors' networks, comes with ddsp_ref. For the full one, 33
        times as slow, see `read_crepe`.
    viterbi : bool
        Follow the most probable path through all frames, as magenta/ddsp does; otherwise every
        frame is read by itself.

    Returns
    -------
    Pitch
        Frames and times as of `pyin`. `f0_confidence` is the largest activation, and `voiced` says
        where it is at least 0.5.

    Raises
    ------
    ParameterError
        If the audio or a setting is out of its range.

    Notes
    -----
    Pitches from 32 to 1976 Hz. It answers whatever it hears: low confidence alone tells noise and
    silence from notes. Memory: 4 kB per frame, most of it activations.

    Source: Kim, Salamon, Li and Bello, "CREPE: a convolutional representation for pitch
    estimation", ICASSP 2018; crepe 0.0.16, core.py, predict, which magenta/ddsp's `compute_f0`
    calls with the full network.
    Differences: frames are centred on multiples of 1 / `frame_rate`, at any rate, where crepe takes
    whole samples at 16 kHz and lets its times run ahead.

    Examples
    --------
    >>> t = np.arange(8000) / 16000
    >>> pitch = crepe(0.5 * np.sin(2 * np.pi * 440.0 * t), 16000)
    >>> pitch.f0_hz.shape, bool(abs(pitch.f0_hz[50] - 440) < 3), bool(pitch.voiced[50])
    ((125,), True, True)
    """
    audio = real_array("crepe: audio", audio)
    check_sample_rate("crepe", sample_rate)
    times_s = frame_times(len(audio), sample_rate, hop_size(sample_rate, frame_rate))
    require(
        frame_rate <= RATE, f"crepe: frame_rate is {frame_rate}, must be at most {RATE}, e.g. 250"
    )
    if not isinstance(network, CrepeNetwork):
        require(
            network == "tiny", f"crepe: network is {network!r}, must be 'tiny' or a CrepeNetwork"
        )
        network = tiny_network()

    peak = np.abs(audio).max()
    if peak > 1:  # every frame is normalised: it must only not overflow before that
        audio = audio / peak
    heard = resample(audio.astype(np.float32), sample_rate, RATE)
    n, hop = len(times_s), hop_size(RATE, frame_rate)
    positions = frame_positions(math.ceil(n * hop), hop)[:n]
    activations = activations_at(network, heard, positions)
    f0_hz, confidence = read_activations(activations, viterbi)
    voiced = confidence >= VOICED
    f0_hz = fill_unvoiced(f0_hz, voiced, DEFAULT_HZ).astype(audio.dtype)
    return Pitch(f0_hz, confidence.astype(audio.dtype), voiced, times_s)


def activations_at(network: CrepeNetwork, audio: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return the activations of frames centred on samples of a sound at 16 kHz."""
    activations = np.empty((len(positions), N_BINS), np.float32)
    for start in range(0, len(positions), _CHUNK):
        piece = slice(start, start + _CHUNK)
        frames = centred_frames(audio, positions[piece], FRAME_LENGTH)
        activations[piece] = network(normalize_frames(frames))
    return activations


def read_activations(activations: np.ndarray, viterbi: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return frequency and confidence as the package crepe reads them off.

    Only the bin of the largest activation is given to the path.
    """
    centers = activations.argmax(axis=1)
    if viterbi:
        loudest = np.zeros_like(activations)
        loudest[np.arange(len(centers)), centers] = 1
        centers = viterbi_centers(loudest, min_transition=0.0)
    return activations_to_f0(activations, centers.astype(np.float32), edges="cut")
