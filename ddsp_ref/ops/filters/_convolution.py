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
    require(
        isinstance(delay_compensation, (int, np.integer)),
        f"delay_compensation is {delay_compensation!r}, must be a whole number of samples, "
        "or -1 for half of the response",
    )
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
    (batch, n_samples), n_taps = audio.shape, responses.shape[-1]
    n_blocks = -(-n_samples // hop)
    n_tail = hop + n_taps - 1
    n_fft = scipy.fft.next_fast_len(n_tail, real=True)
    grid = _pieces(batch, n_blocks, n_fft)
    blocks = np.zeros((batch, n_blocks * hop), audio.dtype)
    blocks[:, :n_samples] = audio
    blocks = blocks.reshape(batch, n_blocks, hop)
    one_each = responses.shape[:2] == (batch, n_blocks)
    audio_spectra = [None] * len(grid)
    response_spectrum = np.empty(
        (*responses.shape[:2], n_fft // 2 + 1), np.result_type(audio, np.complex64)
    )
    y = np.zeros((batch, n_out), audio.dtype)

    def transform_audio(i):
        audio_spectra[i] = scipy.fft.rfft(blocks[grid[i]], n_fft)

    def transform_responses(piece):
        response_spectrum[piece] = scipy.fft.rfft(responses[piece], n_fft)

    def response_of(piece):
        if one_each:
            return response_spectrum[piece]
        return response_spectrum if len(responses) == 1 else response_spectrum[piece[0]]

    def convolve(i):
        product = audio_spectra[i] * response_of(grid[i])
        tails[i] = scipy.fft.irfft(product, n_fft, overwrite_x=True)[..., :n_tail]

    jobs = [(transform_audio, i) for i in range(len(grid))]
    jobs += [(transform_responses, p) for p in _pieces(*responses.shape[:2], n_fft)]
    run_parts(_call, jobs)
    tails = [None] * len(grid)
    run_parts(convolve, [(i,) for i in range(len(grid))])
    for (rows, chosen), tail in zip(grid, tails):
        _add_up(tail, hop, (chosen.start or 0) * hop - start, y[rows])

    def pullback(y_bar):
        whole = np.zeros((batch, n_blocks * hop + n_taps - 1), y_bar.dtype)
        kept = min(n_out, whole.shape[1] - start)
        whole[:, start : start + kept] = y_bar[:, :kept]
        reached = sliding_window_view(whole, n_tail, axis=1)[:, ::hop]  # by each block
        y_spectra = [None] * len(grid)
        blocks_bar = np.empty(blocks.shape, y_bar.dtype)
        responses_bar = np.empty(responses.shape, y_bar.dtype)

        def transform(i):
            y_spectra[i] = scipy.fft.rfft(reached[grid[i]], n_fft)

        def pull_audio(i):
            product = y_spectra[i] * np.conj(response_of(grid[i]))
            blocks_bar[grid[i]] = scipy.fft.irfft(product, n_fft, overwrite_x=True)[..., :hop]

        def pull_response(i):
            product = y_spectra[i] * np.conj(audio_spectra[i])
            product = scipy.fft.irfft(product, n_fft, overwrite_x=True)
            responses_bar[grid[i]] = product[..., :n_taps]

        def pull_common_responses():
            total = np.zeros_like(response_spectrum)
            for (rows, _), y_part, audio_part in zip(grid, y_spectra, audio_spectra):
                product = (y_part * np.conj(audio_part)).sum(axis=1, keepdims=True)
                if len(responses) == 1:
                    total += product.sum(axis=0)
                else:
                    total[rows] += product
            responses_bar[:] = scipy.fft.irfft(total, n_fft, overwrite_x=True)[..., :n_taps]

        run_parts(transform, [(i,) for i in range(len(grid))])
        jobs = [(pull_audio, i) for i in range(len(grid))]
        if one_each:
            jobs += [(pull_response, i) for i in range(len(grid))]
        else:
            jobs.insert(0, (pull_common_responses,))  # the longest first
        run_parts(_call, jobs)
        return blocks_bar.reshape(batch, n_blocks * hop)[:, :n_samples], responses_bar

    return y, pullback
