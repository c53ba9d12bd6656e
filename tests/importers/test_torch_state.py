"""States of PyTorch: a real one, and damaged or foreign ones."""

from __future__ import annotations

import collections
import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from ddsp_ref.errors import ImportFormatError
from ddsp_ref.importers.torch_state import read_torch_state

from .writers import FIXTURES

REAL = FIXTURES / "state.pth"


def members():
    with zipfile.ZipFile(REAL) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(tmp_path, changes, kind=zipfile.ZIP_STORED):
    path = tmp_path / "state.pth"
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, data in {**members(), **changes}.items():
            if data is not None:
                archive.writestr(name, data)
    return path


def test_a_state_of_pytorch():
    state = read_torch_state(REAL)
    with np.load(FIXTURES / "state.npz") as wanted:
        assert list(state) == wanted.files
        for name, array in state.items():
            np.testing.assert_array_equal(array, wanted[name], strict=True)
            assert array.flags.c_contiguous
            assert array.flags.writeable
    assert state["gru.weight_ih_l0"].shape == (9, 4)
    assert state["brain"].dtype == np.float32
    before = state["slice"].copy()
    state["shared"][:] = 0  # the views share memory in the file, not here
    np.testing.assert_array_equal(state["slice"], before)


class Named:
    """Pickles as a call of a name that need not exist here."""

    def __init__(self, name, *args):
        self.name, self.args = name, args


class Pickler(pickle._Pickler):
    """Writes `Named` as calls, and `Storage` as what stands outside."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012

    def save_named(self, value):
        self.save_name(value.name)
        self.save(value.args)
        self.write(b"R")

    def save_name(self, name):
        module, _, last = name.rpartition(".")
        self.write(b"c" + module.encode() + b"\n" + last.encode() + b"\n")

    def save_stored(self, value):
        kind, number, count = value.args
        self.write(b"(")
        self.save("storage")
        self.save_name(kind)
        for part in (number, "cpu", count):
            self.save(part)
        self.write(b"tQ")


class Stored(Named):
    def __init__(self, *args):
        self.args = args


Pickler.dispatch[Named] = Pickler.save_named
Pickler.dispatch[Stored] = Pickler.save_stored


def dump(value):
    file = io.BytesIO()
    Pickler(file, 2).dump(value)
    return file.getvalue()


def tensor(
    offset, shape, strides, stored=("torch.FloatStorage", "0", 6), name="_rebuild_tensor_v2"
):
    hooks = collections.OrderedDict()
    return Named(f"torch._utils.{name}", Stored(*stored), offset, shape, strides, False, hooks)


def write_tensor(tmp_path, value):
    data = {"state/data.pkl": dump({"w": value}), "state/data/0": bytes(range(24))}
    return write(tmp_path, data)


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (6,), (1,)), (1, (2, 2), (3, 1)), (0, (2, 3), (1, 2)), (5, (), ()), (2, (4,), (0,))],
)
def test_strides_and_offset(tmp_path, offset, shape, strides):
    values = np.frombuffer(bytes(range(24)), "<f4")
    got = read_torch_state(write_tensor(tmp_path, tensor(offset, shape, strides)))["w"]
    want = [
        values[offset + sum(i * s for i, s in zip(index, strides))] for index in np.ndindex(*shape)
    ]
    np.testing.assert_array_equal(got, np.reshape(want, shape).astype("f4"), strict=True)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (tensor(1, (6,), (1,)), r"'w' of shape '\(6,\)' reaches past its 6 stored values"),
        (tensor(0, (2,), (6,)), "reaches past"),
        (tensor(-1, (2,), (1,)), "reaches past"),
        (tensor(0, (2,), (-1,)), "no shape of whole numbers"),
        (tensor(0, (2, 2), (1,)), "no shape of whole numbers"),
        (tensor(0, [2], [1]), "no shape of whole numbers"),
        (tensor(0.5, (2,), (1,)), "no shape of whole numbers"),
        (tensor(0, (10**7,), (0,)), "larger in all than the file allows"),
        (tensor(0, (2**30, 2**30), (0, 0)), "impossible shape"),
        (tensor(0, (1,) * 33, (0,) * 33), "impossible shape"),
        (tensor(0, (6,), (1,), ("torch.FloatStorage", "99", 6)), "'state/data/99', which is"),
        (tensor(0, (6,), (1,), ("torch.FloatStorage", "0", 7)), "in 24 bytes, which do not fit"),
        (tensor(0, (6,), (1,), ("torch.DoubleStorage", "0", 6)), "which do not fit"),
        (tensor(0, (6,), (1,), ("torch.QInt8Storage", "0", 6)), "names 'torch.QInt8Storage'"),
        (tensor(0, (6,), (1,), ("torch._utils._rebuild_parameter", "0", 6)), "is stored as"),
        (tensor(0, (6,), (1,), name="_rebuild_sparse_tensor"), "_rebuild_sparse_tensor', which is"),
        (Named("__main__.DDSP"), r"names '__main__\.DDSP', which is not plain data .*state_dict"),
        (Named("os.system", "touch pwned"), r"names 'os\.system'"),
        (Named("torch._utils._rebuild_tensor_v2"), "'w' is a mapping, not a tensor"),
        (Named("torch._utils._rebuild_parameter"), "'w' is 'None', not a tensor"),
        ({"x": 1}, "'w' is a mapping, not a tensor; save the mapping"),
        (3, "'w' is '3', not a tensor"),
    ],
)
def test_tensors_that_are_refused(tmp_path, monkeypatch, value, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ImportFormatError, match=message) as caught:
        read_torch_state(write_tensor(tmp_path, value))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "pwned").exists()


def test_one_memory_as_two_dtypes(tmp_path):
    first = tensor(0, (6,), (1,))
    second = tensor(0, (6,), (1,), ("torch.IntStorage", "0", 6))
    data = {"state/data.pkl": dump({"a": first, "b": second}), "state/data/0": bytes(24)}
    with pytest.raises(ImportFormatError, match="'b' shares its memory with a tensor of another"):
        read_torch_state(write(tmp_path, data))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"state/data.pkl": None}, "not one that PyTorch saved"),
        ({"state/data.pkl": dump([1])}, "holds no mapping of names to tensors"),
        ({"state/data.pkl": b"\x80\x02."}, "values left over"),
        ({"state/data.pkl": b"\x80\x02cos\nsystem\n."}, r"byte 2 of data\.pkl"),
        ({"other/data.pkl": b""}, "not one that PyTorch saved"),
        ({"state/byteorder": b"big"}, "not little-endian"),
        ({"state/constants.pkl": b""}, "TorchScript"),
        ({"state/code/x.py": b""}, "TorchScript"),
        ({"state/data/0": None}, "which is missing"),
        ({"state/data/0": b"x"}, "in 1 bytes, which do not fit"),
        ({"../data": b""}, r"'\.\./data', which could be put anywhere"),
        ({"state/DATA/0": b""}, "'state/DATA/0' twice"),
        ({"state/data.pkl": bytes(17 << 20)}, "larger than 16777216 bytes"),
    ],
)
def test_archives_that_are_refused(tmp_path, changes, message):
    with pytest.raises(ImportFormatError, match=message):
        read_torch_state(write(tmp_path, changes))


def test_what_is_no_archive(tmp_path):
    with pytest.raises(ImportFormatError, match="does not exist"):
        read_torch_state(tmp_path / "nothing.pth")
    legacy = tmp_path / "legacy.pth"
    legacy.write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, 2))
    with pytest.raises(ImportFormatError, match=r"before 1\.6, .*save it again with torch\.save"):
        read_torch_state(legacy)
    legacy.write_bytes(REAL.read_bytes()[:3000])
    with pytest.raises(ImportFormatError, match="is no zip, or a damaged one"):
        read_torch_state(legacy)
    damaged = bytearray(REAL.read_bytes())
    place = damaged.index(read_torch_state(REAL)["gru.weight_ih_l0"].tobytes())
    damaged[place] ^= 1
    legacy.write_bytes(damaged)
    with pytest.raises(ImportFormatError, match=r"'state/data/\d+' in it is damaged: .*CRC"):
        read_torch_state(legacy)
    assert os.listdir(tmp_path) == ["legacy.pth"]
