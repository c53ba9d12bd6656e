"""`ddsp-ref live`: with a file instead of a microphone, and with a sound card that is made up."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from ddsp_ref.app.cli import main
from ddsp_ref.io.audio import read_audio, write_audio
from ddsp_ref.jit import COMPILED

from ..io.test_microphone import Duplex
from ..transfer.tiny import melody
from .running import fails, run

pytestmark = pytest.mark.skipif(
    not COMPILED, reason="seconds of sound in plain Python take minutes"
)


@pytest.fixture
def sung(folder):
    write_audio(folder / "in.wav", melody(1.0, 22050), 22050)
    return folder / "in.wav"


def test_rehearsing_with_a_file(sung, capsys):
    assert run("live", "--rehearse", "in.wav", "out.flac", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["output"] == "out.flac"
    assert 0.04 < told["latency_s"] < 0.07
    assert told["block_s"] == pytest.approx(0.016, abs=1e-4)
    assert told["work_median_s"] <= told["work_99_s"] <= told["work_most_s"]
    original, rate = read_audio(sung)
    played, same_rate = read_audio(sung.parent / "out.flac")
    assert (len(played), same_rate) == (len(original), rate)
    assert 1e-3 < np.abs(played).max() <= 1


def test_what_is_told_in_words(sung, capsys):
    assert run("live", "--rehearse", "in.wav", "out.wav", "--seconds", "0.3", "--quiet") == 0
    assert capsys.readouterr().out == ""
    assert run("live", "--rehearse", "in.wav", "out.wav", "--seconds", "0.3") == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "instrument tiny"
    assert "60 ms, and 16 for a block" in out
    assert len(read_audio(sung.parent / "out.wav")[0]) == round(0.3 * 22050)


def test_from_the_microphone(folder, monkeypatch, capsys):
    card = Duplex(rates=(16000,))
    monkeypatch.setitem(sys.modules, "sounddevice", card)
    assert run("live", "--seconds", "0.1", "--block-ms", "10", "--output-device", "3") == 0
    told = capsys.readouterr()
    assert "play; Ctrl-C stops" in told.err
    assert "and 30 of the sound card" in told.out
    assert "1 blocks were late: longer ones may help (--block-ms)" in told.out
    assert card.opened["samplerate"] == 16000
    assert card.opened["blocksize"] == 160
    assert card.opened["device"] == (None, 3)
    assert np.isfinite(np.concatenate(card.heard_all)).all()


def test_devices(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sounddevice", Duplex())
    assert main(["live", "--devices"]) == 0
    assert "hw:0" in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert main(["live", "--devices"]) == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--rehearse", "in.wav", "in.wav"], "INPUT and OUTPUT are the same file"),
        (["--rehearse", "nothing.wav", "out.wav"], "nothing.wav"),
        (["--rehearse", "in.wav", "out.xyz"], "out.xyz"),
        (["--rehearse", "in.wav", "out.wav", "--block-ms", "0"], "--block-ms is 0, must be"),
        (["--rehearse", "in.wav", "out.wav", "--seconds", "-1"], "--seconds is -1.0, must be"),
        (["--rehearse", "in.wav", "out.wav", "--input-device", "2"], "have no effect with --rehe"),
        (["--rehearse", "in.wav", "out.wav", "--autotune", "2"], "--autotune is 2.0, must be"),
        (["--rehearse", "in.wav", "out.wav", "--lag-ms", "-5"], "--lag-ms is -5, must be"),
        (["--rehearse", "in.wav", "out.wav", "--f0-range", "0", "9"], "--f0-range is (0.0, 9.0)"),
        (["--rehearse", "in.wav", "out.wav", "--instrument", "kazoo"], "kazoo"),
    ],
)
def test_bad_input(sung, capfd, words, sentence):
    assert sentence in fails(capfd, "live", *words)


def test_no_sound_card(monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "sounddevice", Duplex(error="Error querying device -1"))
    assert "is there a microphone" in fails(capfd, "live")
