"""Checkpoints come as folders or as zips of folders: both are given as a folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ddsp_ref.importers._input import refusal
from ddsp_ref.importers._zip import ZipMembers, open_zip

_MAX_BYTES = 2 << 30


@contextmanager
def open_folder_or_zip(
    path: str | os.PathLike[str], *, max_bytes: int = _MAX_BYTES
) -> Iterator[Path]:
    """Give the files of a folder, or of a zip unpacked for the time of the `with` block.

    Parameters
    ----------
    path : str or PathLike
        Of a folder or a zip.
    max_bytes : int
        The files of a zip may have in all.

    Yields
    ------
    Path
        The folder itself, or a temporary one, which is removed afterwards. If all files of the
        zip lie in one folder, that folder.

    Raises
    ------
    ImportFormatError
        If there is no such path, or the zip is damaged, or holds links, encrypted files, names
        that lead out of the folder, the same name twice, or more than `max_bytes`. Then nothing
        remains on the disk.
    """
    path = Path(path)
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="ddsp_ref_") as temporary:
        folder = Path(temporary)
        with open_zip(path, max_bytes) as members:
            names = [name for name in members.infos if not name.startswith("__MACOSX/")]
            if not names:
                raise refusal(path, "holds no files")
            for name in names:
                _unpack(path, members, name, folder)
        tops = {name.split("/")[0] for name in names}
        inner = folder / next(iter(tops))
        yield inner if len(tops) == 1 and inner.is_dir() else folder


def _unpack(path: Path, members: ZipMembers, name: str, folder: Path) -> None:
    target = folder.joinpath(*name.split("/"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "xb") as file:
            for block in members.blocks(name):
                file.write(block)
    except OSError as error:
        raise refusal(path, f"{name!r} cannot be unpacked: {error.strerror}") from None
