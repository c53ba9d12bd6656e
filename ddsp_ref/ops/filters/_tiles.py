"""Convolution in time, tile by tile: 64 samples with 128 taps, products that stay in registers.

A tile is cut in rows of 16 numbers. For one position s in the rows of the samples, the tile is a
product of polynomials whose coefficients are rows: each row of taps, shifted by s, is read once and
used for four samples at a time. That leaves the multiply-adds as the limit, where shifting the taps
for every sample alone would be limited by reading them.
"""

from __future__ import annotations

import numpy as np

from ddsp_ref.jit import njit_relaxed, ranges, read_only, run_parts
from ddsp_ref.ops._products import aligned

_ROW = 16
_SAMPLES, _TAPS = 4 * _ROW, 8 * _ROW
# Frames longer than this are added up by parts: in a frame of 64000 samples float32 sums lose 5e-7
# of the largest value that way, 1.2e-5 otherwise.
_LONG = 1024
# FFTs win from here on; measured for frames of 128 to 1024 samples and 128 to 2048 taps.
_LONGEST = 256


@njit_relaxed
def _convolve_tile(samples, taps, y, n_steps):
    """y[k + n] += samples[k] * taps[16 + n]; there are 16 zeros before and after the taps.

    `n_steps` is 16, or the number of samples if there are fewer. Two positions at a time: each
    sum is read and written half as often.
    """
    for s in range(0, n_steps, 2):
        w0, w1, w2, w3 = samples[s], samples[16 + s], samples[32 + s], samples[48 + s]
        v0, v1, v2, v3 = samples[s + 1], samples[17 + s], samples[33 + s], samples[49 + s]
        h, g = taps[_ROW - s :], taps[_ROW - s - 1 :]
        for i in range(_ROW):
            h0, h1, h2, h3, h4 = h[i], h[i + 16], h[i + 32], h[i + 48], h[i + 64]
            h5, h6, h7, h8 = h[i + 80], h[i + 96], h[i + 112], h[i + 128]
            g0, g1, g2, g3, g4 = g[i], g[i + 16], g[i + 32], g[i + 48], g[i + 64]
            g5, g6, g7, g8 = g[i + 80], g[i + 96], g[i + 112], g[i + 128]
            a, b = w0 * h0, v0 * g0
            y[i] += a + b
            a, b = w0 * h1 + w1 * h0, v0 * g1 + v1 * g0
            y[i + 16] += a + b
            a, b = w0 * h2 + w1 * h1 + w2 * h0, v0 * g2 + v1 * g1 + v2 * g0
            y[i + 32] += a + b
            a, b = w0 * h3 + w1 * h2 + w2 * h1 + w3 * h0, v0 * g3 + v1 * g2 + v2 * g1 + v3 * g0
            y[i + 48] += a + b
            a, b = w0 * h4 + w1 * h3 + w2 * h2 + w3 * h1, v0 * g4 + v1 * g3 + v2 * g2 + v3 * g1
            y[i + 64] += a + b
            a, b = w0 * h5 + w1 * h4 + w2 * h3 + w3 * h2, v0 * g5 + v1 * g4 + v2 * g3 + v3 * g2
            y[i + 80] += a + b
            a, b = w0 * h6 + w1 * h5 + w2 * h4 + w3 * h3, v0 * g6 + v1 * g5 + v2 * g4 + v3 * g3
            y[i + 96] += a + b
            a, b = w0 * h7 + w1 * h6 + w2 * h5 + w3 * h4, v0 * g7 + v1 * g6 + v2 * g5 + v3 * g4
            y[i + 112] += a + b
            a, b = w0 * h8 + w1 * h7 + w2 * h6 + w3 * h5, v0 * g8 + v1 * g7 + v2 * g6 + v3 * g5
            y[i + 128] += a + b
            a, b = w1 * h8 + w2 * h7 + w3 * h6, v1 * g8 + v2 * g7 + v3 * g6
            y[i + 144] += a + b
            a, b = w2 * h8 + w3 * h7, v2 * g8 + v3 * g7
            y[i + 160] += a + b
            a, b = w3 * h8, v3 * g8
            y[i + 176] += a + b


@njit_relaxed
def _pull_taps(samples, y_bar, taps_bar, n_steps):
    """taps_bar[n] += samples[k] * y_bar[n + k]."""
    for s in range(n_steps):
        w0, w1, w2, w3 = samples[s], samples[16 + s], samples[32 + s], samples[48 + s]
        u = y_bar[s:]
        for i in range(_ROW):
            u0, u1, u2, u3, u4, u5 = u[i], u[i + 16], u[i + 32], u[i + 48], u[i + 64], u[i + 80]
            u6, u7, u8, u9, u10 = u[i + 96], u[i + 112], u[i + 128], u[i + 144], u[i + 160]
            taps_bar[i] += w0 * u0 + w1 * u1 + w2 * u2 + w3 * u3
            taps_bar[i + 16] += w0 * u1 + w1 * u2 + w2 * u3 + w3 * u4
            taps_bar[i + 32] += w0 * u2 + w1 * u3 + w2 * u4 + w3 * u5
            taps_bar[i + 48] += w0 * u3 + w1 * u4 + w2 * u5 + w3 * u6
            taps_bar[i + 64] += w0 * u4 + w1 * u5 + w2 * u6 + w3 * u7
            taps_bar[i + 80] += w0 * u5 + w1 * u6 + w2 * u7 + w3 * u8
            taps_bar[i + 96] += w0 * u6 + w1 * u7 + w2 * u8 + w3 * u9
            taps_bar[i + 112] += w0 * u7 + w1 * u8 + w2 * u9 + w3 * u10


@njit_relaxed
def _pull_samples(taps, y_bar, samples_bar):
    """samples_bar[k] += taps[n] * y_bar[n + k]."""
    for s in range(_ROW):
        h0, h1, h2, h3 = taps[s], taps[16 + s], taps[32 + s], taps[48 + s]
        h4, h5, h6, h7 = taps[64 + s], taps[80 + s], taps[96 + s], taps[112 + s]
        u = y_bar[s:]
        for i in range(_ROW):
            u0, u1, u2, u3, u4, u5 = u[i], u[i + 16], u[i + 32], u[i + 48], u[i + 64], u[i + 80]
            u6, u7, u8, u9, u10 = u[i + 96], u[i + 112], u[i + 128], u[i + 144], u[i + 160]
            a, b = h0 * u0 + h1 * u1 + h2 * u2 + h3 * u3, h4 * u4 + h5 * u5 + h6 * u6 + h7 * u7
            samples_bar[i] += a + b
            a, b = h0 * u1 + h1 * u2 + h2 * u3 + h3 * u4, h4 * u5 + h5 * u6 + h6 * u7 + h7 * u8
            samples_bar[i + 16] += a + b
            a, b = h0 * u2 + h1 * u3 + h2 * u4 + h3 * u5, h4 * u6 + h5 * u7 + h6 * u8 + h7 * u9
            samples_bar[i + 32] += a + b
            a, b = h0 * u3 + h1 * u4 + h2 * u5 + h3 * u6, h4 * u7 + h5 * u8 + h6 * u9 + h7 * u10
            samples_bar[i + 48] += a + b


@njit_relaxed
def _load(source, target, size):
    """Copy `source` to the first `size` numbers of `target`, as far as it goes, then zeros."""
    n = min(source.shape[0], size)
    # Assigning slices takes 50 ns, a third of what a tile does; so does a constant number of moves,
    # of which the compiler makes a move for every number.
    for i in range(n):
        target[i] = source[i]
    for i in range(n, size):
        target[i] = 0


@njit_relaxed
def _convolve_frames(audio, responses, hop, first, y):
    """y[t] = sample first + t of the whole convolution, one element of the batch."""
    n_taps = responses.shape[1]
    reach = max(first - n_taps + 1, 0)  # the first sample of audio that is still heard in y
    stop = min(audio.shape[0], first + y.shape[0])
    origin = reach // _ROW * _ROW  # so that tiles begin with a line of the cache
    n_audio = max(stop - origin, 0)
    whole = aligned(n_audio + n_taps + _SAMPLES + _TAPS, y.dtype)  # from sample `origin` on
    samples, taps = aligned(_SAMPLES, y.dtype), aligned(_TAPS + 2 * _ROW, y.dtype)
    for i in range(whole.size):
        whole[i] = 0
    for i in range(taps.size):
        taps[i] = 0
    for frame in range(reach // hop, (stop + hop - 1) // hop):
        begin, end = max(frame * hop, reach), min((frame + 1) * hop, stop)
        for tap in range(0, n_taps, _TAPS):
            _load(responses[frame, tap:], taps[_ROW:], _TAPS)
            for k in range(begin, end, _SAMPLES):
                _load(audio[k:end], samples, _SAMPLES)
                _convolve_tile(samples, taps, whole[k - origin + tap :], min(_ROW, end - k))
    _load(whole[first - origin : n_audio + n_taps - 1], y, y.shape[0])


@njit_relaxed
def _pull_frames(audio, responses, n_taps, hop, whole_bar, wanted, audio_bar, responses_bar):
    """Write the cotangents of frames that are wanted; `whole_bar` is 0 where y was cropped."""
    n_samples, n_frames = audio.shape[0], responses_bar.shape[0]
    samples, taps = np.zeros(_SAMPLES, audio.dtype), np.zeros(_TAPS, audio.dtype)
    for frame in range(n_frames):
        start, stop = frame * hop, min((frame + 1) * hop, n_samples)
        for tap in range(0, n_taps if wanted[1] else 0, _TAPS):
            own = responses_bar[frame, tap : tap + _TAPS]
            for i in range(own.size):
                own[i] = 0
            for part in range(start, stop, _LONG):
                part_stop = min(part + _LONG, stop)
                for i in range(_TAPS):
                    taps[i] = 0
                for k in range(part, part_stop, _SAMPLES):
                    _load(audio[k:part_stop], samples, _SAMPLES)
                    _pull_taps(samples, whole_bar[k + tap :], taps, min(_ROW, part_stop - k))
                for i in range(own.size):
                    own[i] += taps[i]
        for k in range(start, stop if wanted[0] else start, _SAMPLES):
            for i in range(_SAMPLES):
                samples[i] = 0
            for tap in range(0, n_taps, _TAPS):
                _load(responses[frame, tap:], taps, _TAPS)
                _pull_samples(taps, whole_bar[k + tap :], samples)
            _load(samples, audio_bar[k:stop], min(_SAMPLES, stop - k))


def convolve_in_time(audio, responses, n_taps, hop, start, n_out):
    """Convolve every frame with its response; return n_out samples from sample `start` on.

    `responses(b, begin, end)` gives the responses of these frames, shape (frames, n_taps).
    """
    batch, n_samples = audio.shape
    y = np.empty((batch, n_out), audio.dtype)

    def convolve(b, begin, end):
        first, stop = start + begin, min(n_samples, start + end)
        low, high = max(first - n_taps + 1, 0) // hop, -(-stop // hop)
        own = audio[b, low * hop : high * hop]
        _convolve_frames(own, responses(b, low, high), hop, first - low * hop, y[b, begin:end])

    n_part = _part_size(n_taps)
    run_parts(convolve, [(b, *part) for b in range(batch) for part in ranges(n_out, n_part)])
    return y


def pull_in_time(y_bar, audio, responses, n_taps, hop, start, wanted, accept):
    """Return the cotangent of the audio; give those of responses to `accept(b, begin, end, bar)`.

    `wanted` tells which of the two are; what is not is None, and is not given.
    """
    batch, n_samples = audio.shape
    n_frames, n_whole = -(-n_samples // hop), n_samples + n_taps - 1
    # 0 where the convolution was cropped, and as far beyond it as tiles read
    whole_bar = np.zeros((batch, n_whole + _SAMPLES + _TAPS), y_bar.dtype)
    kept = min(y_bar.shape[1], n_whole - start)
    whole_bar[:, start : start + kept] = y_bar[:, :kept]
    audio_bar = np.empty(audio.shape if wanted[0] else (batch, 0), y_bar.dtype)

    def pull(b, begin, end):
        low, high = begin * hop, end * hop
        shape = end - begin, n_taps
        known = responses(b, begin, end) if wanted[0] else read_only(np.empty((0, 0), y_bar.dtype))
        bar = np.empty(shape if wanted[1] else (end - begin, 0), y_bar.dtype)
        own, own_bar = audio[b, low:high], audio_bar[b, low:high]
        _pull_frames(own, known, n_taps, hop, whole_bar[b, low:], wanted, own_bar, bar)
        if wanted[1]:
            accept(b, begin, end, bar)

    n_part = max(_part_size(n_taps) // hop, 1)
    run_parts(pull, [(b, *part) for b in range(batch) for part in ranges(n_frames, n_part)])
    return audio_bar if wanted[0] else None


def time_vjp(audio, impulse_responses, hop, start, n_out, wanted=(True, True)):
    """Return samples start ... start + n_out - 1 of the convolution, and its pullback."""

    def responses(b, begin, end):
        return impulse_responses[b, begin:end]

    def pullback(y_bar):
        responses_bar = np.empty(impulse_responses.shape, y_bar.dtype) if wanted[1] else None

        def accept(b, begin, end, bar):
            responses_bar[b, begin:end] = bar

        n_taps = impulse_responses.shape[2]
        audio_bar = pull_in_time(y_bar, audio, responses, n_taps, hop, start, wanted, accept)
        return audio_bar, responses_bar

    y = convolve_in_time(audio, responses, impulse_responses.shape[2], hop, start, n_out)
    return y, pullback


def in_time(hop, n_taps):
    """Return whether tiles are faster than FFTs; measured for frames of 64 to 8000 samples."""
    return min(hop, n_taps) <= _LONGEST


def _part_size(n_taps):
    # every part also sums what rings into it, n_taps samples, so it should be longer than that
    return max((1 << 21) // n_taps, 8 * n_taps)
