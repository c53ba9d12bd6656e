"""An instrument played block by block is the instrument played at once."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.jit import COMPILED
from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.convolution import ConvSettings
from ddsp_ref.models.decoders import MlpSettings, PytorchSettings, RnnSettings
from ddsp_ref.models.instrument import Instrument, make_model
from ddsp_ref.models.model import IR_KEY, Model
from ddsp_ref.processors.synths import uniform_noise
from ddsp_ref.streaming.player import Player
from ddsp_ref.streaming.stages import Delay, HarmonicStage, NoiseStage, RoomStage

from .parts import cuts

SMALL = {"n_harmonics": 7, "n_bands": 9, "reverb_seconds": 0.02}
CONFIGS = {
    "mlp": ModelConfig(decoder_settings=MlpSettings(6, 1), **SMALL),
    "rnn": ModelConfig(decoder="rnn", decoder_settings=RnnSettings(6, 1, 5), **SMALL),
    "conv": ModelConfig(decoder="conv", decoder_settings=ConvSettings(6, 1, 5, 3), **SMALL),
    "linear, no room": ModelConfig(
        decoder_settings=MlpSettings(6, 1),
        amp_resample_method="linear",
        **SMALL | {"reverb_seconds": 0},
    ),
    # the filters' responses reach over three frames
    "short frames": ModelConfig(
        frame_rate=1000, decoder_settings=MlpSettings(6, 1), **SMALL | {"n_bands": 65}
    ),
    "ddsp_pytorch": ModelConfig(
        decoder="ddsp_pytorch",
        level="loudness_ddsp_pytorch",
        decoder_settings=PytorchSettings(6, 1),
        **SMALL,
    ),
    "44100": ModelConfig(sample_rate=44100, decoder_settings=MlpSettings(6, 1), **SMALL),
}


def instrument(config: ModelConfig, rng: np.random.Generator) -> Instrument:
    """Random weights large enough for every part to be heard."""
    parameters = make_model(config).init(rng)
    for name, value in parameters.items():
        size = 0.5 if name == IR_KEY else 0.3
        parameters[name] = value + size * rng.standard_normal(value.shape).astype(np.float32)
    return Instrument("random", config, parameters, {})


def curves(n_frames: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A pitch that wanders, up to where partials vanish, and a level."""
    f0_hz = 1500 * 2 ** np.cumsum(rng.normal(0, 0.05, n_frames))
    return f0_hz.astype(np.float32), rng.uniform(-40, 0, n_frames).astype(np.float32)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_blocks_are_the_whole_later_by_the_latency(config, rng):
    player = instrument(config, rng)
    f0_hz, loudness_db = curves(60, rng)
    noise = uniform_noise((60 * config.hop_size,), np.random.default_rng(5))
    whole = player.render(f0_hz, loudness_db, noise)
    live = Player(player, seed=5)
    found = [live.push(f0_hz[part], loudness_db[part]) for part in cuts(60, rng, 7)]
    found = np.concatenate([*found, live.finish()])
    assert found.dtype == np.float32
    assert live.latency % config.hop_size == 0
    assert np.abs(whole).max() > 0.1
    wanted = np.concatenate([np.zeros(live.latency), whole])
    np.testing.assert_allclose(found, wanted, atol=1e-6 * np.abs(whole).max())


def test_latency_is_a_frame_unless_filters_reach_further():
    player = instrument(CONFIGS["mlp"], np.random.default_rng(0))
    assert Player(player).latency == 64
    player = instrument(CONFIGS["short frames"], np.random.default_rng(0))
    assert Player(player).latency == 64  # 62 samples of a response, in frames of 16


def test_the_room_can_be_turned_down(rng):
    player = instrument(CONFIGS["mlp"], rng)
    no_room = {IR_KEY: np.zeros(320, np.float32)}
    dry = Instrument("dry", player.config, player.parameters | no_room, {})
    f0_hz, loudness_db = curves(20, rng)
    np.testing.assert_array_equal(
        Player(player, reverb=0).push(f0_hz, loudness_db), Player(dry).push(f0_hz, loudness_db)
    )


@pytest.mark.skipif(not COMPILED, reason="an hour of sound in plain Python takes a day")
def test_phases_do_not_grow():
    """An hour at 10 kHz, a minute at a time: the sine is still where it has to be."""
    stage = HarmonicStage(48000, 192, "linear")
    f0_hz, partials = np.full(15000, 7001.25, np.float32), np.ones((15000, 1), np.float32)
    for _ in range(60):
        y = stage.push(f0_hz, partials)
    first = 60 * 15000 * 192 - len(y) - 192 + 1  # of these samples; one period is not whole
    cycles = np.arange(first, first + len(y)) * 7001.25 % 48000 / 48000
    np.testing.assert_allclose(y, np.sin(2 * np.pi * cycles), atol=3e-6)


def test_room_by_hand():
    stage = RoomStage(np.array([9.0, 0.5, 0.25]))  # the first tap counts as zero
    found = [stage.push(np.array(block, np.float32)) for block in ([1.0], [0.0, 2.0], [0.0, 0.0])]
    np.testing.assert_allclose(np.concatenate(found), [1, 0.5, 2.25, 1, 0.5], atol=1e-6)
    np.testing.assert_array_equal(RoomStage(np.zeros(0)).push(np.ones(3, np.float32)), 1)


def test_noise_stage_is_late_by_the_middle_of_the_response():
    """Flat magnitudes of five bands make a response of one tap, in the middle of eight."""
    stage = NoiseStage(5, 4)
    click = np.zeros(8, np.float32)
    click[0] = 1
    y = np.concatenate([stage.push(np.ones((1, 5), np.float32), click[i : i + 4]) for i in (0, 4)])
    assert stage.start == 2  # eight taps: (8 - 1) // 2 - 1
    assert np.flatnonzero(np.abs(y) > 1e-6).tolist() == [4]


def test_delay():
    delay = Delay(2)
    assert [delay.push(np.ones(n)).tolist() for n in (1, 3, 0)] == [[0], [0, 1, 1], []]


def test_nothing_in_nothing_out(rng):
    live = Player(instrument(CONFIGS["rnn"], rng))
    assert len(live.push(np.zeros(0), np.zeros(0))) == 0
    assert len(live.finish()) == 0


def test_what_cannot_be_played(rng, monkeypatch):
    class Other(Model):
        pass

    monkeypatch.setattr(Instrument, "model", property(lambda self: Other(self.config)))
    with pytest.raises(ParameterError, match="decoder is 'mlp'; mlp, rnn, conv and ddsp"):
        Player(instrument(CONFIGS["mlp"], rng))


def test_the_end_is_the_end(rng):
    live = Player(instrument(CONFIGS["mlp"], rng))
    live.push(*curves(3, rng))
    assert len(live.finish()) == 64
    assert len(live.finish()) == 0
    with pytest.raises(ParameterError, match="take another Player"):
        live.push(*curves(3, rng))


def test_wrong_players(rng):
    with pytest.raises(ParameterError, match="instrument is a str, must be an Instrument"):
        Player("violin")
    with pytest.raises(ParameterError, match="reverb is nan, must be from 0"):
        Player(instrument(CONFIGS["mlp"], rng), reverb=np.nan)


def test_shapes_are_checked(rng):
    live = Player(instrument(CONFIGS["mlp"], rng))
    with pytest.raises(ParameterError, match=r"f0_hz has shape \(3,\) and loudness_db \(2,\)"):
        live.push(np.full(3, 440.0), np.zeros(2))
