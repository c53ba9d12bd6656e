"""Writing files so that a reader sees the old file or the whole new one, never a half."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from ddsp_ref.errors import DdspRefError, ParameterError


def check_output_path(
    path: str | os.PathLike[str], *, error: type[DdspRefError] = ParameterError
) -> Path:
    """Tell early, before any work is done, that a file could not be written.

    Parameters
    ----------
    path : str or PathLike
        Where a file is going to be written.
    error : type
        What to raise, a kind of `DdspRefError`.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    DdspRefError
        Of the kind `error`, if the folder does not exist or may not be written to, or the path
        is itself a folder or a device.

    Examples
    --------
    >>> check_output_path("no/such/folder/out.wav")
    Traceback (most recent call last):
    ...
    ddsp_ref.errors.ParameterError: cannot write out.wav: the folder no/such/folder does not exist
    """
    path = Path(path)
    folder = path.parent
    if path.is_dir():
        raise error(f"cannot write {path}: it is a folder; give the name of a file in it")
    if path.exists() and not path.is_file():
        raise error(f"cannot write {path}: it is not an ordinary file")
    if not folder.exists():
        raise error(f"cannot write {path.name}: the folder {folder} does not exist")
    if not folder.is_dir():
        raise error(f"cannot write {path.name}: {folder} is not a folder")
    if not os.access(folder, os.W_OK):
        raise error(f"cannot write {path.name}: no permission to write into the folder {folder}")
    return path


def check_output_folder(folder: Path) -> Path:
    """Tell early that a folder cannot be written into, or is not there and cannot be made."""
    if folder.is_dir():
        if not os.access(folder, os.W_OK):
            raise ParameterError(f"no permission to write into the folder {folder}")
        return folder
    if folder.exists():
        raise ParameterError(f"cannot make the folder {folder}: there is a file of that name")
    return check_output_path(folder)


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write to a temporary file that takes the place of `path` when all went well.

    Parameters
    ----------
    path : str or PathLike
        The file to write or to replace. Its folder must exist.

    Yields
    ------
    Path
        A name in the same folder with the same suffix, not existing yet: write there. After the
        block it is flushed to the disk and renamed; after an exception it is removed and what
        stood at `path` stays as it was.

    Raises
    ------
    ParameterError
        If `path` cannot be written, see `check_output_path`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> with atomic_path(folder / "notes.txt") as temporary:
    ...     _ = temporary.write_text("A4")
    >>> [file.name for file in folder.iterdir()]
    ['notes.txt']
    """
    check_output_path(path)
    target = Path(os.path.realpath(path))  # a link keeps pointing, its target is replaced
    temporary = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.tmp{target.suffix}")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:  # also on Ctrl-C
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut, where the system can do that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass  # some network file systems refuse; the rename itself has happened
    finally:
        os.close(handle)
