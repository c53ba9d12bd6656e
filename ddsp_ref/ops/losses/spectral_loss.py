"""Multi-scale spectral loss: distance of two signals in magnitudes and log magnitudes."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op

from ._spectral_kernels import spectral_distance


def define(
    target_audio,
    audio,
    *,
    fft_sizes=(2048, 1024, 512, 256, 128, 64),
    loss_type="L1",
    mag_weight=1.0,
    logmag_weight=0.0,
    log_floor="replace",
    log_eps=1e-5,
    xp=np,
):
    """Compare the magnitudes of the spectra of two signals at several resolutions.

    ``loss = sum_s mag_weight mean d(T_s, Y_s) + logmag_weight mean d(log T_s, log Y_s)``, where
    T_s and Y_s are the magnitudes of the two signals as in `stft_magnitude` with size s and an
    overlap of 3/4, the mean is over frames and bins, and d is ``|T - Y|`` or ``(T - Y)^2``.

    Parameters
    ----------
    target_audio : array, shape (..., n_samples)
        Signal to be matched.
    audio : array, shape (..., n_samples)
        Signal that is compared with it.
    fft_sizes : sequence of int
        Sizes of the transforms, multiples of 4.
    loss_type : {"L1", "L2"}
        Absolute or squared differences.
    mag_weight, logmag_weight : float
        Weights of the two terms, at least 0 and not both 0. A weight of 0 saves the work.
    log_floor : {"replace", "add"}
        What keeps the logarithm finite. "replace": log(log_eps) where a magnitude is 0.
        "add": log(magnitude + log_eps).
    log_eps : float
        Positive; magnitudes are those of transforms without scaling.

    Returns
    -------
    array, shape (...)
        Loss of each signal. The loss of a batch is the mean of these.

    Raises
    ------
    ParameterError
        If a setting is none of the above.

    Notes
    -----
    Gradient: that of the formula, with 0 for ``|X|`` at 0 and for ``|T - Y|`` at 0. With
    log_floor="replace" the gradient of log|X| is 1/|X| however small |X| is, and 0 at 0: a
    signal of magnitude 1e-12 pulls with 1e12, silence not at all. With "add" it is at most
    1/log_eps.
    Precision: transforms in the precision of the inputs, each signal by itself; everything
    between the transforms, and the sums, in float64. The gradient of the log term is
    ill-conditioned: a bin far below the largest of its frame is mostly rounding error of a
    float32 transform, and pulls the most. Measured on noise with the default sizes, float32
    against float64: value 1e-6; gradient 2e-4 of its largest value, 8e-2 where a bin of the
    target happens to be next to 0 (0.11 in the original); magnitudes alone 2e-6.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, SpectralLoss; Engel et al. 2020, section 3.
    Differences: the original returns the mean over the batch. Its transforms of sizes that
    are no power of two are padded with zeros to the next one; here they are not. "add" is the
    floor of acids-ircam/ddsp_pytorch, there with 1e-7.

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

    def mean_difference(target, value):
        return xp.mean(xp.abs(target - value) if loss_type == "L1" else (target - value) ** 2)

    loss = 0.0
    for size in fft_sizes:
        target, value = magnitude(target_audio, size), magnitude(audio, size)
        loss = loss + mag_weight * mean_difference(target, value)
        if logmag_weight > 0:
            difference = mean_difference(logarithm(target), logarithm(value))
            loss = loss + logmag_weight * difference
    return loss


def forward(target_audio, audio, **settings):
    return spectral_distance((target_audio, audio), None, **settings)


def vjp(target_audio, audio, **settings):
    # The loss is one number per signal: its cotangent only scales what is known by now.
    bars = np.zeros_like(target_audio), np.zeros_like(audio)
    y = spectral_distance((target_audio, audio), bars, **settings)

    def pullback(y_bar):
        return tuple(y_bar[:, None] * bar for bar in bars)

    return y, pullback


def check(
    dims,
    *,
    fft_sizes=(2048, 1024, 512, 256, 128, 64),
    loss_type="L1",
    mag_weight=1.0,
    logmag_weight=0.0,
    log_floor="replace",
    log_eps=1e-5,
):
    require(
        isinstance(fft_sizes, (tuple, list)) and len(fft_sizes) > 0,
        f"fft_sizes is {fft_sizes!r}, must be a list of sizes, e.g. (2048, 512, 128)",
    )
    for size in fft_sizes:
        whole = isinstance(size, (int, np.integer))
        require(whole, f"fft_sizes has {size!r}, must have whole numbers, e.g. 512")
        require(
            size >= 4 and size % 4 == 0,
            f"fft_sizes has {size}, must have multiples of 4 (the hop is a quarter), "
            f"e.g. {max(4 * round(size / 4), 4)}",
        )
    require(loss_type in ("L1", "L2"), f"loss_type is {loss_type!r}, must be 'L1' or 'L2'")
    for name, weight in (("mag_weight", mag_weight), ("logmag_weight", logmag_weight)):
        require(0 <= weight < math.inf, f"{name} is {weight}, must be at least 0, e.g. 1")
    require(
        mag_weight > 0 or logmag_weight > 0,
        "mag_weight and logmag_weight are both 0, so that nothing is compared; set one, e.g. to 1",
    )
    require(
        log_floor in ("replace", "add"), f"log_floor is {log_floor!r}, must be 'replace' or 'add'"
    )
    require(0 < log_eps < math.inf, f"log_eps is {log_eps}, must be positive, e.g. 1e-5")


def cases():
    rng = np.random.default_rng(0)
    target, audio = rng.standard_normal((2, 45))
    # The window is 0, 1/2, 1, 1/2. The frame at sample 0 is 0, a/2, 0, 0 for a signal 0, a: all
    # three magnitudes are a/2. The frame at sample 1 is 0 throughout.
    pair, four = [np.array([0.0, 4.0]), np.array([0.0, 2.0])], {"fft_sizes": (4,)}
    both, small = {"logmag_weight": 1.0}, {"fft_sizes": (16, 8)}
    quiet = np.concatenate([target[:9], np.zeros(30), target[:6]])
    half = math.log(2.0) / 2
    return [
        # magnitudes 2 and 1 in half of the places, 0 and 0 in the other half
        Case("by hand", pair, four, np.array(0.5)),
        Case("by hand, L2", pair, four | {"loss_type": "L2", "mag_weight": 3.0}, np.array(1.5)),
        Case("by hand, log", pair, four | {"logmag_weight": 2.0}, np.array(0.5 + 2 * half)),
        # the target is 2, the audio 0, whose log is -2 in its place: half of ln 2 + 2
        Case(
            "by hand, floor",
            [pair[0], np.zeros(2)],
            four | both | {"mag_weight": 0.0, "log_eps": math.exp(-2.0)},
            np.array(half + 1.0),
        ),
        # half of (ln(2 + 2) - ln(0 + 2))^2
        Case(
            "by hand, added floor",
            [pair[0], np.zeros(2)],
            four
            | both
            | {"mag_weight": 0.0, "log_eps": 2.0, "log_floor": "add", "loss_type": "L2"},
            np.array(math.log(2.0) ** 2 / 2),
            grad=False,
        ),
        Case("typical", [target, audio], small | both),
        Case("typical, L2", [target, audio], small | both | {"loss_type": "L2"}),
        Case("magnitudes only", [target.reshape(3, 15), audio.reshape(3, 15)], small),
        Case("added floor", [target, audio], small | both | {"log_floor": "add", "log_eps": 0.1}),
        Case("no power of two", [target, audio], {"fft_sizes": [12, 20]} | both),
        Case("fft larger than audio", [target[:10], audio[:10]], {"fft_sizes": (64,)} | both),
        Case("silence within", [quiet, audio], small | both, grad=False),
        Case("identical", [target, target], small | both, np.array(0.0), grad=False),
        Case("one sample", [np.ones(1), np.zeros(1)], small | both, np.array(0.0), grad=False),
        Case("lengths", [target, audio[:9]], small, error=r"audio has shape \(9,\)"),
        Case("no list", [target, audio], {"fft_sizes": 512}, error="must be a list of sizes"),
        Case("no size", [target, audio], {"fft_sizes": ()}, error="must be a list of sizes"),
        Case("size", [target, audio], {"fft_sizes": (513,)}, error=r"has 513, .* e\.g\. 512"),
        Case(
            "size no int", [target, audio], {"fft_sizes": (8.0,)}, error="has 8.0, must have whole"
        ),
        Case("cosine", [target, audio], {"loss_type": "COSINE"}, error="loss_type is 'COSINE'"),
        Case("negative weight", [target, audio], {"mag_weight": -1.0}, error="mag_weight is -1.0"),
        Case("no weight", [target, audio], {"mag_weight": 0.0}, error="are both 0"),
        Case("no floor", [target, audio], {"log_floor": "clip"}, error="log_floor is 'clip'"),
        Case("zero eps", [target, audio], {"log_eps": 0.0}, error="log_eps is 0.0"),
    ]


spectral_loss = Op(
    "spectral_loss",
    define,
    vjp=vjp,
    forward=forward,
    check=check,
    cases=cases,
    signature="(n_samples),(n_samples)->()",
    source="magenta/ddsp 3.7.0, ddsp/losses.py, SpectralLoss",
)
