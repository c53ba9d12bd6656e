"""`ddsp-ref import`: instruments of models that other software trained."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "make an instrument of a trained model of magenta/ddsp or ddsp_pytorch"
DESCRIPTION = """Make an instrument of a trained model, a folder or a zip of one: of magenta/ddsp
(operative_config-*.gin, ckpt-*.index, ckpt-*.data-*, dataset_statistics.pkl) or of ddsp_pytorch
(config.yaml, state.pth). Neither TensorFlow nor PyTorch nor anything that the files name is needed,
imported or run. `transfer --instrument` takes such a folder directly, too."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("source", metavar="FOLDER_OR_ZIP", help="the trained model")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="the instrument to write")
    parser.add_argument("--name", help="of the instrument (default: that of the folder)")


def run(arguments: argparse.Namespace) -> None:
    """Do it."""
    from ddsp_ref.app.commands.instruments import describe_instrument
    from ddsp_ref.importers.foreign import import_model
    from ddsp_ref.models.instrument import save_instrument

    name = arguments.name or Path(arguments.out).name
    instrument = import_model(arguments.source, name)
    save_instrument(arguments.out, instrument)
    print(describe_instrument(instrument))
    print(f"play it: ddsp-ref transfer INPUT OUTPUT --instrument {arguments.out}")
