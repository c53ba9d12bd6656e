"""The decoder "magenta" as ONNX graphs gives what it gives here."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.exporters.onnx_decoder import export_onnx
from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.instrument import Instrument, make_model
from ddsp_ref.models.network_decoder import NetworkSettings
from tests.exporters.test_exporters import assert_same_controls, run_onnx

Z = {"inputs": ("level", "f0", "z"), "encoder": "mfcc_rnn", "n_encoder_hidden": 3, "n_z": 4}
CONV = {"network": "conv", "n_channels": 32, "n_layers": 2, "n_hidden": 1}
RNN = {"n_channels": 6, "n_layers": 2, "n_hidden": 5}
SETTINGS = {
    "gru with z": {**RNN, **Z},
    "lstm": {**RNN, "rnn_type": "lstm"},
    "no layers": {**RNN, "n_layers": 0, "inputs": ("f0", "level")},
    "layer": {**CONV, "norm_type": "layer", "dilation": 3},
    "instance": {**CONV, "norm_type": "instance", "dilation": -2, "kernel_size": 4},
    "group": {**CONV, "n_channels": 64, "norm_type": "group"},
    "not normalised": {**CONV, "norm_type": ""},
    "conditions": {**CONV, **Z, "inputs": ("level", "f0"), "conditions": ("z",)},
    "pitch as condition": {**CONV, "inputs": ("level",), "conditions": ("f0",)},
}


def make(name):
    config = ModelConfig(
        n_harmonics=5, n_bands=6, reverb_seconds=0.0, decoder="magenta",
        decoder_settings=NetworkSettings(**SETTINGS[name]),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    shapes = make_model(config).shapes()
    parameters = {k: 0.5 * rng.standard_normal(s).astype(np.float32) for k, s in shapes.items()}
    return Instrument(name, config, parameters, {}, "random", {})


def given(settings, n_frames=30):
    rng = np.random.default_rng(1)
    f0_hz = rng.uniform(80, 900, (2, n_frames)).astype(np.float32)
    inputs = {"f0_hz": f0_hz, "loudness_db": rng.uniform(-70, 0, f0_hz.shape).astype(np.float32)}
    if settings.encoder:
        inputs["z"] = rng.standard_normal((2, n_frames, settings.n_z)).astype(np.float32)
    return inputs


def ours(instrument, inputs):
    model = instrument.model
    scaled = model.scaled(inputs["f0_hz"], inputs["loudness_db"])
    return model.decoder(instrument.parameters, *scaled, inputs.get("z"))


@pytest.mark.parametrize("name", SETTINGS)
def test_graphs(name, tmp_path):
    pytest.importorskip("onnx")
    own = make(name)
    export_onnx(own, tmp_path / "d.onnx")
    settings, pieces = own.config.decoder_settings, []
    inputs = given(settings)
    if settings.network == "conv":
        found, _ = run_onnx(tmp_path / "d.onnx", **inputs)
    else:  # in two pieces: the state goes on
        width = settings.n_hidden * (2 if settings.rnn_type == "lstm" else 1)
        state = np.zeros((2, width), np.float32)
        for piece in (slice(0, 11), slice(11, None)):
            part = {key: value[:, piece] for key, value in inputs.items()}
            got, _ = run_onnx(tmp_path / "d.onnx", state=state, **part)
            state = got.pop("next_state")
            pieces.append(got)
        found = {key: np.concatenate([p[key] for p in pieces], axis=1) for key in pieces[0]}
    assert_same_controls(found, ours(own, inputs))
