"""Arguments that several commands have in common, and what they mean."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ddsp_ref.transfer.controls import Controls

FORMATS = ("wav", "flac", "ogg", "mp3", "aiff")
BITS = 16  # of a sample, if nothing is said

# Arguments of the library, and the options for them if these are not called the same.
_OPTIONS = {
    "f0_range_hz": "--f0-range",
    "f0_tracker": "--tracker",
    "quiet": "--quiet-db",
    "pitch_shift": "--pitch-shift plus --semitones",
    "seconds": "--record",
    "example_seconds": "--seconds",
    "silence_seconds": "--silence",
    "vary_level_db": "--vary-level",
    "decay_steps": "--halve-every",
}


def name_options(message: str, arguments: argparse.Namespace) -> str:
    """Return what is wrong with an argument of the library as said of the option that it is from.

    Parameters
    ----------
    message : str
        Of an error. The library's say "function: argument is value, must be ..."; any other
        stays as it is.
    arguments : argparse.Namespace
        All of a command, whether given or not.

    Returns
    -------
    str
        "--option is value, must be ..." if the command has such an option.

    Examples
    --------
    >>> name_options("train: n_steps is 0, must be at least 1", argparse.Namespace(steps=0))
    '--steps is 0, must be at least 1'
    """
    found = re.match(r"(?:[-\w]+: )?(\w+)(?= is .*\bmust\b)", message)
    if found is None:
        return message
    alike = "--" + found[1].removeprefix("n_").replace("_", "-")
    option = _OPTIONS.get(found[1], alike)
    known = hasattr(arguments, option.split()[0].removeprefix("--").replace("-", "_"))
    return option + message[found.end() :] if known else message


def add_tracker_arguments(add: Callable) -> None:
    """Declare who finds the pitch, and where."""
    add(
        "--tracker",
        default="pyin",
        metavar="NAME",
        help="who finds the pitch: pyin, crepe-tiny, crepe or pesto (default: pyin)",
    )
    add_range_argument(add, "to look for; the range of what was recorded, 190 2500 for a violin,")


def add_range_argument(add: Callable, which: str) -> None:
    """Declare a range of pitches that keeps a tracker from errors by an octave."""
    add(
        "--f0-range",
        type=float,
        nargs=2,
        default=(50.0, 2500.0),
        metavar=("LOW", "HIGH"),
        help=f"pitches in Hz {which} keeps the tracker from errors by an octave (default: 50 2500)",
    )


def add_control_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the controls of a transfer, each an option."""
    group = parser.add_argument_group("what is heard, and how it is adjusted")
    add = group.add_argument
    add_tracker_arguments(add)
    add("--normalize", action="store_true", help="scale the recording to a peak of 1 first")
    add(
        "--no-adjust",
        action="store_true",
        help="leave octave, loudness and tuning as they are in the recording",
    )
    add(
        "--threshold",
        type=float,
        default=1.0,
        metavar="X",
        help="how likely a note has to be to count as one, 0 to 2 (default: 1)",
    )
    add_manual_arguments(add, "the notes of the scale")
    add(
        "--tuning",
        default="key",
        choices=("key", "chromatic"),
        help="the scale: the major one that fits best, or all notes (default: key)",
    )


def add_manual_arguments(add: Callable, notes: str) -> None:
    """Declare the controls that need no more than what is heard now."""
    add(
        "--quiet-db",
        type=float,
        default=20.0,
        metavar="DB",
        help="turn down what is no note, 0 to 60 (default: 20)",
    )
    add(
        "--autotune",
        type=float,
        default=0.0,
        metavar="SHARE",
        help=f"draw the pitch to {notes}, 0 to 1 (default: 0)",
    )
    add("--pitch-shift", type=float, default=0.0, metavar="OCTAVES", help="go up by octaves")
    add("--semitones", type=float, default=0.0, metavar="N", help="go up by semitones as well")
    add("--loudness-shift", type=float, default=0.0, metavar="DB", help="play louder by decibels")


def add_sound_arguments(parser: argparse.ArgumentParser, rate_of: str = "input") -> None:
    """Declare who plays, in what room, and what the file is like."""
    add = parser.add_argument_group("how it sounds").add_argument
    add_player_arguments(add)
    add(
        "--sample-rate",
        type=int,
        metavar="HZ",
        help=f"of the output (default: that of the {rate_of})",
    )
    add(
        "--bits",
        type=int,
        choices=(16, 24, 32),
        help=f"of a sample of .wav, .flac and .aiff (default: {BITS})",
    )
    add("--play", action="store_true", help="play the result (needs sounddevice)")


def add_player_arguments(add: Callable) -> None:
    """Declare who plays, and in what room."""
    add(
        "--instrument",
        default="violin",
        metavar="NAME",
        help="one of `ddsp-ref instruments`, or the folder or zip of another; NAME:VOICE if it has "
        "several voices (default: violin)",
    )
    add(
        "--reverb",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="how much of the instrument's room to hear, 0 for none, at most 4 (default: 1)",
    )
    add("--seed", type=int, default=0, metavar="N", help="of the noise in the sound (default: 0)")


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is told."""
    add = parser.add_argument
    add("--json", action="store_true", help="print a summary as JSON instead of text")
    add("--quiet", action="store_true", help="print nothing but errors, and JSON if asked for")


def add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is written beside the sound."""
    group = parser.add_argument_group("what is written beside the sound; for folders, a folder")
    add = group.add_argument
    add("--plot", metavar="FILE.png", help="everything in one picture")
    add("--figures", metavar="FOLDER", help="a picture of every step, as PNG")
    add("--curves", metavar="FILE.csv", help="pitch and loudness, for `ddsp-ref render`; or .json")


def check_listening(arguments: argparse.Namespace) -> None:
    """Tell early that the pitch could not be looked for as asked."""
    from ddsp_ref.transfer.trackers import check_f0_range, check_tracker

    check_tracker("--tracker", arguments.tracker)
    check_f0_range("--f0-range", arguments.f0_range)


def controls_of(arguments: argparse.Namespace) -> Controls:
    """Return the controls that the arguments ask for, checked."""
    from ddsp_ref.transfer.controls import Controls

    return Controls(
        adjust=not arguments.no_adjust,
        threshold=arguments.threshold,
        quiet=arguments.quiet_db,
        autotune=arguments.autotune,
        tuning=arguments.tuning,
        pitch_shift=arguments.pitch_shift + arguments.semitones / 12.0,
        loudness_shift=arguments.loudness_shift,
        reverb=arguments.reverb,
        seed=arguments.seed,
    )


def check_sound_output(target: Path, arguments: argparse.Namespace) -> None:
    """Tell early that the sound could not be written as asked."""
    from ddsp_ref.errors import AudioFileError
    from ddsp_ref.io.files import check_output_path

    check_output_path(target, error=AudioFileError)
    check_sound_format(target, arguments)


def check_sound_format(target: Path, arguments: argparse.Namespace) -> None:
    """Do the same where the folder is not there yet."""
    from ddsp_ref.errors import require
    from ddsp_ref.io.formats import FORMATS as KINDS
    from ddsp_ref.io.formats import WITH_BITS, check_format
    from ddsp_ref.io.resampling import check_sample_rate

    if arguments.sample_rate is not None:
        check_sample_rate("--sample-rate", arguments.sample_rate)
    check_format(target, arguments.sample_rate)
    kind, bits = KINDS[target.suffix.lower()], arguments.bits
    require(kind != "FLAC" or bits != 32, "--bits is 32, FLAC has at most 24; use --bits 24")
    require(
        bits is None or kind in WITH_BITS,
        f"--bits is {bits}, but {kind} has no bits of a sample: leave --bits out, or write .wav, "
        ".flac or .aiff",
    )
