"""Instruments: what is saved is what is loaded, and everything else is refused."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from ddsp_ref.errors import InstrumentError
from ddsp_ref.io.instruments import read_instrument_files, write_instrument_files
from ddsp_ref.models.instrument import Instrument, load_instrument, save_instrument
from ddsp_ref.models.model import Model
from ddsp_ref.models.sampler import dataset_statistics

from .synthetic import RATE, recording, tiny_config


@pytest.fixture
def instrument(rng):
    config = tiny_config("rnn")
    statistics = dataset_statistics([recording("a", 220.0, 0.5)], RATE)
    return Instrument("test", config, Model(config).init(rng), statistics, "A test.", {"x": [1]})


def test_round_trip(tmp_path, instrument):
    save_instrument(tmp_path / "i", instrument)
    loaded = load_instrument(tmp_path / "i")
    assert loaded.config == instrument.config
    assert loaded.statistics == instrument.statistics
    assert (loaded.name, loaded.description, loaded.card) == ("test", "A test.", {"x": [1]})
    for name, array in instrument.parameters.items():
        np.testing.assert_array_equal(loaded.parameters[name], array)
    n_samples = 10 * instrument.config.hop_size
    sound = loaded.render(*np.full((2, 10), [[220.0], [-20.0]], np.float32), np.zeros(n_samples))
    assert sound.shape == (n_samples,)
    assert "rnn decoder" in repr(loaded)


def test_statistics_may_be_unknown(tmp_path, instrument):
    save_instrument(tmp_path / "i", dataclasses.replace(instrument, statistics={}))
    assert load_instrument(tmp_path / "i").statistics == {}


def test_half_precision(tmp_path, instrument):
    save_instrument(tmp_path / "i", instrument, half=True)
    loaded = load_instrument(tmp_path / "i")
    for name, array in instrument.parameters.items():
        assert loaded.parameters[name].dtype == np.float32
        np.testing.assert_allclose(loaded.parameters[name], array, rtol=1e-3, atol=1e-7)
    huge = {**instrument.parameters, "decoder/controls/bias": np.full(12, 1e6, np.float32)}
    bad = Instrument("bad", instrument.config, huge, instrument.statistics)
    with (
        np.errstate(over="ignore"),
        pytest.raises(InstrumentError, match="decoder/controls/bias holds values that are not fin"),
    ):
        save_instrument(tmp_path / "i", bad, half=True)
    assert load_instrument(tmp_path / "i").name == "test"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": ...}, "instrument.json has no 'model'"),
        ({"name": 3}, "'name' is 3"),
        ({"card": None}, "'card' is None"),
        ({"model": {"sample_rate": 16000}}, "the model configuration has no"),
        ({"model": 5}, "is not a JSON object"),
        ({"feature_definition": "other/crepe"}, "trained on the features 'other/crepe'"),
        ({"statistics": {}}, "its statistics do not fit"),
        ({"statistics": {"loudness_db": {"mean": 0}}}, "its statistics do not fit"),
    ],
)
def test_a_header_that_does_not_fit(tmp_path, instrument, change, message):
    save_instrument(tmp_path / "i", instrument)
    header, weights = read_instrument_files(tmp_path / "i")
    header = {k: v for k, v in {**header, **change}.items() if v is not ...}
    write_instrument_files(tmp_path / "i", header, weights)
    with pytest.raises(InstrumentError, match=message):
        load_instrument(tmp_path / "i")


def bias(value):
    return {"decoder/controls/bias": value}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (bias(...), "decoder/controls/bias is missing"),
        (bias(np.zeros(3, np.float32)), r"bias has shape \(3,\), must be \(12,\)"),
        (bias(np.full(12, np.nan, np.float32)), "bias holds values that are not finite"),
        ({"more": np.zeros(3, np.float32)}, "more is not expected"),
    ],
)
def test_weights_that_do_not_fit(tmp_path, instrument, change, message):
    save_instrument(tmp_path / "i", instrument)
    header, weights = read_instrument_files(tmp_path / "i")
    weights = {k: v for k, v in {**weights, **change}.items() if v is not ...}
    write_instrument_files(tmp_path / "i", header, weights)
    with pytest.raises(InstrumentError, match=message):
        load_instrument(tmp_path / "i")


def test_statistics_are_plain_json(instrument):
    assert json.loads(json.dumps(instrument.statistics)) == instrument.statistics
