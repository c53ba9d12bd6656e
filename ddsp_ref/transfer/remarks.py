"""What a user should know about a recording before wondering how it sounds."""

from __future__ import annotations

import numpy as np

from ddsp_ref.analysis.runs import runs
from ddsp_ref.models.features import Features

# So many equal samples in a row at the peak are no wave: a sine of 50 Hz and 16 bits at 44.1 kHz
# stays there for three.
_FLAT, _LEAST_PEAK, _MUCH = 6, 0.5, 0.001
# Median confidence of pYIN in frames up to 20 dB below the loud ones. One voice or instrument: 0.28
# to 0.98 in nine recordings; speech: 0.15 and 0.24; two of these at once: from 0.07.
_LOUD_DB, _UNSURE = 20.0, 0.25


def remark_on_sound(audio: np.ndarray) -> tuple[str, ...]:
    """Tell whether a recording is clipped.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,)
        At its original sample rate.

    Returns
    -------
    tuple of str
        A sentence, or nothing.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 110 / 16000 * np.arange(16000))
    >>> remark_on_sound(tone), len(remark_on_sound(np.clip(3 * tone, -1, 1)))
    ((), 1)
    """
    peak = max(float(audio.max()), -float(audio.min()))
    if peak < _LEAST_PEAK:
        return ()
    flat = sum(stop - start for sign in (1, -1) for start, stop in runs(sign * audio >= peak)
               if stop - start >= _FLAT)  # fmt: skip
    share = flat / len(audio)
    if share < _MUCH:
        return ()
    return (
        f"the recording is clipped, {share:.1%} of its samples are cut off: its loudness is too "
        "even, and its pitch may be an octave off",
    )


def remark_on_pitch(heard: Features) -> tuple[str, ...]:
    """Tell whether a recording is hard to follow for pYIN.

    Parameters
    ----------
    heard : Features
        With the confidence of pYIN.

    Returns
    -------
    tuple of str
        A sentence, or nothing.

    Examples
    --------
    >>> frames = np.ones(100)
    >>> remark_on_pitch(Features(440 * frames, 0.9 * frames, frames > 0, -20 * frames))
    ()
    """
    loud = heard.loudness_db > np.quantile(heard.loudness_db, 0.95) - _LOUD_DB
    confidence = float(np.median(heard.f0_confidence[loud]))
    if confidence >= _UNSURE:
        return ()
    return (
        f"the pitch is hard to follow, its confidence is {confidence:.2f} where it is loud: what "
        "works best is one voice or instrument at a time, singing or playing, without a room",
    )
