"""Running the command line in this process."""

from __future__ import annotations

import os
from pathlib import Path

from ddsp_ref.app.cli import main
from ddsp_ref.models.recordings import find_audio_files


def run(*words: str) -> int:
    """Run a command with the tiny instrument; return the exit code."""
    return main([*words, "--instrument", "tiny"])


def fails(capfd, *words: str, code: int = 2) -> str:
    """Run a command that has to fail; return the sentence that it prints."""
    before = set(os.listdir())
    assert main(list(words)) == code
    out, err = capfd.readouterr()
    lines = [line for line in err.replace("\r", "\n").splitlines() if "ddsp-ref: " in line]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    assert out == ""
    assert set(os.listdir()) == before, "a half file was left"
    return lines[0]


def recordings() -> list[Path]:
    """Return the files of a folder of one's own that DDSP_REF_RECORDINGS names; without it none.

    The recordings that the project was made with are not part of it.
    """
    folder = os.environ.get("DDSP_REF_RECORDINGS")
    return find_audio_files(Path(folder)) if folder else []
