"""Power of the frames of a signal in dB."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op

from ._frames import check_framing, check_rates, framing, hop_size
from ._power import check_range, decibels, mean_power, mean_power_vjp


def define(
    audio,
    *,
    sample_rate=16000,
    frame_rate=250,
    frame_size=512,
    range_db=80.0,
    ref_db=0.0,
    padding="center",
    xp=np,
):
    """Measure the power of overlapping frames in dB.

    ``y[m] = max(10 log10(max(p[m], 10^(-range_db / 10))) - ref_db, -range_db)``, where p[m] is
    the mean square of frame m, see `compute_rms_energy`.

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
    range_db : float
        Dynamic range in dB, positive: nothing is lower than -range_db.
    ref_db : float
        Power that is called 0 dB, itself in dB.
    padding : {"center", "same", "valid"}
        "center": frame m has its middle at sample m * hop, n_samples // hop + 1 frames if
        frame_size is even. "same": it begins there, ceil(n_samples / hop) frames. "valid":
        only frames that lie within the signal, (n_samples - frame_size) // hop + 1.

    Returns
    -------
    array, shape (..., n_frames)
        Power in dB.

    Raises
    ------
    ParameterError
        If the rates do not divide, the frames leave samples out or do not fit, or the range is
        not positive.

    Notes
    -----
    Gradient: ``20 / ln(10) audio / (frame_size p)`` of every frame that a sample lies in; 0
    for frames at the floor.
    Precision: squares, sums and logarithm are float64.
    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_power.
    Differences: on silence the gradient of the original is not a number. As there, the power
    is clamped before the reference is taken off and the level after: a negative `ref_db` lifts
    the floor to -range_db - ref_db, a positive one does not lower it.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.compute_power(np.full(1024, 0.1), padding="valid")[:3]
    array([-20., -20., -20.])
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
    power = xp.maximum(xp.mean(frames**2, axis=-1), 10.0 ** (-range_db / 10.0))
    return xp.maximum(10.0 * xp.log10(power) - ref_db, -range_db)


def vjp(
    audio,
    *,
    sample_rate=16000,
    frame_rate=250,
    frame_size=512,
    range_db=80.0,
    ref_db=0.0,
    padding="center",
):
    hop = hop_size(sample_rate, frame_rate)
    n_frames, start = framing(audio.shape[1], frame_size, hop, padding)
    power = mean_power(audio, frame_size, hop, start, n_frames)
    level, slope = decibels(power, range_db, ref_db)

    def pullback(y_bar):
        return (mean_power_vjp(audio, frame_size, hop, start, y_bar * slope),)

    return level.astype(audio.dtype), pullback


def check(
    dims,
    *,
    sample_rate=16000,
    frame_rate=250,
    frame_size=512,
    range_db=80.0,
    ref_db=0.0,
    padding="center",
):
    require(
        0 < frame_size < 1 << 31,
        f"frame_size is {frame_size}, must be a positive whole number below {1 << 31}, e.g. 512",
    )
    check_range(range_db, ref_db)
    check_rates(sample_rate, frame_rate)
    check_framing(dims["n_samples"], frame_size, hop_size(sample_rate, frame_rate), padding)


def cases():
    noise = np.random.default_rng(0).standard_normal(45)
    gap = np.concatenate([noise[:9], np.zeros(20), 1e-6 * noise[:5]])
    small = {"sample_rate": 16, "frame_rate": 4, "frame_size": 8}
    pair = {"sample_rate": 8, "frame_rate": 4, "frame_size": 2, "padding": "valid"}
    levels = np.array([10.0, 10.0, 0.1, 0.1, 1e-7, 1e-7])
    return [
        # the third is below the floor
        Case("by hand", [levels], pair, np.array([20.0, -20.0, -80.0])),
        # 20 - 3, -20 - 3; the third is clamped to -40 before 3 is taken off, to -40 after
        Case(
            "by hand, reference",
            [levels],
            pair | {"range_db": 40.0, "ref_db": 3.0},
            np.array([17.0, -23.0, -40.0]),
        ),
        # a negative reference lifts the floor: -40 + 30
        Case(
            "by hand, negative reference",
            [levels],
            pair | {"range_db": 40.0, "ref_db": -30.0},
            np.array([50.0, 10.0, -10.0]),
        ),
        Case("typical", [noise], small),
        Case("same", [noise], small | {"padding": "same"}),
        Case("valid", [noise.reshape(3, 15)], small | {"padding": "valid"}),
        Case("one sample", [np.array([0.5])], small, np.array([10 * math.log10(0.25 / 8)])),
        Case("silence between", [gap], small),
        Case("range", [noise], {"range_db": 0.0}, error="range_db is 0.0, must be positive"),
        Case("reference", [noise], {"ref_db": math.inf}, error="ref_db is inf, must be finite"),
        Case("rates", [noise], {"sample_rate": 22050}, error="22050; frame_rate=245 .* 22000 Hz"),
        Case("frame size", [noise], small | {"frame_size": 2}, error="size is 2, must be at least"),
        Case("no frame", [noise], small | {"frame_size": 0}, error="frame_size is 0, must be a p"),
    ]


compute_power = Op(
    "compute_power",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples)->(n_frames)",
    source="magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_power",
)
