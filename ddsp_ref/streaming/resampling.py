"""Changing the sample rate of a sound that is still coming in, in milliseconds.

The library that whole sounds are resampled with has 35 ms of delay when it is given blocks.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.signal

from ddsp_ref.errors import require
from ddsp_ref.io.resampling import check_sample_rate

# Samples of the lower rate on either side that a sample is made of: flat up to 84 % of the lower
# Nyquist frequency, 80 dB down above it.
_REACH, _BETA, _CUTOFF = 32, 8.0, 0.92
_WIDEST = 1000  # 44100 to 16000 is 441 to 160


class Resampler:
    """Change the sample rate of a sound, block by block.

    Parameters
    ----------
    old_rate, new_rate : int
        Samples per second, 4000 to 384000.

    Notes
    -----
    A windowed sinc, applied by `scipy.signal.resample_poly`. Sample m is that of the time
    ``m / new_rate``; it comes out when 32 samples of the lower rate after it have come in. Blocks
    may have any length; samples do not depend on it.

    Examples
    --------
    >>> resampler = Resampler(48000, 16000)
    >>> tone = np.sin(2 * np.pi * 440 / 48000 * np.arange(4800)).astype(np.float32)
    >>> found = np.concatenate([resampler.push(block) for block in np.split(tone, 10)])
    >>> len(found), bool(abs(found - tone[:4800:3][: len(found)])[100:].max() < 1e-4)
    (1568, True)
    """

    def __init__(self, old_rate: int, new_rate: int) -> None:
        check_sample_rate("Resampler", old_rate)
        check_sample_rate("Resampler", new_rate)
        common = math.gcd(old_rate, new_rate)
        self._up, self._down = int(new_rate // common), int(old_rate // common)
        widest = max(self._up, self._down)
        require(
            widest <= _WIDEST,
            f"Resampler: {old_rate} and {new_rate} have no large common divisor, which makes the "
            "filter long; take a usual rate, such as 44100 or 48000",
        )
        self._ahead = -(-_REACH * widest // self._up) if widest > 1 else 0
        size = 2 * _REACH * widest + 1
        self._filter = scipy.signal.firwin(size, _CUTOFF / widest, window=("kaiser", _BETA))
        self._filter = self._filter.astype(np.float32)
        # sound from `_start` on, a multiple of `down`, where a sample of either rate stands
        self._start = -self._down * -(-self._ahead // self._down)
        self._sound = np.zeros(-self._start, np.float32)
        self._n_out = 0

    def n_ready(self, n_in: Any) -> Any:
        """Return how many samples have come out when `n_in`, a number or an array, have come in."""
        return np.maximum(0, (n_in - 1 - self._ahead) * self._up // self._down + 1)

    def push(self, block: np.ndarray) -> np.ndarray:
        """Return the samples that are ready, none or several.

        Parameters
        ----------
        block : ndarray, shape (n_samples,), float32
            The next samples.

        Returns
        -------
        ndarray, float32
            The next samples at the new rate.
        """
        block = np.asarray(block)
        require(
            block.ndim == 1 and block.dtype.kind == "f",
            f"Resampler.push: block has shape {block.shape} and dtype {block.dtype}, must be "
            "(n_samples,) and float32",
        )
        if self._up == self._down:
            return block.astype(np.float32)
        self._sound = np.concatenate([self._sound, block], dtype=np.float32)
        n_ready = self.n_ready(self._start + len(self._sound))
        if n_ready == self._n_out:
            return np.zeros(0, np.float32)
        found = scipy.signal.resample_poly(
            self._sound, self._up, self._down, window=self._filter
        ).astype(np.float32, copy=False)
        first = self._start * self._up // self._down
        ready = found[self._n_out - first : n_ready - first]
        self._n_out = n_ready
        still_seen = n_ready * self._down // self._up - self._ahead
        n_old = max(0, still_seen // self._down * self._down - self._start)
        self._sound, self._start = self._sound[n_old:], self._start + n_old
        return ready
