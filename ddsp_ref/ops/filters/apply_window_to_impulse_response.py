"""A Hann window over an impulse response, brought to causal form."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(impulse_response, *, window_size=0, causal=False, xp=np):
    """Multiply an impulse response by a Hann window and put it in causal form.

    ``y[n] = window[half + lag] * impulse_response[lag mod n_response]``, with lag 0 in the middle
    of y and of the window

    Parameters
    ----------
    impulse_response : array, shape (..., n_response)
        Impulse response with lag 0 first and negative lags at the end, as an inverse FFT gives
        it; with `causal`, lag 0 in the middle.
    window_size : int
        Length of the window in samples. 0 or less, or n_response and more, mean n_response.
    causal : bool
        Whether the response has lag 0 in the middle already.

    Returns
    -------
    array, shape (..., n_taps)
        Windowed response. n_taps is n_response, or with a shorter window window_size if that is
        odd, else window_size - 1 (but 2 for a window of 2); then lag 0 is tap
        ``(n_taps - 1) // 2 - 1``, at least 0.

    Raises
    ------
    ParameterError
        If the window is 1 or 3 and shorter than the response, where no tap is left.

    Notes
    -----
    Gradient: linear; each cotangent goes back to where its tap came from.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, apply_window_to_impulse_response.
    The window is a periodic Hann window, of odd length a symmetric one (as in tf.signal). In the
    source's arrangement an odd window has its top at lag -1, and its last two taps are zero; a
    response of odd length is shifted by one against its window.
    Differences: with windows of 1 and 3 the source returns zeros; here they are refused.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.apply_window_to_impulse_response(np.array([4.0, 3.0, 2.0, 1.0])).round(6)
    array([0. , 0.5, 4. , 1.5])
    """
    n_response = impulse_response.shape[0]
    middle = n_response // 2
    zero_phase = xp.roll(impulse_response, middle) if causal else impulse_response
    size = window_size if 0 < window_size < n_response else n_response
    period = max(size if size % 2 == 0 else size - 1, 1)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / period) if size > 1 else np.ones(1)
    if size == n_response:
        return xp.roll(np.roll(window, middle) * zero_phase, middle)
    half = (size + 1) // 2
    window = np.concatenate([window[half:], np.zeros(n_response - size), window[:half]])
    windowed = window * zero_phase
    return xp.concatenate([windowed[n_response - half + 2 :], windowed[: half + 1]])


def _taps(n_response, window_size, causal):
    """Return, for each tap, which sample it is and its weight."""
    middle = n_response // 2
    size = window_size if 0 < window_size < n_response else n_response
    place = np.arange(size)
    window = np.sin(np.pi * place / max(size - size % 2, 1)) ** 2 if size > 1 else np.ones(1)
    if size == n_response:
        lag = place - middle
        weights = window[(place - 2 * middle) % n_response]
    else:
        half = (size + 1) // 2
        lag = np.arange(-max(half - 2, 0), half + 1)
        weights = np.append(window, [0.0, 0.0])[half + lag]
    return (lag - middle if causal else lag) % n_response, weights


def vjp(impulse_response, *, window_size=0, causal=False):
    source, weights = _taps(impulse_response.shape[1], window_size, causal)
    weights = weights.astype(impulse_response.dtype)

    def pullback(y_bar):
        impulse_response_bar = np.zeros_like(impulse_response)
        impulse_response_bar[:, source] = weights * y_bar
        return (impulse_response_bar,)

    return impulse_response[:, source] * weights, pullback


def check(dims, *, window_size=0, causal=False):
    require(
        window_size not in (1, 3) or window_size >= dims["n_response"],
        f"window_size is {window_size}, but with it no tap is left, must not be 1 or 3; "
        f"{window_size + 1} works",
    )


def cases():
    response = np.cos(1 + np.arange(32.0)).reshape(2, 16)
    nine = np.arange(1.0, 10.0)
    return [
        # lags -2 ... 1 are 3, 4, 1, 2; the Hann window of 4 is 0, 1/2, 1, 1/2
        Case("by hand", [np.array([1.0, 2.0, 3.0, 4.0])], {}, np.array([0.0, 2.0, 1.0, 1.0])),
        Case("by hand, causal", [np.array([3.0, 4.0, 1.0, 2.0])], {"causal": True},
             np.array([0.0, 2.0, 1.0, 1.0])),
        # lags -1 ... 3 are 9, 1, 2, 3, 4; the window of 6 is 0, 1/4, 3/4, 1, 3/4, 1/4 from lag -3
        Case("by hand, window of 6", [nine], {"window_size": 6},
             np.array([0.75 * 9, 1.0, 0.75 * 2, 0.25 * 3, 0.0])),
        # the window of 5 is 0, 1/2, 1, 1/2, 0 from lag -3: its top is at lag -1
        Case("by hand, window of 5", [nine], {"window_size": 5},
             np.array([9.0, 0.5, 0.0, 0.0, 0.0])),
        Case("typical", [response]),
        Case("causal", [response], {"causal": True}),
        Case("odd window", [response], {"window_size": 7}),
        Case("even window, causal", [response], {"window_size": 8, "causal": True}),
        Case("odd response", [response[:, :15]]),
        Case("odd response, causal", [response[:, :15]], {"causal": True}),
        Case("odd response, window", [response[:, :15]], {"window_size": 8, "causal": True}),
        Case("window one shorter", [response], {"window_size": 15}),
        Case("window of 2", [response], {"window_size": 2}),
        Case("long window", [response], {"window_size": 100}),
        Case("negative window", [response], {"window_size": -1}),
        Case("one sample", [np.array([3.0])], {}, np.array([3.0])),
        Case("window of 1", [response], {"window_size": 1}, error="window_size is 1, .* 2 works"),
        Case("window of 3", [response], {"window_size": 3}, error="window_size is 3, .* 4 works"),
        Case("half a sample", [response], {"window_size": 2.5}, error="window_size is 2.5"),
        Case("a word", [response], {"causal": "yes"}, error="causal is 'yes'"),
    ]  # fmt: skip


apply_window_to_impulse_response = Op(
    "apply_window_to_impulse_response",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_response)->(n_taps)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, apply_window_to_impulse_response",
)
