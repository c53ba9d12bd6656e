"""Instruments and settings that were tampered with: one sentence, at once."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ddsp_ref.errors import InstrumentError, ParameterError
from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.dataset import choose_held_out
from ddsp_ref.models.instrument import load_instrument
from ddsp_ref.models.run import RunSettings
from ddsp_ref.transfer.instruments import SHIPPED, instrument_folders


def set_quantiles(header, value):
    header["statistics"]["f0_midi"]["quantiles"] = value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: set_quantiles(h, [str(q) for q in range(101)]), "its statistics do not fit"),
        (lambda h: set_quantiles(h, {str(q): q for q in range(101)}), "its statistics do not fit"),
        (lambda h: set_quantiles(h, [1e300] * 101), "its statistics do not fit"),
        (
            lambda h: h["model"]["decoder_settings"].update(n_channels=10**9),
            "n_channels is 1000000000, but no array is that long",
        ),
    ],
    ids=["strings", "object", "absurd numbers", "absurd size"],
)
def test_a_tampered_header(tmp_path, change, message):
    for file in (SHIPPED / "violin").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    header = json.loads((tmp_path / "instrument.json").read_text())
    change(header)
    (tmp_path / "instrument.json").write_text(json.dumps(header))
    with pytest.raises(InstrumentError, match=message):
        load_instrument(tmp_path)


@pytest.mark.parametrize("n", [2, 3, 6, 7, 20])
def test_a_share_above_zero_holds_something_out(n):
    chosen = choose_held_out({f"take{i}.wav": 1000 for i in range(n)}, 0.1, 0)
    assert 1 <= len(chosen) <= n // 2


def test_level_groups_must_be_a_regular_expression():
    with pytest.raises(ParameterError, match=r"level_groups is '\(', must be a regular expression"):
        RunSettings(ModelConfig(), 8, 2.0, 0, 0.1, "(")


@pytest.mark.parametrize("name", instrument_folders())
def test_what_ships_can_be_played_and_says_where_it_comes_from(name):
    shipped = load_instrument(SHIPPED / name)
    n_frames = 250
    noise = np.zeros(n_frames * shipped.config.hop_size, np.float32)
    f0_hz = np.full(n_frames, 440, np.float32)
    audio = shipped.render(f0_hz, np.full(n_frames, 0, np.float32), noise)
    assert np.isfinite(audio).all()
    assert 0.01 < np.abs(audio).max() < 1
    card = shipped.card
    assert card["licence"]
    assert card["held_out_choice"]
    for source in card["sources"]:
        assert source["recordings"]
        assert source["licence"]
    assert card["held_out"]["overall"]["f0_outlier_rate"] < 0.01


def test_what_ships_is_small():
    files = [path for folder in instrument_folders().values() for path in folder.iterdir()]
    assert sum(path.stat().st_size for path in files) < 15e6
