"""Models of ddsp_pytorch: block by block, nothing smoothed, as that project renders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.fft

from ddsp_ref.models.decoders import DECODERS, PLAYED
from ddsp_ref.models.features import DB_PER_NEPER
from ddsp_ref.models.model import Model
from ddsp_ref.models.parameters import Parameters
from ddsp_ref.ops.scaling.exp_sigmoid import exp_sigmoid
from ddsp_ref.processors.effects import Reverb

_NOISE_BIAS = -5.0
_MASKED = 1e-4  # what is left of a partial above the Nyquist frequency
_CHUNK = 1024  # frames that are rendered at once: their samples stay in the cache


class PytorchModel(Model):
    """The model of acids-ircam/ddsp_pytorch; it plays, and is not trained here.

    Parameters
    ----------
    config : ModelConfig
        With the decoder "ddsp_pytorch".

    Notes
    -----
    Other than `Model`: pitch and amplitudes are constant within a block; partials above the
    Nyquist frequency keep 1e-4 of their amplitude before the amplitudes are made to sum to 1, and
    alias; every block of noise is filtered by itself, what rings on is cut off, and what rings
    before wraps around to its end. Source: acids-ircam/ddsp_pytorch, ddsp/core.py, ddsp/model.py.
    """

    decoders: Mapping[str, tuple[type, type]] = {
        name: kind for name, kind in PLAYED.items() if name not in DECODERS
    }

    def scaled(self, f0_hz: np.ndarray, loudness_db: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pitch in Hz and loudness as ddsp_pytorch's decoder wants them."""
        settings = self.config.decoder_settings
        level = np.asarray(loudness_db, float) / DB_PER_NEPER
        level = (level - settings.loudness_mean) / settings.loudness_std
        return f0_hz, level.astype(loudness_db.dtype)

    def synthesizer_controls(
        self, controls: Mapping[str, np.ndarray], f0_hz: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what the synthesizers play.

        Parameters
        ----------
        controls : mapping of str to ndarray
            As from `controls`.
        f0_hz : ndarray, shape (..., n_frames)
            Pitch.

        Returns
        -------
        partials : ndarray, shape (..., n_frames, n_harmonics)
            Amplitudes.
        magnitudes : ndarray, shape (..., n_frames, n_bands)
            Of the filter of the noise.
        """
        shares = exp_sigmoid(controls["harmonic_distribution"])
        numbers = np.arange(1, shares.shape[-1] + 1, dtype=f0_hz.dtype)
        heard = f0_hz[..., None] * numbers < self.config.sample_rate / 2
        shares = shares * (heard.astype(shares.dtype) + shares.dtype.type(_MASKED))
        shares /= shares.sum(-1, keepdims=True)
        partials = shares * exp_sigmoid(controls["amplitudes"])[..., None]
        return partials, exp_sigmoid(controls["noise_magnitudes"] + np.float32(_NOISE_BIAS))

    def render(
        self,
        params: Mapping[str, np.ndarray],
        f0_hz: np.ndarray,
        loudness_db: np.ndarray,
        noise: np.ndarray,
        audio: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the sound of the model; see `Model.render`."""
        self._check(f0_hz, loudness_db, noise)
        controls = self.controls(params, f0_hz, loudness_db)
        partials, magnitudes = self.synthesizer_controls(controls, f0_hz)
        dry = harmonic_blocks(f0_hz, partials, self.config.sample_rate, self.config.hop_size)
        dry = (dry + noise_blocks(magnitudes, noise)).astype(f0_hz.dtype)
        return Reverb()(dry, self.impulse_response(params)) if self.config.n_taps else dry

    def vjp(self, *args: Any) -> tuple[np.ndarray, Callable[[np.ndarray], Parameters]]:
        """Refuse, as the decoder does."""
        return self.decoder.vjp(*args[:3])

    play_vjp = vjp


def harmonic_blocks(
    f0_hz: np.ndarray,
    partials: np.ndarray,
    sample_rate: int,
    block_size: int,
    cycles: float = 0.0,
) -> np.ndarray:
    """Return a harmonic sound whose pitch and amplitudes are constant within a block.

    Parameters
    ----------
    f0_hz : ndarray, shape (..., n_blocks)
        Pitch.
    partials : ndarray, shape (..., n_blocks, n_harmonics)
        Amplitudes.
    sample_rate, block_size : int
        Samples per second and per block.
    cycles : float
        Phase of the fundamental before the first sample.

    Returns
    -------
    ndarray, shape (..., n_blocks * block_size), float64
        Phases are summed in float64; the original rounds them to float32 after every sample.

    Examples
    --------
    >>> import numpy as np
    >>> harmonic_blocks(np.full(1, 1000.0), np.ones((1, 1)), 4000, 4).round(3) + 0.0
    array([ 1.,  0., -1.,  0.])
    """
    steps = np.asarray(f0_hz, float) / sample_rate
    starts = (cycles + (np.cumsum(steps, axis=-1) - steps) * block_size) % 1.0
    audio = np.empty((*f0_hz.shape, block_size))
    for start in range(0, f0_hz.shape[-1], _CHUNK):
        piece = slice(start, start + _CHUNK)
        cycles = starts[..., piece, None] + steps[..., piece, None] * np.arange(1, block_size + 1)
        turn = np.exp(2j * np.pi * cycles)
        total = np.zeros_like(turn)
        for k in reversed(range(partials.shape[-1])):  # Horner: the sum of a[k] turn ** (k + 1)
            total += partials[..., piece, k, None]
            total *= turn
        audio[..., piece, :] = total.imag
    return audio.reshape(*f0_hz.shape[:-1], -1)


def noise_blocks(magnitudes: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Filter noise, each block by itself.

    Parameters
    ----------
    magnitudes : ndarray, shape (..., n_blocks, n_bands)
        Of the filter, from 0 to half the sample rate.
    noise : ndarray, shape (..., n_samples)
        What is filtered; `n_samples` is a multiple of `n_blocks`.

    Returns
    -------
    ndarray, shape (..., n_samples)
        The filtered blocks side by side.

    Examples
    --------
    >>> import numpy as np
    >>> noise_blocks(np.ones((2, 3)), np.arange(8.0)).round(6) + 0.0
    array([0., 1., 2., 3., 4., 5., 6., 7.])
    """
    blocks = noise.reshape(*magnitudes.shape[:-1], -1)
    size, n_taps = blocks.shape[-1], 2 * (magnitudes.shape[-1] - 1)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_taps) / n_taps)
    taps = scipy.fft.irfft(magnitudes, n_taps)
    taps = np.roll(taps, n_taps // 2, -1) * window.astype(taps.dtype)
    kept = np.zeros_like(blocks, dtype=taps.dtype)
    kept[..., : min(size, n_taps)] = taps[..., :size]
    taps = np.roll(kept, -(n_taps // 2), -1)
    spectra = scipy.fft.rfft(taps, 2 * size) * scipy.fft.rfft(blocks, 2 * size)
    return scipy.fft.irfft(spectra, 2 * size)[..., :size].reshape(noise.shape)
