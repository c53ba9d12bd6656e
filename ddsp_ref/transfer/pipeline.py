"""The pipeline: features, adjustment, rendering, and what there is to say about it."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ddsp_ref.errors import ParameterError
from ddsp_ref.io.resampling import check_sample_rate
from ddsp_ref.models.features import F0_RANGE_HZ
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.transfer.adjust import Adjusted
from ddsp_ref.transfer.adjust import adjust as adjust_features
from ddsp_ref.transfer.clock import Clock, Progress
from ddsp_ref.transfer.controls import Controls
from ddsp_ref.transfer.describe import describe, report
from ddsp_ref.transfer.features import Heard, listen
from ddsp_ref.transfer.instruments import find_instrument
from ddsp_ref.transfer.render import render


@dataclass(frozen=True, eq=False)
class Transfer:
    """What came out of a timbre transfer.

    Attributes
    ----------
    audio : ndarray, shape (n_samples,), float32
        The sound, finite, at most 1 in size, exactly as long as the recording.
    sample_rate : int
        Samples per second of `audio`.
    instrument : str
        Name of what plays.
    input : Heard
        The recording at the sample rate of the instrument, and its features.
    adjusted : Adjusted
        The pitch and the loudness that the instrument played.
    controls : Controls
        What was asked for.
    gain_db : float
        0, or how much the sound was scaled down so that it is not clipped.
    timings : dict of str to float
        Seconds that every stage took.
    """

    audio: np.ndarray
    sample_rate: int
    instrument: str
    input: Heard
    adjusted: Adjusted
    controls: Controls
    gain_db: float
    timings: dict[str, float]

    @property
    def seconds(self) -> float:
        """Duration of the sound."""
        return len(self.audio) / self.sample_rate

    @property
    def real_time_factor(self) -> float:
        """Time it took, as a share of the duration."""
        return sum(self.timings.values()) / self.seconds

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a user should know about recording and adjustment, a sentence each."""
        return self.input.remarks + self.adjusted.remarks

    def summary(self) -> str:
        """Return a few lines of text: duration, pitch range, shifts, times."""
        return describe(self)

    def report(self) -> dict[str, Any]:
        """Return the same and more as plain JSON."""
        return report(self)


def timbre_transfer(
    audio: np.ndarray,
    sample_rate: int,
    instrument: str | os.PathLike[str] | Instrument = "violin",
    controls: Controls | None = None,
    *,
    f0_tracker: str = "pyin",
    f0_range_hz: tuple[float, float] = F0_RANGE_HZ,
    normalize: bool = False,
    output_sample_rate: int | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Transfer:
    """Play a recording of one voice or instrument on another instrument.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,) or (n_channels, n_samples)
        The recording, full scale 1, at least 0.1 s; channels are averaged.
    sample_rate : int
        Samples per second, 4000 to 384000.
    instrument : str, PathLike or Instrument
        The name of one that ships with the package, or the folder or zip of another.
    controls : Controls, optional
        How to play; all at their defaults if not given.
    f0_tracker : {"pyin", "crepe-tiny", "crepe", "pesto"}
        Who finds the pitch, see `listen`.
    f0_range_hz : (float, float)
        Lowest and highest pitch to look for, see `listen`.
    normalize : bool
        Whether the recording is first scaled to a peak of 1.
    output_sample_rate : int, optional
        Samples per second of the result; those of the recording if not given.
    progress : function, optional
        Called with the name of every stage when it begins: "resample", "pitch", "loudness",
        "adjust", "render".
    **settings
        Single controls instead of `controls`: ``pitch_shift=-1, autotune=0.5``; see `Controls`.

    Returns
    -------
    Transfer
        The sound, the features before and after, times, and a summary.

    Raises
    ------
    NoPitchError
        If the recording is silent, or has no pitch that could be followed.
    InstrumentError
        If the instrument is not known (the message names those that are) or damaged.
    ParameterError
        If the audio is not finite, not audio, too short, or a setting is out of its range.

    Notes
    -----
    The sound is scaled down, as a whole, only if it would exceed 1; `gain_db` says by how much.
    Memory grows with the length of the recording, about 1 MB per second at 16 kHz.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> hum = 0.3 * np.sin(2 * np.pi * 330 / 16000 * np.arange(16000))
    >>> transfer = ddsp_ref.timbre_transfer(hum, 16000, "violin")  # doctest: +SKIP
    >>> transfer.audio.shape  # doctest: +SKIP
    (16000,)
    """
    controls = _controls(controls, settings)
    rate_out = sample_rate if output_sample_rate is None else output_sample_rate
    check_sample_rate("timbre_transfer", rate_out)
    clock = Clock(progress)
    player = find_instrument(instrument)
    heard = listen(
        audio,
        sample_rate,
        player,
        f0_tracker=f0_tracker,
        f0_range_hz=f0_range_hz,
        normalize=normalize,
        progress=progress,
    )
    with clock("adjust"):
        played = adjust_features(heard, player, controls)
    with clock("render"):
        rendered = render(
            played,
            player,
            n_samples=round(np.shape(audio)[-1] * rate_out / sample_rate),
            reverb=controls.reverb,
            seed=controls.seed,
            output_sample_rate=rate_out,
            audio=heard.audio,
        )
    return Transfer(
        audio=rendered.audio,
        sample_rate=rate_out,
        instrument=player.name,
        input=heard,
        adjusted=played,
        controls=controls,
        gain_db=rendered.gain_db,
        timings={**heard.timings, **clock.times},
    )


def _controls(controls: Controls | None, settings: dict[str, Any]) -> Controls:
    known = [field.name for field in fields(Controls)]
    for name in settings:
        if name not in known:
            raise ParameterError(
                f"timbre_transfer: there is no control {name!r}, there are {', '.join(known)}"
            )
    return replace(controls or Controls(), **settings)
