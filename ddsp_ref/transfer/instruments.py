"""Finding instruments: those that ship with the package by name, others by their folder."""

from __future__ import annotations

import os
from pathlib import Path

from ddsp_ref.errors import InstrumentError
from ddsp_ref.io.instruments import HEADER
from ddsp_ref.models.instrument import Instrument, load_instrument

SHIPPED = Path(__file__).parent.parent / "instruments"


def instrument_folders() -> dict[str, Path]:
    """Return the instruments that ship with the package: their names and folders.

    Returns
    -------
    dict of str to Path
        Sorted by name.
    """
    return {file.parent.name: file.parent for file in sorted(SHIPPED.glob(f"*/{HEADER}"))}


def find_instrument(instrument: str | os.PathLike[str] | Instrument) -> Instrument:
    """Load an instrument.

    Parameters
    ----------
    instrument : str, PathLike or Instrument
        The name of one that ships with the package, the folder of another, or an instrument,
        which is returned as it is.

    Returns
    -------
    Instrument
        Checked, ready to play.

    Raises
    ------
    InstrumentError
        If there is none of that name and no such folder (names those that there are), or its
        folder is damaged.

    Examples
    --------
    >>> find_instrument("kazoo")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ddsp_ref.errors.InstrumentError: there is no instrument 'kazoo'; ...
    """
    if isinstance(instrument, Instrument):
        return instrument
    folders = instrument_folders()
    if str(instrument) in folders:
        return load_instrument(folders[str(instrument)])
    if str(instrument) and Path(instrument).is_dir():
        return load_instrument(instrument)
    known = f"there are {', '.join(folders)}" if folders else "none ships with this version"
    raise InstrumentError(
        f"there is no instrument {str(instrument)!r}; {known}; the folder of another one does too"
    )
