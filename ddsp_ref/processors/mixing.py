"""Mixing of two signals, and cutting off padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.ops.layers.sigmoid import sigmoid
from ddsp_ref.ops.resampling.center_crop import center_crop
from ddsp_ref.ops.resampling.resample_linear import resample_linear
from ddsp_ref.ops.scaling.crossfade import crossfade
from ddsp_ref.processors.processor import Processor


@dataclass(frozen=True)
class Mix(Processor):
    """Crossfade between two signals by a level that changes from frame to frame.

    Inputs: signal_one and signal_two (..., n_samples), and the level (..., n_frames) as a network
    gives it. Controls: the signals, and mix_level (..., n_samples) between 0 and 1.

    Parameters
    ----------
    law : {"original", "constant_power"}
        See `crossfade`: what the original calls constant power is not.
    name : str
        Name in a graph.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/processors.py, Mix.

    Examples
    --------
    >>> import numpy as np
    >>> Mix(law="constant_power")(np.ones(4), np.zeros(4), np.zeros(2)).round(4)
    array([0.7071, 0.7071, 0.7071, 0.7071])
    """

    law: str = "original"
    name: str = "mix"
    controls: ClassVar[tuple[str, ...]] = ("signal_one", "signal_two", "mix_level")

    def controls_vjp(self, signal_one, signal_two, nn_out_mix_level):
        n_one, n_two = np.shape(signal_one)[-1], np.shape(signal_two)[-1]
        require(
            n_one == n_two,
            f"Mix: signal_one has {n_one} samples and signal_two {n_two}, must be equal",
        )
        level, pull_level = sigmoid.vjp(nn_out_mix_level)
        resampled, pull_resampled = resample_linear.vjp(level[..., None], n_samples=n_one)

        def pullback(one_bar, two_bar, level_bar):
            (frames_bar,) = pull_resampled(level_bar[..., None])
            return one_bar, two_bar, *pull_level(frames_bar[..., 0])

        return (signal_one, signal_two, resampled[..., 0]), pullback

    def signal_vjp(self, signal_one, signal_two, mix_level):
        return crossfade.vjp(signal_one, signal_two, mix_level, law=self.law)


@dataclass(frozen=True)
class Crop(Processor):
    """Audio without the padding of one frame.

    Input and control: audio (..., n_samples).

    Parameters
    ----------
    frame_size : int
        How many samples are cut off; in the center it is two times half of that.
    crop_location : {"back", "front", "center"}
        Where they are cut off: at the end, at the start, or half of them at each.
    name : str
        Name in a graph.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/processors.py, Crop.

    Examples
    --------
    >>> import numpy as np
    >>> Crop(frame_size=2, crop_location="center")(np.arange(6.0))
    array([1., 2., 3., 4.])
    """

    frame_size: int
    crop_location: str = "back"
    name: str = "crop"
    controls: ClassVar[tuple[str, ...]] = ("audio",)

    def __post_init__(self):
        require(
            self.crop_location in ("back", "front", "center"),
            f"Crop: crop_location is {self.crop_location!r}, must be 'back', 'front' or 'center'",
        )
        require(
            isinstance(self.frame_size, (int, np.integer)) and self.frame_size >= 1,
            f"Crop: frame_size is {self.frame_size!r}, must be a whole number of at least 1",
        )

    def signal_vjp(self, audio):
        if self.crop_location == "center":
            return center_crop.vjp(audio, frame_size=self.frame_size)
        audio = np.asarray(audio)
        n_samples = audio.shape[-1]
        require(
            self.frame_size < n_samples,
            f"Crop: frame_size is {self.frame_size}, must be less than the {n_samples} samples "
            "of audio",
        )
        start = self.frame_size if self.crop_location == "front" else 0
        cut = slice(start, start + n_samples - self.frame_size)

        def pullback(signal_bar):
            audio_bar = np.zeros_like(audio)
            audio_bar[..., cut] = signal_bar
            return (audio_bar,)

        return audio[..., cut], pullback
