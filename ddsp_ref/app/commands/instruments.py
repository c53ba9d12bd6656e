"""`ddsp-ref instruments`: what there is to play."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ddsp_ref.models.instrument import Instrument

HELP = "list the instruments that ship with the package"
DESCRIPTION = """List the instruments that ship with the package, or describe one by its name or
folder: range, size, how well it plays recordings that it has not heard, licence."""

_FIGURES = {
    "spectral_loss": "spectral loss {:.2f}",
    "loudness_l1_db": "loudness off by {:.1f} dB",
    "f0_l1_cents": "pitch off by {:.0f} cents",
    "f0_outlier_rate": "{:.1%} of the frames by more than 50",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="all that ship if not given")


def run(arguments: argparse.Namespace) -> None:
    """Do it."""
    from ddsp_ref.transfer.instruments import find_instrument, instrument_folders

    names = arguments.names or list(instrument_folders())
    if not names:
        print("no instrument ships with this version; ddsp-ref train makes one")
    print("\n\n".join(describe_instrument(find_instrument(name)) for name in names))


def describe_instrument(instrument: Instrument) -> str:
    """Return what there is to say about an instrument, a line per matter.

    Parameters
    ----------
    instrument : Instrument
        Any.

    Returns
    -------
    str
        Lines without a newline at the end.
    """
    from ddsp_ref.models.parameters import count

    config, card = instrument.config, instrument.card
    lines = {
        "about": instrument.description,
        "range": _range(instrument.statistics),
        "model": f"{config.decoder} decoder, {count(instrument.parameters):,} parameters, "
        f"{config.sample_rate} Hz",
        "held out": _figures(card),
        "limits": str(card.get("limits", "")),
        "licence": str(card.get("licence", "")),
    }
    rows = [f"  {name:<10}{text}".rstrip() for name, text in lines.items() if text]
    return "\n".join([instrument.name, *rows])


def _range(statistics: dict) -> str:
    """Return the pitches that an instrument knows, but for 2 % at either end."""
    from ddsp_ref.io.notes import note_name

    if not statistics:
        return "not known, there are no statistics: no automatic adjustment"
    quantiles = statistics["f0_midi"]["quantiles"]
    return f"{note_name(quantiles[2])} to {note_name(quantiles[-3])}"


def _figures(card: dict) -> str:
    """Return the figures of the recordings that were held out, if the card has them."""
    report = card.get("held_out")
    overall = report.get("overall") if isinstance(report, dict) else None
    if not isinstance(overall, dict):
        return ""
    known = [
        text.format(overall[name])
        for name, text in _FIGURES.items()
        if isinstance(overall.get(name), (int, float))
    ]
    return ", ".join(known)
