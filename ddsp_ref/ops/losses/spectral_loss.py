"""Multi-scale spectral loss: distance of two signals in views of their magnitudes."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op
from ddsp_ref.ops.spectral import compute_loudness

from ._spectral_distance import check_settings, loudness_distance, spectra_distance


def define(
    target_audio,
    audio,
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
    """Compare the magnitudes of the spectra of two signals at several resolutions.

    ``loss = sum_v weight_v sum_s mean d(v(T_s), v(Y_s)) + loudness_weight mean d(L, M)``, where
    T_s and Y_s are the magnitudes of the two signals as in `stft_magnitude` with size s and an
    overlap of 3/4, and d is ``|T - Y|`` or ``(T - Y)^2``, its mean over frames and bins. The
    views v are the magnitudes themselves, their differences from frame to frame and from bin to
    bin, their running sums over the bins of a frame, and their natural logarithms. L and M are
    the loudness of the signals in dB, see `compute_loudness`, in frames of 2048 samples.

    Parameters
    ----------
    target_audio : array, shape (..., n_samples)
        Signal to be matched.
    audio : array, shape (..., n_samples)
        Signal that is compared with it.
    fft_sizes : sequence of int
        Sizes of the transforms, multiples of 4.
    loss_type : {"L1", "L2", "COSINE"}
        Absolute differences, squared differences, or ``1 - sum_k T[k] Y[k]`` for the values of a
        frame (of all frames for the loudness), not normalised; see `mean_difference`.
    mag_weight, delta_time_weight, delta_freq_weight, cumsum_freq_weight, logmag_weight : float
        Weights of the views, at least 0. A weight of 0 saves the work.
    loudness_weight : float
        Weight of the loudness, at least 0. One of the weights is above 0.
    log_floor : {"replace", "add"}
        What keeps the logarithm finite. "replace": log(log_eps) where a magnitude is 0.
        "add": log(magnitude + log_eps).
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
        If a setting is none of the above, or differences in time are wanted of a single frame.

    Notes
    -----
    Gradient: that of the formula, with 0 for ``|X|`` at 0 and for ``|T - Y|`` at 0. With
    log_floor="replace" the gradient of log|X| is 1/|X| however small |X| is, and 0 at 0: a
    signal of magnitude 1e-12 pulls with 1e12, silence not at all. With "add" it is at most
    1/log_eps.
    Precision: transforms and loudness in the precision of the inputs, each signal by itself; what
    is between the transforms, and the sums, in float64. Plain magnitudes and logarithms under
    "L1" are compared in the precision of the inputs where their squares are from 1e-30 to 1e30,
    and added up in float64. The gradient of the log term is
    ill-conditioned: a bin far below the largest of its frame is mostly rounding error of a
    float32 transform, and pulls the most. Measured on noise with the default sizes, float32
    against float64: value 1e-6; gradient 2e-4 of its largest value, 8e-2 where a bin of the
    target happens to be next to 0 (0.11 in the original); magnitudes alone 2e-6.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, SpectralLoss; Engel et al. 2020, section 3.
    Differences: the original returns the mean over the batch; for its weights see
    `weighted_spectral_loss`. Its transforms of sizes that are no power of two are padded with
    zeros to the next one; here they are not. Its "COSINE" raises on TensorFlow 2; here it is
    that of TensorFlow 1. Its loudness is always that of 16 kHz and 250 frames per second. "add"
    is the floor of acids-ircam/ddsp_pytorch, there with 1e-7.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> time = np.arange(4000) / 16000
    >>> low, high = np.sin(2 * np.pi * 440 * time), np.sin(2 * np.pi * 466 * time)
    >>> round(float(ddsp_ref.spectral_loss(low, high, logmag_weight=1.0)), 3)
    7.961
    """

    def magnitude(signal, size):
        hop = size // 4
        place = hop * np.arange(-(-signal.shape[-1] // hop))[:, None] + np.arange(size)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
        frames = window * xp.concatenate([signal, np.zeros(size)])[place]
        cycles = np.outer(np.arange(size), np.arange(size // 2 + 1)) % size
        angle = 2 * np.pi * cycles / size
        power = xp.dot(frames, np.cos(angle)) ** 2 + xp.dot(frames, np.sin(angle)) ** 2
        return xp.where(power > 0, xp.sqrt(xp.where(power > 0, power, 1.0)), 0.0)

    def logarithm(mag):
        if log_floor == "add":
            return xp.log(mag + log_eps)
        return xp.log(xp.where(mag > 0, mag, log_eps))

    def distance(target, value):
        if loss_type == "COSINE":
            return xp.mean(1.0 - xp.sum(target * value, axis=1))
        return xp.mean(xp.abs(target - value) if loss_type == "L1" else (target - value) ** 2)

    views = (
        (mag_weight, lambda mag: mag),
        (delta_time_weight, lambda mag: mag[1:] - mag[:-1]),
        (delta_freq_weight, lambda mag: mag[:, 1:] - mag[:, :-1]),
        (cumsum_freq_weight, lambda mag: xp.cumsum(mag, axis=1)),
        (logmag_weight, logarithm),
    )
    loss = 0.0
    for size in fft_sizes:
        target, value = magnitude(target_audio, size), magnitude(audio, size)
        for weight, view in views:
            if weight > 0:
                loss = loss + weight * distance(view(target), view(value))
    if loudness_weight > 0:
        rates = {"sample_rate": sample_rate, "frame_rate": frame_rate}
        levels = (
            compute_loudness.define(signal, fft_size=2048, **rates, xp=xp)[None]
            for signal in (target_audio, audio)
        )
        loss = loss + loudness_weight * distance(*levels)
    return loss


def forward(target_audio, audio, *, loudness_weight=0.0, **settings):
    signals = target_audio, audio
    none = np.empty((0, 0), audio.dtype)
    y = spectra_distance(signals, (none, none), (False, False), **settings)
    if loudness_weight > 0:
        y += loudness_distance(
            signals, np.full((len(y), 1, 1), float(loudness_weight)), **settings
        )[0]
    return y.astype(audio.dtype)


def vjp(target_audio, audio, *, wanted, loudness_weight=0.0, **settings):
    # The loss is one number per signal: its cotangent only scales what is known by now.
    signals = target_audio, audio
    bars = np.zeros_like(target_audio), np.zeros_like(audio)
    y = spectra_distance(signals, bars, wanted, **settings)
    if loudness_weight > 0:
        weights = np.full((len(y), 1, 1), float(loudness_weight))
        level, pull_level = loudness_distance(signals, weights, **settings)
        y += level
        for bar, more in zip(bars, pull_level(np.ones_like(y))):
            bar += more

    def pullback(y_bar):
        return tuple(y_bar[:, None] * bar for bar in bars)

    return y.astype(audio.dtype), pullback


def check(dims, **settings):
    check_settings(dims, **settings)


def cases():
    rng = np.random.default_rng(0)
    target, audio = rng.standard_normal((2, 45))
    # The window is 0, 1/2, 1, 1/2. The frame at sample 0 is 0, a/2, 0, 0 for a signal 0, a: all
    # three magnitudes are a/2. The frame at sample 1 is 0 throughout.
    pair, four = [np.array([0.0, 4.0]), np.array([0.0, 2.0])], {"fft_sizes": (4,)}
    both, small = {"logmag_weight": 1.0}, {"fft_sizes": (16, 8)}
    quiet = np.concatenate([target[:9], np.zeros(30), target[:6]])
    half, alone, squares = math.log(2.0) / 2, {"mag_weight": 0.0}, {"loss_type": "L2"}
    # Frames 0, 3, 4, 0 and 0, 2, 0, 0 and silence, magnitudes 7, 5, 1 and 2, 2, 2 and 0, 0, 0.
    steps, silence, shorter = np.array([0.0, 6.0, 4.0]), np.zeros(3), np.array([0.0, 2.0, 0.0])
    in_time, in_freq, sums, log, loud = (
        alone | {f"{name}_weight": 1.0}
        for name in ("delta_time", "delta_freq", "cumsum_freq", "logmag", "loudness")
    )
    cosine = {"loss_type": "COSINE"}
    every = {
        f"{name}_weight": w
        for name, w in zip(
            ("mag", "delta_time", "delta_freq", "cumsum_freq", "logmag"), (1.0, 0.5, 0.3, 0.1, 1.0)
        )
    }
    return [
        # magnitudes 2 and 1 in half of the places, 0 and 0 in the other half
        Case("by hand", pair, four, np.array(0.5)),
        Case("by hand, L2", pair, four | squares | {"mag_weight": 3.0}, np.array(1.5)),
        Case("by hand, log", pair, four | {"logmag_weight": 2.0}, np.array(0.5 + 2 * half)),
        # the target is 2, the audio 0, whose log is -2 in its place: half of ln 2 + 2
        Case("by hand, floor", [pair[0], np.zeros(2)], four | log | {"log_eps": math.exp(-2.0)},
             np.array(half + 1.0)),
        # half of (ln(2 + 2) - ln(0 + 2))^2
        Case("by hand, added floor", [pair[0], np.zeros(2)],
             four | log | squares | {"log_eps": 2.0, "log_floor": "add"},
             np.array(math.log(2.0) ** 2 / 2), grad=False),
        # -5, -3, 1 and -2, -2, -2
        Case("by hand, time", [steps, silence], four | in_time, np.array(15 / 6)),
        Case("by hand, time, L2", [steps, silence], four | in_time | squares, np.array(47 / 6),
             grad=False),
        # -2, -4 and two frames of 0, 0
        Case("by hand, frequency", [steps, silence], four | in_freq, np.array(1.0), grad=False),
        Case("by hand, frequency, L2", [steps, silence], four | in_freq | squares,
             np.array(20 / 6), grad=False),
        # 7, 12, 13 and 2, 4, 6
        Case("by hand, sums", [steps, silence], four | sums, np.array(44 / 9)),
        Case("by hand, sums, L2", [steps, silence], four | sums | squares, np.array(418 / 9),
             grad=False),
        # the other signal has the magnitudes 1, 1, 1 in its first frame, and no more
        Case("by hand, COSINE", [steps, shorter], four | cosine, np.array((1 - 13 + 2) / 3),
             grad=False),
        Case("by hand, time, COSINE", [steps, shorter], four | in_time | cosine,
             np.array((1 - 7 + 1) / 2), grad=False),
        Case("by hand, frequency, COSINE", [steps, shorter], four | in_freq | cosine,
             np.array(1.0), grad=False),
        Case("by hand, sums, COSINE", [steps, shorter], four | sums | cosine,
             np.array((1 - 7 - 24 - 39 + 2) / 3), grad=False),
        # logarithms of silence are 1: products of 0, 0, 0 and ln 2, ln 2, ln 2 and 1, 1, 1
        Case("by hand, log, COSINE", [steps, shorter], four | log | cosine | {"log_eps": math.e},
             np.array(-math.log(2.0)), grad=False),
        # ten times as loud is 20 dB, wherever the level is above the floor
        Case("by hand, loudness", [target, 10 * target], small | loud, np.array(20.0)),
        Case("by hand, loudness, L2", [target, 10 * target], small | loud | squares,
             np.array(400.0)),
        Case("typical", [target, audio], small | both),
        Case("typical, L2", [target, audio], small | both | squares),
        Case("every view", [target, audio], small | every),
        Case("every view, L2", [target, audio], small | every | squares),
        Case("every view, COSINE", [target, audio], small | every | cosine),
        Case("loudness, COSINE", [target, audio], small | loud | cosine | {"frame_rate": 1000}),
        Case("magnitudes only", [target.reshape(3, 15), audio.reshape(3, 15)], small),
        # magnitudes above 0 are what they are, be they below the floor
        Case("below the floor", [0.01 * target, 0.004 * audio], small | log | {"log_eps": 1.0}),
        Case("added floor", [target, audio], small | both | {"log_floor": "add", "log_eps": 0.1}),
        Case("every view, added floor", [target, audio],
             small | every | {"log_floor": "add", "log_eps": 0.1}),
        Case("no power of two", [target, audio], {"fft_sizes": [12, 20]} | both),
        Case("fft larger than audio", [target[:10], audio[:10]], {"fft_sizes": (64,)} | both),
        Case("powers of two", [target, audio], both | {"fft_sizes": (64, 32, 16)}),
        Case("powers of two, added floor", [quiet, audio],
             both | {"fft_sizes": (32, 16), "log_floor": "add", "log_eps": 0.1}),
        Case("silence within", [quiet, audio], small | every, grad=False),
        Case("identical", [target, target], small | every, np.array(0.0), grad=False),
        Case("one sample", [np.ones(1), np.zeros(1)], small | both, np.array(0.0), grad=False),
        Case("lengths", [target, audio[:9]], small, error=r"audio has shape \(9,\)"),
        Case("no list", [target, audio], {"fft_sizes": 512}, error="must be a list of sizes"),
        Case("no size", [target, audio], {"fft_sizes": ()}, error="must be a list of sizes"),
        Case("size", [target, audio], {"fft_sizes": (513,)}, error=r"has 513, .* e\.g\. 512"),
        Case("size no int", [target, audio], {"fft_sizes": (8.0,)}, error="8.0, must have whole"),
        Case("type", [target, audio], {"loss_type": "huber"}, error="loss_type is 'huber', must"),
        Case("negative weight", [target, audio], {"mag_weight": -1.0}, error="mag_weight is -1.0"),
        Case("no weight", [target, audio], alone, error="all weights are 0"),
        Case("single frame", [target, audio], in_time, error="45, must be at least 513 with delta"),
        Case("no floor", [target, audio], {"log_floor": "clip"}, error="log_floor is 'clip'"),
        Case("zero eps", [target, audio], {"log_eps": 0.0}, error="log_eps is 0.0"),
        Case("rates", [target, audio], loud | {"sample_rate": 44100}, error="44100; frame_rate="),
    ]  # fmt: skip


spectral_loss = Op(
    "spectral_loss",
    define,
    vjp=vjp,
    forward=forward,
    check=check,
    cases=cases,
    selective=True,
    signature="(n_samples),(n_samples)->()",
    source="magenta/ddsp 3.7.0, ddsp/losses.py, SpectralLoss",
)
