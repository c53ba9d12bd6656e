"""Exported instruments give what ours give: to ONNX, to a C program, as plain numbers."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from ddsp_ref.app.cli import main
from ddsp_ref.errors import InstrumentError, MissingExtraError
from ddsp_ref.exporters.flat import export_c, export_flat
from ddsp_ref.exporters.onnx_decoder import export_onnx
from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.convolution import ConvSettings
from ddsp_ref.models.decoders import MlpSettings, PytorchSettings, RnnSettings
from ddsp_ref.models.instrument import Instrument, load_instrument, make_model
from ddsp_ref.models.model import IR_KEY
from ddsp_ref.transfer.instruments import find_instrument

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "decoder.c"
COMPILER = shutil.which("cc")
SETTINGS = {
    "mlp": MlpSettings(12, 2),
    "rnn": RnnSettings(12, 2, 9),
    "conv": ConvSettings(12, 2, 7, 3),
    "ddsp_pytorch": PytorchSettings(9, 2, -4.0, 2.5),
}


def instrument(decoder):
    """An instrument of random parameters, gains and biases too."""
    config = ModelConfig(
        n_harmonics=5, n_bands=6, reverb_seconds=0.01, decoder=decoder,
        decoder_settings=SETTINGS[decoder],
        level="loudness_ddsp_pytorch" if decoder == "ddsp_pytorch" else "loudness",
    )  # fmt: skip
    rng = np.random.default_rng(0)
    shapes = make_model(config).shapes()
    parameters = {k: 0.5 * rng.standard_normal(s).astype(np.float32) for k, s in shapes.items()}
    return Instrument(f"random {decoder}", config, parameters, {}, "a */ strange\nname", {})


def features(n_frames):
    rng = np.random.default_rng(1)
    f0_hz = 440 * 2 ** rng.uniform(-2, 2, (2, n_frames))
    f0_hz[0, 3] = 0.0
    return f0_hz.astype(np.float32), rng.uniform(-80, 0, (2, n_frames)).astype(np.float32)


def assert_same_controls(got, want):
    assert set(got) == set(want)
    for name, value in want.items():
        assert got[name].shape == value.shape
        np.testing.assert_allclose(got[name], value, rtol=0, atol=1e-5 * np.abs(value).max())


@pytest.fixture(params=[*SETTINGS, "flute"])
def any_instrument(request):
    return find_instrument("flute") if request.param == "flute" else instrument(request.param)


def run_onnx(path, **inputs):
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True)), session


def test_onnx(any_instrument, tmp_path):
    pytest.importorskip("onnx")
    path, config = tmp_path / "decoder.onnx", any_instrument.config
    export_onnx(any_instrument, path)
    f0_hz, loudness_db = features(30)
    inputs = {"f0_hz": f0_hz, "loudness_db": loudness_db}
    if config.decoder in ("rnn", "ddsp_pytorch"):
        inputs["state"] = np.zeros((2, config.decoder_settings.n_hidden), np.float32)
    got, session = run_onnx(path, **inputs)
    got.pop("next_state", None)
    model = any_instrument.model
    assert_same_controls(got, model.controls(any_instrument.parameters, f0_hz, loudness_db))
    about = session.get_modelmeta().custom_metadata_map
    assert ModelConfig.from_json(json.loads(about["model"])) == config


@pytest.mark.parametrize("decoder", ["rnn", "ddsp_pytorch"])
def test_onnx_frame_by_frame(decoder, tmp_path):
    pytest.importorskip("onnx")
    own = instrument(decoder)
    export_onnx(own, tmp_path / "d.onnx")
    f0_hz, loudness_db = features(7)
    state, found = np.zeros((2, 9), np.float32), []
    for t in range(7):
        one = {"f0_hz": f0_hz[:, t : t + 1], "loudness_db": loudness_db[:, t : t + 1]}
        got, _ = run_onnx(tmp_path / "d.onnx", state=state, **one)
        state = got.pop("next_state")
        found.append(got)
    joined = {k: np.concatenate([one[k] for one in found], axis=1) for k in found[0]}
    assert_same_controls(joined, own.model.controls(own.parameters, f0_hz, loudness_db))


def test_flat(any_instrument, tmp_path):
    export_flat(any_instrument, tmp_path / "a.bin")
    data = (tmp_path / "a.bin").read_bytes()
    about = json.loads((tmp_path / "a.json").read_text())
    assert about["format"] == "ddsp-flat-1"
    assert about["sha256"] == hashlib.sha256(data).hexdigest()
    assert set(about["tensors"]) == set(any_instrument.parameters)
    for name, place in about["tensors"].items():
        assert place["offset"] % 64 == 0
        piece = data[place["offset"] :][: place["bytes"]]
        value = np.frombuffer(piece, "<f4").reshape(place["shape"])
        truth = any_instrument.parameters[name]
        if name == IR_KEY:  # as it sounds
            truth = any_instrument.model.impulse_response(any_instrument.parameters)
        np.testing.assert_array_equal(value, truth)


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler, `cc`")
@pytest.mark.parametrize("which", ["mlp", "rnn", "flute"])
def test_c(which, tmp_path):
    own = find_instrument("flute") if which == "flute" else instrument(which)
    export_c(own, tmp_path / "instrument.h")
    shutil.copy(EXAMPLE, tmp_path)
    flags = ["-O2", "-std=c99", "-Wall", "-Wextra", "-Werror"]
    command = [COMPILER, *flags, "decoder.c", "-o", "decoder", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    f0_hz, loudness_db = features(9)
    lines = "".join(f"{f:.9g} {db:.9g}\n" for f, db in zip(f0_hz[0], loudness_db[0]))
    done = subprocess.run(
        [tmp_path / "decoder"], input=lines, text=True, capture_output=True, check=True, timeout=60
    )
    y = np.loadtxt(done.stdout.splitlines(), np.float32)
    stop = 1 + own.config.n_harmonics
    got = {"amplitudes": y[:, 0], "harmonic_distribution": y[:, 1:stop],
           "noise_magnitudes": y[:, stop:]}  # fmt: skip
    assert_same_controls(got, own.model.controls(own.parameters, f0_hz[0], loudness_db[0]))


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler, `cc`")
@pytest.mark.parametrize("which", ["conv", "ddsp_pytorch"])
def test_c_of_decoders_that_the_program_does_not_know(which, tmp_path):
    """The header compiles by itself; the program says that it is not for it."""
    export_c(instrument(which), tmp_path / "instrument.h")
    shutil.copy(EXAMPLE, tmp_path)
    (tmp_path / "alone.c").write_text(
        '#include "instrument.h"\nint main(void) { return ddsp_tensors[0].rank < 1; }\n'
    )
    alone, example = (
        subprocess.run(
            [COMPILER, "-std=c99", "-c", name],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        for name in ("alone.c", "decoder.c")
    )
    assert alone.returncode == 0, alone.stderr
    assert example.returncode != 0
    assert f"a decoder of {'convolutions' if which == 'conv' else which}" in example.stderr


def test_command(tmp_path, capsys):
    for name in ("a.bin", "a.h", "folder"):
        assert main(["export", "flute", str(tmp_path / name)]) == 0
        assert capsys.readouterr().out == f"wrote {tmp_path / name}\n"
    assert main(["export", "flute", str(tmp_path / "half"), "--half"]) == 0
    whole, half = (load_instrument(tmp_path / name) for name in ("folder", "half"))
    for name, value in whole.parameters.items():
        np.testing.assert_allclose(half.parameters[name], value, rtol=1e-3, atol=1e-6)
    capsys.readouterr()
    bad = {
        ("flute", "a.wav"): "must end in .onnx, .bin or .h, or be a folder",
        ("kazoo", "b.bin"): "there is no instrument 'kazoo'",
        ("flute", "c.h", "--half"): "--half is for a folder",
    }
    for words, text in bad.items():
        assert main(["export", words[0], str(tmp_path / words[1]), *words[2:]]) == 2
        assert text in capsys.readouterr().err
        assert not (tmp_path / words[1]).exists()


def test_wrong_endings(tmp_path):
    own = instrument("mlp")
    for export, text in ((export_flat, "is a .bin file"), (export_c, "is a .h file"),
                         (export_onnx, "is an .onnx file")):  # fmt: skip
        with pytest.raises(InstrumentError, match=text):
            export(own, tmp_path / "a.txt")
    assert not list(tmp_path.iterdir())


def test_without_onnx(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "ddsp_ref\[onnx\]"'):
        export_onnx(instrument("mlp"), tmp_path / "a.onnx")
