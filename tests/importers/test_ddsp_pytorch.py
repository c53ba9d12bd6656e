"""Models of ddsp_pytorch render what PyTorch computed; what is not understood is refused."""

from __future__ import annotations

import dataclasses
import re
import shutil
import zipfile

import numpy as np
import pytest

from ddsp_ref import compute_loudness_ddsp_pytorch, write_audio
from ddsp_ref.app.cli import main
from ddsp_ref.errors import ImportFormatError, InstrumentError, ParameterError
from ddsp_ref.importers.ddsp_pytorch import import_ddsp_pytorch
from ddsp_ref.importers.foreign import import_model
from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.features import DB_PER_NEPER, level_of
from ddsp_ref.models.instrument import load_instrument
from ddsp_ref.models.model import Model
from ddsp_ref.models.pytorch_model import harmonic_blocks, noise_blocks
from ddsp_ref.transfer.instruments import find_instrument

from .test_fuzz import attempt, mutate
from .writers import FIXTURES, flatbuffer, tflite_model

REAL = FIXTURES / "pytorch_small"


@pytest.fixture(scope="module")
def recorded():
    with np.load(FIXTURES / "pytorch_small_io.npz") as file:
        return {key: file[key] for key in file.files}


def db_off(got, want):
    error = np.asarray(got, float) - want
    return 10 * np.log10(np.sum(error**2) / np.sum(want.astype(float) ** 2))


def assert_renders_as(instrument, recorded):
    """Controls to 1e-5 of the largest value, which is rounding in two orders; sound to -80 dB."""
    model, f0_hz = instrument.model, recorded["f0_hz"]
    level = (recorded["loudness"] * DB_PER_NEPER).astype(np.float32)
    raw = model.controls(instrument.parameters, f0_hz, level)
    partials, magnitudes = model.synthesizer_controls(raw, f0_hz)
    pairs = [
        (raw["amplitudes"], recorded["raw"][:, 0]),
        (raw["harmonic_distribution"], recorded["raw"][:, 1:]),
        (raw["noise_magnitudes"], recorded["raw_noise"]),
        (partials, recorded["partials"]),
        (magnitudes, recorded["magnitudes"]),
    ]
    for got, want in pairs:
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 * np.abs(want).max())
    config = instrument.config
    harmonic = harmonic_blocks(f0_hz, partials, config.sample_rate, config.hop_size)
    assert db_off(harmonic, recorded["harmonic"]) < -80
    assert db_off(noise_blocks(magnitudes, recorded["noise"]), recorded["noise_signal"]) < -80
    audio = instrument.render(f0_hz, level, recorded["noise"])
    assert audio.dtype == np.float32
    assert db_off(audio, recorded["audio"]) < -80


def test_renders_what_pytorch_computed(recorded):
    assert_renders_as(import_ddsp_pytorch(REAL), recorded)


def test_the_fixture_is_what_the_port_computes(tmp_path, recorded):
    pytest.importorskip("torch")
    from . import pytorch_port

    port = pytorch_port.make()
    pytorch_port.save(port, tmp_path / "run")
    computed = pytorch_port.compute(port)
    for key, value in computed.items():
        limit = 1e-5 * np.abs(recorded[key]).max()
        np.testing.assert_allclose(value, recorded[key], rtol=0, atol=limit, err_msg=key)
    assert_renders_as(import_ddsp_pytorch(tmp_path / "run"), computed)


def test_all_partials_above_nyquist_alias_at_full_scale(recorded):
    """A thing that the original does, and that has to be repeated."""
    assert recorded["f0_hz"][77] > 4000
    assert np.abs(recorded["harmonic"][77 * 80 : 78 * 80]).max() > 1e-3


def test_harmonic_blocks_are_sums_of_sines():
    rng = np.random.default_rng(0)
    f0_hz, partials = rng.uniform(50, 3000, (2, 2100)), rng.uniform(0, 1, (2, 2100, 3))
    phase = np.cumsum(np.repeat(f0_hz, 5, axis=-1) / 8000, axis=-1)[..., None]
    sines = np.sin(2 * np.pi * phase * np.arange(1, 4)) * np.repeat(partials, 5, axis=-2)
    got = harmonic_blocks(f0_hz, partials, 8000, 5)  # 2100 blocks: more than one piece
    np.testing.assert_allclose(got, sines.sum(-1), atol=1e-9)  # 1e4 cycles in float64: 1e-11


@pytest.mark.parametrize("size", [20, 8, 5])
def test_noise_blocks_are_filtered_each_by_itself(size):
    """Also blocks that are shorter than the filter, which is then cut before it is turned back."""
    rng = np.random.default_rng(0)
    magnitudes, noise = rng.uniform(0, 1, (3, 5)), rng.uniform(-1, 1, 3 * size)
    window = np.hanning(9)[:-1]
    for i, got in enumerate(noise_blocks(magnitudes, noise).reshape(3, size)):
        angle = np.outer(np.arange(-4, 4), np.arange(5)) * np.pi / 4
        taps = window * (np.cos(angle) * magnitudes[i] * [1, 2, 2, 2, 1]).sum(-1) / 8
        kernel = np.roll(np.pad(taps, (0, max(0, size - 8)))[:size], -4)
        want = np.convolve(noise[i * size : (i + 1) * size], kernel)[:size]
        np.testing.assert_allclose(got, want, atol=1e-12)


def test_its_loudness():
    audio = np.random.default_rng(0).uniform(-0.3, 0.3, 16080)
    want = compute_loudness_ddsp_pytorch(audio, sample_rate=16000, frame_rate=100)
    got = level_of(audio, 16000, 100, "loudness_ddsp_pytorch")
    assert got.shape == (101,)  # one more than there: the last is held
    np.testing.assert_allclose(got[:100], want * 20 / np.log(10), rtol=1e-6)
    assert got[100] == got[99]
    louder = level_of(audio * 10, 16000, 100, "loudness_ddsp_pytorch")
    np.testing.assert_allclose(louder - got, 20, atol=0.01)  # 1e-7 beside magnitudes of 1e-2
    assert level_of(audio[:300], 16000, 100, "loudness_ddsp_pytorch").shape == (2,)


def test_by_command_by_path_and_as_a_zip(tmp_path, recorded, capsys):
    main(["import", str(REAL), "--out", str(tmp_path / "mine")])
    own, direct = load_instrument(tmp_path / "mine"), find_instrument(REAL)
    shutil.make_archive(str(tmp_path / "run"), "zip", REAL.parent, REAL.name)
    zipped = find_instrument(tmp_path / "run.zip")
    assert (own.name, direct.name, zipped.name) == ("mine", "pytorch_small", "run")
    sounds = [
        one.render(recorded["f0_hz"], recorded["loudness"], recorded["noise"])
        for one in (own, direct, zipped)
    ]
    assert all(np.array_equal(sound, sounds[0]) for sound in sounds)
    assert import_model(tmp_path / "run.zip").config == own.config
    capsys.readouterr()
    main(["info", str(tmp_path / "mine")])
    told = capsys.readouterr().out
    for words in ("ddsp_pytorch-loudness/pyin-1", '"loudness_mean": -4.75', "acids-ircam"):
        assert words in told


def test_transfer(tmp_path, capsys):
    time = np.arange(16000) / 16000
    write_audio(tmp_path / "in.wav", 0.3 * np.sin(2 * np.pi * 220 * time), 16000)
    where = [str(tmp_path / "in.wav"), str(tmp_path / "out.wav")]
    main(["transfer", *where, "--instrument", str(REAL)])
    assert "without statistics" in capsys.readouterr().out
    assert (tmp_path / "out.wav").stat().st_size > 16000


def test_it_does_not_learn():
    own = import_ddsp_pytorch(REAL)
    f0_hz = np.full(3, 200, np.float32)
    with pytest.raises(ParameterError, match="plays, but cannot be trained on here"):
        own.model.vjp(own.parameters, f0_hz, f0_hz, np.zeros(240, np.float32))
    with pytest.raises(ParameterError, match="plays, but cannot be trained on here"):
        own.model.play_vjp(own.parameters, {}, f0_hz, np.zeros(240, np.float32))
    with pytest.raises(ParameterError, match="Model: decoder is 'ddsp_pytorch', must be 'mlp' or"):
        Model(own.config)  # whose synthesizers are others
    with pytest.raises(ParameterError, match="belong together"):
        ModelConfig(level="loudness_ddsp_pytorch")
    with pytest.raises(ParameterError, match="belong together"):
        dataclasses.replace(own.config, level="power")


def test_quiet_frames_reach_it(recorded):
    """Its levels lie far below -80, where those of other instruments end."""
    from ddsp_ref.transfer.curves import Curves
    from ddsp_ref.transfer.render import render

    own, n = import_ddsp_pytorch(REAL), 130
    sounds = [
        render(Curves(recorded["f0_hz"], np.full(n, level, np.float32), 100.0), own).audio
        for level in (-80.0, -130.0)
    ]
    assert not np.allclose(*sounds)
    violin = [
        render(Curves(recorded["f0_hz"], np.full(n, level, np.float32), 250.0), "violin").audio
        for level in (-80.0, -130.0)
    ]
    np.testing.assert_array_equal(*violin)


def copy(tmp_path):
    return shutil.copytree(REAL, tmp_path / "run")


CONFIGS = [
    ("  hidden_size: 24\n", "", "has no model: hidden_size"),
    ("hidden_size: 24", "hidden_size: 32", "in_mlps.0.0.weight has shape (24, 1)"),
    ("hidden_size: 24", "hidden_size: many", "model: hidden_size is 'many'"),
    ("n_harmonic: 12", "n_harmonic: 0", "model: n_harmonic is '0'"),
    ("n_bands: 17", "n_bands: 18", "proj_matrices.1.weight has shape (17, 24)"),
    ("block_size: 80", "block_size: 160", "block_size is not 160"),
    ("block_size: 80", "block_size: 512", "512, which does not divide sampling_rate, 8000"),
    ("sampling_rate: 8000", "sampling_rate: 1600", "sampling_rate is not 1600"),
    ("  mean_loudness: -4.75\n", "", "has no data: mean_loudness; train.py writes it"),
    ("std_loudness: 2.125", "std_loudness: .nan", "data: std_loudness is 'nan'"),
    ("std_loudness: 2.125", "std_loudness: 0.0", "loudness_std are -4.75 and 0.0"),
    ("model:", "model: &anchor", "only single values"),
]


@pytest.mark.parametrize(("old", "new", "message"), CONFIGS, ids=[c[2] for c in CONFIGS])
def test_configurations_that_are_refused(tmp_path, old, new, message):
    path = copy(tmp_path) / "config.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ImportFormatError, match=re.escape(message)) as caught:
        import_ddsp_pytorch(path.parent)
    assert "\n" not in str(caught.value)


def change_state(folder, change):
    """Rewrite the members of the zip of a state."""
    path = folder / "state.pth"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, change(data) if name.endswith("data.pkl") else data)


STATES = [  # replacements as long as what they replace: a pickle counts its letters
    (b"out_mlp.0.weight", b"out_mlp.9.weight", "the tensor out_mlp.0.weight is missing"),
    (b"reverb.decay", b"reverb.delay", "the tensor reverb.decay is missing"),
    (b"reverb.t", b"reverb.u", "the tensor 'reverb.u' is not understood"),
    (b"in_mlps.1.0.weight", b"in_mlps.2.0.weight", "told more than pitch and loudness"),
    (b"cache_gru", b"in_mlps.2", "the tensor 'in_mlps.2' is not understood"),
    (b"ctorch._utils\n_rebuild_tensor_v2", b"cos\nsystem", "os.system"),
]


@pytest.mark.parametrize(("old", "new", "message"), STATES, ids=[s[2] for s in STATES])
def test_states_that_are_refused(tmp_path, old, new, message):
    folder = copy(tmp_path)

    def change(data):
        assert old in data
        return data.replace(old, new)

    change_state(folder, change)
    with pytest.raises(ImportFormatError, match=re.escape(message)):
        import_ddsp_pytorch(folder)


def test_missing_and_truncated_files(tmp_path):
    folder = copy(tmp_path)
    whole = (folder / "state.pth").read_bytes()
    (folder / "state.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImportFormatError, match="is no zip"):
        import_ddsp_pytorch(folder)
    assert main(["import", str(folder), "--out", str(tmp_path / "out")]) != 0
    assert not (tmp_path / "out").exists(), "nothing half written"
    (folder / "state.pth").write_bytes(whole)
    (folder / "config.yaml").unlink()
    with pytest.raises(ImportFormatError, match=r"config.yaml: does not exist"):
        import_ddsp_pytorch(folder)
    (folder / "state.pth").unlink()
    with pytest.raises(ImportFormatError, match="holds no trained model"):
        import_model(folder)
    (tmp_path / "half.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises((ImportFormatError, InstrumentError)):
        find_instrument(tmp_path / "half.zip")


def test_decoders_of_the_plugin_are_refused_with_what_is_in_them(tmp_path):
    path = tmp_path / "Flute.tflite"
    path.write_bytes(flatbuffer(tflite_model()))
    told = "inputs 'x' and the operators '1 FULLY_CONNECTED', which is not mapped"
    with pytest.raises(ImportFormatError, match=told):
        import_model(path)
    with pytest.raises(ImportFormatError, match=told):
        import_model(tmp_path)
    with pytest.raises(InstrumentError, match="import the checkpoint that it was made of"):
        find_instrument(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ImportFormatError, match=r"Flute\.tflite: is damaged"):
        import_model(path)


@pytest.mark.parametrize("n_cases", [60, pytest.param(3000, marks=pytest.mark.slow)])
def test_mutated_folders(tmp_path, n_cases):
    """Only the library's own error comes out, see `attempt`."""
    rng, folder = np.random.default_rng(n_cases), copy(tmp_path)
    config = (folder / "config.yaml").read_bytes()
    with zipfile.ZipFile(folder / "state.pth") as archive:
        pickled = next(archive.read(n) for n in archive.namelist() if n.endswith("data.pkl"))
    outcomes = {"read": 0, "refused": 0}
    for i in range(n_cases):
        shutil.copy(REAL / "state.pth", folder / "state.pth")
        (folder / "config.yaml").write_bytes(config if i % 2 else mutate(rng, config, config))
        if i % 2:
            change_state(folder, lambda data: mutate(rng, data, pickled))
        outcomes[attempt(lambda path: import_ddsp_pytorch(path.parent), folder / "x")] += 1
    assert outcomes["refused"] > n_cases / 4
    assert outcomes["read"] > 0
