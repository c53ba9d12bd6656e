"""The synthesizers and the room, block by block: each goes on where its last block ended."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft

from ddsp_ref.jit import read_only
from ddsp_ref.ops.filters.fft_convolve_frames import fft_convolve_frames
from ddsp_ref.ops.filters.frequency_impulse_response import frequency_impulse_response
from ddsp_ref.ops.oscillators import _harmonic_kernels as kernels
from ddsp_ref.ops.oscillators._amplitude_methods import PASSES


class Delay:
    """Samples that come out later by a fixed number.

    Parameters
    ----------
    n_samples : int
        How much later.

    Examples
    --------
    >>> delay = Delay(3)
    >>> delay.push(np.array([1.0, 2.0])), delay.push(np.array([3.0, 4.0]))
    (array([0., 0.], dtype=float32), array([0., 1.], dtype=float32))
    """

    def __init__(self, n_samples: int) -> None:
        self._held = np.zeros(n_samples, np.float32)

    def push(self, block: np.ndarray) -> np.ndarray:
        """Return as many samples as come in."""
        both = np.concatenate([self._held, block], dtype=np.float32)
        self._held = both[len(block) :]
        return both[: len(block)]


class HarmonicStage:
    """A harmonic sound, one frame late: what is between two frames is known with the second.

    Parameters
    ----------
    sample_rate, hop_size : int
        Samples per second and per frame.
    amp_resample_method : {"window", "linear", "nearest"}
        See `harmonic_synthesis`, whose samples these are.
    """

    def __init__(self, sample_rate: int, hop_size: int, amp_resample_method: str) -> None:
        self.sample_rate, self.hop_size = sample_rate, hop_size
        (self._method,) = PASSES[amp_resample_method]
        self._last: tuple[np.ndarray, np.ndarray] | None = None  # frame, once there is one
        self._cycles = 0.0  # of the fundamental before the last frame

    @property
    def has_begun(self) -> bool:
        """Whether there was a frame."""
        return self._last is not None

    def push(self, f0_hz: np.ndarray, partials: np.ndarray) -> np.ndarray:
        """Return the samples from the last frame to the newest one.

        Parameters
        ----------
        f0_hz : ndarray, shape (n_frames,), float32
            Pitch.
        partials : ndarray, shape (n_frames, n_harmonics), float32
            Amplitudes.

        Returns
        -------
        ndarray, shape (n_frames * hop_size,), float32
            Silence instead of the first `hop_size` samples of all.
        """
        n_silent = 0
        if self._last is None:
            n_silent, self._last = self.hop_size, (f0_hz[:0], partials[:0])
        f0_hz = np.concatenate([self._last[0], f0_hz])[None]
        partials = np.concatenate([self._last[1], partials])[None]
        self._last = f0_hz[0, -1:], partials[0, -1:]
        n_frames = f0_hz.shape[1]
        n_samples = n_frames * self.hop_size
        phases, y = np.empty(f0_hz.shape), np.empty((1, n_samples), np.float32)
        rate = float(self.sample_rate)
        kernels.frame_phases(read_only(f0_hz), n_samples, rate, phases)
        phases += self._cycles
        self._cycles = phases[0, -1] % 1.0
        kernels.synthesize_frames(
            read_only(f0_hz), partials, phases, n_samples, rate, self._method, 0, 0, n_frames - 1, y
        )
        return np.concatenate([np.zeros(n_silent, np.float32), y[0, : n_samples - self.hop_size]])

    def hold(self, n_frames: int) -> np.ndarray:
        """Return what comes after the last frame, whose pitch and amplitudes are held."""
        f0_hz, partials = self._last
        return self.push(np.repeat(f0_hz, n_frames), np.repeat(partials, n_frames, axis=0))


class NoiseStage:
    """Filtered noise. It is `start` samples late: the middle of the filters' responses.

    Parameters
    ----------
    n_bands, hop_size : int
        Bands of the filters; samples per frame.
    """

    def __init__(self, n_bands: int, hop_size: int) -> None:
        n_taps = 2 * (n_bands - 1)
        self.start = max((n_taps - 1) // 2 - 1, 0)  # as `fft_convolve_frames` crops
        self._tail = np.zeros(n_taps - 1, np.float32)
        self._n_early = self.start  # samples before the first one, which nobody hears

    def push(self, magnitudes: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Return as many samples as come in.

        Parameters
        ----------
        magnitudes : ndarray, shape (n_frames, n_bands), float32
            Of the filters.
        noise : ndarray, shape (n_frames * hop_size,), float32
            What is filtered.

        Returns
        -------
        ndarray, shape (n_frames * hop_size,), float32
            The filtered noise, from `start` samples before the first one on.
        """
        responses = frequency_impulse_response(magnitudes, window_size=0)
        whole = fft_convolve_frames(noise, responses, padding="valid", delay_compensation=0)
        whole[: len(self._tail)] += self._tail
        self._tail = whole[len(noise) :]
        ready = whole[: len(noise)]
        ready[: self._n_early] = 0
        self._n_early = max(0, self._n_early - len(noise))
        return ready


class RoomStage:
    """Direct sound and the room's answer to it, at once.

    Parameters
    ----------
    taps : ndarray, shape (n_taps,)
        Impulse response; its first tap counts as zero, see `Reverb`.
    """

    def __init__(self, taps: np.ndarray) -> None:
        taps = np.array(taps, np.float32)
        taps[:1] = 0
        self._tail = np.zeros(max(len(taps) - 1, 0), np.float32)
        self._spectrum = lru_cache(maxsize=4)(lambda size: scipy.fft.rfft(taps, size))

    def push(self, dry: np.ndarray) -> np.ndarray:
        """Return as many samples as come in."""
        n, n_whole = len(dry), len(dry) + len(self._tail)
        if n_whole == n:
            return dry
        size = scipy.fft.next_fast_len(n_whole, real=True)
        whole = scipy.fft.irfft(scipy.fft.rfft(dry, size) * self._spectrum(size), size)[:n_whole]
        whole[: len(self._tail)] += self._tail
        self._tail = whole[n:]
        return dry + whole[:n]
