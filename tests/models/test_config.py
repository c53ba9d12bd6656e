"""Model configurations: defaults at several rates, JSON, wrong values."""

from __future__ import annotations

import json

import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.decoders import MlpSettings, RnnSettings


def test_defaults_are_those_of_the_original_at_16_khz():
    config = ModelConfig()
    assert (config.frame_rate, config.n_harmonics, config.n_bands) == (250, 60, 65)
    assert config.hop_size == 64


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000])
def test_defaults_fit_the_sample_rate(sample_rate):
    config = ModelConfig(sample_rate=sample_rate)
    assert config.hop_size * config.frame_rate == sample_rate
    assert abs(config.frame_rate - 250) <= 10
    assert 120 < sample_rate / 2 / (config.n_bands - 1) < 130


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(),
        ModelConfig(sample_rate=44100, decoder="rnn", reverb_seconds=0.5),
        ModelConfig(decoder="conv"),
        ModelConfig(decoder_settings=MlpSettings(n_channels=7, n_layers=1)),
    ],
)
def test_json_round_trip(config):
    assert ModelConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sample_rate": 100}, "sample_rate is 100, must be a whole number from 4000"),
        ({"sample_rate": 44100, "frame_rate": 250}, "must divide .* 44100; .* does is 252"),
        ({"n_harmonics": 0}, "n_harmonics is 0"),
        ({"n_bands": 1.5}, "n_bands is 1.5"),
        ({"reverb_seconds": -1}, "reverb_seconds is -1, must be from 0 to 20"),
        ({"reverb_seconds": float("nan")}, "reverb_seconds is nan"),
        ({"decoder": "cnn"}, "decoder is 'cnn', must be 'mlp' or 'rnn'"),
        ({"decoder_settings": RnnSettings()}, "must be a MlpSettings"),
    ],
)
def test_wrong_values(values, message):
    with pytest.raises(ParameterError, match=message):
        ModelConfig(**values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_bands": ...}, "has no 'n_bands'"),
        ({"colour": 1}, "unknown entry 'colour'"),
        ({"decoder": "cnn"}, "has the decoder 'cnn'"),
        ({"decoder": []}, "has the decoder"),
        ({"decoder_settings": {"n_channels": 3}}, "decoder_settings has no 'n_layers'"),
        ({"decoder_settings": {"n_channels": 3, "n_layers": "2"}}, "n_layers is '2'"),
    ],
)
def test_wrong_json(change, message):
    values = {k: v for k, v in {**ModelConfig().to_json(), **change}.items() if v is not ...}
    with pytest.raises(ParameterError, match=message):
        ModelConfig.from_json(values)
