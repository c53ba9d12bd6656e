"""`ddsp-ref instruments`: what there is to play."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ddsp_ref.models.instrument import Instrument

HELP = "list the instruments that ship with the package"
DESCRIPTION = """List the instruments that ship with the package, or describe one by its name or
folder: range, size, how well it plays recordings that it has not heard, limits, licence."""

_FIGURES = {
    "spectral_loss": "spectral loss {:.2f}",
    "loudness_l1_db": "loudness off by {:.1f} dB",
    "f0_l1_cents": "pitch off by {:.0f} cents",
    "f0_outlier_rate": "{:.1%} of the frames by more than 50",
    "silence_dbfs": "silence at {:.0f} dBFS",
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
        "learned": _learned(instrument.statistics, card),
        "model": f"{config.decoder} decoder, {count(instrument.parameters):,} parameters, "
        f"{config.sample_rate} Hz",
        "voices": _voices(instrument),
        "hears": "the recording itself, beside pitch and level" if config.needs_audio else "",
        "held out": _figures(card),
        "limits": str(card.get("limits", "")),
        "licence": str(card.get("licence", "")),
    }
    rows = [f"  {name:<10}{text}".rstrip() for name, text in lines.items() if text]
    return "\n".join([instrument.name, *rows])


def _voices(instrument: Instrument) -> str:
    """Return the voices of an instrument that has several, the one that plays first."""
    if not instrument.voices:
        return ""
    about, own = instrument.card.get("voices"), [instrument.voice, *instrument.voices]
    told = [f"{v} ({about[v]})" if isinstance(about, dict) and v in about else v for v in own]
    return f"{', '.join(told)}; others as NAME:VOICE"


def _range(statistics: dict) -> str:
    """Return the pitches and levels that an instrument knows, but for 2 % at either end."""
    from ddsp_ref.io.notes import note_name

    if not statistics:
        return "not known, there are no statistics: no automatic adjustment"
    low, high = (statistics["f0_midi"]["quantiles"][i] for i in (2, -3))
    soft, loud = (statistics["loudness_db"]["quantiles"][i] for i in (2, -3))
    return f"{note_name(low)} to {note_name(high)}, loudness {soft:.0f} to {loud:.0f} dB"


def _learned(statistics: dict, card: dict) -> str:
    """Return how much was learned from, and how long that took, as far as it is known."""
    parts = []
    if {"seconds", "n_recordings"} <= statistics.keys():
        minutes = statistics["seconds"] / 60
        parts.append(f"from {minutes:.1f} minutes, {statistics['n_recordings']} recordings")
    training = card.get("training")
    if isinstance(training, dict) and {"chosen_step", "steps", "seconds"} <= training.keys():
        parts.append(
            f"step {training['chosen_step']} of {training['steps']}, which took "
            f"{training['seconds'] / 60:.0f} minutes on one core"
        )
    return "; ".join(parts)


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
