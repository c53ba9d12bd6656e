"""`ddsp-ref transfer`: a recording in, the same played by an instrument out."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ddsp_ref.app.progress import Stages

HELP = "play a recording on an instrument"
DESCRIPTION = """Play a recording of one voice or instrument on another instrument. The melody is
moved by octaves into the range of the instrument and its loudness fitted to what the instrument
knows; the output is exactly as long as the input."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("input", metavar="INPUT", help="WAV, FLAC, OGG, MP3, AIFF; any rate")
    parser.add_argument("output", metavar="OUTPUT", help=".wav, .flac, .ogg, .mp3 or .aiff")
    add_shared_arguments(parser)


def add_shared_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `transfer` and `demo` have in common."""
    add = parser.add_argument
    add(
        "--instrument",
        default="violin",
        metavar="NAME",
        help="one of `ddsp-ref instruments`, or the folder of another (default: violin)",
    )
    add("--pitch-shift", type=float, default=0.0, metavar="OCTAVES", help="go up by octaves")
    add("--semitones", type=float, default=0.0, metavar="N", help="go up by semitones as well")
    add("--loudness-shift", type=float, default=0.0, metavar="DB", help="play louder by decibels")
    add(
        "--reverb",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="how much of the instrument's room to hear, 0 for none (default: 1)",
    )
    add(
        "--no-adjust",
        action="store_true",
        help="leave octave and loudness as they are in the recording",
    )
    add(
        "--sample-rate",
        type=int,
        metavar="HZ",
        help="of the output (default: that of the input)",
    )
    add("--bits", type=int, default=16, choices=(16, 24, 32), help="of a sample (default: 16)")
    add("--plot", metavar="FILE.png", help="draw spectrograms, pitch and loudness")
    add("--seed", type=int, default=0, metavar="N", help="of the noise in the sound (default: 0)")
    add("--quiet", action="store_true", help="print nothing but errors")


def run(arguments: argparse.Namespace) -> None:
    """Do it."""
    from ddsp_ref.errors import AudioFileError

    source, target = Path(arguments.input), Path(arguments.output)
    if source.exists() and target.exists() and os.path.samefile(source, target):
        raise AudioFileError(f"INPUT and OUTPUT are the same file, {source}")
    play(source, target, arguments)


def play(source: Path, target: Path, arguments: argparse.Namespace) -> None:
    """Read, transfer, write and tell; everything that can be checked early is."""
    from ddsp_ref.errors import require
    from ddsp_ref.io.audio import read_audio, write_audio
    from ddsp_ref.io.formats import check_audio_input, check_audio_output, nearest_rate
    from ddsp_ref.io.resampling import check_sample_rate

    check_audio_input(source)
    if arguments.sample_rate is not None:
        check_sample_rate("--sample-rate", arguments.sample_rate)
    check_audio_output(target, arguments.sample_rate)
    flac = target.suffix.lower() == ".flac"
    require(not flac or arguments.bits < 32, "--bits is 32, FLAC has at most 24; use --bits 24")
    if arguments.plot:
        from ddsp_ref.plots.figure import check_plot_output

        check_plot_output(arguments.plot)
    require(arguments.seed >= 0, f"--seed is {arguments.seed}, must be at least 0")

    from ddsp_ref.transfer.instruments import find_instrument
    from ddsp_ref.transfer.pipeline import timbre_transfer

    instrument = find_instrument(arguments.instrument)

    stages = ["read", "resample", "pitch", "loudness", "adjust", "render", "write"]
    with Stages(*stages, *["plot"] * bool(arguments.plot), quiet=arguments.quiet) as stage:
        stage("read")
        audio, sample_rate = read_audio(source)
        transfer = timbre_transfer(
            audio,
            sample_rate,
            instrument,
            pitch_shift=arguments.pitch_shift + arguments.semitones / 12.0,
            loudness_shift=arguments.loudness_shift,
            reverb=arguments.reverb,
            adjust=not arguments.no_adjust,
            output_sample_rate=arguments.sample_rate or nearest_rate(target, sample_rate),
            seed=arguments.seed,
            progress=stage,
        )
        stage("write")
        write_audio(target, transfer.audio, transfer.sample_rate, bits=arguments.bits)
        if arguments.plot:
            from ddsp_ref.plots import plot_transfer, save_figure

            stage("plot")
            save_figure(plot_transfer(transfer), arguments.plot)
    if not arguments.quiet:
        print(transfer.summary())
        print(f"{'written':<11}{target}{f', {arguments.plot}' if arguments.plot else ''}")
