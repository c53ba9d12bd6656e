"""A delay whose length changes from sample to sample."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit, run_parts
from ddsp_ref.op import Case, Op


def define(phase, audio, *, max_length=512, xp=np):
    """Delay audio by a time that changes, with straight lines between samples.

    ``y[t] = (1 - r) x[t - d] + r x[t - d - 1]`` with ``d + r = phase[t] max_length`` and x zero
    before its start. A delay of max_length is no delay: the last sample of the line is joined to
    the first, so that between ``max_length - 1`` and ``max_length`` it runs back to ``x[t]``.

    Parameters
    ----------
    phase : array, shape (..., n_samples)
        Delay as a fraction of max_length, from 0 to 1; outside of it y falls to 0 within a sample.
    audio : array, shape (..., n_samples)
        Audio.
    max_length : int
        Length of the delay line in samples, from 1 to 2 ** 31.

    Returns
    -------
    array, shape (..., n_samples)
        Delayed audio.

    Raises
    ------
    ParameterError
        If max_length is no whole number from 1 to 2 ** 31.

    Notes
    -----
    Gradient: that of phase is the slope of the line; at a whole number of samples, where the slope
    jumps, it is taken as 0, as in the source.
    Precision: the delay is float64, whatever the input. ``phase max_length`` is rounded, which
    moves the place by 1e-16 of max_length: in float64 an error of -273 dB for 500 samples.
    Differences: none in value; the source holds max_length samples for each sample of audio.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, variable_length_delay.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> audio = np.array([1.0, 2.0, 3.0, 4.0])
    >>> ddsp_ref.variable_length_delay(np.array([0, 0.25, 0.375, 0.5]), audio, max_length=4)
    array([1. , 1. , 1.5, 2. ])
    """
    n_samples = len(audio)
    late = [xp.concatenate([np.zeros(d), audio])[:n_samples] for d in range(max_length)]
    line = xp.stack([*late, audio], axis=1)
    distance = xp.abs(phase[:, None] * max_length - np.arange(max_length + 1))
    return xp.sum(xp.where(distance < 1, 1 - distance, 0.0) * line, axis=1)


@njit
def _sample(d, t, max_length):
    """Return which sample is read with a whole delay of d at time t, or -1 if none."""
    if d == max_length:  # the line is closed
        return t
    return t - d if 0 <= d < max_length else -1


@njit
def _kernel(phase, audio, max_length, b, y):
    for t in range(audio.shape[1]):
        delay = float(phase[b, t]) * max_length
        y[b, t] = 0.0
        if -1 < delay < max_length + 1:
            d = math.floor(delay)
            rest = delay - d
            late, later = _sample(d, t, max_length), _sample(d + 1, t, max_length)
            one = float(audio[b, late]) if late >= 0 else 0.0
            two = float(audio[b, later]) if later >= 0 else 0.0
            y[b, t] = one + rest * (two - one)


@njit
def _kernel_vjp(phase, audio, max_length, b, y_bar, phase_bar, audio_bar):
    for t in range(audio.shape[1]):
        delay = float(phase[b, t]) * max_length
        phase_bar[b, t] = 0.0
        if -1 < delay < max_length + 1:
            d, bar = math.floor(delay), float(y_bar[b, t])
            rest = delay - d
            late, later = _sample(d, t, max_length), _sample(d + 1, t, max_length)
            one, two = 0.0, 0.0
            if late >= 0:
                one = float(audio[b, late])
                audio_bar[b, late] += (1 - rest) * bar
            if later >= 0:
                two = float(audio[b, later])
                audio_bar[b, later] += rest * bar
            if rest > 0:
                phase_bar[b, t] = bar * max_length * (two - one)


def vjp(phase, audio, *, max_length=512):
    y, max_length = np.empty_like(audio), int(max_length)
    run_parts(_kernel, [(phase, audio, max_length, b, y) for b in range(len(audio))])

    def pullback(y_bar):
        phase_bar, audio_bar = np.empty_like(phase), np.zeros(audio.shape)
        results = (y_bar, phase_bar, audio_bar)
        parts = [(phase, audio, max_length, b, *results) for b in range(len(audio))]
        run_parts(_kernel_vjp, parts)
        return phase_bar, audio_bar

    return y, pullback


def check(dims, *, max_length=512):
    require(
        1 <= max_length <= 1 << 31,
        f"max_length is {max_length}, must be a whole number of samples from 1 to {1 << 31}",
    )


def cases():
    def signals(n):
        t = np.arange(n)
        return [0.5 + 0.47 * np.sin(1 + t / 3), np.cos(t * t / 7)]

    # none, one sample, one and a half, two; then half-way from three samples back to none
    phase = np.array([0.0, 0.25, 0.375, 0.5, 0.875, 1.0])
    powers = np.array([1.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0])
    by_hand = np.array([1.0, 1.0, 5.5, 10.0, 0.5 * (10 + 10000), 100000.0])
    outside = np.array([-0.0625, 1.125, 3.0, -0.25, 1.25, -2.0])
    falling = np.array([0.75, 5.0, 0.0, 0.0, 0.0, 0.0])
    return [
        Case("by hand", [phase, powers], {"max_length": 4}, by_hand, grad=False),
        Case("by hand, outside", [outside, powers], {"max_length": 4}, falling, grad=False),
        Case("typical", signals(60), {"max_length": 16}),
        Case("longer than the audio", signals(20)),
        Case("a little outside", [np.array([-0.1, 1.05, 0.9, -0.2, 7.0]), powers[:5]],
             {"max_length": 4}),
        Case("line of one sample is none", signals(10), {"max_length": 1}, signals(10)[1],
             grad=False),
        Case("one sample", signals(1), {"max_length": 4}),
        Case("no line", signals(5), {"max_length": 0}, error="max_length is 0, must be a whole"),
        Case("half a sample", signals(5), {"max_length": 2.5}, error="max_length is 2.5"),
        Case("lengths differ", [np.ones(3), np.ones(4)], error=r"audio has shape \(4,\)"),
    ]  # fmt: skip


variable_length_delay = Op(
    "variable_length_delay",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples),(n_samples)->(n_samples)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, variable_length_delay",
)
