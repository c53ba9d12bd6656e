"""A folder to work in."""

from __future__ import annotations

import pytest

from ddsp_ref.io.audio import write_audio
from ddsp_ref.models.instrument import save_instrument

from ..transfer.tiny import melody, tiny_instrument


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A current folder with a recording and an instrument."""
    write_audio(tmp_path / "in.wav", melody(), 16000)
    save_instrument(tmp_path / "tiny", tiny_instrument())
    monkeypatch.chdir(tmp_path)
    return tmp_path
