"""From a cutoff frequency to the impulse response of a low-pass or high-pass."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op
from ddsp_ref.ops.filters.sinc import sinc


def define(cutoff_frequency, *, window_size=512, sample_rate=None, high_pass=False, xp=np):
    """Turn a cutoff frequency into a windowed sinc impulse response.

    ``h[n] = w[n] sinc(c lag[n]) / |sum over m of w[m] sinc(c lag[m])|`` with lag from -half to
    half, ``half = window_size // 2``, c the cutoff as a fraction of half the sample rate, and w a
    Hamming window; a high-pass is a click at lag 0 minus that.

    Parameters
    ----------
    cutoff_frequency : array, shape (...)
        Cutoff as a fraction of half the sample rate, from 0 to 1; with `sample_rate` in Hz.
    window_size : int
        Length of the window in samples, at least 1; an even one counts one more.
    sample_rate : float or None
        Samples per second, positive, if cutoffs are in Hz.
    high_pass : bool
        Whether frequencies below the cutoff are removed, instead of those above.

    Returns
    -------
    array, shape (..., n_taps)
        Impulse response of ``2 * half + 1`` taps, lag 0 in the middle. A low-pass sums up to 1
        in absolute value.

    Raises
    ------
    ParameterError
        If a setting is out of its range.

    Notes
    -----
    Gradient: through both the sinc and its sum.
    Precision: float64 inside, whatever the input.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, sinc_impulse_response. Its window is called
    periodic, but tf.signal makes odd lengths symmetric, so the response is linear phase.
    Differences: none in value.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.sinc_impulse_response(np.array(0.5), window_size=4).round(4)
    array([0.    , 0.2037, 0.5926, 0.2037, 0.    ])
    """
    half = window_size // 2
    lag = np.arange(-half, half + 1)
    window = 0.54 + 0.46 * np.cos(np.pi * lag / max(half, 1))
    cutoff = cutoff_frequency if sample_rate is None else cutoff_frequency * 2 / sample_rate
    angle = np.pi * cutoff * lag
    still = angle == 0
    ideal = xp.where(still, 1.0, xp.sin(angle) / xp.where(still, 1.0, angle))
    low = window * ideal
    low = low / xp.abs(xp.sum(low))
    return (lag == 0) - low if high_pass else low


def vjp(cutoff_frequency, *, window_size=512, sample_rate=None, high_pass=False):
    half = window_size // 2
    scale = 1.0 if sample_rate is None else 2.0 / sample_rate
    lags = scale * np.arange(-half, half + 1)
    window = np.hamming(2 * half + 1)
    ideal, pull_ideal = sinc.vjp(cutoff_frequency.astype(np.float64)[:, None] * lags)
    raw = window * ideal
    total = raw.sum(axis=1, keepdims=True)
    low = raw / np.abs(total)
    y = low
    if high_pass:
        y = -low
        y[:, half] += 1

    def pullback(y_bar):
        low_bar = -y_bar if high_pass else y_bar
        along = (low_bar * low).sum(axis=1, keepdims=True)
        raw_bar = (low_bar - np.sign(total) * along) / np.abs(total)
        (place_bar,) = pull_ideal(raw_bar * window)
        return (place_bar @ lags,)

    return y.astype(cutoff_frequency.dtype), pullback


def check(dims, *, window_size=512, sample_rate=None, high_pass=False):
    require(
        window_size >= 1,
        f"window_size is {window_size}, must be a whole number of at least 1, e.g. 512",
    )
    require(
        sample_rate is None or 0 < sample_rate < np.inf,
        f"sample_rate is {sample_rate}, must be positive, or None for cutoffs from 0 to 1",
    )


def cases():
    cutoffs = np.array([0.1, 0.37, 0.66, 0.9])
    # sinc of -1/2, 0, 1/2 is 2/pi, 1, 2/pi; the Hamming window of 3 is 0.08, 1, 0.08
    side = 0.08 * 2 / np.pi
    by_hand = np.array([side, 1.0, side]) / (1 + 2 * side)
    # at 0 only the window is left; its sum is 1.16
    flat = np.array([0.08, 1.0, 0.08]) / 1.16
    return [
        Case("by hand", [np.array([0.5])], {"window_size": 3}, by_hand[None]),
        Case("by hand, high-pass in Hz", [np.array(4000.0)],
             {"window_size": 2, "sample_rate": 16000, "high_pass": True},
             np.array([0.0, 1.0, 0.0]) - by_hand),
        Case("cutoff 0", [np.array(0.0)], {"window_size": 3}, flat, grad=False),
        Case("typical", [cutoffs], {"window_size": 20}),
        Case("in Hz", [8000 * cutoffs], {"window_size": 21, "sample_rate": 16000}),
        Case("high-pass", [cutoffs.reshape(2, 2)], {"window_size": 20, "high_pass": True}),
        Case("default size", [np.array(0.4)]),
        Case("beyond Nyquist", [np.array([1.0, 1.5])], {"window_size": 16}),
        Case("one tap", [np.array([0.3])], {"window_size": 1}, np.ones((1, 1)), grad=False),
        Case("no window", [cutoffs], {"window_size": 0}, error="window_size is 0, must be a whole"),
        Case("no rate", [cutoffs], {"sample_rate": 0}, error="sample_rate is 0, must be positive"),
        Case("a word", [cutoffs], {"high_pass": "yes"}, error="high_pass is 'yes'"),
    ]  # fmt: skip


sinc_impulse_response = Op(
    "sinc_impulse_response",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="()->(n_taps)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, sinc_impulse_response",
)
