"""Imported decoders and encoders beyond our own compute what TensorFlow computed."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest

from ddsp_ref import timbre_transfer
from ddsp_ref.app.cli import main
from ddsp_ref.errors import ImportFormatError, ParameterError
from ddsp_ref.exporters.flat import export_c
from ddsp_ref.importers.magenta import import_magenta
from ddsp_ref.io.audio import write_audio
from ddsp_ref.models.features import level_of
from ddsp_ref.models.instrument import load_instrument, save_instrument
from ddsp_ref.models.network_decoder import NetworkDecoder, NetworkSettings
from ddsp_ref.transfer.curves import Curves, write_curves
from ddsp_ref.transfer.render import render
from tests.importers.test_magenta import FIXTURES, change, phase_in_float32, snr

OLD = ("ae_v0", "solo_v0", "solo_v1")  # of versions 0.10, 0.14 and 1.9, with their loudness
KINDS = ("ae", "tiny", "lstm", "conv", "conv_z", *OLD)
WITH_Z = ("ae", "conv_z", "ae_v0")
RAW = {
    "amplitudes": "amps",
    "harmonic_distribution": "harmonic_distribution",
    "noise_magnitudes": "noise_magnitudes",
}


@pytest.fixture(params=KINDS)
def case(request):
    return request.param, *load(request.param)


def load(name):
    with np.load(FIXTURES / f"{name}_small_io.npz") as file:
        recorded = {key: file[key] for key in file.files}
    return import_magenta(FIXTURES / f"{name}_small"), recorded


def features(recorded):
    range_db = 120 if "in/loudness_v1" in recorded else 80
    level_db = (recorded["pre/ld_scaled"][:, 0] - 1) * range_db
    return recorded["pre/f0_hz"][:, 0], level_db


def assert_near(got, want, part=1e-5):
    np.testing.assert_allclose(got.reshape(want.shape), want, atol=part * np.abs(want).max())


def test_decoder_and_controls(case):
    _, instrument, recorded = case
    model, (f0_hz, level_db) = instrument.model, features(recorded)
    scaled = model.scaled(f0_hz, level_db)
    z = [recorded["pre/z"]] if "pre/z" in recorded else []
    raw = model.decoder(instrument.parameters, *scaled, *z)
    for name, key in RAW.items():
        assert_near(raw[name], recorded[f"dec/{key}"])
    # a steep function follows, that makes ten of one error: it gets what TensorFlow's got
    raw = {name: recorded[f"dec/{key}"].reshape(raw[name].shape) for name, key in RAW.items()}
    noise = np.zeros(len(f0_hz) * instrument.config.hop_size, np.float32)
    values = model._graph(len(noise)).run(model._inputs(instrument.parameters, raw, f0_hz, noise))
    assert_near(values["harmonic/controls/amplitudes"], recorded["ctl/amplitudes"])
    distribution = values["harmonic/controls/harmonic_distribution"]
    assert_near(distribution, recorded["ctl/harmonic_distribution"])
    assert_near(values["filtered_noise/controls/magnitudes"], recorded["ctl/magnitudes"])


@pytest.mark.parametrize("name", WITH_Z)
def test_encoder(name):
    instrument, recorded = load(name)
    f0_hz, _ = features(recorded)
    z = instrument.model.decoder.encode(instrument.parameters, recorded["in/audio"], f0_hz)
    assert_near(z, recorded["pre/z"])


@pytest.mark.parametrize("name", WITH_Z)
def test_encoder_and_decoder(name):
    """Rounding adds up. Of the same in float64, TensorFlow is off by 2.2e-5, ours by 4e-6."""
    instrument, recorded = load(name)
    given = (*features(recorded), recorded["in/audio"])
    raw = instrument.model.controls(instrument.parameters, *given)
    doubles = {key: p.astype(float) for key, p in instrument.parameters.items()}
    exact = instrument.model.controls(doubles, *(x.astype(float) for x in given))
    for name, key in RAW.items():
        assert_near(raw[name], recorded[f"dec/{key}"], 3e-5)
        assert_near(raw[name], exact[name], 5e-6)


def test_room(case):
    _, instrument, recorded = case
    if "ctl/reverb_ir" in recorded:  # its first tap is set to 0 there, and not heard here
        room = instrument.model.impulse_response(instrument.parameters)
        np.testing.assert_array_equal(room[1:], recorded["ctl/reverb_ir"][1:])
    else:
        assert instrument.config.n_taps == 0


@pytest.mark.parametrize("name", OLD)
def test_loudness_before_version_2(name):
    """Version 1 has the preprocessor of later ones, by name, and the loudness of version 0."""
    instrument, recorded = load(name)
    assert instrument.config.level == "loudness_v1"
    level_db = level_of(recorded["in/audio"], 16000, 250, instrument.config.level)
    np.testing.assert_allclose(level_db, recorded["in/loudness_v1"], atol=1e-4)


@pytest.mark.parametrize("name", ["ae", "ae_v0"])
def test_sound(name):
    instrument, recorded = load(name)
    model, (f0_hz, level_db) = instrument.model, features(recorded)
    noise, n_samples = recorded["noise/filtered_noise"], len(recorded["in/audio"])
    raw = model.controls(instrument.parameters, f0_hz, level_db, recorded["in/audio"])
    values = model._graph(n_samples).run(model._inputs(instrument.parameters, raw, f0_hz, noise))
    early = slice(0, 500)  # where phases added up in float32 are not off by much
    ours, theirs = values["harmonic/signal"], recorded["audio/harmonic"]
    assert snr(ours[early], theirs[early]) > 80
    assert snr(values["filtered_noise/signal"], recorded["audio/filtered_noise"]) > 80
    partials = values["harmonic/controls/amplitudes"][:, None]
    partials = partials * values["harmonic/controls/harmonic_distribution"]
    assert snr(with_their_phase(partials, f0_hz, n_samples), theirs) > 80
    played = instrument.render(f0_hz, level_db, noise, recorded["in/audio"])
    np.testing.assert_array_equal(played, values["add/signal"])


def with_their_phase(partials, f0_hz, n_samples):
    """Return the harmonic sound with phases that drift as TensorFlow's do."""
    from ddsp_ref import resample_window

    frequencies, phases = phase_in_float32(f0_hz[:, None], partials.shape[1], n_samples)
    amplitudes = resample_window(partials, n_samples=n_samples)
    return np.sum(amplitudes * (frequencies < 8000) * np.sin(phases), axis=1)


def test_native_form(case, tmp_path):
    _, instrument, _ = case
    save_instrument(tmp_path / "made", instrument)
    made = load_instrument(tmp_path / "made")
    assert made.config == instrument.config
    assert sorted(made.parameters) == sorted(instrument.parameters)
    for key, value in instrument.parameters.items():
        np.testing.assert_array_equal(made.parameters[key], value)


def test_pieces_make_the_whole():
    """More frames than are taken at once: the state goes on, and the last piece may be short."""
    instrument, _ = load("lstm")
    rng = np.random.default_rng(0)
    f0_scaled, level = rng.uniform(0, 1, (2, 3, 2048 + 5)).astype(np.float32)
    whole = instrument.model.decoder(instrument.parameters, f0_scaled, level)
    network = instrument.model.decoder
    inputs = {"level": level[..., None], "f0": f0_scaled[..., None]}
    inputs["state"] = np.zeros((3, 2 * 24), np.float32)
    weights = [instrument.parameters[weight.name] for weight in network.weights()]
    at_once = network.network(inputs, weights)
    for key in ("harmonic_distribution", "noise_magnitudes"):
        assert_near(whole[key], at_once[key])
    assert whole["amplitudes"].shape == (3, 2053)


# -- hearing the sound itself ----------------------------------------------------------------


def hum(brightness):
    at = np.arange(16000) / 16000
    return sum(brightness**k * np.sin(2 * np.pi * 220 * (k + 1) * at) for k in range(6)) / 4


def test_transfer_hears_the_sound():
    instrument, _ = load("ae")
    results = [timbre_transfer(hum(b), 16000, instrument, adjust=False) for b in (0.3, 0.8)]
    for result in results:
        assert result.audio.shape == (16000,)
        assert np.isfinite(result.audio).all()
    made = results[0]
    curves = dataclasses.replace(made.adjusted)
    same = render(curves, instrument, audio=made.input.audio).audio
    other = render(curves, instrument, audio=results[1].input.audio).audio
    np.testing.assert_array_equal(made.audio, same[:16000])
    assert snr(other, same) < 40


def test_curves_alone_are_not_enough(tmp_path, capsys):
    instrument, _ = load("ae")
    save_instrument(tmp_path / "ae", instrument)
    n_frames = 250
    f0_hz = np.full(n_frames, 220.0, np.float32)
    curves = Curves(f0_hz, np.full(n_frames, -30.0, np.float32), 250.0)
    with pytest.raises(ParameterError, match="audio must be given"):
        render(curves, instrument)
    with pytest.raises(ParameterError, match=r"audio has shape \(2, 16000\)"):
        render(curves, instrument, audio=np.zeros((2, 16000)))
    write_curves(tmp_path / "curves.csv", curves)
    write_audio(tmp_path / "hum.wav", hum(0.5), 16000)
    command = ["render", str(tmp_path / "curves.csv"), str(tmp_path / "out.wav"), "--instrument"]
    assert main([*command, str(tmp_path / "ae")]) == 2
    assert "--recording" in capsys.readouterr().err
    assert not (tmp_path / "out.wav").exists()
    given = ["--recording", str(tmp_path / "hum.wav"), "--json"]
    assert main([*command, str(tmp_path / "ae"), *given]) == 0
    assert json.loads(capsys.readouterr().out)["seconds"] == 1.0


def test_a_sound_of_another_length():
    instrument, recorded = load("ae")
    f0_hz, level_db = features(recorded)
    with pytest.raises(
        ParameterError, match=r"audio has shape \(8000,\), must be about \(16000,\)"
    ):
        instrument.model.controls(
            instrument.parameters, f0_hz, level_db, recorded["in/audio"][:8000]
        )


def test_it_plays_but_does_not_learn():
    instrument, recorded = load("tiny")
    with pytest.raises(ParameterError, match="cannot be trained on"):
        instrument.model.vjp(instrument.parameters, *features(recorded), np.zeros(16000))


def test_exports(tmp_path):
    instrument, _ = load("ae")
    export_c(instrument, tmp_path / "ae.h")
    lines = (tmp_path / "ae.h").read_text().splitlines()
    assert '#define DDSP_INPUTS "level f0 z"' in lines
    assert '#define DDSP_ENCODER "mfcc_rnn"' in lines


# -- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("ae", "Autoencoder.encoder = @encoders.MfccTime", "Autoencoder.encoder = @encoders.One",
         "Autoencoder.encoder is"),
        ("ae", "Autoencoder.encoder = @encoders.MfccTimeDistributedRnnEncoder()",
         "Autoencoder.encoder = None", "Autoencoder.encoder is"),
        ("ae", "z_time_steps = 125", "z_time_steps = 124", "z_time_steps is 124"),
        ("ae", "Encoder.rnn_type = 'gru'", "Encoder.rnn_type = 'rnn'", "Encoder.rnn_type is"),
        ("ae", "'f0_scaled', 'z'", "'f0_scaled', 'midi'", "input_keys is"),
        ("ae", "@models.Autoencoder()", "@models.InverseSynthesis()", "get_model.model is"),
        ("tiny", "layers_per_stack = 0", "layers_per_stack = -1", "layers_per_stack is -1"),
        ("lstm", "stateless = False", "stateless = True", "stateless is"),
        ("lstm", "rnn_type = 'lstm'", "rnn_type = 'rnn'", "rnn_type is"),
        ("conv", "resample_stride = 1", "resample_stride = 2", "resample_stride is 2"),
        ("conv", "spectral_norm = False", "spectral_norm = True", "spectral_norm is"),
        ("conv", "norm_type = 'layer'", "norm_type = 'batch'", "norm_type is"),
        ("conv", "dilation = 2", "dilation = 0", "dilation is 0"),
        ("conv", "kernel_size = 3", "kernel_size = 1000000", "kernel_size is 1000000"),
        ("conv_z", "precondition_stack = None", "precondition_stack = @nn.FcStack()",
         "precondition_stack is"),
        ("conv_z", "mean_aggregate = True", "mean_aggregate = False", "mean_aggregate is"),
    ],
)  # fmt: skip
def test_configurations_that_are_not_understood(name, old, new, message, tmp_path):
    copy = shutil.copytree(FIXTURES / f"{name}_small", tmp_path / "copy")
    change(copy, old, new)
    with pytest.raises(ImportFormatError, match=message.replace(".", r"\.")):
        import_magenta(copy)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"network": "mlp"}, "network is 'mlp'"),
        ({"inputs": ("level",)}, "must be level, f0"),
        ({"inputs": ("level", "f0", "f0")}, "each once"),
        ({"inputs": ("level", "f0", "x")}, "must be some of level, f0, z"),
        ({"inputs": ("level", "f0", "z")}, "belong together"),
        ({"encoder": "mfcc_rnn"}, "belong together"),
        ({"inputs": ("level",), "conditions": ("f0",)}, "must be none for 'rnn'"),
        ({"network": "conv", "n_layers": 0}, "must not be 0"),
        ({"network": "conv", "n_layers": 50}, "reaches over more than"),
        ({"network": "conv", "norm_type": "group", "n_channels": 33}, "must be a multiple of 32"),
        ({"n_layers": 10**9}, "n_layers is 1000000000, must be a whole number from 0 to 100"),
        ({"n_hidden": 0}, "n_hidden is 0"),
        ({"z_time_steps": 124}, "z_time_steps is 124"),
    ],
)
def test_settings_that_cannot_work(changed, message):
    with pytest.raises(ParameterError, match=message):
        NetworkSettings(**changed)


def test_a_stack_without_layers_by_hand():
    """With no layers and no recurrence in the weights, the outputs are one matrix product."""
    settings = NetworkSettings(n_layers=0, n_hidden=1)
    decoder = NetworkDecoder(settings, 1, 2)
    params = decoder.init(np.random.default_rng(0))
    params = {name: np.zeros_like(p) for name, p in params.items()}
    # rows: level, f0, recurrent; columns: amplitude, one harmonic, two bands of noise
    params["decoder/dense_out/kernel"][:2] = [[1, 10, 100, 1000], [2, 20, 200, 2000]]
    params["decoder/dense_out/bias"][:] = [0.5, 0, 0, 0]
    found = decoder(params, np.array([0.25], np.float32), np.array([3.0], np.float32))
    assert found["amplitudes"].tolist() == [4.0]  # 3 * 1 + 0.25 * 2 + 0.5
    assert found["harmonic_distribution"].tolist() == [[35.0]]
    assert found["noise_magnitudes"].tolist() == [[350.0, 3500.0]]
