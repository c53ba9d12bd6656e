"""What should not be heard of an instrument: clicks within notes, noise where silence is asked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ddsp_ref.models.features import MIN_DB, Features
from ddsp_ref.models.model import Model
from ddsp_ref.ops.spectral.stft_magnitude import stft_magnitude
from ddsp_ref.processors.synths import uniform_noise

CLICK_DB = 6.0  # flux outside of onsets from which on it counts as a click
_EDGES_HZ = (0.0, 500.0, 1000.0, 2000.0, 4000.0)  # the last band reaches the Nyquist frequency
_INAUDIBLE_DB = -80.0  # of a band; what rises below that is not heard
_LAG_SECONDS = 0.008
_ONSET_DB, _ONSET_SECONDS = 3.0, 0.032  # a rise of the loudness that makes an onset
_AROUND_SECONDS = 0.05  # of an onset that is left out on either side, and of the ends


def spectral_flux(audio: np.ndarray, sample_rate: int, hop_size: int) -> np.ndarray:
    """Return by how much a sound grows louder within 8 ms, in the mean of five bands.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,)
        Sound; full scale is 1.
    sample_rate, hop_size : int
        Samples per second, and from frame to frame.

    Returns
    -------
    ndarray, shape (n_samples // hop_size,)
        In dB, at least 0. Bands end at 500, 1000, 2000, 4000 Hz; what is below -80 dBFS counts
        as -80.

    Notes
    -----
    A click is short, therefore broad: it grows in all bands at once, while a new partial or a
    louder fundamental grows in some. Frames are 4 hops long and centred.

    Examples
    --------
    >>> tone = 0.1 * np.sin(2 * np.pi * 440 / 16000 * np.arange(16000))
    >>> tone[8000] += 0.1
    >>> flux = spectral_flux(tone, 16000, 64)
    >>> bool(flux[10:-10].argmax() + 10 in range(122, 128)), bool(flux[10:100].max() < 0.1)
    (True, True)
    """
    size, n_frames = 4 * hop_size, len(audio) // hop_size
    padded = np.concatenate([np.zeros(size // 2), audio])
    spectra = stft_magnitude(padded, fft_size=size, overlap=0.75)[:n_frames] * (4 / size)
    bin_hz = sample_rate / size
    starts = [int(np.ceil(hz / bin_hz)) for hz in _EDGES_HZ if hz < sample_rate / 2]
    power = np.add.reduceat(spectra**2, starts, axis=1)
    levels = 10 * np.log10(np.maximum(power, 10 ** (_INAUDIBLE_DB / 10)))
    lag = max(1, round(_LAG_SECONDS * sample_rate / hop_size))
    flux = np.zeros(n_frames)
    flux[lag:] = np.maximum(levels[lag:] - levels[:-lag], 0).mean(axis=1)
    return flux


def click_flux(audio: np.ndarray, asked: Features, sample_rate: int) -> float | None:
    """Return the largest spectral flux outside of note onsets.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,)
        Sound.
    asked : Features
        What it was asked to be; says where onsets are: where loudness rises by more than 3 dB
        within 32 ms, or voicing changes, and 50 ms around that.
    sample_rate : int
        Samples per second.

    Returns
    -------
    float or None
        In dB, see `spectral_flux`; above `CLICK_DB` something clicks. None if onsets and the 50 ms
        at either end leave nothing.
    """
    loudness, voiced = asked.loudness_db, asked.voiced.astype(int)
    n_frames = len(loudness)
    frame_rate = sample_rate * n_frames / len(audio)
    lag, around = (max(1, round(s * frame_rate)) for s in (_ONSET_SECONDS, _AROUND_SECONDS))
    onset = np.zeros(n_frames, bool)
    onset[lag:] = loudness[lag:] - loudness[:-lag] > _ONSET_DB
    onset[1:] |= np.diff(voiced) != 0
    onset[[0, -1]] = True
    near = np.convolve(onset, np.ones(2 * around + 1), "same") > 0.5
    flux = spectral_flux(audio, sample_rate, len(audio) // n_frames)
    return None if near.all() else float(flux[~near].max())


def silence_level(
    model: Model, params: Mapping[str, np.ndarray], f0_hz: np.ndarray, seed: int
) -> float:
    """Return the level of an instrument that is asked for silence.

    Parameters
    ----------
    model : Model
        The model.
    params : mapping of str to ndarray
        Its parameters.
    f0_hz : ndarray, shape (n,)
        Pitches to try; in silence there is none, but something is always given.
    seed : int
        Of the noise.

    Returns
    -------
    float
        The highest RMS level in dBFS of half a second at a loudness of -80 dB, that of the room
        apart: the first half second is left out. At least -200.
    """
    second = model.config.frame_rate
    f0 = np.repeat(np.asarray(f0_hz, np.float32)[:, None], second, axis=1)
    loudness = np.full_like(f0, MIN_DB)
    shape = (len(f0), second * model.config.hop_size)
    audio = model.render(
        params, f0, loudness, uniform_noise(shape, np.random.default_rng([seed, 3]))
    )
    power = np.square(audio[:, shape[1] // 2 :], dtype=np.float64).mean(axis=1)
    return float(10 * np.log10(max(power.max(), 1e-20)))
