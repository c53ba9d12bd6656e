"""`ddsp-ref app`: the browser page."""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
import threading

from ddsp_ref.errors import MissingExtraError, ParameterError, require

HELP = "open a page in the browser with everything a transfer can do"
DESCRIPTION = """Serve a page to this computer: upload or record, choose an instrument, move the
sliders, listen, download. Nothing leaves the computer. Ctrl-C ends it. Needs the extra `app`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "--port", type=int, metavar="N", help="default: the first free one from 7860 on"
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")


def run(arguments: argparse.Namespace) -> None:
    """Do it."""
    port = arguments.port
    require(
        port is None or 1 <= port <= 65535,
        f"--port is {port}, must be from 1 to 65535, such as 7860",
    )
    if importlib.util.find_spec("gradio") is None:
        raise MissingExtraError(
            'the page needs the package gradio, which is not installed: pip install "ddsp_ref[app]"'
        )
    from ddsp_ref.app.page import layout

    room = tempfile.TemporaryDirectory(prefix="ddsp-ref-page-", ignore_cleanup_errors=True)
    page = layout.build(room.name)
    try:
        _, address, _ = layout.launch(
            page, port=port, open_browser=not arguments.no_browser, block=False
        )
    except OSError:  # its message is about arguments of gradio
        which = "all ports from 7860 on are" if port is None else f"--port is {port}, which is"
        room.cleanup()
        raise ParameterError(f"{which} in use or not allowed; --port N takes another") from None
    print(f"open {address} in a browser; Ctrl-C ends it", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        # To close the server would wait for every browser that is still open.
        print("stopped", flush=True)
        room.cleanup()
        os._exit(0)
