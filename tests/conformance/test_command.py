"""What a user of the command sees of a mistake."""

from __future__ import annotations

from ddsp_ref.app.cli import main

from .conventions import PAGE, page_text


def test_the_page_is_that_of_the_variants():
    assert PAGE.read_text() == page_text()


def test_a_failure_is_said_to_be_one(capsys, monkeypatch, tmp_path):
    (tmp_path / "my_port.py").write_text(
        "import numpy as np\n"
        "def hz_to_midi(hz):\n"
        "    safe = np.where(hz > 0, hz, 1)\n"
        "    return np.where(hz > 0, 12 * np.log10(safe / 440) + 69, 0)\n"
        "OPS = {'hz_to_midi': hz_to_midi}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    words = ["conform", "my_port:OPS", "--dtype", "float64"]
    assert main(words) == 1
    told = capsys.readouterr().out
    assert "log = 10" in told
    assert main([*words, "--no-diagnosis"]) == 1
    assert "log = 10" not in capsys.readouterr().out


def test_this_library_has_the_chains_as_well(capsys):
    ops = ["chain_features", "chain_instrument", "chain_training"]
    assert main(["conform", "ddsp_ref", "--ops", *ops, "--dtype", "float64"]) == 0
    told = capsys.readouterr().out
    assert "6 verdicts: 6 passed" in told, told
