"""`ddsp-ref`: reads the arguments, runs a command, turns errors into one sentence.

Nothing heavy is imported before a command runs, so that `--help` comes at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import ddsp_ref
from ddsp_ref.app.commands import (
    app,
    conform,
    demo,
    export,
    features,
    import_,
    info,
    instruments,
    live,
    render,
    train,
    transfer,
    warmup,
)
from ddsp_ref.app.options import name_options
from ddsp_ref.errors import DdspRefError

_COMMANDS = (
    transfer,
    demo,
    app,
    live,
    render,
    instruments,
    features,
    train,
    import_,
    export,
    conform,
    warmup,
    info,
)
_BAD_INPUT, _INTERRUPTED, _READER_GONE = 2, 130, 141


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line with all commands."""
    parser = argparse.ArgumentParser(
        prog="ddsp-ref",
        description="Play recordings on instruments that were learned from recordings.",
        epilog="ddsp-ref COMMAND --help tells more. Begin with: ddsp-ref demo",
    )
    parser.add_argument("--version", action="version", version=f"ddsp-ref {ddsp_ref.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        name = command.__name__.rpartition(".")[2].rstrip("_")  # import is a word of Python
        sub = commands.add_parser(name, help=command.HELP, description=command.DESCRIPTION)
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process if not given.

    Returns
    -------
    int
        0; 2 after bad input, with one sentence on stderr; 1 if some of many files could not be
        played; 130 after Ctrl-C.

    Examples
    --------
    >>> main(["transfer", "no/such/file.wav", "out.wav"])
    2
    """
    try:
        arguments = _parse(argv)
        code = arguments.run(arguments)
        sys.stdout.flush()
    except SystemExit as stop:  # argparse has said what was wrong, or shown its help
        return stop.code if isinstance(stop.code, int) else _BAD_INPUT
    except KeyboardInterrupt as stop:
        return _complain(str(stop) or "stopped", _INTERRUPTED)
    except DdspRefError as error:
        return _complain(name_options(str(error), arguments), _BAD_INPUT)
    except BrokenPipeError:  # ddsp-ref instruments | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _READER_GONE
    except MemoryError:
        return _complain("there is not enough memory for this", _BAD_INPUT)
    except OSError as error:  # the disk is full, a network folder went away
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"{where}{error.strerror or error}", _BAD_INPUT)
    return code or 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse arguments; a list of paths may have options in its midst, which argparse cannot do."""
    parser = make_parser()
    arguments, rest = parser.parse_known_args(argv)
    if rest and (not hasattr(arguments, "paths") or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        arguments.paths += rest
    return arguments


def _complain(sentence: str, code: int) -> int:
    print(f"ddsp-ref: {sentence}", file=sys.stderr)
    return code
