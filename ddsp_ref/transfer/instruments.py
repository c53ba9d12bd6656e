"""Finding instruments: those that ship with the package by name, others by folder or zip."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from ddsp_ref.errors import ImportFormatError, InstrumentError
from ddsp_ref.importers.archive import open_folder_or_zip
from ddsp_ref.importers.foreign import import_model, is_foreign
from ddsp_ref.io.instruments import HEADER
from ddsp_ref.models.instrument import Instrument, load_instrument

SHIPPED = Path(__file__).parent.parent / "instruments"
_LARGEST_ZIP = 512 << 20  # bytes that a zipped instrument may have when it is unpacked


def instrument_folders() -> dict[str, Path]:
    """Return the instruments that ship with the package: their names and folders.

    Returns
    -------
    dict of str to Path
        Sorted by name.
    """
    return {file.parent.name: file.parent for file in sorted(SHIPPED.glob(f"*/{HEADER}"))}


def names_to_play() -> list[str]:
    """Return all that ships: names of instruments, and ``NAME:VOICE`` of their other voices."""
    names = []
    for name, folder in instrument_folders().items():
        names += [name, *(f"{name}:{voice}" for voice in load_instrument(folder).voices)]
    return names


def find_instrument(instrument: str | os.PathLike[str] | Instrument) -> Instrument:
    """Load an instrument.

    Parameters
    ----------
    instrument : str, PathLike or Instrument
        The name of one that ships with the package, in any spelling that differs only in case,
        spaces, hyphens and underscores; the folder of another one, or that folder zipped, both
        also as magenta/ddsp or ddsp_pytorch left them after a training; or an instrument, which is
        returned as it is. ``NAME:VOICE`` is one of several voices of an instrument, see
        `names_to_play`.

    Returns
    -------
    Instrument
        Checked, ready to play.

    Raises
    ------
    InstrumentError
        If there is none of that name and no such folder (names those that there are), its folder
        is damaged, or its zip is: no path may lead out of it, and it may not hold more than
        512 MB.

    Examples
    --------
    >>> find_instrument("Violin").name
    'violin'
    >>> find_instrument("kazoo")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ddsp_ref.errors.InstrumentError: there is no instrument 'kazoo'; ...
    """
    if isinstance(instrument, Instrument):
        return instrument
    text = str(instrument)
    found, (name, _, voice) = _find(text), text.rpartition(":")
    if found is None and voice:  # colons may be in the names of folders, too
        found = _find(name)
        if found is not None and found.voice != voice:
            found = replace(found.with_voice(voice), name=f"{found.name}-{voice}")
    if found is not None:
        return found
    folders = instrument_folders()
    known = f"there are {', '.join(folders)}" if folders else "none ships with this version"
    raise InstrumentError(
        f"there is no instrument {text!r}; {known}; the folder of another one, or that "
        "folder zipped, does too"
    )


def _find(text: str) -> Instrument | None:
    folders = instrument_folders()
    by_name = {_plain(name): folder for name, folder in folders.items()}
    if _plain(text) in by_name:
        return load_instrument(by_name[_plain(text)])
    if os.path.isdir(text):  # False also for what cannot be a path
        return _load_folder(Path(text))
    if os.path.isfile(text):
        return _load_zip(Path(text))
    return None


def _plain(name: str) -> str:
    """Return a name without what people spell differently."""
    return "".join(letter for letter in name.casefold() if letter not in " -_")


def _load_folder(folder: Path, name: str | None = None) -> Instrument:
    if is_foreign(folder):
        return import_model(folder, name)
    return load_instrument(folder)


def _load_zip(path: Path) -> Instrument:
    try:
        if path.suffix == ".tflite":
            return import_model(path)  # refuses, and says why
        with open_folder_or_zip(path, max_bytes=_LARGEST_ZIP) as folder:
            return _load_folder(folder, path.stem)
    except ImportFormatError as error:
        raise InstrumentError(f"no instrument can be read: {error}") from None
    except InstrumentError as error:
        # what is unpacked lies in a folder whose name says nothing
        raise InstrumentError(str(error).replace(str(folder), str(path))) from None
