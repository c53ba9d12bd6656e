"""Zip files from strangers: what they declare is checked before anything is unpacked."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ddsp_ref.errors import ImportFormatError
from ddsp_ref.importers._input import open_file, refusal, show

MAX_MEMBERS = 10_000
MAX_RATIO = 200
# Marks of directory entries; files that lie in the zip uncompressed may hold some by chance.
_MARK = b"PK\x01\x02"
_MAX_MARKS = 10 * MAX_MEMBERS
# Files this small may be compressed by any factor.
_FREE = 1 << 20
_BLOCK = 1 << 20
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    KeyError,
    IndexError,
    AttributeError,
)
_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class ZipMembers:
    """The files of a zip that has been checked.

    Parameters
    ----------
    path : Path
        For messages.
    archive : ZipFile
        Open.
    max_bytes : int
        The files may have in all when they are unpacked.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile, max_bytes: int) -> None:
        self._path, self._archive = path, archive
        self.infos: dict[str, zipfile.ZipInfo] = {}
        infos = archive.infolist()
        if len(infos) > MAX_MEMBERS:
            raise refusal(path, f"holds {len(infos)} files, more than {MAX_MEMBERS}")
        names = set()
        for info in infos:
            self._check(info)
            folded = info.orig_filename.rstrip("/").casefold()
            if folded in names:
                raise refusal(path, f"holds {show(info.orig_filename)} twice")
            names.add(folded)
            if not info.orig_filename.endswith("/"):
                self.infos[info.orig_filename] = info
        self._check_sizes(max_bytes)

    def _check(self, info: zipfile.ZipInfo) -> None:
        name = info.orig_filename
        shown = show(name)
        kind = stat.S_IFMT(info.external_attr >> 16)
        bad = set('\\:\0*?"<>|') & set(name) or any(ord(letter) < 32 for letter in name)
        parts = PurePosixPath(name).parts
        if bad or not parts or name.startswith("/") or ".." in parts or len(name) > 1000:
            raise refusal(self._path, f"holds a file called {shown}, which could be put anywhere")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise refusal(self._path, f"holds {shown}, which is a link or device, not a file")
        if info.flag_bits & 1:
            raise refusal(self._path, f"holds {shown}, which is encrypted")
        if info.compress_type not in _KINDS:
            raise refusal(
                self._path,
                f"holds {shown}, compressed with method {info.compress_type}",
                remedy="zip it again with the usual method, deflate",
            )

    def _check_sizes(self, max_bytes: int) -> None:
        total = sum(info.file_size for info in self.infos.values())
        if total > max_bytes:
            raise refusal(self._path, f"unpacks to {total} bytes, more than {max_bytes}")
        for name, info in self.infos.items():
            if info.file_size > _FREE and info.file_size > MAX_RATIO * max(info.compress_size, 1):
                raise refusal(
                    self._path,
                    f"holds {show(name)}, which unpacks {info.compress_size} bytes to "
                    f"{info.file_size}, as no checkpoint does",
                )

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield a file piece by piece, never more than it declares; its checksum is verified."""
        info = self.infos[name]
        left = info.file_size
        try:
            with self._archive.open(info) as file:
                while block := file.read(min(_BLOCK, left + 1)):
                    left -= len(block)
                    if left < 0:
                        break
                    yield block
        except _DAMAGE as error:
            raise refusal(self._path, f"{show(name)} in it is damaged: {_reason(error)}") from None
        if left != 0:
            raise refusal(self._path, f"{show(name)} in it is not of the size that it declares")

    def read(self, name: str) -> bytes:
        """Return a whole file."""
        return b"".join(self.blocks(name))


def _reason(error: Exception) -> str:
    return show(str(error) or type(error).__name__)


@contextmanager
def open_zip(
    path: str | os.PathLike[str], max_bytes: int, source: BinaryIO | None = None
) -> Iterator[ZipMembers]:
    """Open a zip, refuse it if it is damaged or declares anything unsafe, and close it after."""
    path = Path(path)
    with open_file(path) if source is None else source as file:
        try:
            _count_marks(path, file)
            archive = zipfile.ZipFile(file)
        except ImportFormatError:
            raise
        except _DAMAGE as error:
            raise refusal(path, f"is no zip, or a damaged one: {_reason(error)}") from None
        with archive:
            yield ZipMembers(path, archive, max_bytes)


def _count_marks(path: Path, file: BinaryIO) -> None:
    """Refuse a directory so long that listing it would take very much memory."""
    n_marks, end = 0, b""
    while block := file.read(_BLOCK):
        n_marks += (end + block).count(_MARK)
        if n_marks > _MAX_MARKS:
            raise refusal(path, f"lists more than {_MAX_MARKS} files")
        end = block[-3:]
    file.seek(0)
