"""Multi-scale spectral loss with a weight for each signal, frame or bin."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op
from ddsp_ref.ops.spectral import compute_loudness, stft_magnitude

from . import mean_difference
from ._spectral_distance import check_settings, loudness_distance
from ._spectral_views import LINEAR, compare_views, log_view_of


def define(
    target_audio,
    audio,
    weights,
    *,
    fft_sizes=(2048, 1024, 512, 256, 128, 64),
    loss_type="L1",
    mag_weight=1.0,
    delta_time_weight=0.0,
    delta_freq_weight=0.0,
    cumsum_freq_weight=0.0,
    logmag_weight=0.0,
    loudness_weight=0.0,
    log_floor="replace",
    log_eps=1e-5,
    sample_rate=16000,
    frame_rate=250,
    xp=np,
):
    """Compare the magnitudes of the spectra of two signals, some of them more than others.

    As `spectral_loss`, with the mean over frames and bins replaced by the weighted one of
    `mean_difference`: ``mean |(v(T) - v(Y)) weights|`` or ``mean (v(T) - v(Y))^2 weights``. With
    the weight ``[[1.0]]`` it is the same.

    Parameters
    ----------
    target_audio : array, shape (..., n_samples)
        Signal to be matched.
    audio : array, shape (..., n_samples)
        Signal that is compared with it.
    weights : array, shape (..., n_weight_rows, n_weights)
        Weight of each frame and bin; an axis of 1 stands for any number. So (1, 1) weighs whole
        signals, and any other shape needs a single transform size and views of that many
        frames and bins. "COSINE" takes weights of frames only, loudness weights of signals.
    fft_sizes : sequence of int
        Sizes of the transforms, multiples of 4.
    loss_type : {"L1", "L2", "COSINE"}
        Kind of distance, see `mean_difference`.
    mag_weight, delta_time_weight, delta_freq_weight, cumsum_freq_weight, logmag_weight : float
        Weights of the views, at least 0.
    loudness_weight : float
        Weight of the loudness, at least 0. One of the weights is above 0.
    log_floor : {"replace", "add"}
        What keeps the logarithm finite, see `spectral_loss`.
    log_eps : float
        Positive; magnitudes are those of transforms without scaling.
    sample_rate, frame_rate : int
        Samples and frames per second of the loudness.

    Returns
    -------
    array, shape (...)
        Loss of each signal. The loss of a batch is the mean of these.

    Raises
    ------
    ParameterError
        For the reasons of `spectral_loss`, or if an axis of the weights is neither 1 nor that of
        every view.

    Notes
    -----
    Gradient: that of the formula, as in `spectral_loss`, and that of the weights.
    Precision: transforms, magnitudes and loudness in the precision of the inputs, sums and views
    in float64; the gradient of the log term is ill-conditioned as in `spectral_loss`. Magnitudes
    of all frames are kept, so where the weights are those of signals, `spectral_loss` times the
    weight takes less time and memory.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, SpectralLoss.call with weights.
    Differences: those of `spectral_loss`. The original spreads weights of shape (batch, 1, 1) over
    the loudness, shape (batch, n_frames), as if each signal had all of them; here it has its own.
    Its "COSINE" divides by the number of weights of the whole batch that are not 0, here by those
    of each signal.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> target, audio, half = np.sin(np.arange(64.0)), np.zeros(64), np.array([[0.5]])
    >>> sizes = {"fft_sizes": (32, 16)}
    >>> whole = ddsp_ref.spectral_loss(target, audio, **sizes)
    >>> weighted = ddsp_ref.weighted_spectral_loss(target, audio, half, **sizes)
    >>> round(float(weighted / whole), 6)
    0.5
    """

    def logarithm(mag):
        lifted = mag + log_eps if log_floor == "add" else xp.where(mag > 0, mag, log_eps)
        return xp.log(lifted)

    views = (
        (mag_weight, lambda mag: mag),
        (delta_time_weight, lambda mag: mag[1:] - mag[:-1]),
        (delta_freq_weight, lambda mag: mag[:, 1:] - mag[:, :-1]),
        (cumsum_freq_weight, lambda mag: xp.cumsum(mag, axis=1)),
        (logmag_weight, logarithm),
    )
    kind, loss = {"loss_type": loss_type, "xp": xp}, 0.0
    signals = target_audio, audio
    for size in fft_sizes:
        mags = [stft_magnitude.define(signal, fft_size=size, xp=xp) for signal in signals]
        for weight, view in views:
            if weight > 0:
                loss = loss + weight * mean_difference.define(*map(view, mags), weights, **kind)
    if loudness_weight > 0:
        rates = {"sample_rate": sample_rate, "frame_rate": frame_rate, "fft_size": 2048}
        levels = [compute_loudness.define(signal, **rates, xp=xp)[None] for signal in signals]
        loss = loss + loudness_weight * mean_difference.define(*levels, weights, **kind)
    return loss


def vjp(
    target_audio,
    audio,
    weights,
    *,
    fft_sizes=(2048, 1024, 512, 256, 128, 64),
    loss_type="L1",
    mag_weight=1.0,
    loudness_weight=0.0,
    log_floor="replace",
    log_eps=1e-5,
    sample_rate=16000,
    frame_rate=250,
    **more_terms,
):
    signals, dtype = (target_audio, audio), audio.dtype
    terms = {"mag_weight": mag_weight, **more_terms}
    wide, log_view = weights.astype(np.float64), log_view_of(log_floor, log_eps)
    total, pulls = np.zeros(len(audio)), []
    for size in fft_sizes if any(weight > 0 for weight in terms.values()) else ():
        mags, pull_mags = zip(*[stft_magnitude.vjp(s, fft_size=size) for s in signals])
        mags = [mag.astype(np.float64) for mag in mags]
        y, pull_views = compare_views(mags, wide, loss_type, terms, log_view)
        total += y
        pulls.append((pull_views, pull_mags))
    pull_level = None
    if loudness_weight > 0:
        rates = {"sample_rate": sample_rate, "frame_rate": frame_rate}
        y, pull_level = loudness_distance(signals, wide, loss_type=loss_type, **rates)
        total += loudness_weight * y

    def pullback(y_bar):
        y_bar = y_bar.astype(np.float64)
        bars = [np.zeros_like(signal) for signal in signals]
        weights_bar = np.zeros_like(wide)
        for pull_views, pull_mags in pulls:
            *mags_bar, more = pull_views(y_bar)
            weights_bar += more
            for bar, pull, mag_bar in zip(bars, pull_mags, mags_bar):
                bar += pull(mag_bar.astype(dtype))[0]
        if pull_level is not None:
            *level_bars, more = pull_level(loudness_weight * y_bar)
            weights_bar += more
            for bar, level_bar in zip(bars, level_bars):
                bar += level_bar
        return *bars, weights_bar

    return total.astype(dtype), pullback


def check(dims, **settings):
    check_settings(dims, **settings)
    rows, columns = dims["n_weight_rows"], dims["n_weights"]
    terms = {"mag_weight": 1.0, **settings}
    for size in settings.get("fft_sizes", (2048, 1024, 512, 256, 128, 64)):
        for name in (*LINEAR, "logmag_weight", "loudness_weight"):
            if terms.get(name, 0.0) == 0:
                continue
            n_rows = -(-dims["n_samples"] // (size // 4)) - (name == "delta_time_weight")
            n_columns = size // 2 + 1 - (name == "delta_freq_weight")
            if name == "loudness_weight":
                n_rows, n_columns = 1, 1
            fits = rows in (1, n_rows) and columns in (1, n_columns)
            require(
                fits,
                f"weights has shape (..., {rows}, {columns}), must have 1 or {n_rows} rows and 1 "
                f"or {n_columns} columns for the {name} at a transform size of {size}",
            )
    require(
        settings.get("loss_type") != "COSINE" or columns == 1,
        f"weights has {columns} columns, must have 1 with loss_type='COSINE'",
    )


def cases():
    rng = np.random.default_rng(0)
    target, audio = rng.standard_normal((2, 45))
    # Frames 0, 3, 4, 0 and 0, 2, 0, 0 and silence, magnitudes 7, 5, 1 and 2, 2, 2 and 0, 0, 0.
    steps, silence, four = np.array([0.0, 6.0, 4.0]), np.zeros(3), {"fft_sizes": (4,)}
    pair, squares, cosine = [steps, silence], {"loss_type": "L2"}, {"loss_type": "COSINE"}
    bins, frames, one = (
        np.array([[1.0, 2.0, 0.5]]),
        np.array([[1.0], [3.0], [5.0]]),
        np.ones((1, 1)),
    )
    sixteen, small = {"fft_sizes": (16,)}, {"fft_sizes": (16, 8)}
    each = rng.uniform(0.1, 2.0, (12, 9))
    in_time, in_freq, sums, log, loud = (
        {"mag_weight": 0.0, f"{name}_weight": 1.0}
        for name in ("delta_time", "delta_freq", "cumsum_freq", "logmag", "loudness")
    )
    every = {
        f"{name}_weight": w
        for name, w in zip(
            ("mag", "delta_time", "delta_freq", "cumsum_freq", "logmag"), (1.0, 0.5, 0.3, 0.1, 1.0)
        )
    }
    silent = {"grad": False}  # the magnitudes of silence are at their kink
    return [
        Case("by hand", [*pair, 2 * one], four, np.array(2 * 19 / 9), **silent),
        # 7, 10, 1/2 and 2, 4, 1; then 13 and three times 6
        Case("by hand, bins", [*pair, bins], four, np.array(24.5 / 9), **silent),
        Case("by hand, frames", [*pair, frames], four, np.array(31 / 9), **silent),
        Case("by hand, L2", [*pair, -frames], four | squares, np.array(-(75 + 36) / 9), **silent),
        # -5, -3, 1 and -2, -2, -2
        Case("by hand, time", [*pair, frames[:2]], four | in_time, np.array((9 + 18) / 6),
             **silent),
        # -2, -4
        Case("by hand, frequency", [*pair, bins[:, :2]], four | in_freq, np.array(10 / 6),
             **silent),
        # 7, 12, 13 and 2, 4, 6
        Case("by hand, sums", [*pair, bins], four | sums, np.array((37.5 + 13) / 9), **silent),
        # ln 7, ln 5, 0 and ln 2 three times, where the other logarithms are -1, and so are three
        Case("by hand, log", [*pair, bins], four | log | {"log_eps": math.exp(-1.0)},
             np.array((math.log(7 * 25) + 3.5 + 3.5 * math.log(2.0) + 3.5) / 9), **silent),
        # 1 - 38 for the first frame, 1 - 6 for the second, which has no weight, and 1
        Case("by hand, COSINE", [steps, np.array([0.0, 6.0, 0.0]), frames * [[1], [0], [1]]],
             four | cosine, np.array((1 - 3 * 13 + 5) / 2), **silent),
        # ten times as loud is 20 dB, wherever the level is above the floor
        Case("by hand, loudness", [target, 10 * target, 3 * one], small | loud, np.array(60.0)),
        Case("typical", [target, audio, 0.7 * one], small | every),
        Case("typical, L2", [target, audio, -0.7 * one], small | every | squares),
        Case("weights for each", [target, audio, each], sixteen | {"logmag_weight": 1.0}),
        Case("weights for each, L2", [target, audio, each], sixteen | squares),
        Case("frames, COSINE", [target, audio, each[:, :1]],
             sixteen | cosine | {"logmag_weight": 1.0, "cumsum_freq_weight": 0.1}),
        Case("added floor", [target, audio, each],
             sixteen | {"logmag_weight": 1.0, "log_floor": "add", "log_eps": 0.1}),
        Case("batch", [np.stack([target, audio]), np.roll(audio, 7), one * [[[2.0]], [[3.0]]]],
             small | {"cumsum_freq_weight": 0.5}),
        Case("identical", [target, target, one], small | every, np.array(0.0), grad=False),
        Case("sizes", [target, audio, each], small, error=r"12, 9\), must have 1 or 23 rows"),
        Case("time", [target, audio, each], sixteen | in_time, error="must have 1 or 11 rows"),
        Case("frequency", [target, audio, each], sixteen | in_freq, error="and 1 or 8 columns"),
        Case("bins, COSINE", [target, audio, each], sixteen | cosine, error="has 9 columns, must"),
        Case("bins, loudness", [target, audio, each], sixteen | loud, error="1 or 1 rows and 1 or"),
        Case("no weight", [target, audio, one], {"mag_weight": 0.0}, error="all weights are 0"),
    ]  # fmt: skip


weighted_spectral_loss = Op(
    "weighted_spectral_loss",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples),(n_samples),(n_weight_rows,n_weights)->()",
    source="magenta/ddsp 3.7.0, ddsp/losses.py, SpectralLoss.call with weights",
)
