"""Imported checkpoints play what TensorFlow played; what is not understood is refused by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ddsp_ref import resample_linear, resample_window
from ddsp_ref.app.cli import main
from ddsp_ref.errors import DdspRefError, ImportFormatError
from ddsp_ref.importers._magenta_weights import noise_response
from ddsp_ref.importers.magenta import import_magenta
from ddsp_ref.importers.tf_checkpoint import read_tf_checkpoint
from ddsp_ref.models.features import level_of
from ddsp_ref.models.instrument import load_instrument
from ddsp_ref.models.model import IR_KEY
from ddsp_ref.transfer.instruments import find_instrument

FIXTURES = Path(__file__).parent / "fixtures"
LEVEL = {"solo": "pre/ld_scaled", "vst": "pre/pw_scaled"}


@pytest.fixture(params=["solo", "vst"])
def case(request):
    name = request.param
    with np.load(FIXTURES / f"{name}_small_io.npz") as file:
        recorded = {key: file[key] for key in file.files}
    instrument = import_magenta(FIXTURES / f"{name}_small")
    if name == "vst":  # with the noise that TensorFlow drew for the room
        weights = read_tf_checkpoint(FIXTURES / "vst_small")
        magnitudes = weights["model/processor_group/reverb/magnitudes"]
        room = noise_response(magnitudes, recorded["noise/reverb"], 257, -3.0)
        instrument.parameters[IR_KEY] = room
    return name, instrument, recorded


def snr(got, want):
    error = np.sum((got - want.astype(float)) ** 2)
    return 10 * np.log10(np.sum(want.astype(float) ** 2) / max(error, 1e-30))


def run(case):
    """Return everything that the model computes from the recorded features and noise."""
    name, instrument, recorded = case
    model, f0_hz = instrument.model, recorded["pre/f0_hz"][:, 0]
    level = ((recorded[LEVEL[name]] - 1) * 80)[:, 0]
    controls = model.controls(instrument.parameters, f0_hz, level)
    noise = recorded["noise/filtered_noise"]
    graph = model._graph(len(noise))
    return controls, graph.run(model._inputs(instrument.parameters, controls, f0_hz, noise))


def test_decoder_and_controls(case):
    _, _, recorded = case
    raw, values = run(case)
    pairs = [
        (raw["amplitudes"], "dec/amps"),
        (raw["harmonic_distribution"], "dec/harmonic_distribution"),
        (raw["noise_magnitudes"], "dec/noise_magnitudes"),
        (values["harmonic/controls/amplitudes"], "ctl/amplitudes"),
        (values["harmonic/controls/harmonic_distribution"], "ctl/harmonic_distribution"),
        (values["filtered_noise/controls/magnitudes"], "ctl/magnitudes"),
    ]
    for got, key in pairs:
        want = recorded[key]
        np.testing.assert_allclose(got.reshape(want.shape), want, atol=1e-5 * np.abs(want).max())


def phase_in_float32(f0_hz, n_harmonics, n_samples):
    """Add up phases as TensorFlow does, in float32 from sample to sample.

    They are off by radians after seconds; ours are exact. The recorded sound has to be compared
    with the same error, see accuracy-of-magenta in docs/accuracy.md.
    """
    numbers = np.arange(1, n_harmonics + 1, dtype=np.float32)
    frequencies = resample_linear(f0_hz * numbers, n_samples=n_samples)
    steps = frequencies * np.float32(2 * np.pi) / np.float32(16000)
    return frequencies, np.cumsum(steps, axis=0, dtype=np.float32)


def test_sound(case):
    name, instrument, recorded = case
    _, values = run(case)
    n_samples, hop = len(recorded["audio/harmonic"]), instrument.config.hop_size
    inside = slice(0, n_samples - 2 * hop)  # the recorded sound goes on, ours ends
    amplitudes = values["harmonic/controls/amplitudes"][:, None]
    amplitudes = amplitudes * values["harmonic/controls/harmonic_distribution"]
    resample = resample_window if name == "solo" else resample_linear
    amplitudes = resample(amplitudes, n_samples=n_samples)
    f0_hz = recorded["pre/f0_hz"]
    frequencies, phases = phase_in_float32(f0_hz, amplitudes.shape[1], n_samples)
    drifting = np.sum(amplitudes * (frequencies < 8000) * np.sin(phases), axis=1)
    assert snr(drifting[inside], recorded["audio/harmonic"][inside]) > 80
    # ours, as long as the sum in float32 is not off by much
    early = slice(0, 500)
    ours = values["harmonic/signal"]
    assert snr(ours[early], recorded["audio/harmonic"][early]) > 80
    noise = values["filtered_noise/signal"]
    assert snr(noise[inside], recorded["audio/filtered_noise"][inside]) > 80


def test_room(case):
    _, instrument, recorded = case
    room = instrument.parameters[IR_KEY]
    assert snr(room[1:], recorded["ctl/reverb_ir"][1:]) > 100
    graph = instrument.model._graph(len(recorded["audio/add"]))
    reverb = graph.nodes[-1][0]
    assert snr(reverb(recorded["audio/add"], room), recorded["audio/reverb"]) > 80


def test_statistics():
    statistics = import_magenta(FIXTURES / "solo_small").statistics
    assert statistics["f0_midi"]["quantiles"][0] == pytest.approx(49.8004, abs=1e-3)
    assert statistics["f0_midi"]["quantiles"][-1] == pytest.approx(67.1996, abs=1e-3)
    quantiles = statistics["loudness_db"]["quantiles"]
    assert len(quantiles) == 101
    assert quantiles == sorted(quantiles)
    assert statistics["loudness_db"]["mean"] == pytest.approx(-2.4977, abs=1e-3)


@pytest.mark.parametrize("name", ["solo", "vst"])
def test_command_and_native_form(name, tmp_path, capsys):
    source, out = FIXTURES / f"{name}_small", tmp_path / "made"
    assert main(["import", str(source), "--out", str(out), "--name", "mine"]) == 0
    assert "range" in capsys.readouterr().out
    made, direct = load_instrument(out), find_instrument(source)
    assert (made.name, made.config) == ("mine", direct.config)
    for key, value in direct.parameters.items():
        np.testing.assert_array_equal(made.parameters[key], value)


def test_a_zip_works_directly(tmp_path):
    archive = shutil.make_archive(str(tmp_path / "trained"), "zip", FIXTURES, "solo_small")
    instrument = find_instrument(archive)
    assert instrument.name == "trained"
    assert instrument.config == import_magenta(FIXTURES / "solo_small").config


# -- what is refused -------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(FIXTURES / "solo_small", tmp_path / "solo")


def change(folder, old, new):
    path = folder / "operative_config-0.gin"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "binding"),
    [
        ("@decoders.RnnFcDecoder()", "@decoders.ZRnnFcDecoder()", "Autoencoder.decoder is"),
        ("rnn_type = 'gru'", "rnn_type = 'rnn'", "RnnFcDecoder.rnn_type is"),
        ("ch = 32", "ch = -32", "RnnFcDecoder.ch is -32"),
        ("('ld_scaled', 'f0_scaled')", "('ld_scaled', 'f0_scaled', 'z')", "encoder is"),
        ("'ld_scaled'", "'pw_scaled'", "Autoencoder.preprocessor is"),
        ("exponent = 10.0", "exponent = 4.0", "exp_sigmoid.exponent is 4.0"),
        ("@effects.Reverb()", "@effects.ModDelay()", "ProcessorGroup.dag is"),
        ("initial_bias = -5.0", "initial_bias = 0.0", "FilteredNoise.initial_bias is"),
        ("window_size = 0", "window_size = 9", "FilteredNoise.window_size is 9"),
        ("resample_method = 'window'", "resample_method = 'cubic'", "amp_resample_method is"),
        ("scale_fn = @core.exp_sigmoid", "scale_fn = @tf.nn.relu", "scale_fn is"),
        ("frame_rate = 250\nF0L", "frame_rate = 251\nF0L", "frame_rate is 251"),
        ("('amps', 1)", "('amps', 2)", "output_splits is"),
        ("Reverb.trainable = True", "Reverb.trainable = False", "Reverb.trainable is"),
        ("import ddsp\n", "import ddsp\nrun = os.system('x')\n", "operative_config-0.gin"),
    ],
)
def test_configurations_that_are_not_understood(old, new, binding, copy):
    change(copy, old, new)
    with pytest.raises(ImportFormatError, match=binding.replace(".", r"\.")):
        import_magenta(copy)


def test_weights_that_do_not_fit_the_configuration(copy):
    change(copy, "rnn_channels = 48", "rnn_channels = 40")
    with pytest.raises(
        ImportFormatError, match=r"rnn/cell/kernel has shape \(64, 144\); .* \(64, 120\)"
    ):
        import_magenta(copy)
    change(copy, "layers_per_stack = 2", "layers_per_stack = 3")
    with pytest.raises(ImportFormatError, match=r"layer_with_weights-2.* is missing"):
        import_magenta(copy)


def test_an_encoder_that_the_decoder_does_not_use(copy):
    change(copy, "encoder = None", "encoder = @encoders.MfccTimeDistributedRnnEncoder()")
    assert import_magenta(copy).config == import_magenta(FIXTURES / "solo_small").config


@pytest.mark.parametrize("pattern", ["*.gin", "ckpt-3.index", "ckpt-3.data*"])
def test_missing_and_damaged_files(pattern, copy):
    (path,) = copy.glob(pattern)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(DdspRefError):
        import_magenta(copy)
    path.unlink()
    with pytest.raises(DdspRefError):
        import_magenta(copy)


def test_nothing_is_half_written(copy, tmp_path, capsys):
    next(copy.glob("ckpt-3.data*")).unlink()
    assert main(["import", str(copy), "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
    assert "ckpt-3" in capsys.readouterr().err


def test_without_statistics(copy):
    (copy / "dataset_statistics.pkl").unlink()
    assert import_magenta(copy).statistics == {}


@pytest.mark.parametrize("sample_rate", [16000, 32000, 48000])
def test_power_is_measured_at_16_khz(sample_rate):
    """Half of it is noise above 8 kHz, which magenta's models never heard the power of."""
    at = np.arange(sample_rate) / sample_rate
    audio = 0.5 * np.sin(2 * np.pi * 440 * at)
    if sample_rate > 16000:
        audio = audio + 0.5 * np.sin(2 * np.pi * 11000 * at)
    power = level_of(audio.astype(np.float32), sample_rate, 50, "power")
    # a sine of amplitude 1/2 has a power of 1/8
    np.testing.assert_allclose(power[3:-3], 10 * np.log10(1 / 8), atol=0.1)


def test_what_was_saved_and_what_stands_for_it(copy, capsys):
    """`info` tells the statistics of the training from guesses; vst saves no quantiles of power."""
    assert main(["info", str(copy)]) == 0
    told = capsys.readouterr().out
    assert "quantiles of the level as saved, of the pitch interpolated from five figures" in told
    assert "voiced_share is not saved, 1 is assumed" in told
    assert main(["info", str(FIXTURES / "vst_small")]) == 0
    assert "quantiles of the level interpolated from five figures" in capsys.readouterr().out


def test_a_preprocessor_of_power_that_means_two_things(copy):
    """Its range is 120 dB in version 1 and 80 later, and the configuration is the same."""
    change(copy, "preprocessing.F0LoudnessPreprocessor()", "preprocessing.F0PowerPreprocessor()")
    with pytest.raises(ImportFormatError, match=r"Autoencoder\.preprocessor is"):
        import_magenta(copy)


def test_inputs_in_the_other_order(copy):
    """The decoder with its stacks, and the rows that read them, exchanged is the same decoder."""
    change(copy, "('ld_scaled', 'f0_scaled')", "('f0_scaled', 'ld_scaled')")
    other, n = import_magenta(copy).parameters, 32
    own = import_magenta(FIXTURES / "solo_small").parameters
    np.testing.assert_array_equal(
        other["decoder/f0_stack/0/kernel"], own["decoder/loudness_stack/0/kernel"]
    )
    swapped = own["decoder/gru/kernel"]
    swapped = np.concatenate([swapped[n : 2 * n], swapped[:n]])
    np.testing.assert_array_equal(other["decoder/gru/kernel"], swapped)
