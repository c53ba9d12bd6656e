"""`ddsp-ref render`: curves of pitch and loudness in, the sound of an instrument out."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddsp_ref.app.options import (
    BITS,
    add_report_arguments,
    add_sound_arguments,
    check_sound_output,
)
from ddsp_ref.app.playing import same_file
from ddsp_ref.app.progress import Stages

HELP = "play curves of pitch and loudness from a table"
DESCRIPTION = """Play curves that `ddsp-ref transfer --curves` or `ddsp-ref features` wrote, edited
or not, or that you made: a table with the columns time_s, f0_hz and loudness_db."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("curves", metavar="CURVES", help=".csv or .json")
    parser.add_argument("output", metavar="OUTPUT", help=".wav, .flac, .ogg, .mp3 or .aiff")
    parser.add_argument(
        "--recording",
        metavar="FILE",
        help="what the curves were heard in; for imported instruments with an encoder, which "
        "listen to the sound itself",
    )
    add_report_arguments(parser)
    add_sound_arguments(parser, rate_of="instrument")


def run(arguments: argparse.Namespace) -> None:
    """Do it."""
    from ddsp_ref.errors import AudioFileError
    from ddsp_ref.io import microphone
    from ddsp_ref.io.formats import check_audio_input
    from ddsp_ref.transfer.controls import Controls

    target = Path(arguments.output)
    check_sound_output(target, arguments)
    Controls(reverb=arguments.reverb, seed=arguments.seed)
    if arguments.recording:
        check_audio_input(arguments.recording)
        if same_file(Path(arguments.recording), target):
            raise AudioFileError(f"--recording and OUTPUT are the same file, {target}")
    if arguments.play:
        microphone.check_device("output")

    from ddsp_ref.io.audio import read_audio, write_audio
    from ddsp_ref.io.formats import nearest_rate
    from ddsp_ref.transfer.curves import read_curves
    from ddsp_ref.transfer.instruments import find_instrument
    from ddsp_ref.transfer.render import render

    player = find_instrument(arguments.instrument)
    with Stages("read", "render", "write", quiet=arguments.quiet) as stage:
        stage("read")
        curves = read_curves(arguments.curves)
        audio = None
        if arguments.recording and player.config.needs_audio:
            rate = player.config.sample_rate
            audio, _ = read_audio(arguments.recording, sample_rate=rate)
        stage("render")
        rate = arguments.sample_rate or nearest_rate(target, player.config.sample_rate)
        rendered = render(
            curves,
            player,
            reverb=arguments.reverb,
            seed=arguments.seed,
            output_sample_rate=rate,
            audio=audio,
        )
        stage("write")
        write_audio(target, rendered.audio, rendered.sample_rate, bits=arguments.bits or BITS)
    _tell(rendered, player.name, arguments)
    if arguments.play:
        microphone.play(rendered.audio, rendered.sample_rate)


def _tell(rendered, name: str, arguments: argparse.Namespace) -> None:
    """Say what `transfer` would say, in the same words, as far as there is no recording."""
    if arguments.json:
        import json

        report = {
            "input": arguments.curves,
            "output": arguments.output,
            "instrument": name,
            "seconds": round(rendered.seconds, 4),
            "sample_rate": rendered.sample_rate,
            "gain_db": round(rendered.gain_db, 3),
            "timings_s": {"render": round(rendered.taken, 4)},
            "real_time_factor": round(rendered.real_time_factor, 4),
        }
        print(json.dumps(report, indent=1))
    elif not arguments.quiet:
        from ddsp_ref.transfer.describe import describe_rendered

        print(describe_rendered(rendered, name))
        print(f"{'written':<11}{arguments.output}")
