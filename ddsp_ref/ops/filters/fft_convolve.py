"""Convolution of audio with one impulse response."""

from __future__ import annotations

import numpy as np

from ddsp_ref.jit import COMPILED, read_only
from ddsp_ref.op import Case, Op
from ddsp_ref.ops.filters._convolution import check_crop, crop, fft_vjp
from ddsp_ref.ops.filters._partitions import Spectra, convolve, correlate, partition_size
from ddsp_ref.ops.filters._tiles import in_time, time_vjp


def define(audio, impulse_response, *, padding="same", delay_compensation=-1, xp=np):
    """Convolve audio with one impulse response, and crop.

    ``y[t] = sum over k of impulse_response[k] * audio[t + start - k]``

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Audio, zero outside of its samples.
    impulse_response : array, shape (..., n_taps)
        Impulse response; one for the whole batch (no leading axes) is used for all of it.
    padding : {"same", "valid"}
        "same" returns n_samples samples, "valid" n_samples + n_taps - 1.
    delay_compensation : int
        The sample of the whole convolution at which the output starts (`start` above); a
        negative number means ``(n_taps - 1) // 2 - 1`` (at least 0), for responses that are
        symmetric about their middle. A reverberation takes 0.

    Returns
    -------
    array, shape (..., n_out)
        The convolution from `start` on, zero where it has ended.

    Raises
    ------
    ParameterError
        If `padding` is neither of the two, or nothing is left of the convolution.

    Notes
    -----
    Gradient: linear in either array; the cotangents are the correlations of ``y_bar`` with
    the other array.
    Precision: by FFT in the precision of the inputs, in blocks where the response is short; in
    float32 the error is below 1e-6 of the largest value (measured, 64000 samples).
    Source: magenta/ddsp 3.7.0, ddsp/core.py, fft_convolve and crop_and_compensate_delay.
    Differences: the source returns empty audio for one or two taps with the default delay
    compensation (its start is -1), and wherever the output would end at or after the end of
    its FFT; here such calls return the samples that the formula says.

    Examples
    --------
    An echo after two samples, of half the amplitude:

    >>> import numpy as np, ddsp_ref
    >>> echo = np.array([1.0, 0.0, 0.5])
    >>> ddsp_ref.fft_convolve(np.array([1.0, 2.0, 3.0]), echo, delay_compensation=0).round(6)
    array([1. , 2. , 3.5])
    """
    n_samples, n_taps = len(audio), len(impulse_response)
    whole = sum(
        xp.concatenate([np.zeros(k), impulse_response[k] * audio, np.zeros(n_taps - 1 - k)])
        for k in range(n_taps)
    )
    start = delay_compensation if delay_compensation >= 0 else max((n_taps - 1) // 2 - 1, 0)
    n_out = n_samples if padding == "same" else n_samples + n_taps - 1
    return xp.concatenate([whole, np.zeros(start)])[start : start + n_out]


def _block_size(n_samples, n_taps):
    """Return how many samples to transform together, 0 if partitions of the response are better.

    FFTs of about three times the response are the fastest, 4096 points at least. Measured for
    64000 samples and 16 to 2048 taps: 0.4 to 0.5 ms, in partitions as long as the response 0.5 to
    0.7 ms. Where fewer than three blocks would result, partitions are faster: 0.7 ms for 48000
    taps, 1.9 ms in one piece.
    """
    block = max(4096, 1 << (3 * n_taps - 1).bit_length()) - n_taps + 1
    return block if 2 * block < n_samples else 0


def _is_short(n_samples, n_taps):
    """Return whether products are faster than transforms: 22 us for next to nothing, not 78."""
    if not COMPILED:
        return n_samples * n_taps <= 1 << 12
    return in_time(n_samples, n_taps) or n_samples * n_taps <= 1 << 20


def _short_vjp(audio, impulse_response, start, n_out, wanted):
    for_all = len(impulse_response) < len(audio)
    responses = impulse_response
    if for_all:
        responses = read_only(np.repeat(impulse_response, len(audio), axis=0))
    one_frame = responses[:, np.newaxis], audio.shape[1]
    y, pullback_frames = time_vjp(audio, *one_frame, start, n_out, wanted)

    def pullback(y_bar):
        audio_bar, responses_bar = pullback_frames(y_bar)
        if wanted[1]:
            responses_bar = responses_bar[:, 0]
            responses_bar = responses_bar.sum(axis=0, keepdims=True) if for_all else responses_bar
        return audio_bar, responses_bar

    return y, pullback


def vjp(audio, impulse_response, *, padding, delay_compensation, wanted):
    n_samples, n_taps = audio.shape[1], impulse_response.shape[1]
    start, n_out = crop(n_samples, n_taps, padding, delay_compensation)
    if _is_short(n_samples, n_taps):
        return _short_vjp(audio, impulse_response, start, n_out, wanted)
    block = _block_size(n_samples, n_taps)
    if not block:
        return _partitions_vjp(audio, impulse_response, start, n_out, wanted)
    y, pullback_blocks = fft_vjp(audio, impulse_response[:, np.newaxis], block, start, n_out)

    def pullback(y_bar):
        audio_bar, responses_bar = pullback_blocks(y_bar)
        return audio_bar, responses_bar[:, 0]

    return y, pullback


def _partitions_vjp(audio, response, start, n_out, wanted=(True, True)):
    (batch, n_samples), (n_responses, n_taps) = audio.shape, response.shape
    half = partition_size(n_samples, n_taps)
    audio_spectra, response_spectra = Spectra(audio, half), Spectra(response, half)

    def pullback(y_bar):
        whole = np.zeros((batch, start + n_out), y_bar.dtype)
        whole[:, start:] = y_bar
        spectra = Spectra(whole, half)
        audio_bar = response_bar = None
        if wanted[0]:
            audio_bar = correlate(spectra, response_spectra, n_samples, batch)
        if wanted[1]:
            response_bar = correlate(spectra, audio_spectra, n_taps, n_responses)
        return audio_bar, response_bar

    return convolve(audio_spectra, response_spectra, start, n_out), pullback


def check(dims, *, padding="same", delay_compensation=-1):
    check_crop(dims["n_samples"], dims["n_taps"], padding, delay_compensation)


def cases():
    rng = np.random.default_rng(0)

    def noise(*shape):
        return rng.standard_normal(shape)

    short = [noise(33), noise(32)]
    return [
        # 1*[1 2 3] + 10*[. 1 2 3] + 100*[. . 1 2 3]
        Case(
            "by hand",
            [np.array([1.0, 10.0, 100.0]), np.array([1.0, 2.0, 3.0])],
            {"padding": "valid", "delay_compensation": 0},
            np.array([1.0, 12.0, 123.0, 230.0, 300.0]),
        ),
        # the same from sample 1 on, three samples of it
        Case(
            "by hand, cropped",
            [np.array([1.0, 10.0, 100.0]), np.array([1.0, 2.0, 3.0])],
            {"delay_compensation": 1},
            np.array([12.0, 123.0, 230.0]),
        ),
        # five taps: start is (5 - 1) // 2 - 1 = 1, and a click in the middle comes 1 late
        Case(
            "by hand, default delay",
            [np.array([3.0, 4.0, 5.0]), np.array([0.0, 0.0, 1.0, 0.0, 0.0])],
            {},
            np.array([0.0, 3.0, 4.0]),
        ),
        Case("partitions", [noise(1100), noise(1000)], {"delay_compensation": 3}),
        Case("typical", [noise(100), noise(21)]),
        Case("valid", [noise(40), noise(16)], {"padding": "valid"}),
        Case("batch", [noise(2, 3, 20), noise(1, 3, 7)], {"delay_compensation": 2}),
        Case("one response for all", [noise(3, 20), noise(1, 7)]),
        Case("response longer than audio", [noise(8), noise(30)], {"delay_compensation": 0}),
        Case("one tap", [noise(9), np.array([2.0])]),
        Case("two taps", [noise(9), noise(2)]),
        Case("one sample", [np.array([2.0]), noise(4)], {"padding": "valid"}),
        Case("one sample, one tap", [np.array([2.0]), np.array([3.0])], {}, np.array([6.0])),
        Case("several blocks", [noise(8000), noise(257)]),
        Case("ends with the convolution", short, {"padding": "valid", "delay_compensation": 0}),
        Case("goes on after it", short, {"delay_compensation": 40}),
        Case("bad padding", short, {"padding": "full"}, error="padding is 'full', must be 'same'"),
        Case(
            "delay is not whole",
            short,
            {"delay_compensation": 1.5},
            error="delay_compensation is 1.5, must be a whole number",
        ),
        Case(
            "nothing is left",
            short,
            {"delay_compensation": 64},
            error="delay_compensation is 64, must be less than .* = 64; at most 63",
        ),
        Case("batches differ", [noise(3, 20), noise(2, 5)], error="batch axes do not fit"),
        Case("no taps", [noise(20), noise(0)], error="n_taps must be at least 1"),
    ]


fft_convolve = Op(
    "fft_convolve",
    define,
    vjp=vjp,
    check=check,
    selective=True,
    cases=cases,
    signature="(n_samples),(n_taps)->(n_out)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, fft_convolve",
    one_for_all=("impulse_response",),
)
