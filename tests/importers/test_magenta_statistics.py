"""Statistics of every version of magenta/ddsp: where their class lay, and what they hold."""

from __future__ import annotations

import pickle
import shutil
import sys
from types import ModuleType

import numpy as np
import pytest

from ddsp_ref.app.cli import main
from ddsp_ref.errors import ImportFormatError
from ddsp_ref.importers._magenta_statistics import make_statistics
from ddsp_ref.importers.magenta import import_magenta
from ddsp_ref.importers.statistics_pickle import TransformerRecord, read_statistics
from ddsp_ref.models.instrument import load_instrument, save_instrument

from .writers import FIXTURES

PLACES = (
    "ddsp.training.postprocessing",
    "ddsp.colab.colab_utils",
    "sklearn.preprocessing._data",
    "sklearn.preprocessing.data",
)


def pickled(monkeypatch, module, name="QuantileTransformer", **saved):
    """Return a pickle of statistics whose class lies in a module that there is not."""
    kind = type(name, (), {"__module__": module})
    holder = ModuleType(module)
    setattr(holder, name, kind)
    monkeypatch.setitem(sys.modules, module, holder)
    parts = module.split(".")
    for i in range(1, len(parts)):
        parent = ".".join(parts[:i])
        if parent not in sys.modules:
            monkeypatch.setitem(sys.modules, parent, ModuleType(parent))
    transform = kind()
    transform.quantiles_ = np.linspace(-60.0, -20.0, 41)[:, None]
    transform.references_ = np.linspace(0.0, 1.0, 41)
    return pickle.dumps({**saved, "quantile_transform": transform}, 4)


@pytest.mark.parametrize("place", PLACES)
def test_the_class_where_it_lay(place, monkeypatch, tmp_path):
    (tmp_path / "s.pkl").write_bytes(pickled(monkeypatch, place))
    record = read_statistics(tmp_path / "s.pkl")["quantile_transform"]
    assert isinstance(record, TransformerRecord)
    assert record.attributes["quantiles_"].shape == (41, 1)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("ddsp.colab.other", "QuantileTransformer"),
        ("sklearn.preprocessing._data", "PowerTransformer"),
    ],
)
def test_other_classes_are_refused(place, name, monkeypatch, tmp_path):
    (tmp_path / "s.pkl").write_bytes(pickled(monkeypatch, place, name))
    with pytest.raises(ImportFormatError, match=name):
        read_statistics(tmp_path / "s.pkl")


def test_statistics_of_before_version_1_4(monkeypatch, tmp_path, capsys):
    """They hold the mean pitch and the quantiles of the loudness, and no more."""
    copy = shutil.copytree(FIXTURES / "solo_v1_small", tmp_path / "solo")
    saved = pickled(monkeypatch, PLACES[1], mean_pitch=np.float32(62.0))
    (copy / "dataset_statistics.pkl").write_bytes(saved)
    instrument = import_magenta(copy)
    loudness, pitch = (instrument.statistics[name] for name in ("loudness_db", "f0_midi"))
    np.testing.assert_allclose(loudness["quantiles"], np.linspace(-60, -20, 101))
    assert loudness["mean"] == pytest.approx(-40.0)
    assert (pitch["mean"], pitch["quantiles"][0], pitch["quantiles"][-1]) == (62.0, 50.0, 74.0)
    save_instrument(tmp_path / "made", instrument)
    assert load_instrument(tmp_path / "made").statistics == instrument.statistics
    assert main(["info", str(tmp_path / "made")]) == 0
    assert "of the pitch assumed, an octave around the mean" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("saved", "missing"),
    [
        ({"mean_pitch": 62.0}, "level"),
        ({"mean_pitch": 62.0, "mean_loudness": float("nan")}, "level"),
        ({"mean_pitch": "high", "max_loudness": 1.0}, "level"),
        ({f"{kind}_loudness": -30.0 for kind in ("min", "mean", "max", "std")}, "pitch"),
    ],
)
def test_statistics_that_say_too_little(saved, missing):
    statistics, told = make_statistics(saved, "loudness")
    assert statistics == {}
    assert f"do not say the {missing}" in told


def test_no_statistics():
    assert make_statistics({}, "loudness") == ({}, "")
