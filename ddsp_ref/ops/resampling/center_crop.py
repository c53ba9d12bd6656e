"""Audio without the padding that centres frames."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(audio, *, frame_size, xp=np):
    """Take off half a frame at both ends, the padding that centres frames.

    ``y[t] = audio[t + frame_size // 2]``, of length ``n_samples - 2 * (frame_size // 2)``

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Audio with padding.
    frame_size : int
        Length of a frame, at least 1; less than n_samples if it is odd, or even.

    Returns
    -------
    array, shape (..., n_samples - 2 * (frame_size // 2))
        Audio without padding.

    Raises
    ------
    ParameterError
        If frame_size is no whole number of at least 1, or nothing would be left.

    Notes
    -----
    Gradient: the cotangent with zeros at both ends.
    Precision: exact.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, center_crop.
    Differences: a frame of one sample has no padding and leaves the audio as it is; magenta returns
    an empty array, as it does where nothing is left. Time is the last axis.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.center_crop(np.arange(8.0), frame_size=5)
    array([2., 3., 4., 5.])
    """
    n_samples, padding = audio.shape[0], frame_size // 2
    return audio[padding : n_samples - padding]


def vjp(audio, *, frame_size):
    cut = slice(frame_size // 2, audio.shape[1] - frame_size // 2)

    def pullback(y_bar):
        audio_bar = np.zeros_like(audio)
        audio_bar[:, cut] = y_bar
        return (audio_bar,)

    return audio[:, cut].copy(), pullback


def check(dims, *, frame_size):
    require(
        frame_size >= 1,
        f"frame_size is {frame_size}, must be a whole number of at least 1, e.g. 1024",
    )
    n_samples = dims["n_samples"]
    largest = 2 * ((n_samples - 1) // 2) + 1
    require(
        frame_size <= largest,
        f"frame_size is {frame_size}, must be at most {largest} to leave any of "
        f"n_samples={n_samples}",
    )


def cases():
    count = np.arange(8.0)
    rows = np.sin(np.arange(24.0)).reshape(2, 12)
    return [
        Case("by hand", [count], {"frame_size": 4}, count[2:6]),
        Case("by hand, odd", [count], {"frame_size": 7}, np.array([3.0, 4.0])),
        Case("typical", [rows], {"frame_size": 6}, rows[:, 3:9]),
        Case("frame of one", [rows], {"frame_size": 1}, rows),
        Case("one sample left", [count[:7]], {"frame_size": 6}, np.array([3.0])),
        Case(
            "nothing left", [count], {"frame_size": 8}, error="frame_size is 8, must be at most 7"
        ),
        Case("no frame", [count], {"frame_size": 0}, error="frame_size is 0, must be a whole num"),
        Case("half", [count], {"frame_size": 2.5}, error="frame_size is 2.5, must be a whole num"),
    ]


center_crop = Op(
    "center_crop",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples)->(n_out)",
    source="magenta/ddsp 3.7.0, ddsp/core.py, center_crop",
)
