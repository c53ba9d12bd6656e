"""`ddsp-ref demo`: the main job on a short melody that ships with the package."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddsp_ref.app.commands.transfer import add_shared_arguments, play

HELP = "play a short melody that ships with the package on an instrument"
DESCRIPTION = """Do what `transfer` does with a hummed melody of seven seconds that ships with the
package (computed, not recorded; see app/data/make_demo.py)."""
CLIP = Path(__file__).parent.parent / "data" / "demo.flac"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "--out",
        default="ddsp-ref-demo.wav",
        metavar="FILE",
        help="the sound to write (default: ddsp-ref-demo.wav)",
    )
    add_shared_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Do it."""
    if not (arguments.quiet or arguments.json):
        print(f"{'input':<11}{CLIP}")
    play(CLIP, Path(arguments.out), arguments)
