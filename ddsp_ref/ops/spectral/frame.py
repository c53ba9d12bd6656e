"""A signal cut in frames."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ddsp_ref.errors import require
from ddsp_ref.jit import run_parts
from ddsp_ref.op import Case, Op

from ._frames import add_frames, check_cut


def define(audio, *, frame_size, hop_size, pad_end=False, pad_value=0.0, xp=np):
    """Cut a signal in frames that may overlap.

    ``y[m, n] = audio[m hop_size + n]`` for n < frame_size

    Parameters
    ----------
    audio : array, shape (..., n_samples)
        Signal.
    frame_size : int
        Samples in a frame.
    hop_size : int
        Samples from one frame to the next; more than frame_size leaves samples out.
    pad_end : bool
        If True, as many frames as begin within the signal, ceil(n_samples / hop_size); if False,
        only those that lie within it, (n_samples - frame_size) // hop_size + 1.
    pad_value : float
        Value of the samples after the end of the signal.

    Returns
    -------
    array, shape (..., n_frames, frame_size)
        Frames.

    Raises
    ------
    ParameterError
        If a size is no whole number of at least 1, or no frame lies within the signal.

    Notes
    -----
    Gradient: of each sample, the sum of the cotangents of all frames that it lies in.
    Precision: exact.
    Source: TensorFlow 2.15, tf.signal.frame, as magenta/ddsp 3.7.0 uses it in
    ddsp/spectral_ops.py.
    Differences: the original returns no frames where none lies within the signal. Time is the
    last axis.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.frame(np.arange(5.0), frame_size=3, hop_size=2, pad_end=True)
    array([[0., 1., 2.],
           [2., 3., 4.],
           [4., 0., 0.]])
    """
    n_samples = audio.shape[-1]
    n_frames = -(-n_samples // hop_size) if pad_end else 1 + (n_samples - frame_size) // hop_size
    place = hop_size * np.arange(n_frames)[:, None] + np.arange(frame_size)
    return xp.concatenate([audio, np.full(frame_size, pad_value)])[place]


def vjp(audio, *, frame_size, hop_size, pad_end=False, pad_value=0.0):
    n_batch, n_samples = audio.shape
    n_frames = -(-n_samples // hop_size) if pad_end else 1 + (n_samples - frame_size) // hop_size
    beyond = max((n_frames - 1) * hop_size + frame_size - n_samples, 0)
    whole = np.pad(audio, ((0, 0), (0, beyond)), constant_values=pad_value)
    y = sliding_window_view(whole, frame_size, axis=1)[:, ::hop_size][:, :n_frames].copy()

    def pullback(y_bar):
        audio_bar, ones = np.zeros(audio.shape, audio.dtype), np.ones(frame_size, audio.dtype)

        def part(b):
            add_frames(y_bar[b], ones, 0, hop_size, audio_bar[b])

        run_parts(part, [(b,) for b in range(n_batch)])
        return (audio_bar,)

    return y, pullback


def check(dims, *, frame_size, hop_size, pad_end=False, pad_value=0.0):
    n_samples = dims["n_samples"]
    # frames that are as long as the hop at least are a matter of padding, not of cutting
    check_cut(n_samples, frame_size, hop_size, "valid" if not pad_end else "any")
    require(np.isfinite(pad_value), f"pad_value is {pad_value}, must be finite, e.g. 0")


def cases():
    ramp, noise = np.arange(1.0, 8.0), np.random.default_rng(0).standard_normal((2, 23))
    small = {"frame_size": 3, "hop_size": 2}
    return [
        Case("by hand", [ramp], small, np.array([[1.0, 2, 3], [3, 4, 5], [5, 6, 7]])),
        Case("by hand, padded", [ramp[:6]], {"frame_size": 4, "hop_size": 4, "pad_end": True},
             np.array([[1.0, 2, 3, 4], [5, 6, 0, 0]])),
        Case("by hand, value", [ramp[:2]], small | {"pad_end": True, "pad_value": -9.0},
             np.array([[1.0, 2, -9]])),
        Case("typical", [noise], {"frame_size": 8, "hop_size": 2}),
        Case("end", [noise], {"frame_size": 8, "hop_size": 3, "pad_end": True}),
        Case("hop beyond frame", [noise], {"frame_size": 3, "hop_size": 5}),
        Case("hop beyond frame, end", [noise], {"frame_size": 3, "hop_size": 11, "pad_end": True}),
        Case("hop divides", [noise[:, :20]], {"frame_size": 5, "hop_size": 5, "pad_end": True},
             noise[:, :20].reshape(2, 4, 5)),
        Case("one frame", [noise], {"frame_size": 23, "hop_size": 1}, noise[:, None]),
        Case("frame beyond audio", [ramp[:2]], {"frame_size": 4, "hop_size": 1, "pad_end": True},
             np.array([[1.0, 2, 0, 0], [2, 0, 0, 0]])),
        Case("no frame", [ramp], {"frame_size": 8, "hop_size": 1}, error="n_samples is 7, must be"),
        Case("no size", [ramp], {"frame_size": 0, "hop_size": 1}, error="frame_size is 0, must be"),
        Case("half a size", [ramp], {"frame_size": 1.5, "hop_size": 1}, error="size is 1.5, must"),
        Case("no hop", [ramp], {"frame_size": 2, "hop_size": 0}, error="hop_size is 0, must be a"),
    ]  # fmt: skip


frame = Op(
    "frame",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_samples)->(n_frames,frame_size)",
    source="TensorFlow 2.15, tf.signal.frame",
)
