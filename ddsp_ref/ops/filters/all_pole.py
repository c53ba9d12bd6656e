"""A recursive filter whose coefficients change from sample to sample: resonances, speech."""

from __future__ import annotations

import numpy as np

from ddsp_ref.jit import njit_relaxed, run_parts
from ddsp_ref.op import Case, Op


def define(audio, coefficients, *, xp=np):
    """Filter audio by poles alone, with coefficients of their own in every sample.

    ``y[t] = x[t] - sum_i a[t, i] y[t - 1 - i]``, y zero before its start.

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Input.
    coefficients : array, shape (..., n_samples, n_poles)
        Those of the denominator without the leading 1, the one of the latest output first.

    Returns
    -------
    array, shape (..., n_samples)
        Filtered audio.

    Raises
    ------
    ParameterError
        If there are no poles.

    Notes
    -----
    Gradient: the filter itself, run backwards with what each sample gave to later ones:
    ``x_bar[t] = y_bar[t] - sum_i a[t + 1 + i, i] x_bar[t + 1 + i]`` and
    ``a_bar[t, i] = -x_bar[t] y[t - 1 - i]``.
    Precision: the recursion is float64, whatever the input. Coefficients whose poles lie outside of
    the unit circle for long make it grow without bound, to infinity: that is the filter.
    Source: Yu and Fazekas 2023, "Singing voice synthesis using differentiable LPC and
    glottal-flow-inspired wavetables", section 3.2; torchlpc 0.7, sample_wise_lpc.
    Differences: the output before the start is zero; torchlpc can be given it.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> impulse, half = np.array([1.0, 0.0, 0.0, 0.0]), np.full((4, 1), -0.5)
    >>> ddsp_ref.all_pole(impulse, half)
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    y = []
    for t, x in enumerate(audio):
        for i in range(min(t, coefficients.shape[1])):
            x = x - coefficients[t, i] * y[t - 1 - i]
        y.append(x)
    return xp.stack(y)


@njit_relaxed
def _recur(audio, coefficients, b, y):
    """Fill y, float64, in which as many zeros as there are poles come first.

    The latest output comes last in each sum, and from a register: that product alone has to wait.
    """
    x, own, poles = audio[b], y[b], coefficients[b]
    n_older = poles.shape[1] - 1
    last = 0.0
    for t in range(x.size):
        total, a, older = float(x[t]), poles[t], own[t : t + n_older]
        for i in range(n_older):
            total -= a[n_older - i] * older[i]
        last = total - float(a[0]) * last
        own[t + n_older + 1] = last


@njit_relaxed
def _recur_vjp(y_bar, coefficients, b, y, audio_bar, coefficients_bar):
    """Run the same from the end, and multiply with the outputs that were fed back."""
    bar, own, poles, x_bar = y_bar[b], y[b], coefficients[b], audio_bar[b]
    n_samples, n_poles = poles.shape
    last = 0.0
    for t in range(n_samples - 1, -1, -1):
        total, later = float(bar[t]), x_bar[t + 1 : t + 1 + n_poles]
        for i in range(min(n_poles, n_samples - 1 - t) - 1, 0, -1):
            total -= poles[t + 1 + i, i] * later[i]
        if t + 1 < n_samples:
            total -= float(poles[t + 1, 0]) * last
        x_bar[t] = last = total
        result, before = coefficients_bar[b, t], own[t : t + n_poles]
        for i in range(n_poles):
            result[n_poles - 1 - i] = -total * before[i]


def _rounded(x, dtype):
    with np.errstate(over="ignore"):  # of unstable filters, to infinity
        return x.astype(dtype)


def vjp(audio, coefficients):
    n_batch, n_samples = audio.shape
    n_poles = coefficients.shape[2]
    y = np.zeros((n_batch, n_poles + n_samples))
    run_parts(_recur, [(audio, coefficients, b, y) for b in range(n_batch)])

    def pullback(y_bar):
        audio_bar, coefficients_bar = np.empty(audio.shape), np.empty_like(coefficients)
        results = (y, audio_bar, coefficients_bar)
        run_parts(_recur_vjp, [(y_bar, coefficients, b, *results) for b in range(n_batch)])
        return _rounded(audio_bar, audio.dtype), coefficients_bar

    return _rounded(y[:, n_poles:], audio.dtype), pullback


def cases():
    def resonance(n_samples, n_poles, seed=0):
        """Poles within the unit circle, whose polynomials change slowly."""
        rng = np.random.default_rng(seed)
        slow = 0.8 * np.cos(np.arange(n_samples)[:, None] / 40 + rng.random(n_poles))
        polynomials = [np.poly(poles)[1:] for poles in slow]
        return [rng.standard_normal(n_samples), np.array(polynomials)]

    # y = 1, then 2 + 0.5 * 1, then 0 - 2 * 2.5 - 1 * 1, then 1 + 0 - 0.5 * 2.5
    audio = np.array([1.0, 2.0, 0.0, 1.0])
    coefficients = np.array([[9.0, 9.0], [-0.5, 9.0], [2.0, 1.0], [0.0, 0.5]])
    by_hand = np.array([1.0, 2.5, -6.0, -0.25])
    return [
        Case("by hand", [audio, coefficients], expected=by_hand),
        Case("typical", resonance(60, 2)),
        Case("one pole", resonance(30, 1, seed=1)),
        Case("many poles", resonance(40, 8, seed=2)),
        Case("more poles than samples", resonance(3, 5, seed=3)),
        Case("one sample", resonance(1, 2, seed=4)),
        Case("silence", [np.zeros(20), resonance(20, 2)[1]]),
        Case("no poles", [np.zeros(4), np.zeros((4, 0))], error="n_poles must be at least 1"),
        Case(
            "other lengths",
            [np.zeros(4), np.zeros((5, 2))],
            error=r"coefficients has shape \(5, 2\), must be \(..., n_samples, n_poles\) with",
        ),
    ]


all_pole = Op(
    "all_pole",
    define,
    vjp=vjp,
    cases=cases,
    signature="(n_samples),(n_samples,n_poles)->(n_samples)",
    source="Yu and Fazekas 2023; torchlpc 0.7",
)
