"""What is kept of a convolution that was made by FFT."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op
from ddsp_ref.ops.filters._convolution import check_crop, crop


def define(audio, *, n_samples, n_taps, padding="same", delay_compensation=-1, xp=np):
    """Crop a convolution, and take the delay of the filter off it.

    ``y[t] = audio[t + start]``, where start is delay_compensation, or ``(n_taps - 1) // 2 - 1``;
    after the whole convolution of n_samples + n_taps - 1 samples there is silence.

    Parameters
    ----------
    audio : array, shape (..., n_whole)
        Convolution, with or without the zeros after it that the FFT has left there.
    n_samples : int
        Length of the audio before the convolution.
    n_taps : int
        Length of the impulse response.
    padding : {"same", "valid"}
        "same" returns n_samples samples, "valid" n_samples + n_taps - 1.
    delay_compensation : int
        The sample at which the output starts (`start` above); a negative number means
        ``(n_taps - 1) // 2 - 1``, but at least 0, for responses that are symmetric about their
        middle.

    Returns
    -------
    array, shape (..., n_out)
        Audio from `start` on.

    Raises
    ------
    ParameterError
        If nothing would be left, or audio is no whole convolution and ends before the output.

    Notes
    -----
    Gradient: the cotangent with zeros at both ends.
    Precision: exact.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, crop_and_compensate_delay.
    Differences: where the output ends with the audio or after it, and for one or two taps with the
    default delay, whose start would be -1, the original returns an empty array, or fewer samples
    than asked for. Here they are all there, as with `fft_convolve`.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> whole = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0])
    >>> ddsp_ref.crop_and_compensate_delay(whole, n_samples=3, n_taps=5)
    array([1., 2., 3.])
    """
    start = max((n_taps - 1) // 2 - 1, 0) if delay_compensation < 0 else delay_compensation
    n_out = n_samples if padding == "same" else n_samples + n_taps - 1
    return xp.concatenate([audio, np.zeros(n_out)])[start : start + n_out]


def vjp(audio, *, n_samples, n_taps, padding="same", delay_compensation=-1):
    start, n_out = crop(n_samples, n_taps, padding, delay_compensation)
    kept = max(min(n_out, audio.shape[1] - start), 0)
    y = np.zeros((len(audio), n_out), audio.dtype)
    y[:, :kept] = audio[:, start : start + kept]

    def pullback(y_bar):
        audio_bar = np.zeros(audio.shape, audio.dtype)
        audio_bar[:, start : start + kept] = y_bar[:, :kept]
        return (audio_bar,)

    return y, pullback


def check(dims, *, n_samples, n_taps, padding="same", delay_compensation=-1):
    for name, size in (("n_samples", n_samples), ("n_taps", n_taps)):
        require(size >= 1, f"{name} is {size}, must be a whole number of at least 1")
    check_crop(n_samples, n_taps, padding, delay_compensation)
    start, n_out = crop(n_samples, n_taps, padding, delay_compensation)
    least = min(start + n_out, n_samples + n_taps - 1)
    require(
        dims["n_whole"] >= least,
        f"audio has {dims['n_whole']} samples, must have at least {least}: as many as the whole "
        f"convolution, {n_samples + n_taps - 1}, or the {n_out} from sample {start} on",
    )


def cases():
    ramp, rows = np.arange(1.0, 10.0), np.sin(np.arange(24.0)).reshape(2, 12)
    three = {"n_samples": 4, "n_taps": 3}
    return [
        # start is (5 - 1) // 2 - 1
        Case("by hand", [ramp], {"n_samples": 4, "n_taps": 5}, np.array([2.0, 3, 4, 5])),
        Case("by hand, valid", [ramp], three | {"padding": "valid", "delay_compensation": 2},
             np.array([3.0, 4, 5, 6, 7, 8])),
        Case("typical", [rows], {"n_samples": 6, "n_taps": 5}),
        Case("valid", [rows], {"n_samples": 6, "n_taps": 4, "padding": "valid"}),
        Case("one tap", [rows], {"n_samples": 6, "n_taps": 1, "delay_compensation": 0},
             rows[:, :6]),
        Case("last but one", [ramp], three | {"delay_compensation": 4}, np.array([5.0, 6, 7, 8])),
        Case("ends with the audio", [ramp[:6]], three | {"padding": "valid"}, ramp[:6]),
        # nothing follows the 4 + 3 - 1 samples of the convolution
        Case("ends after the audio", [ramp[:6]], three | {"delay_compensation": 5},
             np.array([6.0, 0, 0, 0])),
        # start would be (2 - 1) // 2 - 1 = -1
        Case("two taps", [ramp[:5]], {"n_samples": 4, "n_taps": 2}, np.array([1.0, 2, 3, 4])),
        Case("no whole convolution", [ramp[:5]], three | {"delay_compensation": 2},
             error="audio has 5 samples, must have at least 6: as many as the whole"),
        Case("cut short, but long enough", [ramp[:5]], three | {"delay_compensation": 1},
             np.array([2.0, 3, 4, 5])),
        Case("padding", [ramp], three | {"padding": "full"}, error="padding is 'full', must be"),
        Case("delay", [ramp], three | {"delay_compensation": 1.5}, error="compensation is 1.5"),
        Case("nothing left", [ramp], three | {"delay_compensation": 6}, error="is 6, must be less"),
        Case("no samples", [ramp], {"n_samples": 0, "n_taps": 3}, error="n_samples is 0, must be"),
        Case("no taps", [ramp], {"n_samples": 3, "n_taps": 0}, error="n_taps is 0, must be a who"),
    ]  # fmt: skip


crop_and_compensate_delay = Op(
    "crop_and_compensate_delay",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_whole)->(n_out)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, crop_and_compensate_delay",
)
