"""Folders and zips: what is unpacked, what is refused, and that nothing remains."""

from __future__ import annotations

import os
import stat
import struct
import tempfile
import zipfile

import pytest

from ddsp_ref.errors import ImportFormatError
from ddsp_ref.importers.archive import open_folder_or_zip


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder for the zip, and one that temporary folders are made in."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path


def write(place, files, kind=zipfile.ZIP_DEFLATED):
    path = place / "in.zip"
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_a_folder_is_given_as_it_is(place):
    with open_folder_or_zip(place) as folder:
        assert folder == place


def test_a_zip_is_unpacked_and_removed(place):
    path = write(place, {"a.txt": "one", "sub/": "", "sub/b.txt": "two" * 9999, "empty/": ""})
    with open_folder_or_zip(str(path)) as folder:
        assert (folder / "a.txt").read_text() == "one"
        assert (folder / "sub" / "b.txt").read_text() == "two" * 9999
    assert not folder.exists()
    assert os.listdir(place / "temporary") == []


def test_one_folder_in_a_zip(place):
    files = {"top/a.txt": "one", "top/sub/b.txt": "two", "__MACOSX/top/._a.txt": "x"}
    with open_folder_or_zip(write(place, files)) as folder:
        assert sorted(os.listdir(folder)) == ["a.txt", "sub"]
    with open_folder_or_zip(write(place, {"only.txt": "one"})) as folder:
        assert os.listdir(folder) == ["only.txt"]


def test_it_is_removed_after_an_error_too(place):
    path = write(place, {"a.txt": "one"})
    with pytest.raises(KeyError), open_folder_or_zip(path):
        raise KeyError
    assert os.listdir(place / "temporary") == []


@pytest.mark.parametrize(
    "name",
    ["/a", "../a", "a/../../b", "a/..", "..", "a\\b", "C:/a", "C:a", "a\nb", "a*", "x" * 1001],
)
def test_names_that_lead_elsewhere(place, name):
    with (
        pytest.raises(ImportFormatError, match="which could be put anywhere"),
        open_folder_or_zip(write(place, {"fine": "", name: "x"})),
    ):
        pass
    assert sorted(os.listdir(place)) == ["in.zip", "temporary"]
    assert os.listdir(place / "temporary") == []


def info(name, kind):
    made = zipfile.ZipInfo(name)
    made.external_attr = (kind | 0o777) << 16
    return made


def patched(path, signature, offset, value):
    data = bytearray(path.read_bytes())
    at = data.rindex(signature) + offset
    data[at : at + len(value)] = value
    path.write_bytes(data)
    return path


DIRECTORY = b"PK\x01\x02"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no files"),
        ({"a/": ""}, "holds no files"),
        ({info("a", stat.S_IFLNK): "/etc"}, "'a', which is a link or device"),
        ({info("a", stat.S_IFIFO): ""}, "'a', which is a link or device"),
        ({"a": "", "A": ""}, "holds 'A' twice"),
        ({"a": "", "a/b": ""}, "cannot be unpacked"),
        ({"a": bytes(20 << 20)}, "to 20971520, as no checkpoint does"),
        ({f"{i}": bytes(1 << 20) for i in range(33)}, r"unpacks to 34603008 bytes, more than 33"),
        ({f"{i}": "" for i in range(10_001)}, "holds 10001 files, more than 10000"),
    ],
)
def test_zips_that_are_refused(place, files, message):
    path = write(place, files)
    with (
        pytest.raises(ImportFormatError, match=message),
        open_folder_or_zip(path, max_bytes=1 << 25),
    ):
        pass
    assert os.listdir(place / "temporary") == []


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (24, struct.pack("<I", 10), "'a' in it is damaged|not of the size that it declares"),
        (24, struct.pack("<I", 9000), "not of the size that it declares|damaged"),
        (16, b"abcd", "'a' in it is damaged: .*CRC"),
        (10, b"\x0c\0", "compressed with method 12; zip it again"),
        (8, b"\1\0", "'a', which is encrypted"),
        (42, b"\xff\xff\0\0", "damaged"),
        (0, b"XX", "is no zip, or a damaged one"),
    ],
)
def test_zips_that_lie(place, offset, value, message):
    path = patched(write(place, {"a": "text " * 1000}), DIRECTORY, offset, value)
    with pytest.raises(ImportFormatError, match=message), open_folder_or_zip(path):
        pass
    assert os.listdir(place / "temporary") == []


def test_a_directory_that_would_fill_the_memory(place):
    path = place / "long.zip"
    path.write_bytes(DIRECTORY * 200_000)
    with (
        pytest.raises(ImportFormatError, match="lists more than 100000 files"),
        open_folder_or_zip(path),
    ):
        pass


def test_what_is_no_zip(place):
    (place / "x.zip").write_bytes(b"nothing of the kind")
    for name, message in (("x.zip", "is no zip"), ("y.zip", "does not exist")):
        with pytest.raises(ImportFormatError, match=message), open_folder_or_zip(place / name):
            pass
