"""`ddsp-ref info`: versions and settings, for a report of something that went wrong."""

from __future__ import annotations

import argparse

HELP = "print versions and settings"
DESCRIPTION = "Print versions and settings, for a report of something that went wrong."
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
    """Declare the arguments of the command: there are none."""


def run(arguments: argparse.Namespace) -> None:
    """Do it."""
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
