"""The clip that ships, on every instrument that ships: pitch and loudness are those asked for."""

from __future__ import annotations

import json

import numba
import numpy as np
import pytest

from ddsp_ref.app.cli import main
from ddsp_ref.app.commands.demo import CLIP
from ddsp_ref.io.audio import read_audio
from ddsp_ref.transfer.curves import read_curves
from ddsp_ref.transfer.features import extract_features
from ddsp_ref.transfer.instruments import find_instrument, instrument_folders

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(numba.config.DISABLE_JIT), reason="whole recordings in plain Python take minutes"
    ),
]


@pytest.mark.parametrize("name", instrument_folders())
def test_all_steps_from_the_command_line(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    words = "--normalize --threshold 0.8 --quiet-db 30 --autotune 0.5 --loudness-shift -1 --json"
    beside = "--figures figures --curves curves.csv --quiet --bits 32"
    assert main(["demo", "--out", "a.wav", "--instrument", name, *f"{words} {beside}".split()]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["adjusted"]
    assert told["key"]
    assert len(list(tmp_path.glob("figures/*.png"))) == 4

    rate = find_instrument(name).config.sample_rate
    sound, _ = read_audio("a.wav", sample_rate=rate)
    curves = read_curves("curves.csv")
    heard = extract_features(sound, rate, int(curves.frame_rate))
    notes = np.genfromtxt("curves.csv", delimiter=",", names=True)["note"].astype(bool)
    assert 0.5 < notes.mean() < 1.0
    both = notes & heard.voiced
    assert both.sum() > 0.9 * notes.sum()
    cents = 1200 * np.abs(np.log2(heard.f0_hz / curves.f0_hz))[both]
    assert np.mean(cents < 50) > 0.95
    off = np.abs(heard.loudness_db - curves.loudness_db)[notes]
    assert off.mean() < 3.0

    assert main(["render", "curves.csv", "b.wav", "--instrument", name, "--bits", "32"]) == 0
    again, _ = read_audio("b.wav", sample_rate=rate)
    n_samples = min(len(again), len(sound))
    np.testing.assert_allclose(again[:n_samples], sound[:n_samples], atol=0.01)
    assert len(read_audio(CLIP)[0]) == len(read_audio("a.wav")[0])
