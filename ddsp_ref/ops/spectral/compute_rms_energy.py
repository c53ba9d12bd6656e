"""Root mean square of the frames of a signal."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op

from ._frames import check_framing, check_rates, framing, hop_size
from ._power import mean_power, mean_power_vjp


def define(audio, *, sample_rate=16000, frame_rate=250, frame_size=512, padding="center", xp=np):
    """Take the root mean square of overlapping frames.

    ``y[m] = sqrt(mean_n audio[m hop + n - before]^2)`` over n < frame_size, where
    ``hop = sample_rate / frame_rate`` and samples outside the signal are 0.

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Signal.
    sample_rate : int
        Samples per second.
    frame_rate : int
        Frames per second; it divides the sample rate.
    frame_size : int
        Samples in a frame.
    padding : {"center", "same", "valid"}
        "center": frame m has its middle at sample m * hop, n_samples // hop + 1 frames if
        frame_size is even. "same": it begins there, ceil(n_samples / hop) frames. "valid":
        only frames that lie within the signal, (n_samples - frame_size) // hop + 1.

    Returns
    -------
    array, shape (..., n_frames)
        Root mean square, at least 0.

    Raises
    ------
    ParameterError
        If the rates do not divide, or the frames leave samples out or do not fit.

    Notes
    -----
    Gradient: ``audio / (frame_size y)`` of every frame that a sample lies in; 0 for a frame of
    silence, where the root has no derivative.
    Precision: squares and sums are float64.
    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_rms_energy.
    Differences: on silence the gradient of the original is not a number. Where the rates do
    not divide, the original rounds the hop down, and frames drift away from their times.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> sine = np.sin(2 * np.pi * 500 * np.arange(1024) / 16000)
    >>> ddsp_ref.compute_rms_energy(sine, padding="valid")[:3].round(4)
    array([0.7071, 0.7071, 0.7071])
    """
    hop = round(sample_rate / frame_rate)
    n_samples = audio.shape[-1]
    before = frame_size // 2 if padding == "center" else 0
    if padding == "same":
        n_frames = -(-n_samples // hop)
    else:
        n_frames = 1 + (n_samples + 2 * before - frame_size) // hop
    padded = xp.concatenate([np.zeros(before), audio, np.zeros(frame_size)])
    frames = padded[hop * np.arange(n_frames)[:, None] + np.arange(frame_size)]
    power = xp.mean(frames**2, axis=-1)
    return xp.where(power > 0, xp.sqrt(xp.where(power > 0, power, 1.0)), 0.0)


def vjp(audio, *, sample_rate=16000, frame_rate=250, frame_size=512, padding="center"):
    hop = hop_size(sample_rate, frame_rate)
    n_frames, start = framing(audio.shape[1], frame_size, hop, padding)
    rms = np.sqrt(mean_power(audio, frame_size, hop, start, n_frames))

    def pullback(y_bar):
        power_bar = np.divide(y_bar, 2 * rms, out=np.zeros(rms.shape), where=rms > 0)
        return (mean_power_vjp(audio, frame_size, hop, start, power_bar),)

    return rms.astype(audio.dtype), pullback


def check(dims, *, sample_rate=16000, frame_rate=250, frame_size=512, padding="center"):
    require(
        0 < frame_size < 1 << 31,
        f"frame_size is {frame_size}, must be a positive whole number below {1 << 31}, e.g. 512",
    )
    check_rates(sample_rate, frame_rate)
    check_framing(dims["n_samples"], frame_size, hop_size(sample_rate, frame_rate), padding)


def cases():
    noise = np.random.default_rng(0).standard_normal(45)
    gap = np.concatenate([noise[:9], np.zeros(20), noise[:5]])
    small = {"sample_rate": 16, "frame_rate": 4, "frame_size": 8}
    return [
        # (9 + 16) / 2 and (0 + 4) / 2
        Case(
            "by hand",
            [np.array([3.0, 4.0, 0.0, 2.0])],
            {"sample_rate": 8, "frame_rate": 4, "frame_size": 2, "padding": "valid"},
            np.array([math.sqrt(12.5), math.sqrt(2.0)]),
        ),
        # frames (0, 3), (4, 0) and (2, 0), each with its middle at samples 0, 2, 4
        Case(
            "by hand, centred",
            [np.array([3.0, 4.0, 0.0, 2.0])],
            {"sample_rate": 8, "frame_rate": 4, "frame_size": 2},
            np.array([math.sqrt(4.5), math.sqrt(8.0), math.sqrt(2.0)]),
        ),
        Case("typical", [noise], small),
        Case("same", [noise], small | {"padding": "same"}),
        Case("valid", [noise], small | {"padding": "valid"}),
        Case("odd frame", [noise.reshape(3, 15)], small | {"frame_size": 5}),
        Case("hop beyond frame", [noise], small | {"frame_size": 3, "padding": "valid"}),
        Case("one sample", [np.array([0.5])], small, np.array([0.5 / math.sqrt(8.0)])),
        Case("silence between", [gap], small, grad=False),
        Case("rates", [noise], {"sample_rate": 44100}, error="44100; frame_rate=252 .* 44000 Hz"),
        Case("negative rate", [noise], {"frame_rate": -1}, error="frame_rate is -1, must be pos"),
        Case("frame rate", [noise], {"sample_rate": 100}, error="frame_rate is 250, must be at m"),
        Case("frame size", [noise], small | {"frame_size": 2}, error="size is 2, must be at least"),
        Case("no frame", [noise], small | {"frame_size": 0}, error="frame_size is 0, must be a p"),
        Case("padding", [noise], {"padding": "full"}, error="padding is 'full', must be 'center'"),
        Case("too short", [noise], {"padding": "valid"}, error="n_samples is 45, must be at least"),
    ]


compute_rms_energy = Op(
    "compute_rms_energy",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples)->(n_frames)",
    source="magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_rms_energy",
)
