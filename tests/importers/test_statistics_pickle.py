"""Pickles of statistics: NumPy's values of every protocol, and no calls."""

from __future__ import annotations

import collections
import os
import pickle

import numpy as np
import pytest

from ddsp_ref.errors import ImportFormatError
from ddsp_ref.importers.statistics_pickle import TransformerRecord, read_statistics

from .writers import FIXTURES

REAL = FIXTURES / "vst_small" / "dataset_statistics.pkl"


def read(tmp_path, data):
    path = tmp_path / "s.pkl"
    path.write_bytes(data)
    return read_statistics(path)


def test_statistics_of_magenta():
    statistics = read_statistics(REAL)
    assert len(statistics) == 37
    assert statistics["mean_pitch"] == np.float32(59.950275)
    assert isinstance(statistics["mean_pitch"], np.float32)
    transform = statistics["quantile_transform"]
    assert isinstance(transform, TransformerRecord)
    assert "random_state" not in transform.attributes
    assert transform.attributes["output_distribution"] == "uniform"
    assert transform.attributes["n_quantiles_"] == 479
    quantiles = transform.attributes["quantiles_"]
    assert quantiles.shape == (479, 1)
    assert (np.diff(quantiles[:, 0]) >= 0).all()
    np.testing.assert_array_equal(
        transform.attributes["references_"], np.linspace(0, 1, 479), strict=True
    )


VALUES = {
    "vector": np.arange(3.0),
    "scalar": np.float32(2),
    "whole": np.int64(-3),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big": np.arange(3, dtype=">i8"),
    "zero": np.array(5, "i4"),
    "empty": np.zeros((0, 3)),
    "switch": np.array([True, False]),
    "half": np.array([1.5], np.float16),
    "bytes": b"abc\xff",
    "none": b"",
    "text": "\u00e4" * 300,
    "list": [1, (2, "x", None, True), -70000, 3.5],
    "long": 10**20,
    "mapping": {"a": {}, 3: []},
}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_values_of_every_protocol(tmp_path, protocol):
    got = read(tmp_path, pickle.dumps(VALUES, protocol))
    assert list(got) == list(VALUES)
    for name, value in VALUES.items():
        if isinstance(value, np.ndarray | np.generic):
            assert got[name].dtype == value.dtype.newbyteorder("=")
            assert got[name].shape == value.shape
            np.testing.assert_array_equal(got[name], value)
            assert isinstance(got[name], np.generic) or got[name].flags.owndata
        else:
            assert got[name] == value, name


def test_a_generator_of_this_numpy_is_left_out(tmp_path):
    """The transformer carries the state of a random generator, which newer NumPy writes anew."""
    state = {"random_state": np.random.mtrand._rand, "n_quantiles": 7}
    pieces = pickle.dumps(state, 2)[2:-1]
    name = b"cddsp.training.postprocessing\nQuantileTransformer\n"
    data = b"\x80\x02}X\x01\0\0\0q" + name + b")\x81" + pieces + b"bs."
    got = read(tmp_path, data)
    assert got["q"] == TransformerRecord({"n_quantiles": 7})


class Evil:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


NUMBERS = pickle.dumps({"a": np.arange(4.0)}, 4)
TOUCH = "touch pwned"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            pickle.dumps({"a": Evil(os.system, (TOUCH,))}),
            r"it names '(posix|nt)\.system', which",
        ),
        (pickle.dumps(Evil(eval, ("1",)), 2), r"it names '__builtin__\.eval'"),
        (pickle.dumps(Evil(getattr, ("a", "b")), 2), r"names '__builtin__\.getattr'"),
        (pickle.dumps({"a": collections.OrderedDict()}), r"names 'collections\.OrderedDict'"),
        (pickle.dumps({"a": np.array([None])}), r"dtype 'O8'; numbers can be read"),
        (pickle.dumps({"a": np.array(["x"])}), r"dtype 'U1'"),
        (pickle.dumps({"a": np.random.mtrand._rand}), "randomstate_ctor stands where a value"),
        (pickle.dumps({"a": np.float64}), "names 'numpy.float64'"),
        (pickle.dumps({"a": {1, 2}}), "is not one that holds plain data"),
        (pickle.dumps({"a": {(1,): 2}}), "a key that is neither text nor a small whole number"),
        (pickle.dumps({1: 2}), "holds no mapping of names to statistics"),
        (pickle.dumps([1]), "holds no mapping of names to statistics"),
        (pickle.dumps({"a": 1}, 0), "protocol 2 or newer"),
        (b"", "protocol 2 or newer"),
        (b"\x80\x09.", "protocol 9 is not known"),
        (NUMBERS[:-1], "it is truncated"),
        (NUMBERS[:40], "it is truncated"),
        (NUMBERS.replace(b"K\x04\x85", b"K\x05\x85"), r"shape \(5,\) does not fit its bytes"),
        (b"\x80\x02(.", "values left over"),
        (b"\x80\x02NN.", "values left over"),
        (b"\x80\x020.", "finds no value"),
        (b"\x80\x02e.", "finds no mark"),
        (b"\x80\x02h\x05.", "no value number 5"),
        (b"\x80\x02NNR.", "calls what is not a name"),
        (b"\x80\x02NNb.", "a state is given to what has none"),
        (b"\x80\x02NNa.", "appended to what is no list"),
        (b"\x80\x02NNNs.", "items are set on what has no items"),
        (b"\x80\x02B\xff\xff\xff\x7f.", "it is truncated"),
        (b"\x80\x02\x8e" + b"\xff" * 8 + b".", "it is truncated"),
        (b"\x80\x02\x8aP" + b"\1" * 80 + b".", "a whole number of 80 bytes"),
        (b"\x80\x02X\1\0\0\0\xff.", "a text is not UTF-8"),
        (b"\x80\x02cnumpy", "truncated within a name"),
        (b"\x80\x02}X\1\0\0\0aNQs.", "something outside of the pickle"),
        (b"\x80\x02}X\1\0\0\0acnumpy\ndtype\ns.", "numpy.dtype stands where a value"),
        (b"\x80\x02}X\1\0\0\0acnumpy\ndtype\n)Rs.", "numpy.dtype is used in an unknown way"),
        (b"\x80\x02N" + b"\x85" * 100 + b"}X\1\0\0\0a0N.", "finds no value|left over"),
        (b"\x80\x02" + b"N0" * 150_001 + b"}.", "more than 300000 instructions"),
    ],
)
def test_what_is_refused(tmp_path, monkeypatch, data, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ImportFormatError, match=message) as caught:
        read(tmp_path, data)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "pwned").exists()


def test_values_that_contain_themselves_and_each_other(tmp_path):
    own = []
    own.append(own)
    with pytest.raises(ImportFormatError, match="nested too deeply"):
        read(tmp_path, pickle.dumps({"a": own}))
    shared: list = [1]
    for _ in range(35):
        shared = [shared, shared]
    with pytest.raises(ImportFormatError, match="too many values"):
        read(tmp_path, pickle.dumps({"a": shared}))


def test_the_same_bytes_again_and_again(tmp_path):
    """A long array of one memory, named by many calls, would take very much memory."""
    head = pickle.dumps({"a": np.zeros(1000)}, 2)
    call = head[head.index(b"cnumpy") : -2]  # builds the array, ends before SETITEM and STOP
    data = b"\x80\x02}X\1\0\0\0a]" + b"(" + call
    data += b"q\xff" + b"h\xff" * 2000 + b"es."
    with pytest.raises(ImportFormatError, match="the same bytes are used too often"):
        read(tmp_path, data)


def test_missing_and_large_files(tmp_path):
    with pytest.raises(ImportFormatError, match="does not exist"):
        read_statistics(tmp_path / "nothing.pkl")
    with pytest.raises(ImportFormatError, match="is a folder, not a file"):
        read_statistics(tmp_path)
    with open(tmp_path / "large.pkl", "wb") as file:
        file.truncate(1 << 25)
    with pytest.raises(ImportFormatError, match="is longer than 16777216 bytes"):
        read_statistics(tmp_path / "large.pkl")
