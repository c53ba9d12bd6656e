"""Recording from the microphone and playing; the only file that imports sounddevice."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddsp_ref.errors import MicrophoneError, MissingExtraError, require

RATE = 44100
SHORTEST, LONGEST = 1.0, 20.0  # seconds


def record(seconds: float, sample_rate: int = RATE) -> np.ndarray:
    """Record from the default microphone; returns when it is over.

    Parameters
    ----------
    seconds : float
        1 to 20.
    sample_rate : int
        Samples per second.

    Returns
    -------
    ndarray, shape (n_samples,), float32
        The recording.

    Raises
    ------
    MissingExtraError
        If sounddevice is not installed, or the library PortAudio that it needs.
    MicrophoneError
        If there is no microphone, or it cannot be used.
    """
    check_seconds(seconds)
    device = _load()
    try:
        sound = device.rec(
            round(seconds * sample_rate), sample_rate, channels=1, dtype="float32", blocking=True
        )
    except (device.PortAudioError, ValueError) as error:
        raise MicrophoneError(f"nothing can be recorded: {error}; is there a microphone?") from None
    return np.ascontiguousarray(sound[:, 0])


def play(audio: np.ndarray, sample_rate: int) -> None:
    """Play a sound on the default output; returns when it is over.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,)
        The sound.
    sample_rate : int
        Samples per second.

    Raises
    ------
    MissingExtraError
        If sounddevice is not installed, or the library PortAudio that it needs.
    MicrophoneError
        If there is no loudspeaker, or it cannot be used.
    """
    device = _load()
    try:
        device.play(audio, sample_rate, blocking=True)
    except (device.PortAudioError, ValueError) as error:
        raise MicrophoneError(f"nothing can be played: {error}; is there a loudspeaker?") from None


def check_seconds(seconds: float) -> None:
    """Raise `ParameterError` unless a recording may be that long."""
    require(
        SHORTEST <= seconds <= LONGEST,
        f"record: seconds is {seconds:g}, must be from {SHORTEST:g} to {LONGEST:g}",
    )


def _load() -> Any:
    try:
        import sounddevice
    except ImportError:
        raise MissingExtraError(
            "recording and playing need sounddevice, which is not installed: "
            'pip install "ddsp_ref[record]"'
        ) from None
    except OSError as error:  # its library is a package of the system
        raise MissingExtraError(
            f"recording and playing need PortAudio, which is not there ({error}); on Debian and "
            "Ubuntu: sudo apt install libportaudio2"
        ) from None
    return sounddevice
