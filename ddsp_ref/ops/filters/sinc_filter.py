"""Low-pass or high-pass with a cutoff that changes from frame to frame."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op
from ddsp_ref.ops.filters.fft_convolve_frames import fft_convolve_frames
from ddsp_ref.ops.filters.sinc_impulse_response import sinc_impulse_response


def define(
    audio,
    cutoff_frequency,
    *,
    window_size=512,
    sample_rate=None,
    padding="same",
    high_pass=False,
    xp=np,
):
    """Filter audio with a windowed sinc whose cutoff changes from frame to frame.

    ``y[t] = sum over k of h[(t + start - k) // hop, k] * audio[t + start - k]`` with
    ``hop = ceil(n_samples / n_frames)`` and h the response of each frame's cutoff, see
    `sinc_impulse_response` and `fft_convolve_frames`

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Audio, zero outside of its samples.
    cutoff_frequency : array, shape (..., n_frames)
        Cutoff as a fraction of half the sample rate, from 0 to 1; with `sample_rate` in Hz. The
        number of frames must be that in which n_samples are cut by `hop`.
    window_size : int
        Length of the responses in samples, at least 1; an even one counts one more.
    sample_rate : float or None
        Samples per second, positive, if cutoffs are in Hz.
    padding : {"same", "valid"}
        "same" returns n_samples samples, "valid" adds the tail, n_taps - 1 samples.
    high_pass : bool
        Whether frequencies below the cutoff are removed, instead of those above.

    Returns
    -------
    array, shape (..., n_out)
        Filtered audio; it comes one sample late, because `start` is ``n_taps // 2 - 1``.

    Raises
    ------
    ParameterError
        If the number of frames does not fit, or a setting is wrong.

    Notes
    -----
    Gradient: from the cotangents of the two ops that it consists of.
    Precision: as theirs.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, sinc_filter.
    Differences: those of the two ops; a window of 1 comes in time, the source returns nothing.

    Examples
    --------
    A low-pass keeps what does not change, after its onset:

    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.sinc_filter(np.ones(8), np.array([0.5]), window_size=4).round(3)
    array([0.204, 0.796, 1.   , 1.   , 1.   , 1.   , 1.   , 1.   ])
    """
    n_samples, n_frames, half = len(audio), len(cutoff_frequency), window_size // 2
    hop = -(-n_samples // n_frames)
    lag = np.arange(-half, half + 1)
    window = 0.54 + 0.46 * np.cos(np.pi * lag / max(half, 1))
    scale = 1 if sample_rate is None else 2 / sample_rate
    angle = np.pi * scale * cutoff_frequency[:, None] * lag
    still = angle == 0
    low = window * xp.where(still, 1.0, xp.sin(angle) / xp.where(still, 1.0, angle))
    low = low / xp.abs(xp.sum(low, axis=1, keepdims=True))
    responses = (lag == 0) - low if high_pass else low

    n_taps = 2 * half + 1
    of_sample = responses[np.arange(n_samples) // hop]
    whole = sum(
        xp.concatenate([np.zeros(k), of_sample[:, k] * audio, np.zeros(n_taps - 1 - k)])
        for k in range(n_taps)
    )
    start = max(half - 1, 0)
    n_out = n_samples if padding == "same" else n_samples + n_taps - 1
    return xp.concatenate([whole, np.zeros(start)])[start : start + n_out]


def vjp(
    audio, cutoff_frequency, *, window_size=512, sample_rate=None, padding="same", high_pass=False
):
    responses, pull_responses = sinc_impulse_response.vjp(
        cutoff_frequency, window_size=window_size, sample_rate=sample_rate, high_pass=high_pass
    )
    y, pull_frames = fft_convolve_frames.vjp(audio, responses, padding=padding)

    def pullback(y_bar):
        audio_bar, responses_bar = pull_frames(y_bar)
        return audio_bar, *pull_responses(responses_bar)

    return y, pullback


def check(dims, *, window_size=512, sample_rate=None, padding="same", high_pass=False):
    sinc_impulse_response.check(
        (), window_size=window_size, sample_rate=sample_rate, high_pass=high_pass
    )
    audio, responses = (dims["n_samples"],), (dims["n_frames"], 2 * (window_size // 2) + 1)
    fft_convolve_frames.check(audio, responses, padding=padding)


def cases():
    rng = np.random.default_rng(0)

    def noise(*shape):
        return rng.standard_normal(shape)

    cutoffs = np.array([0.2, 0.8, 0.5, 0.35])
    # cutoff 1 is a click, since sinc is zero at whole lags, and its high-pass is silence; of five
    # taps the middle one comes one sample late
    return [
        Case("by hand", [np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0])], {"window_size": 4},
             np.array([0.0, 1.0, 2.0, 3.0])),
        Case("by hand, high-pass", [np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0])],
             {"window_size": 4, "high_pass": True}, np.zeros(4), grad=False),
        Case("typical", [noise(48), cutoffs], {"window_size": 12}),
        Case("high-pass in Hz", [noise(40), 8000 * cutoffs],
             {"window_size": 13, "sample_rate": 16000, "high_pass": True}),
        Case("valid", [noise(40), cutoffs], {"window_size": 8, "padding": "valid"}),
        Case("default size", [noise(30), cutoffs[:1]]),
        Case("last frame is shorter", [noise(41), cutoffs[[0, 1, 2, 3]]], {"window_size": 6}),
        Case("one tap", [noise(6), cutoffs[:1]], {"window_size": 1}, grad=False),
        Case("frames do not fit", [noise(20), noise(9)], error="n_frames is 9, .* is 10"),
        Case("bad padding", [noise(20), cutoffs], {"padding": "full"},
             error="padding is 'full', must be 'same'"),
        Case("no window", [noise(20), cutoffs], {"window_size": 0}, error="window_size is 0"),
    ]  # fmt: skip


sinc_filter = Op(
    "sinc_filter",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples),(n_frames)->(n_out)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, sinc_filter",
)
