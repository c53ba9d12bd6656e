"""Network outputs to frequencies: each around a centre of its own on an auditory scale."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(
    logits,
    *,
    depth_scale=10.0,
    bandwidth_scale=1.0,
    hz_min=20.0,
    hz_max=8000.0,
    scale="bark",
    xp=np,
):
    """Turn logits into frequencies around centres that are evenly spaced for the ear.

    ``y[n] = soft_limit(centre[n] + bandwidth_scale * erb(centre[n]) * m[n])`` with
    ``m[n] = sum_d tanh(logits[n, d]) / depth_scale ** d``; centres go from hz_min to hz_max in
    equal steps of the scale, erb is the bandwidth of `hz_to_erb`, and the limits of `soft_limit`
    are hz_min and hz_max.

    Parameters
    ----------
    logits : array, shape (..., n_sinusoids, depth)
        Network output, for each sinusoid the coarsest component first.
    depth_scale : float
        How much less each further component counts, positive.
    bandwidth_scale : float
        How far a sinusoid can go from its centre, in bandwidths, positive.
    hz_min : float
        Lowest frequency in Hz, at least 0.
    hz_max : float
        Highest frequency in Hz, greater than hz_min, at most 1e9.
    scale : {"bark", "mel"}
        Scale of equal steps, see `hz_to_bark` and `hz_to_mel`.

    Returns
    -------
    array, shape (..., n_sinusoids)
        Frequency in Hz. A single sinusoid has its centre at hz_min.

    Raises
    ------
    ParameterError
        If the range is empty, a scale factor is not positive, or the scale is unknown.

    Notes
    -----
    Gradient: that of `soft_limit` times ``bandwidth_scale * erb * (1 - tanh ** 2)`` and the weight
    of the component.
    Precision: relative to hz_max.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, frequencies_critical_bands.
    Differences: depth is an axis of its own; magenta's setting depth cuts the last axis into rows,
    and takes any scale but "bark" for mel. hz_min=0 works here. As in magenta, `soft_limit` adds
    hz_min, so that with logits of 0 sinusoids sit hz_min above their centres.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.frequencies_critical_bands(np.zeros((4, 1)), hz_min=0.0).round().astype(int)
    array([   1,  717, 2259, 7999])
    """
    n_sinusoids, depth = logits.shape
    if scale == "bark":
        bark_min, bark_max = (26.81 * hz / (1960.0 + hz) - 0.53 for hz in (hz_min, hz_max))
        bark = np.linspace(bark_min, bark_max, n_sinusoids)
        centres = 1960.0 * (bark + 0.53) / (26.28 - bark)
    else:
        mel_min, mel_max = (2595.0 * np.log10(1.0 + hz / 700.0) for hz in (hz_min, hz_max))
        centres = 700.0 * (10.0 ** (np.linspace(mel_min, mel_max, n_sinusoids) / 2595.0) - 1.0)
    bandwidths = 0.108 * centres + 24.7
    weights = float(depth_scale) ** -np.arange(depth)
    hz = centres + bandwidth_scale * bandwidths * xp.dot(xp.tanh(logits), weights)
    return xp.logaddexp(0.0, hz) + hz_min - xp.logaddexp(0.0, hz - (hz_max - hz_min))


def spread_evenly(n, low, high, scale):
    """Return n frequencies from low to high: both scales in exact terms of what they space."""
    steps = np.arange(n) / max(n - 1, 1)
    if scale == "bark":  # f / (f + 1960) is what grows evenly
        first, last = low / (low + 1960.0), high / (high + 1960.0)
        share = first + (last - first) * steps
        return 1960.0 * share / (1.0 - share)
    return (low + 700.0) * ((high + 700.0) / (low + 700.0)) ** steps - 700.0


def vjp(logits, *, depth_scale=10.0, bandwidth_scale=1.0, hz_min=20.0, hz_max=8000.0, scale="bark"):
    _, n_sinusoids, depth = logits.shape
    dtype = logits.dtype
    centres = spread_evenly(n_sinusoids, hz_min, hz_max, scale)
    reach = (bandwidth_scale * (24.7 + 0.108 * centres)).astype(dtype)
    weights = (1.0 / float(depth_scale) ** np.arange(depth)).astype(dtype)
    span = dtype.type(hz_max - hz_min)
    bent = np.tanh(logits)
    hz = (bent * weights).sum(axis=2)
    hz *= reach
    hz += centres.astype(dtype)
    # soft_limit: a clipped line, and what rounds its two corners
    beyond = hz - span
    tail, tail_beyond = np.exp(-np.abs(hz)), np.exp(-np.abs(beyond))
    y = np.minimum(np.maximum(hz, 0), span)
    y += np.log1p(tail) - np.log1p(tail_beyond)
    y += dtype.type(hz_min)

    def pullback(y_bar):
        slope = np.exp(np.minimum(hz, 0)) / (1 + tail)
        slope *= np.exp(-np.maximum(beyond, 0)) / (1 + tail_beyond)
        slope *= -np.expm1(-span)
        slope *= reach
        slope *= y_bar
        return (slope[:, :, None] * (weights * (1 - bent * bent)),)

    return y, pullback


def check(dims, *, depth_scale=10.0, bandwidth_scale=1.0, hz_min=20.0, hz_max=8000.0, scale="bark"):
    require(scale in ("bark", "mel"), f"scale is {scale!r}, must be 'bark' or 'mel'")
    require(0 < depth_scale < math.inf, f"depth_scale is {depth_scale}, must be positive, e.g. 10")
    require(
        0 < bandwidth_scale < math.inf,
        f"bandwidth_scale is {bandwidth_scale}, must be positive, e.g. 1",
    )
    require(0 <= hz_min < math.inf, f"hz_min is {hz_min}, must be at least 0, e.g. 20")
    require(
        hz_min < hz_max <= 1e9,
        f"hz_max is {hz_max}, must be greater than hz_min, {hz_min}, and at most 1e9, "
        f"e.g. {hz_min + 1000}",
    )


def cases():
    # f / (f + 1960) is 0, 1/3, 2/3 at 0, 980, 3920 Hz: equal steps in Bark; and 1 + f / 700 is
    # 1, 10, 100 in mel. The corner of soft_limit adds ln 2 at the bottom, takes it at the top.
    ln2 = math.log(2.0)
    bark = {"hz_min": 0.0, "hz_max": 3920.0}
    mel = {"hz_min": 0.0, "hz_max": 69300.0, "scale": "mel"}
    # tanh(ln(3) / 2) = 1/2; the bandwidth at 980 Hz is 0.108 * 980 + 24.7 = 130.54
    half = np.zeros((3, 2))
    half[1] = math.log(3.0) / 2
    sine = np.sin(np.arange(30.0))
    return [
        Case("by hand", [np.zeros((3, 1))], bark, np.array([ln2, 980.0, 3920.0 - ln2])),
        Case("by hand, mel", [np.zeros((3, 1))], mel, np.array([ln2, 6300.0, 69300.0 - ln2])),
        Case("by hand, depth", [half], {**bark, "depth_scale": 4.0, "bandwidth_scale": 2.0},
             np.array([ln2, 980.0 + 2 * 130.54 * (1 / 2 + 1 / 8), 3920.0 - ln2])),
        Case("typical", [sine.reshape(2, 5, 3)]),
        Case("narrow", [sine.reshape(2, 3, 5)],
             {"hz_min": 5.0, "hz_max": 30.0, "bandwidth_scale": 0.1, "scale": "mel"}),
        Case("one sinusoid", [sine[:4].reshape(1, 4)], {"hz_min": 200.0}),
        Case("unknown scale", [half], {"scale": "erb"}, error="scale is 'erb', must be 'bark' or"),
        Case("no depth scale", [half], {"depth_scale": 0}, error="depth_scale is 0, must be posit"),
        Case("no bandwidth", [half], {"bandwidth_scale": 0.0}, error="bandwidth_scale is 0.0, mus"),
        Case("negative", [half], {"hz_min": -1.0}, error="hz_min is -1.0, must be at least 0"),
        Case("empty range", [half], {"hz_max": 20.0}, error="hz_max is 20.0, must be greater than"),
        Case("no depth", [np.ones(3)], error=r"logits has shape \(3,\), must be"),
    ]  # fmt: skip


frequencies_critical_bands = Op(
    "frequencies_critical_bands",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_sinusoids,depth)->(n_sinusoids)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, frequencies_critical_bands",
)
