"""Running the command line in this process."""

from __future__ import annotations

import os

from ddsp_ref.app.cli import main


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
