"""Every step on every file of a folder of one's own, by command and by notebook.

DDSP_REF_RECORDINGS names the folder; without it there is nothing to do. For the page, see
`test_page_browser`.
"""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest

from ddsp_ref.app.cli import main
from ddsp_ref.io.audio import read_audio

from ..test_notebook import MISSING, NOTEBOOK, run_notebook
from .running import recordings

pytestmark = pytest.mark.slow


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="no extra `plot`")
@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.name)
def test_command(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = [
        "--json",
        "--normalize",
        "--autotune",
        "1",
        "--pitch-shift",
        "-1",
        "--loudness-shift",
        "3",
        "--threshold",
        "0.9",
        "--quiet-db",
        "30",
        "--instrument",
        "flute",
        "--reverb",
        "0.5",
        "--figures",
        "figures",
        "--curves",
        "curves.csv",
    ]
    assert main(["transfer", str(path), "out.wav", *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["instrument"] == "flute"
    original, rate = read_audio(path)
    audio, same_rate = read_audio(tmp_path / "out.wav")
    assert (len(audio), same_rate) == (len(original), rate)
    assert 0.01 < np.abs(audio).max() <= 1
    assert len(list((tmp_path / "figures").iterdir())) >= 3
    assert main(["render", "curves.csv", "again.wav", "--instrument", "flute"]) == 0
    assert (tmp_path / "again.wav").stat().st_size > 1000


@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
@pytest.mark.filterwarnings("ignore")  # of the machinery of notebooks, in this process
@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.name)
def test_notebook(path, tmp_path):
    text = NOTEBOOK.read_text(encoding="utf-8")
    own = text.replace(
        'RECORDING = Path(ddsp_ref.__file__).parent / "app/data/demo.flac"',
        f"RECORDING = Path({str(path)!r})",
    )
    assert own != text
    run_notebook(own, tmp_path)
