"""`ddsp-ref export`: an instrument in a form that other programs can embed."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "write an instrument for other programs: ONNX, flat binary, C header"
DESCRIPTION = """Write an instrument in another form; the ending of OUT says which. NAME.onnx: the
decoder for any ONNX runtime (needs the extra `onnx`). NAME.bin: all numbers, and a description in
NAME.json. NAME.h: the same as one header of C. Anything else: a folder, as `train` writes it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("instrument", help="a name, or the folder or zip of another")
    parser.add_argument("out", metavar="OUT", help="what to write")
    parser.add_argument(
        "--half", action="store_true", help="weights of the folder in half precision, half the size"
    )


def run(arguments: argparse.Namespace) -> None:
    """Do it."""
    from ddsp_ref.errors import ParameterError, require
    from ddsp_ref.exporters.flat import export_c, export_flat
    from ddsp_ref.exporters.onnx_decoder import export_onnx
    from ddsp_ref.io.files import check_output_path
    from ddsp_ref.models.instrument import save_instrument
    from ddsp_ref.transfer.instruments import find_instrument

    out = Path(arguments.out)
    writers = {".onnx": export_onnx, ".bin": export_flat, ".h": export_c}
    require(not arguments.half or not out.suffix, "--half is for a folder: leave it out")
    if out.suffix and out.suffix not in writers:
        raise ParameterError(
            f"cannot write {out}: it must end in .onnx, .bin or .h, or be a folder"
        )
    instrument = find_instrument(arguments.instrument)
    if out.suffix:
        check_output_path(out)
        writers[out.suffix](instrument, out)
    else:
        save_instrument(out, instrument, half=arguments.half)
    print(f"wrote {out}")
