"""What the convolution ops share: the rule for cropping, and blocks convolved by FFT."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

from ddsp_ref.errors import ParameterError, require
from ddsp_ref.jit import njit, ranges, run_parts

# Values in one part of the work: large enough to hide the cost of handing it to a thread.
_PART = 1 << 16


def crop(n_samples, n_taps, padding, delay_compensation):
    """Return where the output starts in the whole convolution, and how long it is."""
    n_out = n_samples if padding == "same" else n_samples + n_taps - 1
    start = delay_compensation if delay_compensation >= 0 else max((n_taps - 1) // 2 - 1, 0)
    return start, n_out


def check_crop(n_samples, n_taps, padding, delay_compensation):
    """Raise unless padding and delay compensation leave something of the convolution."""
    require(padding in ("same", "valid"), f"padding is {padding!r}, must be 'same' or 'valid'")
    n_whole = n_samples + n_taps - 1
    require(
        delay_compensation < n_whole,
        f"delay_compensation is {delay_compensation}, must be less than the length of the "
        f"convolution, n_samples + n_taps - 1 = {n_whole}; at most {n_whole - 1}",
    )


def check_frames(n_samples, n_frames):
    """Raise unless audio cut in frames of equal length gives that many of them."""

    def cut(n):
        hop = -(-n_samples // n)
        return -(-n_samples // hop)

    if cut(n_frames) != n_frames:
        fitting = [n for n in range(1, n_samples + 1) if cut(n) == n]
        nearest = min(fitting, key=lambda n: abs(n - n_frames))
        raise ParameterError(
            f"n_frames is {n_frames}, but {n_samples} samples in frames of "
            f"ceil({n_samples} / {n_frames}) are {cut(n_frames)} frames; the nearest number that "
            f"fits is {nearest}"
        )


def _pieces(batch, n_blocks, n_fft):
    """Cut a grid of blocks into index pairs; at least four blocks, which FFTs take side by side."""
    n = max(4, _PART // n_fft)
    if n_blocks < n:
        return [(slice(*rows), slice(None)) for rows in ranges(batch, max(1, n // n_blocks))]
    return [(slice(b, b + 1), slice(*r)) for b in range(batch) for r in ranges(n_blocks, n)]


def _call(function, *arguments):
    function(*arguments)


@njit
def _add_up(tails, hop, offset, y):
    """Add block i of `tails` to `y` from sample `i * hop + offset` on, as far as `y` reaches."""
    n_rows, n_blocks, n_tail = tails.shape
    for b in range(n_rows):
        for f in range(n_blocks):
            shift = f * hop + offset
            for t in range(max(shift, 0), min(shift + n_tail, y.shape[1])):
                y[b, t] += tails[b, f, t - shift]


def fft_vjp(audio, responses, hop, start, n_out):
    """Convolve every block of audio with its response by FFT, and add up what overlaps.

    `audio` has shape (batch, n_samples) and is cut in blocks of `hop` samples. `responses` has
    shape (batch, n_blocks, n_taps), or (batch, 1, n_taps) or (1, 1, n_taps) where one response
    serves several blocks. The pullback gives cotangents of these shapes.
    """
    blocks = _Blocks(audio, responses, hop)

    def pullback(y_bar):
        return blocks.pull_back(y_bar, start)

    return blocks.convolve(start, n_out), pullback


class _Blocks:
    """Blocks of audio and their responses, transformed once for the value and the cotangents."""

    def __init__(self, audio, responses, hop):
        self.batch, self.n_samples = audio.shape
        self.hop, self.n_taps, self.responses_shape = hop, responses.shape[2], responses.shape
        self.n_blocks = -(-self.n_samples // hop)
        self.n_tail = hop + self.n_taps - 1
        self.n_fft = scipy.fft.next_fast_len(self.n_tail, real=True)
        self.grid = _pieces(self.batch, self.n_blocks, self.n_fft)
        self.one_each = responses.shape[:2] == (self.batch, self.n_blocks)
        if self.n_samples != self.n_blocks * hop:
            audio = np.pad(audio, ((0, 0), (0, self.n_blocks * hop - self.n_samples)))
        blocks = audio.reshape(self.batch, self.n_blocks, hop)
        self.audio_spectra = [None] * len(self.grid)
        self.response_spectrum = np.empty(
            (*responses.shape[:2], self.n_fft // 2 + 1), np.result_type(audio, np.complex64)
        )

        def transform_audio(i):
            self.audio_spectra[i] = scipy.fft.rfft(blocks[self.grid[i]], self.n_fft)

        def transform_responses(piece):
            self.response_spectrum[piece] = scipy.fft.rfft(responses[piece], self.n_fft)

        jobs = [(transform_audio, i) for i in range(len(self.grid))]
        jobs += [(transform_responses, p) for p in _pieces(*responses.shape[:2], self.n_fft)]
        run_parts(_call, jobs)

    def response_of(self, i):
        """Return the spectrum that belongs to piece i of the audio."""
        rows, blocks = self.grid[i]
        if self.one_each:
            return self.response_spectrum[rows, blocks]
        return self.response_spectrum[rows if len(self.response_spectrum) > 1 else slice(None)]

    def inverse(self, product, n):
        """Return the first n samples of the inverse transform."""
        return scipy.fft.irfft(product, self.n_fft, overwrite_x=True)[..., :n]

    def convolve(self, start, n_out):
        tails = [None] * len(self.grid)

        def convolve_piece(i):
            tails[i] = self.inverse(self.audio_spectra[i] * self.response_of(i), self.n_tail)

        run_parts(convolve_piece, [(i,) for i in range(len(self.grid))])
        y = np.zeros((self.batch, n_out), self.response_spectrum.real.dtype)
        for (rows, blocks), tail in zip(self.grid, tails):
            _add_up(tail, self.hop, (blocks.start or 0) * self.hop - start, y[rows])
        return y

    def pull_back(self, y_bar, start):
        whole = np.zeros((self.batch, self.n_blocks * self.hop + self.n_taps - 1), y_bar.dtype)
        kept = min(y_bar.shape[1], whole.shape[1] - start)
        whole[:, start : start + kept] = y_bar[:, :kept]
        reached = sliding_window_view(whole, self.n_tail, axis=1)[:, :: self.hop]  # by each block
        y_spectra = [None] * len(self.grid)
        audio_bar = np.empty((self.batch, self.n_blocks, self.hop), y_bar.dtype)
        responses_bar = np.empty(self.responses_shape, y_bar.dtype)

        def transform(i):
            y_spectra[i] = scipy.fft.rfft(reached[self.grid[i]], self.n_fft)

        def pull_audio(i):
            product = y_spectra[i] * np.conj(self.response_of(i))
            audio_bar[self.grid[i]] = self.inverse(product, self.hop)

        def pull_response(i):
            product = y_spectra[i] * np.conj(self.audio_spectra[i])
            responses_bar[self.grid[i]] = self.inverse(product, self.n_taps)

        def pull_common_responses():
            responses_bar[:] = self.inverse(self.common_product(y_spectra), self.n_taps)

        pieces = range(len(self.grid))
        run_parts(transform, [(i,) for i in pieces])
        # the longest first
        jobs = [] if self.one_each else [(pull_common_responses,)]
        jobs += [(pull_audio, i) for i in pieces]
        jobs += [(pull_response, i) for i in pieces] if self.one_each else []
        run_parts(_call, jobs)
        return audio_bar.reshape(self.batch, self.n_blocks * self.hop)[
            :, : self.n_samples
        ], responses_bar

    def common_product(self, y_spectra):
        """Return the spectrum of the cotangent of responses that serve several blocks."""
        total = np.zeros_like(self.response_spectrum)
        for (rows, _), y_spectrum, audio_spectrum in zip(self.grid, y_spectra, self.audio_spectra):
            product = (y_spectrum * np.conj(audio_spectrum)).sum(axis=1, keepdims=True)
            if len(total) == 1:
                total += product.sum(axis=0)
            else:
                total[rows] += product
        return total
