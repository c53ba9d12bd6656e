"""From the magnitudes of a filter to its impulse response."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft

from ddsp_ref.errors import require
from ddsp_ref.jit import njit_relaxed, ranges, run_parts
from ddsp_ref.op import Case, Op
from ddsp_ref.ops._products import as_tiles, multiply, no_bias

# With more, transforms are faster than a product with the matrix that they stand for.
_MOST_BANDS = 257


def define(magnitudes, *, window_size=0, xp=np):
    """Turn magnitudes into a windowed linear-phase impulse response.

    ``h[n] = window[n] * 1/N * sum over k of c[k] * magnitudes[k] * cos(2 pi k lag[n] / N)``
    with ``N = 2 * (n_bands - 1)``, ``c = 1`` for the first and the last band, 2 for the others

    Parameters
    ----------
    magnitudes : array, shape (..., n_bands)
        Real amplification at equally spaced frequencies from 0 to the Nyquist frequency;
        n_bands at least 2.
    window_size : int
        Length of the Hann window in samples. 0 or less, or N and more, mean N.

    Returns
    -------
    array, shape (..., n_taps)
        Impulse response. With the default window n_taps is N and lag 0 is tap N/2. With a shorter
        window n_taps is window_size if it is odd, else window_size - 1 (but 2 for a window of 2),
        and lag 0 is tap ``(n_taps - 1) // 2 - 1``, at least 0.

    Raises
    ------
    ParameterError
        If there is only one band, or the window is 1 or 3 and shorter than N, where no tap is left.

    Notes
    -----
    Gradient: linear; the cotangent of the magnitudes is the transposed sum of ``window * h_bar``.
    Precision: a fast cosine transform in the precision of the input; in float32 the error is
    about 2e-7 of the largest value.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, frequency_impulse_response and
    apply_window_to_impulse_response.
    The window is a periodic Hann window, of odd length a symmetric one (as in tf.signal). In
    the source's arrangement tap n of a shorter window is lag ``n - max(half - 2, 0)`` and is
    weighted with ``window[half + lag]``, ``half = (window_size + 1) // 2``: for an odd length
    the top of the window is at lag -1, not 0, and two of the taps are always zero.
    Differences: with windows of 1 and 3 the source returns zeros; here they are refused.

    Examples
    --------
    A filter that lets everything pass is a single click:

    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.frequency_impulse_response(np.ones(5)).round(6) + 0.0
    array([0., 0., 0., 0., 1., 0., 0., 0.])
    """
    n_bands = magnitudes.shape[-1]
    n_full = 2 * (n_bands - 1)
    size = window_size if 0 < window_size < n_full else n_full
    half = (size + 1) // 2
    lag = np.arange(-half, half) if size == n_full else np.arange(-max(half - 2, 0), half + 1)
    period = size if size % 2 == 0 else size - 1
    window = np.where(half + lag < size, 0.5 - 0.5 * np.cos(2 * np.pi * (half + lag) / period), 0)
    band = np.arange(n_bands)
    count = np.where((band == 0) | (band == n_bands - 1), 1, 2)
    cosines = np.cos(2 * np.pi * band * lag[:, np.newaxis] / n_full)
    return window * xp.dot(count * cosines, magnitudes) / n_full


def _taps(n_bands, window_size):
    """Return how many taps stand before lag 0, and the window over all taps, divided by N."""
    n_full = 2 * (n_bands - 1)
    size = window_size if 0 < window_size < n_full else n_full
    phase = np.arange(size) / (size - size % 2)  # odd lengths are symmetric, as in tf.signal
    window = (0.5 - 0.5 * np.cos(2 * np.pi * phase)) / n_full
    half = (size + 1) // 2
    if size == n_full:
        return half, window
    before = max(half - 2, 0)
    window = np.concatenate([window[half - before :], [0.0, 0.0]])
    return before, window[: before + half + 1]


@lru_cache(maxsize=32)
def response_maps(n_bands, window_size, dtype):
    """Return the map from rows of magnitudes to responses, its transpose, and the number of taps.

    Responses are symmetric but for their window: only the lags from 0 on are computed.
    """
    before, window = _taps(n_bands, window_size)
    heard = np.flatnonzero(window) - before
    n_lags = max(-heard[0], heard[-1]) + 1 if heard.size else 1
    transform = _by_products if n_bands <= _MOST_BANDS else _by_transforms
    to_lags, from_lags = transform(n_bands, n_lags, dtype)
    weights = window.astype(dtype)

    def respond(magnitudes):
        responses = np.empty((len(magnitudes), len(window)), dtype)
        _unfold(to_lags(magnitudes), weights, before, responses)
        return responses

    def pull(responses_bar):
        lags_bar = np.empty((len(responses_bar), n_lags), dtype)
        _fold(responses_bar, weights, before, lags_bar)
        return from_lags(lags_bar)

    return respond, pull, len(window)


@njit_relaxed
def _unfold(lags, weights, before, responses):
    """Write both sides of every response, weighted."""
    n_taps, n_lags = weights.size, lags.shape[1]
    low, high = max(before - n_lags + 1, 0), min(before + n_lags, n_taps)
    for b in range(len(lags)):
        own, response = lags[b], responses[b]
        left, left_weights = response[low:before], weights[low:before]
        for i in range(left.size):  # an index without a sign is not checked for being negative
            left[i] = own[np.uint64(before - low - i)] * left_weights[i]
        right, right_weights = response[before:high], weights[before:high]
        for i in range(right.size):
            right[i] = own[i] * right_weights[i]
        for i in range(low):
            response[i] = 0
        for i in range(high, n_taps):
            response[i] = 0


@njit_relaxed
def _fold(responses_bar, weights, before, lags_bar):
    """Add both sides of every cotangent, weighted."""
    n_taps, n_lags = weights.size, lags_bar.shape[1]
    low, high = max(before - n_lags + 1, 0), min(before + n_lags, n_taps)
    for b in range(len(lags_bar)):
        own, bar = lags_bar[b], responses_bar[b]
        right, right_weights = bar[before:high], weights[before:high]
        for i in range(right.size):
            own[i] = right[i] * right_weights[i]
        for i in range(right.size, n_lags):
            own[i] = 0
        beyond = own[1 : before - low + 1]
        for i in range(beyond.size):
            k = np.uint64(before - 1 - i)
            beyond[i] += bar[k] * weights[k]


def _by_products(n_bands, n_lags, dtype):
    """As matrix products: for 1000 rows of 65 bands, less than half the time of transforms."""
    band, lag = np.arange(n_bands), np.arange(n_lags)
    # whole turns are left out in whole numbers, before anything is rounded
    matrix = np.cos(np.pi / (n_bands - 1) * (np.outer(band, lag) % (2 * (n_bands - 1))))
    matrix[1:-1] *= 2  # the bands inside stand for a negative frequency, too
    tiles, transposed = as_tiles(matrix, dtype), as_tiles(matrix.T, dtype)

    def to_lags(magnitudes):
        lags = np.empty((len(magnitudes), n_lags), dtype)
        multiply(magnitudes, tiles, no_bias(n_lags, dtype), lags)
        return lags

    def from_lags(lags_bar):
        magnitudes_bar = np.empty((len(lags_bar), n_bands), dtype)
        multiply(lags_bar, transposed, no_bias(n_bands, dtype), magnitudes_bar)
        return magnitudes_bar

    return to_lags, from_lags


def _by_transforms(n_bands, n_lags, dtype):
    count = np.full(n_bands, 2, dtype)
    count[[0, -1]] = 1

    def to_lags(magnitudes):
        # the cosine transform of type 1 is the inverse FFT of real, even spectra
        return np.ascontiguousarray(scipy.fft.dct(magnitudes, type=1)[:, :n_lags])

    def from_lags(lags_bar):
        # transposed, this transform counts the inner bands twice where it counted lags before
        whole = np.zeros((len(lags_bar), n_bands), dtype)
        np.divide(lags_bar, count[:n_lags], out=whole[:, :n_lags])
        return scipy.fft.dct(whole, type=1, overwrite_x=True) * count

    return to_lags, from_lags


def vjp(magnitudes, *, window_size):
    respond, pull, n_taps = response_maps(magnitudes.shape[1], window_size, magnitudes.dtype)

    def by_parts(function, rows, n_columns):
        result = np.empty((len(rows), n_columns), rows.dtype)

        def part(begin, end):
            result[begin:end] = function(rows[begin:end])

        run_parts(part, ranges(len(rows), max((1 << 15) // rows.shape[1], 1)))
        return result

    def pullback(response_bar):
        return (by_parts(pull, response_bar, magnitudes.shape[1]),)

    return by_parts(respond, magnitudes, n_taps), pullback


def check(dims, *, window_size=0):
    n_bands = dims["n_bands"]
    require(n_bands >= 2, f"n_bands is {n_bands}, must be at least 2: 0 Hz and Nyquist")
    require(
        window_size not in (1, 3) or window_size >= 2 * (n_bands - 1),
        f"window_size is {window_size}, but with it no tap is left, must not be 1 or 3; "
        f"{window_size + 1} works",
    )


def cases():
    rng = np.random.default_rng(0)

    def noise(*shape):
        return rng.standard_normal(shape)

    return [
        # N = 4; lags -2..1 are (m0 - 2 m1 + m2, m0 - m2, m0 + 2 m1 + m2, m0 - m2) / 4 = (1, 2,
        # 5, 2) with magnitudes 10, 4, 2; the Hann window of 4 is (0, 1/2, 1, 1/2)
        Case("by hand", [np.array([10.0, 4.0, 2.0])], {}, np.array([0.0, 1.0, 5.0, 1.0])),
        # only tap 0 of window 2 is left: weight 1 at lag 0, 0 at lag 1
        Case(
            "by hand, window of 2",
            [np.array([10.0, 4.0, 2.0])],
            {"window_size": 2},
            np.array([5.0, 0.0]),
        ),
        # flat: lag 0 only; it is tap half - 2 = 1, weighted with window[3] of (0, 1/2, 1, 1/2, 0)
        Case("by hand, window of 5", [np.ones(9)], {"window_size": 5}, np.eye(5)[1] / 2),
        # the same with a window of 6, which has its top there: five taps
        Case("by hand, window of 6", [np.ones(9)], {"window_size": 6}, np.eye(5)[1]),
        Case("typical", [noise(4, 17)]),
        Case("even number of bands", [noise(2, 10)]),
        Case("window longer than the response", [noise(9)], {"window_size": 257}),
        Case("window as long as the response", [noise(9)], {"window_size": 16}),
        Case("window one shorter", [noise(9)], {"window_size": 15}),
        Case("window two shorter", [noise(9)], {"window_size": 14}),
        Case("window of 4", [noise(9)], {"window_size": 4}),
        Case("negative window", [noise(9)], {"window_size": -1}),
        Case("two bands", [noise(2)]),
        Case("window of 3 that is too long", [noise(2)], {"window_size": 3}),
        Case("one band", [noise(1)], error="n_bands is 1, must be at least 2"),
        Case("window of 1", [noise(9)], {"window_size": 1}, error="window_size is 1, .* 2 works"),
        Case("window of 3", [noise(9)], {"window_size": 3}, error="window_size is 3, .* 4 works"),
        Case(
            "window is not whole",
            [noise(9)],
            {"window_size": 2.5},
            error="window_size is 2.5, must be a whole number",
        ),
    ]


frequency_impulse_response = Op(
    "frequency_impulse_response",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_bands)->(n_taps)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, frequency_impulse_response",
)
