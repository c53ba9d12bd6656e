"""Noise that dies away: the impulse response of a simple room."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op


def define(gain, decay, noise, *, xp=np):
    """Let noise die away exponentially.

    ``y[n] = gain exp(-(2 + exp(decay)) n / (n_taps - 1)) noise[n]``

    Parameters
    ----------
    gain : array, shape (...)
        Amplitude at the start, linear scale.
    decay : array, shape (...)
        Logarithm of the rate of decay, beyond 2, over the length of the response; any real number.
    noise : array, shape (..., n_taps)
        Noise, which the caller draws, see `uniform_noise`.

    Returns
    -------
    array, shape (..., n_taps)
        Impulse response.

    Raises
    ------
    ParameterError
        If shapes do not fit.

    Notes
    -----
    Gradient: linear in gain and noise; ``dy[n]/d decay = -exp(decay) n / (n_taps - 1) y[n]``.
    Precision: float64 inside, whatever the input. Beyond a decay of 700 the rate overflows and
    the response is its first tap.
    Source: magenta/ddsp 3.7.0, ddsp/effects.py, ExpDecayReverb.
    Differences: none.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.exp_decay_impulse_response(1.0, 0.0, np.ones(4)).round(4)
    array([1.    , 0.3679, 0.1353, 0.0498])
    """
    time = np.linspace(0.0, 1.0, len(noise))
    rate = 2.0 + xp.exp(xp.where(decay < 700, decay, 700.0))
    return gain * xp.exp(-rate * time) * noise


def vjp(gain, decay, noise):
    n_taps = noise.shape[1]
    time = np.arange(n_taps) / max(n_taps - 1, 1)
    speed = np.exp(np.minimum(decay.astype(np.float64), 700.0))
    envelope = np.exp(-(2 + speed)[:, None] * time)
    level = gain.astype(np.float64)[:, None]
    y = level * envelope * noise

    def pullback(y_bar):
        plain_bar = y_bar * envelope
        gain_bar = (plain_bar * noise).sum(axis=1)
        weighed = (y_bar * y * time).sum(axis=1)
        decay_bar = np.where(decay < 700, -speed * weighed, 0.0)
        return gain_bar, decay_bar, level * plain_bar

    return y.astype(noise.dtype), pullback


def cases():
    noise = np.sin(1 + np.arange(20.0) ** 2)
    # rate 2 + exp(ln 2) = 4 over two steps: exp(0), exp(-2), exp(-4)
    two = [np.array(3.0), np.log(2.0), np.array([1.0, 1.0, -1.0])]
    return [
        Case("by hand", two, {}, np.array([3.0, 3 * np.exp(-2), -3 * np.exp(-4)])),
        Case("typical", [np.array(0.7), np.array(1.3), noise]),
        Case("batch", [np.array([0.7, 2.0]), np.array([1.3, -1.0]), noise]),
        Case("fast", [np.array(0.7), np.array(4.0), noise]),
        Case("at once", [np.array(0.7), np.array(900.0), noise[:3]], {},
             np.array([0.7 * noise[0], 0.0, 0.0]), grad=False),
        Case("one tap", [np.array(0.7), np.array(1.3), np.array([2.0])], {}, np.array([1.4]),
             grad=False),
        Case("no taps", [np.array(0.7), np.array(1.3), np.zeros(0)],
             error="n_taps must be at least 1"),
    ]  # fmt: skip


exp_decay_impulse_response = Op(
    "exp_decay_impulse_response",
    define,
    vjp=vjp,
    cases=cases,
    signature="(),(),(n_taps)->(n_taps)",
    source="magenta/ddsp 3.7.0, ddsp/effects.py, ExpDecayReverb",
)
