"""What a user can set about a transfer, with ranges: the same for library, commands and page."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ddsp_ref.errors import require

TUNINGS = ("key", "chromatic")

# Lowest and highest value of every control that is a number.
RANGES = {
    "threshold": (0.0, 2.0),
    "quiet": (0.0, 60.0),
    "autotune": (0.0, 1.0),
    "pitch_shift": (-8.0, 8.0),
    "loudness_shift": (-120.0, 120.0),
    "reverb": (0.0, 4.0),
}
_UNITS = {"quiet": " dB", "pitch_shift": " octaves", "loudness_shift": " dB"}


@dataclass(frozen=True)
class Controls:
    """The controls of a transfer.

    Attributes
    ----------
    adjust : bool
        The automatic adjustment: whether the melody is moved by octaves into the range of the
        instrument, its loudness fitted to the instrument's, what is no note turned down, and the
        pitch tuned by `autotune`.
    threshold : float
        A frame is a note if its likelihood is at least this, 0 to 2; at 0 everything is a note.
    quiet : float
        Decibels, 0 to 60, by which a frame is turned down that is certainly no note; others in
        proportion to how far their likelihood is below the threshold.
    autotune : float
        How far the pitch is drawn to the nearest note of the scale: 0 not at all, 1 all the way.
    tuning : {"key", "chromatic"}
        The scale: the major one that fits the melody best, or all twelve notes.
    pitch_shift : float
        Octaves to go up after that, -8 to 8; 7 / 12 is a fifth.
    loudness_shift : float
        Decibels to add to the loudness that the instrument is told, -120 to 120. This is playing
        louder, not turning up: the timbre changes as well.
    reverb : float
        How much of the room that the instrument was recorded in to hear, 0 to 4; 1 is as learned.
    seed : int
        Of the noise in the sound, at least 0.

    Raises
    ------
    ParameterError
        If a value is out of its range.

    Examples
    --------
    >>> Controls(quiet=30.0).threshold
    1.0
    >>> Controls(autotune=2.0)
    Traceback (most recent call last):
    ...
    ddsp_ref.errors.ParameterError: autotune is 2.0, must be from 0 to 1
    """

    adjust: bool = True
    threshold: float = 1.0
    quiet: float = 20.0
    autotune: float = 0.0
    tuning: str = "key"
    pitch_shift: float = 0.0
    loudness_shift: float = 0.0
    reverb: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value, unit = getattr(self, name), _UNITS.get(name, "")
            require(
                _is_number(value) and low <= value <= high,
                f"{name} is {value}{unit}, must be from {low:g} to {high:g}",
            )
        require(
            self.tuning in TUNINGS,
            f"tuning is {self.tuning!r}, must be {' or '.join(map(repr, TUNINGS))}",
        )
        require(
            _is_number(self.seed) and self.seed >= 0 and self.seed == int(self.seed),
            f"seed is {self.seed}, must be a whole number of at least 0",
        )


def _is_number(value: object) -> bool:
    try:
        return not isinstance(value, (bool, str)) and math.isfinite(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
