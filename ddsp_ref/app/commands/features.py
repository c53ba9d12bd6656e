"""`ddsp-ref features`: pitch, confidence, voicing and loudness of a recording as a table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ddsp_ref.app.options import add_tracker_arguments, check_listening
from ddsp_ref.app.progress import Stages

if TYPE_CHECKING:
    from ddsp_ref.transfer.features import Heard

HELP = "write pitch and loudness of a recording to a table"
DESCRIPTION = """Write time, pitch (Hz), confidence (0 to 1), voicing (0 or 1) and loudness
(A-weighted, dB) of every frame of a recording."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add = parser.add_argument
    add("input", metavar="FILE", help="WAV, FLAC, OGG, MP3, AIFF; any rate")
    add("--out", required=True, metavar="FILE", help=".csv, .json or .npz")
    add(
        "--frame-rate",
        type=int,
        metavar="HZ",
        help="frames per second; must divide the sample rate (default: that nearest to 250)",
    )
    add(
        "--sample-rate",
        type=int,
        default=16000,
        metavar="HZ",
        help="at which the recording is analysed (default: 16000)",
    )
    add_tracker_arguments(add)
    add("--quiet", action="store_true", help="print nothing but errors")


def run(arguments: argparse.Namespace) -> None:
    """Do it."""
    from ddsp_ref.analysis.frames import nearest_frame_rate
    from ddsp_ref.io.audio import read_audio
    from ddsp_ref.io.columns import check_columns_output
    from ddsp_ref.transfer.features import extract_features

    check_listening(arguments)
    path = check_columns_output(arguments.out, "features")
    with Stages("read", "pitch", "loudness", "write", quiet=arguments.quiet) as stage:
        stage("read")
        audio, sample_rate = read_audio(arguments.input, sample_rate=arguments.sample_rate)
        frame_rate = arguments.frame_rate
        frame_rate = nearest_frame_rate(sample_rate) if frame_rate is None else frame_rate
        heard = extract_features(
            audio,
            sample_rate,
            frame_rate,
            stage,
            arguments.tracker,
            f0_range_hz=tuple(arguments.f0_range),
        )
        stage("write")
        write_features(path, heard)
    if not arguments.quiet:
        print(
            f"{len(heard.times)} frames, {heard.voiced.mean():.0%} of them voiced, "
            f"written to {path}"
        )


def write_features(path: Path, heard: Heard) -> None:
    """Write features in one step, in the format that the suffix names.

    Parameters
    ----------
    path : Path
        .csv (columns with a header), .json or .npz (arrays of the same names).
    heard : Heard
        What to write.
    """
    from ddsp_ref.io.columns import write_columns

    columns = {
        "time_s": heard.times,
        "f0_hz": heard.f0_hz,
        "f0_confidence": heard.f0_confidence,
        "voiced": heard.voiced,
        "loudness_db": heard.loudness_db,
    }
    rates = {"sample_rate": heard.sample_rate, "frame_rate": heard.frame_rate}
    write_columns(path, columns, rates)
