"""The page about the instruments says what their cards say; the command behind it works."""

from __future__ import annotations

import sys
from pathlib import Path

import numba
import pytest

from ddsp_ref.models.training import train
from ddsp_ref.transfer.instruments import find_instrument, instrument_folders

from .models.synthetic import RATE, tiny_config, tone

ROOT = Path(__file__).parents[1]

if not (ROOT / "benchmarks").exists():
    pytest.skip("benchmarks are not part of an installed package", allow_module_level=True)

sys.path[:0] = [str(ROOT)]
try:
    from benchmarks import instruments
finally:
    del sys.path[:1]


def test_the_page_is_what_the_cards_say():
    shipped = [find_instrument(name) for name in instrument_folders()]
    text = instruments.PAGE.read_text(encoding="utf-8")
    assert instruments.update_page(text, shipped) == text
    for instrument in shipped:
        assert f"| {instrument.name} |" in text


def test_recordings_that_are_not_there(tmp_path):
    violin = find_instrument("violin")
    with pytest.raises(FileNotFoundError, match=r"violin: violin_garner.* is not under"):
        instruments.judge(violin, tmp_path, tmp_path)


@pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="whole trainings in plain Python take minutes"
)
def test_figures_are_found_again(tmp_path, monkeypatch, capsys):
    import soundfile

    (tmp_path / "recordings" / "tones").mkdir(parents=True)
    for name, f0_hz in (("a", 200.0), ("b", 250.0)):
        soundfile.write(tmp_path / "recordings" / "tones" / f"{name}.wav", tone(f0_hz, 1.0), RATE)
    made = train(
        tmp_path / "recordings",
        tmp_path / "run",
        tiny_config(),
        n_steps=1,
        example_seconds=0.4,
        held_out=["*b.wav"],
        progress=False,
    )
    instrument, cache = str(tmp_path / "run/instrument"), str(tmp_path / "cache")
    monkeypatch.setattr(sys, "argv", ["", str(tmp_path), instrument, "--cache", cache])
    instruments.main()
    row = capsys.readouterr().out.splitlines()[2].split(" | ")
    assert row[0] == "| mlp"
    assert row[4] == f"{made.card['held_out']['overall']['spectral_loss']:.2f}"
