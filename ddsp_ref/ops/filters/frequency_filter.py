"""Filter given by its magnitudes at every frame."""

from __future__ import annotations

import numpy as np

from ddsp_ref.jit import read_only
from ddsp_ref.op import Case, Op
from ddsp_ref.ops.filters import fft_convolve_frames, frequency_impulse_response
from ddsp_ref.ops.filters._convolution import crop, fft_vjp
from ddsp_ref.ops.filters._tiles import convolve_in_time, in_time, pull_in_time
from ddsp_ref.ops.filters.frequency_impulse_response import response_maps


def define(audio, magnitudes, *, window_size=0, padding="same", xp=np):
    """Filter audio with magnitudes that change from frame to frame.

    ``y[t] = sum over k of h[(t + start - k) // hop, k] * audio[t + start - k]``
    with ``hop = ceil(n_samples / n_frames)`` and h the windowed inverse FFT of each frame's
    magnitudes, see `frequency_impulse_response` and `fft_convolve_frames`

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Audio, zero outside of its samples.
    magnitudes : array, shape (..., n_frames, n_bands)
        Real amplification at equally spaced frequencies from 0 to the Nyquist frequency, at
        least 2 bands. The number of frames must be that in which n_samples are cut by `hop`.
    window_size : int
        Length of the Hann window over the impulse responses in samples; 0 or less, or
        ``2 * (n_bands - 1)`` and more, mean that.
    padding : {"same", "valid"}
        "same" returns n_samples samples, "valid" adds the tail, n_taps - 1 samples.

    Returns
    -------
    array, shape (..., n_out)
        Filtered audio; with a window as long as the response it comes two samples late, because
        `start` is ``n_taps // 2 - 2``, with a shorter window it comes in time.

    Raises
    ------
    ParameterError
        If the number of frames does not fit, there is only one band, or a setting is wrong.

    Notes
    -----
    Gradient: linear in either array, from the cotangents of the two ops that it consists of.
    Precision: as theirs, in the precision of the inputs; in float32 the error is below 1e-6 of
    the largest value (measured, 64000 samples, 65 bands).
    Source: magenta/ddsp 3.7.0, ddsp/core.py, frequency_filter.
    Differences: those of the two ops. Magnitudes of a single frame keep their axis of frames.

    Examples
    --------
    Magnitudes of 1 change nothing but the time, by two samples:

    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.frequency_filter(np.arange(1.0, 7.0), np.ones((1, 9))).round(6) + 0.0
    array([0., 0., 1., 2., 3., 4.])
    """
    n_samples, (n_frames, n_bands) = len(audio), magnitudes.shape
    hop = -(-n_samples // n_frames)
    n_full = 2 * (n_bands - 1)
    size = window_size if 0 < window_size < n_full else n_full
    half = (size + 1) // 2
    first = half if size == n_full else max(half - 2, 0)  # taps before lag 0
    n_taps = n_full if size == n_full else first + half + 1
    whole = 0
    for k in range(n_taps):
        place = half + k - first
        period = size if size % 2 == 0 else size - 1
        window = np.sin(np.pi * place / period) ** 2 if place < size else 0
        angle = 2 * np.pi * (k - first) / n_full * np.arange(n_bands)
        weights = np.cos(angle) * window / n_full
        weights[1:-1] *= 2  # the bands inside stand for a negative frequency, too
        tap = xp.dot(magnitudes, weights)[np.arange(n_samples) // hop]
        whole = whole + xp.concatenate([np.zeros(k), tap * audio, np.zeros(n_taps - 1 - k)])
    start = max((n_taps - 1) // 2 - 1, 0)
    n_out = n_samples if padding == "same" else n_samples + n_taps - 1
    return xp.concatenate([whole, np.zeros(start)])[start : start + n_out]


def vjp(audio, magnitudes, *, window_size, padding, wanted):
    n_frames, n_bands = magnitudes.shape[1:]
    respond, pull, n_taps = response_maps(n_bands, window_size, magnitudes.dtype)
    hop = -(-audio.shape[1] // n_frames)
    start, n_out = crop(audio.shape[1], n_taps, padding, -1)
    if not in_time(hop, n_taps):
        return _by_fft(audio, magnitudes, respond, pull, hop, start, n_out)

    def responses(b, begin, end):
        """Compute them wherever they are needed: that is no slower than to keep them."""
        return read_only(respond(magnitudes[b, begin:end]))

    def pullback(y_bar):
        magnitudes_bar = np.empty(magnitudes.shape, y_bar.dtype) if wanted[1] else None

        def accept(b, begin, end, responses_bar):
            magnitudes_bar[b, begin:end] = pull(responses_bar)

        audio_bar = pull_in_time(y_bar, audio, responses, n_taps, hop, start, wanted, accept)
        return audio_bar, magnitudes_bar

    return convolve_in_time(audio, responses, n_taps, hop, start, n_out), pullback


def _by_fft(audio, magnitudes, respond, pull, hop, start, n_out):
    responses = np.stack([respond(of_one) for of_one in magnitudes])
    y, pull_frames = fft_vjp(audio, responses, hop, start, n_out)

    def pullback(y_bar):
        audio_bar, responses_bar = pull_frames(y_bar)
        return audio_bar, np.stack([pull(of_one) for of_one in responses_bar])

    return y, pullback


def check(dims, *, window_size=0, padding="same"):
    frequency_impulse_response.check(dims, window_size=window_size)
    # with the default delay the number of taps cannot be wrong
    fft_convolve_frames.check({**dims, "n_taps": 1}, padding=padding)


def cases():
    rng = np.random.default_rng(0)

    def noise(*shape):
        return rng.standard_normal(shape)

    return [
        # magnitudes 10, 4, 2 have the response (0, 1, 5, 1), and start is (4 - 1) // 2 - 1 = 0
        Case(
            "by hand",
            [np.array([1.0, 10.0, 100.0]), np.array([[10.0, 4.0, 2.0]])],
            {},
            np.array([0.0, 1.0, 15.0]),
        ),
        # two frames, flat magnitudes 1 and 3: clicks of these heights at tap 2
        Case(
            "by hand, two frames",
            [np.array([1.0, 10.0, 100.0, 1000.0]), np.array([[1.0, 1.0, 1.0], [3.0, 3.0, 3.0]])],
            {"padding": "valid"},
            np.array([0.0, 0.0, 1.0, 10.0, 300.0, 3000.0, 0.0]),
        ),
        Case("typical", [noise(60), noise(6, 9)]),
        Case("valid", [noise(60), noise(6, 9)], {"padding": "valid"}),
        Case("odd window", [noise(60), noise(6, 9)], {"window_size": 9}),
        Case("even window", [noise(60), noise(6, 9)], {"window_size": 8}),
        Case("long window", [noise(60), noise(6, 9)], {"window_size": 257}),
        Case("batch", [noise(2, 3, 20), noise(1, 3, 4, 5)]),
        Case("last frame is shorter", [noise(41), noise(4, 6)]),
        Case("one frame", [noise(30), noise(1, 9)]),
        Case("two bands", [noise(12), noise(3, 2)]),
        Case("one sample", [np.array([2.0]), noise(1, 5)], {"padding": "valid"}),
        Case("by fft", [noise(270), noise(2, 70)]),
        Case("one band", [noise(20), noise(2, 1)], error="n_bands is 1, must be at least 2"),
        Case("frames do not fit", [noise(20), noise(9, 5)], error="n_frames is 9, .* is 10"),
        Case(
            "bad padding",
            [noise(20), noise(2, 5)],
            {"padding": "full"},
            error="padding is 'full', must be 'same'",
        ),
        Case(
            "window of 1",
            [noise(20), noise(2, 5)],
            {"window_size": 1},
            error="window_size is 1, .* 2 works",
        ),
    ]


frequency_filter = Op(
    "frequency_filter",
    define,
    vjp=vjp,
    check=check,
    selective=True,
    cases=cases,
    signature="(n_samples),(n_frames,n_bands)->(n_out)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, frequency_filter",
)
