"""`ddsp-ref info`: versions and settings, or all that an instrument is made of."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ddsp_ref.models.instrument import Instrument

HELP = "print versions and settings, or what an instrument is made of"
DESCRIPTION = """Print versions and settings, for a report of something that went wrong. With an
instrument: its configuration, the definition of its features, statistics, provenance, and the
shape of every parameter."""
_PACKAGES = (
    "numpy",
    "numba",
    "scipy",
    "soundfile",
    "soxr",
    "safetensors",
    "tqdm",
    "matplotlib",
    "sounddevice",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "instrument", nargs="?", help="name, folder or zip, also a model that others trained"
    )


def run(arguments: argparse.Namespace) -> None:
    """Do it."""
    if arguments.instrument is None:
        _print_versions()
        return
    from ddsp_ref.transfer.instruments import find_instrument

    print(_describe(find_instrument(arguments.instrument)))


def _describe(instrument: Instrument) -> str:
    """Return all there is to say about an instrument, the table of its parameters last."""
    from ddsp_ref.app.commands.instruments import describe_instrument
    from ddsp_ref.models.features import LEVELS
    from ddsp_ref.models.parameters import count

    definition, _ = LEVELS[instrument.config.level]
    parts = {
        "configuration": instrument.config.to_json(),
        "statistics": {name: _shortened(v) for name, v in instrument.statistics.items()},
        "provenance": instrument.card,
    }
    lines = [describe_instrument(instrument), "", f"features: {definition}"]
    lines += [f"\n{name}: {json.dumps(value, indent=2)}" for name, value in parts.items()]
    parameters = instrument.parameters
    n_bytes = sum(array.nbytes for array in parameters.values())
    lines.append(f"\nparameters: {count(parameters):,} numbers, {n_bytes:,} bytes")
    width = max(map(len, parameters))
    lines += [f"  {name:<{width}}  {array.shape}" for name, array in sorted(parameters.items())]
    return "\n".join(lines)


def _shortened(value: object) -> object:
    """Return a distribution with five of its quantiles: smallest, quarters, largest."""
    if not isinstance(value, dict) or "quantiles" not in value:
        return value
    quantiles = value["quantiles"]
    return {**value, "quantiles": quantiles[:: (len(quantiles) - 1) // 4]}


def _print_versions() -> None:
    import importlib.metadata
    import platform

    import ddsp_ref
    from ddsp_ref.jit import get_num_threads
    from ddsp_ref.transfer.instruments import instrument_folders

    def version(package: str) -> str:
        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            return "not installed"

    rows = {
        "ddsp_ref": ddsp_ref.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "threads": str(get_num_threads()),
        **{package: version(package) for package in _PACKAGES},
        "instruments": ", ".join(instrument_folders()) or "none",
    }
    for name, value in rows.items():
        print(f"{name:<13}{value}")
