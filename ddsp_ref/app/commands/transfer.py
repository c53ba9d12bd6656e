"""`ddsp-ref transfer`: a recording in, the same played by an instrument out; or whole folders."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddsp_ref.app.options import (
    FORMATS,
    add_control_arguments,
    add_picture_arguments,
    add_report_arguments,
    add_sound_arguments,
    check_listening,
    controls_of,
)
from ddsp_ref.app.playing import Outputs, check_outputs, outputs_of, play_sound, same_file
from ddsp_ref.app.progress import Stages

HELP = "play a recording, or whole folders of them, on an instrument"
DESCRIPTION = """Play a recording of one voice or instrument on another instrument. The melody is
moved by octaves into the range of the instrument and its loudness fitted to what the instrument
knows; the output is exactly as long as the input. With a folder, or several files, OUTPUT is a
folder: files are worked on side by side, those that cannot be played are listed at the end, and
the exit code is then 1."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.usage = "%(prog)s [options] INPUT [INPUT ...] OUTPUT"
    add = parser.add_argument
    add(
        "paths",
        nargs="*",
        metavar="INPUT ... OUTPUT",
        help="WAV, FLAC, OGG, MP3, AIFF, any rate, or a folder; last, what to write: .wav, .flac, "
        ".ogg, .mp3, .aiff, or a folder",
    )
    add(
        "--record",
        type=float,
        metavar="SECONDS",
        help="record 1 to 20 s from the microphone (needs sounddevice); INPUT, if given, is where "
        "the recording is kept",
    )
    add("--format", choices=FORMATS, help="of files in a folder (default: wav)")
    add("--jobs", type=int, metavar="N", help="files at a time (default: as many as cores)")
    add_shared_arguments(parser)


def add_shared_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `transfer` and `demo` have in common."""
    add_report_arguments(parser)
    add_control_arguments(parser)
    add_sound_arguments(parser)
    add_picture_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    from ddsp_ref.errors import AudioFileError, require

    require(arguments.paths, "there is no OUTPUT; give a recording and a file to write")
    require(all(arguments.paths), "the name of an INPUT or of OUTPUT is empty")
    require(
        arguments.jobs is None or arguments.jobs >= 1,
        f"--jobs is {arguments.jobs}, must be at least 1; without it there are as many as cores",
    )
    *sources, target = map(Path, arguments.paths)
    if arguments.record is not None:
        require(len(sources) <= 1, f"--record keeps one file, there are {len(sources)} INPUTs")
        _play_one(sources[0] if sources else None, target, arguments)
        return 0
    require(sources, "there is no INPUT; give a recording, a folder, or --record SECONDS")
    if len(sources) > 1 or sources[0].is_dir():
        from ddsp_ref.app.batch import run_batch

        require(not arguments.play, "--play is for one recording")
        return run_batch(sources, target, arguments)
    if same_file(sources[0], target):
        raise AudioFileError(f"INPUT and OUTPUT are the same file, {sources[0]}")
    _play_one(sources[0], target, arguments)
    return 0


def _play_one(source: Path | None, target: Path, arguments: argparse.Namespace) -> None:
    """Play one recording, unless --format, which is for folders, says other than its name."""
    from ddsp_ref.errors import require
    from ddsp_ref.io.formats import FORMATS as KINDS

    suffix, wanted = target.suffix.lower(), arguments.format
    require(
        wanted is None or KINDS.get(suffix, suffix) == KINDS[f".{wanted}"],
        f"--format is {wanted}, but OUTPUT is {target}; --format is for folders, the name of a "
        f"single OUTPUT says its format: leave it out, or write {target.with_suffix('')}.{wanted}",
    )
    play(source, target, arguments)


def play(source: Path | None, target: Path, arguments: argparse.Namespace) -> None:
    """Read or record, transfer, write and tell; everything that can be checked early is."""
    from ddsp_ref.io import microphone
    from ddsp_ref.io.formats import check_audio_input

    recorded = getattr(arguments, "record", None)
    if recorded is not None:
        _check_record(source, target, recorded)
    elif source is not None:
        check_audio_input(source)
    outputs = outputs_of(target, arguments)
    check_outputs(outputs, arguments)
    controls_of(arguments)
    check_listening(arguments)
    if arguments.play:
        microphone.check_device("output")

    from ddsp_ref.transfer.instruments import find_instrument

    player = find_instrument(arguments.instrument)
    stages = ["read" if recorded is None else "record"]
    stages += ["resample", "pitch", "loudness", "adjust", "render", "write"]
    with Stages(*stages, *["plot"] * outputs.drawn, quiet=arguments.quiet) as stage:
        stage(stages[0])
        audio, sample_rate = _listen(source, recorded)
        transfer = play_sound(audio, sample_rate, player, outputs, arguments, stage)
    _tell(source, outputs, transfer, arguments)
    if arguments.play:
        microphone.play(transfer.audio, transfer.sample_rate)


def _check_record(kept: Path | None, target: Path, seconds: float) -> None:
    """Tell early that nothing could be recorded, or not kept."""
    from ddsp_ref.errors import AudioFileError
    from ddsp_ref.io import microphone
    from ddsp_ref.io.formats import check_audio_output

    microphone.check_seconds(seconds)
    if kept is not None:
        check_audio_output(kept, microphone.RATE)
        if kept.exists():
            raise AudioFileError(f"{kept} exists; give another name for the recording")
        if kept.resolve() == target.resolve():
            raise AudioFileError(f"INPUT and OUTPUT are the same file, {kept}")
    microphone.check_device("input")


def _listen(source: Path | None, seconds: float | None):
    """Return a recording from a file, or from the microphone, which is then kept in the file."""
    from ddsp_ref.io.audio import read_audio, write_audio

    if seconds is None:
        return read_audio(source)
    from ddsp_ref.io import microphone

    audio = microphone.record(seconds)
    if source is not None:
        write_audio(source, audio, microphone.RATE)
    return audio, microphone.RATE


def _tell(source: Path | None, outputs: Outputs, transfer, arguments: argparse.Namespace) -> None:
    if arguments.json:
        import json

        paths = {"input": str(source or "microphone"), "output": str(outputs.sound)}
        print(json.dumps({**paths, **transfer.report()}, indent=1))
    elif not arguments.quiet:
        print(transfer.summary())
        print(f"{'written':<11}{outputs}")
