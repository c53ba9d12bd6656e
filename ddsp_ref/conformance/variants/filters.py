"""Wide definitions of the filters: windows, delays, tails."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.conformance.variants._pieces import WINDOWS, window
from ddsp_ref.errors import ConformanceError


def frequency_impulse_response(
    magnitudes,
    *,
    window_size=0,
    window_kind="periodic",
    centre="middle",
    scale="1/N",
    bands="ends_once",
    quantity="amplitude",
    xp=np,
):
    """Turn magnitudes into impulse responses, with every choice that ports disagree on."""
    n_bands = magnitudes.shape[-1]
    n_full = 2 * (n_bands - 1)
    size = window_size if 0 < window_size < n_full else n_full
    half = (size + 1) // 2
    lag = np.arange(-half, half) if size == n_full else np.arange(-max(half - 2, 0), half + 1)
    inside = (half + lag >= 0) & (half + lag < size)
    weights = np.where(inside, window(window_kind, size)[np.clip(half + lag, 0, size - 1)], 0.0)
    shift = {"one_early": 1, "one_late": -1}.get(centre, 0)
    if centre == "not_rolled":  # lag 0 first, negative lags at the end
        lag, weights = np.roll(lag, len(lag) // 2), np.roll(weights, len(lag) // 2)
    elif centre == "window_not_rolled":
        weights = np.roll(weights, len(lag) // 2)
    elif centre == "response_not_rolled" and size == n_full:
        lag = np.roll(lag, len(lag) // 2)
    band = np.arange(n_bands)
    at_end = (band == 0) | (band == n_bands - 1)
    count = {"all_once": np.ones(n_bands), "all_twice": np.full(n_bands, 2.0)}.get(
        bands, np.where(at_end, 1.0, 2.0)
    )
    if quantity == "power":
        magnitudes = magnitudes**2
    elif quantity == "root":
        magnitudes = xp.sqrt(xp.abs(magnitudes) + 1e-300)
    cosines = np.cos(2 * np.pi * band * (lag + shift)[:, None] / n_full)
    factor = {"1": 1.0, "1/sqrt(N)": n_full**-0.5}.get(scale, 1.0 / n_full)
    return factor * weights * xp.dot(count * cosines, magnitudes)


def apply_window_to_impulse_response(
    impulse_response, *, window_size=0, causal=False, window_kind="periodic", xp=np
):
    """Window a response, with every choice that ports disagree on."""
    n = impulse_response.shape[0]
    middle = n // 2
    zero_phase = xp.roll(impulse_response, middle) if causal else impulse_response
    size = window_size if 0 < window_size < n else n
    weights = window(window_kind, size) if size > 1 else np.ones(1)
    if size == n:
        return xp.roll(np.roll(weights, middle) * zero_phase, middle)
    half = (size + 1) // 2
    weights = np.concatenate([weights[half:], np.zeros(n - size), weights[:half]])
    windowed = weights * zero_phase
    return xp.concatenate([windowed[n - half + 2 :], windowed[: half + 1]])


def _start(n_taps, delay_compensation, delay):
    """Return the sample of the whole convolution at which the output starts."""
    if delay_compensation >= 0 and delay != "ignored":
        return delay_compensation
    own = (n_taps - 1) // 2 - 1
    return max(
        {
            "one_more": own + 1,
            "n_taps//2": n_taps // 2,
            "two_more": own + 2,
            "one_less": own - 1,
            "two_less": own - 2,
            "none": 0,
        }.get(delay, own),
        0,
    )


def _cropped(whole, n_samples, n_taps, padding, start, xp):
    n_out = n_samples if padding == "same" else n_samples + n_taps - 1
    return xp.concatenate([whole, np.zeros(n_out)])[start : start + n_out]


def _folded(whole, n_samples, n_taps, ends, xp):
    """Let the end of a convolution come in again at its beginning, as too short an FFT does."""
    if ends != "circular" or n_taps == 1:
        return whole
    turns = -(-len(whole) // n_samples)
    filled = xp.concatenate([whole, np.zeros(turns * n_samples - len(whole))])
    folded = xp.sum(xp.reshape(filled, (turns, n_samples)), axis=0)
    return xp.concatenate([folded, np.zeros(n_taps - 1)])


def _taps(response, taps, xp):
    """Return the taps that are heard; the first axis is that of taps."""
    if taps == "reversed":
        return response[::-1]
    first = {"first_is_0": 0.0, "first_is_1": 1.0}.get(taps)
    if first is None:
        return response
    return xp.concatenate([np.full_like(np.zeros(np.shape(response)), first)[:1], response[1:]])


def fft_convolve(
    audio,
    impulse_response,
    *,
    padding="same",
    delay_compensation=-1,
    delay="n_taps//2 - 1, less one",
    ends="linear",
    taps="given",
    crop="clamped",
    xp=np,
):
    """Convolve, with every choice that ports disagree on."""
    n_samples, n_taps = len(audio), len(impulse_response)
    response = _taps(impulse_response, taps, xp)
    whole = sum(
        xp.concatenate([np.zeros(k), response[k] * audio, np.zeros(n_taps - 1 - k)])
        for k in range(n_taps)
    )
    whole = _folded(whole, n_samples, n_taps, ends, xp)
    if crop == "from_both_ends":
        start = delay_compensation if delay_compensation >= 0 else (n_taps - 1) // 2 - 1
        kept = n_samples if padding == "same" else len(whole)
        n_fft = 2 ** math.ceil(math.log2(len(whole)))
        whole = xp.concatenate([whole, np.zeros(n_fft - len(whole))])
        return whole[start : -(n_fft - kept - start)]
    start = _start(n_taps, delay_compensation, delay)
    return _cropped(whole, n_samples, n_taps, padding, start, xp)


def _frames_convolved(audio, responses, tails, frames, xp):
    """Convolve every frame with its response and add up what rings on, as far as it is kept."""
    n_samples, (n_frames, n_taps) = len(audio), responses.shape
    hop = -(-n_samples // n_frames)
    own = np.arange(n_samples) // hop
    if frames == "one_late":
        own = np.maximum(own - 1, 0)
    elif frames == "one_early":
        own = np.minimum(own + 1, n_frames - 1)
    if frames == "interpolated":
        where = np.arange(n_samples) / hop
        left = np.floor(where).astype(int)
        right, part = np.minimum(left + 1, n_frames - 1), (where - left)[:, None]
        of_sample = responses[left] + part * (responses[right] - responses[left])
    else:
        of_sample = responses[own]
    if tails == "rolled_back" and n_samples % hop:
        raise ConformanceError("tails = rolled_back: blocks are whole")
    whole, ones = 0.0, np.ones(n_samples + n_taps - 1)
    t = np.arange(n_samples)
    for k in range(n_taps):
        piece = of_sample[:, k] * audio
        if tails == "rolled_back":
            late = (k - n_taps // 2) % hop  # taps before the middle come last in the block
            piece = xp.where(((t % hop) + late < hop) & (k < hop), piece, 0.0)
            whole = whole + xp.concatenate([np.zeros(late), piece, np.zeros(n_taps)])[: len(ones)]
            continue
        if tails in ("dropped", "circular"):
            stays = (t % hop) + k < hop
            if tails == "circular" and n_samples % hop == 0:
                piece = piece[(t - t % hop) + (t % hop - k) % hop]
                whole = whole + xp.concatenate([piece, np.zeros(n_taps - 1)])
                continue
            piece = xp.where(stays, piece, 0.0)
        whole = whole + xp.concatenate([np.zeros(k), piece, np.zeros(n_taps - 1 - k)])
    return whole * ones


def fft_convolve_frames(
    audio,
    impulse_responses,
    *,
    padding="same",
    delay_compensation=-1,
    delay="n_taps//2 - 1, less one",
    ends="linear",
    taps="given",
    tails="kept",
    frames="held",
    xp=np,
):
    """Convolve frame by frame, with every choice that ports disagree on."""
    n_samples, n_taps = len(audio), impulse_responses.shape[1]
    responses = impulse_responses[:, ::-1] if taps == "reversed" else impulse_responses
    whole = _frames_convolved(audio, responses, tails, frames, xp)
    whole = _folded(whole, n_samples, n_taps, ends, xp)
    start = _start(n_taps, delay_compensation, delay)
    return _cropped(whole, n_samples, n_taps, padding, start, xp)


def frequency_filter(
    audio,
    magnitudes,
    *,
    window_size=0,
    padding="same",
    window_kind="periodic",
    centre="middle",
    scale="1/N",
    bands="ends_once",
    quantity="amplitude",
    delay="n_taps//2 - 1, less one",
    ends="linear",
    taps="given",
    tails="kept",
    frames="held",
    xp=np,
):
    """Filter by magnitudes, with every choice that ports disagree on."""
    shape = {"window_size": window_size, "window_kind": window_kind, "centre": centre}
    shape |= {"scale": scale, "bands": bands, "quantity": quantity, "xp": xp}
    responses = xp.stack([frequency_impulse_response(m, **shape) for m in magnitudes])
    settings = {"delay": delay, "ends": ends, "taps": taps, "tails": tails, "frames": frames}
    return fft_convolve_frames(audio, responses, padding=padding, xp=xp, **settings)


def exp_decay_impulse_response(gain, decay, noise, *, rate="2 + exp", time="to_end", xp=np):
    """Let noise die away, with every choice that ports disagree on."""
    n = len(noise)
    time = np.arange(n) / n if time == "one_short" else np.linspace(0.0, 1.0, n)
    grown = xp.exp(xp.where(decay < 700, decay, 700.0))
    speed = {
        "exp": grown,
        "softplus_500": 500.0 * xp.log1p(xp.exp(-xp.abs(decay))) + 500.0 * xp.maximum(-decay, 0.0),
        "2": 2.0 + decay,
    }.get(rate, 2.0 + grown)
    return gain * xp.exp(-speed * time) * noise


DELAY = {
    "one_more": "the output starts one sample later: at (n_taps - 1) // 2",
    "n_taps//2": "the output starts at n_taps // 2 (DDSP-SVC)",
    "two_more": "the output starts two samples later",
    "one_less": "the output starts one sample earlier",
    "two_less": "the output starts two samples earlier",
    "none": "the delay of the filter is not taken off (ddsp_pytorch)",
}
IGNORED = {"ignored": "delay_compensation is not read"}
ENDS = {"circular": "the transform is too short: the end comes in again at the beginning"}
TAPS = {"reversed": "the response is read backwards: a correlation"}
TAP_0 = {
    "first_is_0": "tap 0 is set to 0 (the reverb of magenta/ddsp does so, not this)",
    "first_is_1": "tap 0 is set to 1 (the reverb of ddsp_pytorch)",
}
TAILS = {
    "dropped": "what rings on after a frame is dropped",
    "circular": "every block is convolved by itself, with its end wrapped around (ddsp-vst)",
    "rolled_back": "every block is convolved by itself, taps before the middle of the response "
    "come last in it, and what rings on is dropped (ddsp_pytorch, with `delay = none`)",
}
FRAMES = {
    "interpolated": "responses are interpolated between frames",
    "one_late": "every frame has the response of the frame before",
    "one_early": "every frame has the response of the frame after",
}
SHAPE = {
    "window_kind": WINDOWS,
    "window_size": {0: "the window is as long as the response, whatever window_size says"},
    "centre": {
        "one_early": "the response is rolled by one sample too few",
        "one_late": "the response is rolled by one sample too many",
        "not_rolled": "lag 0 is the first tap: the windowed response is not rolled",
        "window_not_rolled": "the window has its top at the ends of the response",
        "response_not_rolled": "lag 0 is the first tap, where the window is 0",
    },
    "scale": {"1": "the inverse transform is not divided by N",
              "1/sqrt(N)": "the inverse transform is divided by sqrt(N)"},
    "bands": {"all_once": "negative frequencies are missing",
              "all_twice": "first and last band count twice"},
    "quantity": {"power": "magnitudes are squared", "root": "magnitudes are taken as powers"},
}  # fmt: skip
_OVER_TIME = {"delay": DELAY, "ends": ENDS, "taps": TAPS, "tails": TAILS, "frames": FRAMES}
CHOICES = {
    frequency_impulse_response: SHAPE,
    apply_window_to_impulse_response: {
        "window_kind": WINDOWS,
        "window_size": SHAPE["window_size"],
        "causal": {True: "the response is taken as causal", False: "`causal` is not read"},
    },
    fft_convolve: {
        "delay": DELAY | IGNORED,
        "ends": ENDS,
        "taps": TAPS | TAP_0,
        "crop": {
            "from_both_ends": "cut as y[start:-end]: nothing is left where start is -1 (one tap, "
            "or two) or end is 0 (magenta/ddsp)"
        },
    },
    fft_convolve_frames: _OVER_TIME | {"delay": DELAY | IGNORED},
    frequency_filter: SHAPE | _OVER_TIME,
    exp_decay_impulse_response: {
        "rate": {
            "exp": "exp(decay) without the 2 that is added to it",
            "softplus_500": "softplus(-decay) * 500 (ddsp_pytorch)",
            "2": "2 + decay without the exponential",
        },
        "time": {"one_short": "time runs to 1 - 1/n, not to 1"},
    },
}
SEE = "noise-and-fir-filters"
