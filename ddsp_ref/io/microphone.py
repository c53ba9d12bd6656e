"""Recording, playing and both at once; the only file that imports sounddevice."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np

from ddsp_ref.errors import MicrophoneError, MissingExtraError, require

RATE = 44100
SHORTEST, LONGEST = 1.0, 20.0  # seconds
Kind = Literal["input", "output", "both"]
_USES = {
    "input": "recorded: {}; is there a microphone",
    "output": "played: {}; is there a loudspeaker",
    "both": "heard and played: {}; are there a microphone and a loudspeaker",
}


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
    with _device("input") as device:
        sound = device.rec(
            round(seconds * sample_rate), sample_rate, channels=1, dtype="float32", blocking=True
        )
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
    with _device("output") as device:
        device.play(audio, sample_rate, blocking=True)


def check_device(kind: Kind) -> None:
    """Tell early, before any work is done, that there is nothing to record with or to play on.

    Parameters
    ----------
    kind : {"input", "output"}
        The default microphone, or the default loudspeaker.

    Raises
    ------
    MissingExtraError
        If sounddevice is not installed, or the library PortAudio that it needs.
    MicrophoneError
        If there is no such device.
    """
    with _device(kind) as device:
        device.query_devices(kind=kind)


Device = int | str | None  # its number, a part of its name, or the default one


def list_devices() -> str:
    """Return a table of the devices that there are, a line each with its number and name.

    Raises
    ------
    MissingExtraError
        If sounddevice is not installed, or the library PortAudio that it needs.
    """
    return str(_load().query_devices()) or "there are none"


def choose_rate(wanted: int, devices: tuple[Device, Device] = (None, None)) -> int:
    """Return a sample rate that microphone and loudspeaker have: the wanted one if they do.

    Parameters
    ----------
    wanted : int
        Samples per second that would be liked.
    devices : (int, str or None, int, str or None)
        Microphone and loudspeaker: a number, a part of a name, or None for the default.

    Returns
    -------
    int
        Samples per second.

    Raises
    ------
    MissingExtraError
        If sounddevice is not installed, or the library PortAudio that it needs.
    MicrophoneError
        If a device is not there.
    """
    source, target = devices
    with _device("input") as card:
        heard = round(card.query_devices(source, "input")["default_samplerate"])
    with _device("output") as card:
        played = round(card.query_devices(target, "output")["default_samplerate"])
    for rate in (wanted, heard, played, 48000, 44100):
        with contextlib.suppress(card.PortAudioError, ValueError):
            settings = {"channels": 1, "dtype": "float32", "samplerate": rate}
            card.check_input_settings(source, **settings)
            card.check_output_settings(target, **settings)
            return rate
    raise MicrophoneError(
        f"microphone and loudspeaker have no sample rate in common: the usual ones are {heard} and "
        f"{played}; choose other devices"
    )


def play_through(
    process: Callable[[np.ndarray], np.ndarray],
    sample_rate: int,
    n_block: int,
    *,
    devices: tuple[Device, Device] = (None, None),
    seconds: float | None = None,
) -> tuple[int, float]:
    """Send what the microphone hears through a function to the loudspeaker.

    Parameters
    ----------
    process : function
        Takes and returns a block, shape (n_block,), float32. It has to be done within the time
        that a block lasts.
    sample_rate : int
        Samples per second, see `choose_rate`.
    n_block : int
        Samples per block.
    devices : (int, str or None, int, str or None)
        Microphone and loudspeaker: a number, a part of a name, or None for the default.
    seconds : float, optional
        When to stop; at Ctrl-C if not given, or earlier.

    Returns
    -------
    int, float
        How many blocks came too late, and the seconds of delay that the devices add.

    Raises
    ------
    MissingExtraError
        If sounddevice is not installed, or the library PortAudio that it needs.
    MicrophoneError
        If a device is not there, or it cannot be used.
    """
    over = threading.Event()
    failed: list[BaseException] = []
    n_late = 0

    def callback(heard: np.ndarray, played: np.ndarray, n: int, time: object, status: Any) -> None:
        nonlocal n_late
        try:
            n_late += bool(status.input_overflow or status.output_underflow)
            played[:, 0] = process(heard[:, 0].copy())
        except BaseException as error:  # it would end in a thread of the sound card
            failed.append(error)
            played[:] = 0
            over.set()

    until = math.inf if seconds is None else time.monotonic() + seconds
    with (
        _device("both") as card,
        card.Stream(
            samplerate=sample_rate, blocksize=n_block, device=devices, channels=1, dtype="float32",
            latency="low", callback=callback, finished_callback=over.set,
        ) as stream,
    ):  # fmt: skip
        delay = float(sum(stream.latency))
        with contextlib.suppress(KeyboardInterrupt):  # how one stops playing
            # in slices: on Windows nothing interrupts a longer wait
            while time.monotonic() < until and not over.wait(min(0.2, until - time.monotonic())):
                pass
        stopped = over.is_set()
    if failed:
        raise failed[0]
    if stopped:
        raise MicrophoneError("the sound card has stopped; is everything still plugged in?")
    return n_late, delay


def check_seconds(seconds: float) -> None:
    """Raise `ParameterError` unless a recording may be that long."""
    require(
        SHORTEST <= seconds <= LONGEST,
        f"record: seconds is {seconds:g}, must be from {SHORTEST:g} to {LONGEST:g}",
    )


@contextlib.contextmanager
def _device(kind: Kind) -> Iterator[Any]:
    """Give what records and plays; say in one sentence what it does not like."""
    device = _load()
    try:
        yield device
    except (device.PortAudioError, ValueError) as error:
        raise MicrophoneError(f"nothing can be {_USES[kind].format(error)}?") from None


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
