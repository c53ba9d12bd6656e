"""Convolution of audio with an impulse response that changes from frame to frame."""

from __future__ import annotations

import numpy as np

from ddsp_ref.jit import njit_relaxed, ranges, run_parts
from ddsp_ref.op import Case, Op
from ddsp_ref.ops.filters._convolution import check_crop, check_frames, crop, fft_vjp


def define(audio, impulse_responses, *, padding="same", delay_compensation=-1, xp=np):
    """Convolve every frame of audio with its own impulse response, and add up the tails.

    ``y[t] = sum over k of impulse_responses[(t + start - k) // hop, k] * audio[t + start - k]``
    with ``hop = ceil(n_samples / n_frames)``

    Every sample sets off the response of the frame in which it lies; the frames are
    rectangular, and the responses ring on into the frames that follow.

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Audio, zero outside of its samples.
    impulse_responses : array, shape (..., n_frames, n_taps)
        An impulse response for every frame. The number of frames must be that in which
        n_samples are cut by `hop`; any number that divides n_samples is.
    padding : {"same", "valid"}
        "same" returns n_samples samples, "valid" n_samples + n_taps - 1.
    delay_compensation : int
        The sample of the whole convolution at which the output starts (`start` above); a
        negative number means ``(n_taps - 1) // 2 - 1`` (at least 0), for responses that are
        symmetric about their middle.

    Returns
    -------
    array, shape (..., n_out)
        The convolution from `start` on, zero where it has ended.

    Raises
    ------
    ParameterError
        If the number of frames does not fit, `padding` is neither of the two, or nothing is
        left of the convolution.

    Notes
    -----
    Gradient: linear in either array. The cotangent of a response is the correlation of its
    frame of audio with ``y_bar``, that of audio the correlation of its response with ``y_bar``.
    Precision: sums in the precision of the inputs, in time or by FFT, whichever is faster for
    the sizes; in float32 below 1e-6 of the largest value (measured, 64000 samples).
    Source: magenta/ddsp 3.7.0, ddsp/core.py, fft_convolve and crop_and_compensate_delay.
    Differences: the source returns empty audio for one or two taps with the default delay
    compensation (its start is -1), and wherever the output would end at or after the end of
    its FFT; here such calls return the samples that the formula says.

    Examples
    --------
    Two frames, the second one delayed by a sample:

    >>> import numpy as np, ddsp_ref
    >>> responses = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> ddsp_ref.fft_convolve_frames(np.array([1.0, 2.0, 3.0, 4.0]), responses)
    array([1., 2., 0., 3.])
    """
    n_samples, (n_frames, n_taps) = len(audio), impulse_responses.shape
    hop = -(-n_samples // n_frames)
    response_of_sample = impulse_responses[np.arange(n_samples) // hop]
    whole = sum(
        xp.concatenate([np.zeros(k), response_of_sample[:, k] * audio, np.zeros(n_taps - 1 - k)])
        for k in range(n_taps)
    )
    start = delay_compensation if delay_compensation >= 0 else max((n_taps - 1) // 2 - 1, 0)
    n_out = n_samples if padding == "same" else n_samples + n_taps - 1
    return xp.concatenate([whole, np.zeros(start)])[start : start + n_out]


@njit_relaxed
def _add_eight(weights, p, line, y):
    """y[t] += weights[p] * line[t] + ... + weights[p + 7] * line[t + 7]."""
    # Slices, so that the compiler knows that no index is negative; one statement for each,
    # because unpacking a tuple of arrays costs more than the sum (their reference counts).
    line1 = line[1:]
    line2 = line[2:]
    line3 = line[3:]
    line4 = line[4:]
    line5 = line[5:]
    line6 = line[6:]
    line7 = line[7:]
    w0, w1, w2, w3 = weights[p], weights[p + 1], weights[p + 2], weights[p + 3]
    w4, w5, w6, w7 = weights[p + 4], weights[p + 5], weights[p + 6], weights[p + 7]
    for t in range(y.shape[0]):
        early = w0 * line[t] + w1 * line1[t] + w2 * line2[t] + w3 * line3[t]
        late = w4 * line4[t] + w5 * line5[t] + w6 * line6[t] + w7 * line7[t]
        y[t] += early + late


@njit_relaxed
def _load(source, target):
    """Copy `source` to the start of `target`, and let seven zeros follow."""
    n = source.shape[0]
    for k in range(n):
        target[k] = source[k]
    for k in range(n, n + 7):
        target[k] = 0


@njit_relaxed
def _kernel(audio, responses, hop, first, y):
    """y[t] = sample first + t of the whole convolution, one element of the batch."""
    n_taps = responses.shape[1]
    reach = max(first - n_taps + 1, 0)  # the first sample of audio that is still heard in y
    stop = min(audio.shape[0], first + y.shape[0])
    n_audio = max(stop - reach, 0)
    whole = np.zeros(n_audio + n_taps + 16, y.dtype)  # from sample `reach` on, with a margin
    size = max(n_taps, min(hop, n_audio)) + 14
    weights, line = np.zeros(size, y.dtype), np.zeros(size, y.dtype)
    for frame in range(reach // hop, (stop + hop - 1) // hop):
        begin, end = max(frame * hop, reach), min((frame + 1) * hop, stop)
        # convolution commutes: the shorter one goes by eights, the longer one is vector code
        few, many = audio[begin:end], responses[frame]
        if n_taps < end - begin:
            few, many = many, few
        n_few, n_many = few.shape[0], many.shape[0]
        last = (n_few + 7) // 8 * 8
        for k in range(last):
            weights[last - 1 - k] = few[k] if k < n_few else 0
        _load(many, line[7:])
        for k in range(0, last, 8):
            t = begin - reach + k
            _add_eight(weights, last - 8 - k, line, whole[t : t + n_many + 7])
    n_whole = n_audio + n_taps - 1
    for t in range(y.shape[0]):
        y[t] = whole[first - reach + t] if first - reach + t < n_whole else 0


@njit_relaxed
def _kernel_vjp(audio, responses, hop, begin, end, whole_bar, audio_bar, responses_bar):
    """Pull frames begin to end back to cotangents of 0; `whole_bar` is 0 where y was cropped."""
    n_samples, n_taps = audio.shape[0], responses.shape[1]
    weights = np.empty(max(hop, n_taps) + 7, audio.dtype)
    partial = np.zeros(n_taps, audio.dtype)
    for frame in range(begin, end):
        start, stop = frame * hop, min((frame + 1) * hop, n_samples)
        heard = whole_bar[start:]
        response_bar, frame_bar = responses_bar[frame], audio_bar[start:stop]
        _load(audio[start:stop], weights)
        # sums of sums: in a frame of 64000 samples 5e-7 is lost, 1.2e-5 in one float32 sum
        for chunk in range(0, stop - start, 1024):
            for k in range(chunk, min(chunk + 1024, stop - start), 8):
                _add_eight(weights, k, heard[k:], partial)
            for k in range(n_taps):
                response_bar[k] += partial[k]
                partial[k] = 0
        _load(responses[frame], weights)
        for k in range(0, n_taps, 8):
            _add_eight(weights, k, heard[k:], frame_bar)


def _direct_vjp(audio, responses, hop, start, n_out):
    """Convolve in time."""
    (batch, n_samples), (_, n_frames, n_taps) = audio.shape, responses.shape
    y = np.empty((batch, n_out), audio.dtype)
    # every part also sums what rings into it, n_taps samples, so it should be longer than that
    n_part = max((1 << 21) // n_taps, 8 * n_taps)
    run_parts(
        _kernel,
        [
            (audio[b], responses[b], hop, start + begin, y[b, begin:end])
            for b in range(batch)
            for begin, end in ranges(n_out, n_part)
        ],
    )

    def pullback(y_bar):
        n_whole = n_samples + n_taps - 1
        kept = min(n_out, n_whole - start)
        whole_bar = np.zeros((batch, n_whole + 16), y_bar.dtype)
        whole_bar[:, start : start + kept] = y_bar[:, :kept]
        audio_bar = np.zeros(audio.shape, y_bar.dtype)
        responses_bar = np.zeros(responses.shape, y_bar.dtype)
        run_parts(
            _kernel_vjp,
            [
                (audio[b], responses[b], hop, *part, whole_bar[b], audio_bar[b], responses_bar[b])
                for b in range(batch)
                for part in ranges(n_frames, max(n_part // hop, 1))
            ],
        )
        return audio_bar, responses_bar

    return y, pullback


def vjp(audio, impulse_responses, *, padding="same", delay_compensation=-1):
    n_samples, (_, n_frames, n_taps) = audio.shape[1], impulse_responses.shape
    hop = -(-n_samples // n_frames)
    start, n_out = crop(n_samples, n_taps, padding, delay_compensation)
    # Measured for hops of 64 to 8000 and 8 to 2048 taps: FFTs win once both are above 128.
    convolve = _direct_vjp if min(hop, n_taps) <= 128 else fft_vjp
    return convolve(audio, impulse_responses, hop, start, n_out)


def check(dims, *, padding="same", delay_compensation=-1):
    check_frames(dims["n_samples"], dims["n_frames"])
    check_crop(dims["n_samples"], dims["n_taps"], padding, delay_compensation)


def cases():
    rng = np.random.default_rng(0)

    def noise(*shape):
        return rng.standard_normal(shape)

    short = [noise(33), noise(3, 32)]
    return [
        # frames [1 2] [3]: 1*[1 1] + 2*[. 1 1] + 3*[. . 1 10]
        Case(
            "by hand",
            [np.array([1.0, 2.0, 3.0]), np.array([[1.0, 1.0], [1.0, 10.0]])],
            {"padding": "valid"},
            np.array([1.0, 3.0, 5.0, 30.0]),
        ),
        # five taps: start is (5 - 1) // 2 - 1 = 1; clicks in the middle, of height 1 and 2
        Case(
            "by hand, default delay",
            [np.arange(1.0, 5.0), np.array([[0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0, 0.0]])],
            {},
            np.array([0.0, 1.0, 2.0, 6.0]),
        ),
        Case("typical", [noise(60), noise(6, 17)]),
        Case("valid", [noise(60), noise(6, 16)], {"padding": "valid"}),
        Case("batch", [noise(2, 3, 20), noise(1, 3, 4, 7)], {"delay_compensation": 2}),
        Case("last frame is shorter", [noise(41), noise(4, 9)]),
        Case("taps reach over many frames", [noise(12), noise(6, 30)], {"delay_compensation": 0}),
        Case("frames longer than the taps", [noise(70), noise(2, 5)]),
        Case("one frame", [noise(30), noise(1, 11)]),
        Case("a frame for every sample", [noise(9), noise(9, 4)]),
        Case("by fft", [noise(430), noise(3, 140)]),
        Case("by fft, valid", [noise(270), noise(2, 129)], {"padding": "valid"}),
        Case("one tap", [noise(9), noise(3, 1)]),
        Case("two taps", [noise(9), noise(3, 2)]),
        Case("one sample", [np.array([2.0]), noise(1, 4)], {"padding": "valid"}),
        Case("ends with the convolution", short, {"padding": "valid", "delay_compensation": 0}),
        Case("goes on after it", short, {"delay_compensation": 40}),
        Case(
            "frames do not fit",
            [noise(20), noise(9, 5)],
            error=r"n_frames is 9, but 20 .* ceil\(20 / 9\) are 7 .* nearest .* is 10",
        ),
        Case(
            "more frames than samples",
            [noise(3), noise(4, 5)],
            error="n_frames is 4, .* is 3",
        ),
        Case("bad padding", short, {"padding": "full"}, error="padding is 'full', must be 'same'"),
        Case(
            "nothing is left",
            short,
            {"delay_compensation": 64},
            error="delay_compensation is 64, must be less than .* = 64; at most 63",
        ),
    ]


fft_convolve_frames = Op(
    "fft_convolve_frames",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples),(n_frames,n_taps)->(n_out)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, fft_convolve",
)
