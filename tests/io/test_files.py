"""A file is replaced as a whole or not at all."""

from __future__ import annotations

import os
import stat
import sys

import pytest

from ddsp_ref.errors import AudioFileError, ParameterError
from ddsp_ref.io.files import atomic_path, check_output_path


def test_a_new_file_appears_when_the_block_ends(tmp_path):
    with atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
        assert temporary.suffix == ".txt"
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_text() == "whole"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_the_old_file_stands(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")

    def break_off():
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("ha")
            raise error

    with pytest.raises(error):
        break_off()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_before_anything_was_written_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="early"), atomic_path(tmp_path / "a.txt"):
        raise ValueError("early")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links and modes are those of POSIX")
def test_links_and_permissions_survive(tmp_path):
    target = tmp_path / "target.txt"
    target.write_text("old")
    target.chmod(0o600)
    (tmp_path / "link.txt").symlink_to(target)
    with atomic_path(tmp_path / "link.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.skipif(not hasattr(os, "umask"), reason="modes are those of POSIX")
def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "plain.txt").write_text("")
    with atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "plain.txt").stat().st_mode


def test_what_cannot_be_written_is_told_early(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ParameterError, match=r"the folder .*nowhere does not exist"):
        check_output_path(tmp_path / "nowhere" / "a.txt")
    with pytest.raises(ParameterError, match="is a folder; give the name of a file in it"):
        check_output_path(tmp_path)
    with pytest.raises(AudioFileError, match="file is not a folder"):
        check_output_path(tmp_path / "file" / "a.txt", error=AudioFileError)
    with (
        pytest.raises(ParameterError, match="does not exist"),
        atomic_path(tmp_path / "nowhere" / "a.txt"),
    ):
        pass


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no such device")
def test_devices_are_not_replaced():
    with pytest.raises(ParameterError, match="not an ordinary file"):
        check_output_path("/dev/null")
