"""A signal extended so that frames cover all of it."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op

from ._frames import check_cut, framing


def define(
    audio, *, frame_size, hop_size, padding="center", mode="constant", constant_value=0.0, xp=np
):
    """Extend a signal at its ends for frames that are cut from it afterwards.

    ``y[t] = audio[t - before]``, and beyond the ends what `mode` says. See `frame`, which then
    gives the frames of `compute_rms_energy`, `compute_power` and `compute_loudness`.

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Signal.
    frame_size : int
        Samples in a frame.
    hop_size : int
        Samples from one frame to the next, at most frame_size.
    padding : {"center", "same", "valid"}
        "center": frame_size // 2 samples at both ends, so that frame m has its middle at sample
        m * hop_size of the signal. "same": as many at the end as make ceil(n_samples / hop_size)
        frames. "valid": none.
    mode : {"constant", "reflect", "symmetric"}
        What the samples are: constant_value; the signal mirrored at its last sample; or mirrored
        beside it, so that the last sample is there twice.
    constant_value : float
        Value of the samples with "constant".

    Returns
    -------
    array, shape (..., n_out)
        Extended signal.

    Raises
    ------
    ParameterError
        If frames would leave samples out, no frame lies within the signal with "valid", or there
        is not enough signal to mirror.

    Notes
    -----
    Gradient: of each sample, the sum of the cotangents of all places where it stands.
    Precision: exact.
    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, pad.
    Differences: time is the last axis. The original lets any signal pass with "valid", where
    nothing is done; here it has to hold a frame.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.pad_frames(np.arange(1.0, 5.0), frame_size=4, hop_size=2, mode="reflect")
    array([3., 2., 1., 2., 3., 4., 3., 2.])
    """
    n_samples = audio.shape[-1]
    before = after = frame_size // 2 if padding == "center" else 0
    if padding == "same":
        after = (math.ceil(n_samples / hop_size) - 1) * hop_size + frame_size - n_samples
    place = np.arange(-before, n_samples + after)
    if mode == "constant":
        inside = (place >= 0) & (place < n_samples)
        return xp.where(inside, audio[place % n_samples], constant_value)
    if mode == "reflect":
        place = np.where(place < 0, -place, place)
        return audio[np.where(place >= n_samples, 2 * n_samples - 2 - place, place)]
    place = np.where(place < 0, -1 - place, place)
    return audio[np.where(place >= n_samples, 2 * n_samples - 1 - place, place)]


def _widths(n_samples, frame_size, hop_size, padding):
    """Return how many samples go before the signal and after it."""
    n_frames, start = framing(n_samples, frame_size, hop_size, padding)
    if padding == "same":
        return 0, (n_frames - 1) * hop_size + frame_size - n_samples
    return -start, -start


def vjp(audio, *, frame_size, hop_size, padding="center", mode="constant", constant_value=0.0):
    n = audio.shape[1]
    before, after = _widths(n, frame_size, hop_size, padding)
    filling = {"constant_values": constant_value} if mode == "constant" else {}
    y = np.pad(audio, ((0, 0), (before, after)), mode=mode, **filling)
    # where the mirrored samples come from: all but the outermost, or that one, too
    inset = 1 if mode == "reflect" else 0

    def pullback(y_bar):
        audio_bar = y_bar[:, before : before + n].copy()
        if mode != "constant":
            audio_bar[:, inset : inset + before] += y_bar[:, before - 1 :: -1][:, :before]
            stop = n - inset
            audio_bar[:, stop - after : stop] += y_bar[:, before + n :][:, ::-1]
        return (audio_bar,)

    return y, pullback


def check(dims, *, frame_size, hop_size, padding="center", mode="constant", constant_value=0.0):
    n_samples = dims["n_samples"]
    require(
        padding in ("center", "same", "valid"),
        f"padding is {padding!r}, must be 'center', 'same' or 'valid'",
    )
    check_cut(n_samples, frame_size, hop_size, padding)
    require(
        mode in ("constant", "reflect", "symmetric"),
        f"mode is {mode!r}, must be 'constant', 'reflect' or 'symmetric'",
    )
    if mode != "constant":
        widest = max(_widths(n_samples, frame_size, hop_size, padding))
        most = n_samples - 1 if mode == "reflect" else n_samples
        require(
            widest <= most,
            f"n_samples is {n_samples}, mirrored it gives {most} samples with mode={mode!r}, must "
            f"give {widest}; mode='constant' takes any length",
        )


def cases():
    ramp, noise = np.arange(1.0, 6.0), np.random.default_rng(0).standard_normal((2, 23))
    small = {"frame_size": 4, "hop_size": 2}
    same = {"frame_size": 8, "hop_size": 3, "padding": "same"}
    return [
        Case("by hand", [ramp], small, np.array([0.0, 0, 1, 2, 3, 4, 5, 0, 0])),
        Case("by hand, symmetric", [ramp], small | {"mode": "symmetric"},
             np.array([2.0, 1, 1, 2, 3, 4, 5, 5, 4])),
        # frames begin at 0, 2, 4, and the last one ends at 8
        Case("by hand, same", [ramp], small | {"padding": "same", "constant_value": 7.0},
             np.array([1.0, 2, 3, 4, 5, 7, 7, 7])),
        Case("reflect", [noise], {"frame_size": 9, "hop_size": 4, "mode": "reflect"}),
        Case("symmetric", [noise], {"frame_size": 9, "hop_size": 4, "mode": "symmetric"}),
        Case("same", [noise], same),
        Case("same, reflect", [noise], same | {"mode": "reflect"}),
        Case("same, symmetric", [noise], same | {"mode": "symmetric"}),
        Case("valid", [noise], small | {"padding": "valid"}, noise),
        Case("all that can be mirrored", [ramp],
             {"frame_size": 8, "hop_size": 1, "mode": "reflect"}),
        Case("one sample", [ramp[:1]], small, np.array([0.0, 0, 1, 0, 0])),
        Case("one sample twice", [ramp[:1]], {"frame_size": 2, "hop_size": 1, "mode": "symmetric"},
             np.ones(3)),
        Case("hop", [noise], {"frame_size": 4, "hop_size": 5}, error="size is 4, must be at least"),
        Case("no hop", [noise], {"frame_size": 4, "hop_size": 0}, error="hop_size is 0, must be a"),
        Case("no frame", [noise], {"frame_size": 0, "hop_size": 1}, error="frame_size is 0, must"),
        Case("padding", [noise], small | {"padding": "full"}, error="padding is 'full', must be"),
        Case("mode", [noise], small | {"mode": "edge"}, error="mode is 'edge', must be 'constant'"),
        Case("short", [ramp], {"frame_size": 10, "hop_size": 1, "mode": "reflect"},
             error="n_samples is 5, mirrored it gives 4 .* must give 5"),
        Case("too short", [ramp], {"frame_size": 6, "hop_size": 1, "padding": "valid"},
             error="n_samples is 5, must be at least one frame, 6"),
    ]  # fmt: skip


pad_frames = Op(
    "pad_frames",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples)->(n_out)",
    source="magenta/ddsp 3.7.0, ddsp/spectral_ops.py, pad",
)
