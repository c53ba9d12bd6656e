"""Tensors that PyTorch saved, read without PyTorch and without unpickling."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ddsp_ref.importers._input import count_of, open_file, refusal, show, widen_bfloat16
from ddsp_ref.importers._pickle_machine import Call, Name, PickleError, Stored, read_pickle
from ddsp_ref.importers._zip import ZipMembers, open_zip

_MAX_BYTES = 2 << 30
_MAX_PICKLE = 16 << 20
_STORAGES = {
    "torch.FloatStorage": "<f4",
    "torch.DoubleStorage": "<f8",
    "torch.HalfStorage": "<f2",
    "torch.BFloat16Storage": "<u2",
    "torch.LongStorage": "<i8",
    "torch.IntStorage": "<i4",
    "torch.ShortStorage": "<i2",
    "torch.CharStorage": "i1",
    "torch.ByteStorage": "u1",
    "torch.BoolStorage": "?",
}
_ORDERED = "collections.OrderedDict"
_TENSOR = "torch._utils._rebuild_tensor_v2"
_PARAMETER = "torch._utils._rebuild_parameter"
_NAMES = {_ORDERED, _TENSOR, _PARAMETER, *_STORAGES}
_REMEDY = "save it in PyTorch with torch.save(model.state_dict(), path)"


def read_torch_state(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Read the tensors of a state that PyTorch saved.

    Parameters
    ----------
    path : str or PathLike
        Of what `torch.save(model.state_dict(), path)` wrote, PyTorch 1.6 or newer: a zip.

    Returns
    -------
    dict of str to ndarray
        In their order, of the dtype that was saved, except bfloat16, which becomes float32;
        contiguous, each with memory of its own.

    Raises
    ------
    ImportFormatError
        If the file is missing, damaged, of the older format without zip, not a mapping of names
        to tensors, or names any class or function but those of tensors; none is ever imported
        or called.
    """
    path = Path(path)
    _refuse_legacy(path)
    with open_zip(path, _MAX_BYTES) as members:
        root = _root(path, members)
        if members.infos[f"{root}data.pkl"].file_size > _MAX_PICKLE:
            raise refusal(path, f"its data.pkl is larger than {_MAX_PICKLE} bytes")
        data = members.read(f"{root}data.pkl")
        try:
            state = read_pickle(data, _NAMES)
        except PickleError as error:
            where = f"byte {error.place} of data.pkl"
            raise refusal(path, f"refused: {error}", where, _REMEDY) from None
        return _Tensors(path, members, root).read(state)


def _refuse_legacy(path: Path) -> None:
    with open_file(path) as file:
        start = file.read(2)
    if start and start != b"PK":
        raise refusal(
            path,
            "is not a zip, so it was saved by PyTorch before 1.6, or not by PyTorch",
            remedy="load it in PyTorch and save it again with torch.save(state_dict, path)",
        )


def _root(path: Path, members: ZipMembers) -> str:
    roots = [n.removesuffix("data.pkl") for n in members.infos if n.endswith("data.pkl")]
    roots = [root for root in roots if root in ("",) or (root.count("/") == 1 and root[-1] == "/")]
    if len(roots) != 1:
        raise refusal(path, "is a zip, but not one that PyTorch saved", "no data.pkl", _REMEDY)
    if f"{roots[0]}constants.pkl" in members.infos or any(
        name.startswith(f"{roots[0]}code/") for name in members.infos
    ):
        raise refusal(path, "is a program saved by TorchScript, not a state", "", _REMEDY)
    order = f"{roots[0]}byteorder"
    if order in members.infos and (
        members.infos[order].file_size > 16 or members.read(order) != b"little"
    ):
        raise refusal(path, "its numbers are not little-endian, which is not read")
    return roots[0]


class _Tensors:
    """Makes arrays of the tensors that a state describes."""

    def __init__(self, path: Path, members: ZipMembers, root: str) -> None:
        self._path, self._members, self._root = path, members, root
        self._storages: dict[str, tuple[str, np.ndarray]] = {}
        # Tensors may share memory, but what becomes much larger than the file is no state.
        total = sum(info.file_size for info in members.infos.values())
        self._bytes_left = 4 * total + 4096

    def read(self, state: object) -> dict[str, np.ndarray]:
        items = state.items if isinstance(state, Call) and state.name == _ORDERED else state
        if not isinstance(items, Mapping) or (items is not state and state.args):
            raise refusal(self._path, "holds no mapping of names to tensors", "", _REMEDY)
        tensors = {}
        for name, value in items.items():
            if isinstance(value, Call) and value.name == _PARAMETER:
                value = value.args[0] if value.args else None
            if not isinstance(name, str) or not _is_tensor(value):
                what = "a mapping" if isinstance(value, Mapping | Call) else show(value)
                raise refusal(
                    self._path,
                    f"{show(name)} is {what}, not a tensor",
                    remedy="save the mapping of names to tensors alone",
                )
            tensors[name] = self._tensor(name, value)
        return tensors

    def _tensor(self, name: str, call: Call) -> np.ndarray:
        stored, offset, shape, strides = call.args[:4]
        kind, storage = self._storage(name, stored)
        if not _are_sizes(shape, strides) or type(offset) is not int or len(shape) != len(strides):
            raise self._error(name, "has no shape of whole numbers")
        count = count_of(shape)
        if count is None:
            raise self._error(name, f"has the impossible shape {show(shape)}")
        last = offset + sum((n - 1) * step for n, step in zip(shape, strides))
        if count and not (offset >= 0 and last < storage.size):
            raise self._error(
                name,
                f"of shape {show(shape)} reaches past its {storage.size} stored values",
            )
        self._bytes_left -= count * max(storage.itemsize, 4)
        if self._bytes_left < 0:
            raise self._error(name, "and those before it are larger in all than the file allows")
        if not count:
            array = np.empty(shape, storage.dtype)
        else:
            steps = tuple(step * storage.itemsize for step in strides)
            array = np.ndarray(shape, storage.dtype, storage, offset * storage.itemsize, steps)
        array = array.astype(storage.dtype.newbyteorder("="), order="C")
        return widen_bfloat16(array) if kind == "torch.BFloat16Storage" else array

    def _storage(self, name: str, stored: object) -> tuple[str, np.ndarray]:
        """Return the kind and the values of a storage: (_, class, key, device, length)."""
        key = stored.key if isinstance(stored, Stored) else None
        if not isinstance(key, tuple) or len(key) != 5 or not isinstance(key[2], str):
            raise self._error(name, "does not say where it is stored")
        kind, number, count = key[1], key[2], key[4]
        if not isinstance(kind, Name) or kind.text not in _STORAGES or key[0] != "storage":
            raise self._error(name, f"is stored as {show(kind)}")
        if number not in self._storages:
            member = f"{self._root}data/{number}"
            if member not in self._members.infos:
                raise self._error(name, f"is stored in {show(member)}, which is missing")
            dtype = np.dtype(_STORAGES[kind.text])
            n_bytes = self._members.infos[member].file_size
            if type(count) is not int or count * dtype.itemsize != n_bytes:
                raise self._error(name, f"is stored in {n_bytes} bytes, which do not fit")
            self._storages[number] = kind.text, np.frombuffer(self._members.read(member), dtype)
        if self._storages[number][0] != kind.text:
            raise self._error(name, "shares its memory with a tensor of another dtype")
        return self._storages[number]

    def _error(self, name: str, what: str) -> Exception:
        return refusal(self._path, f"the tensor {show(name)} {what}")


def _is_tensor(value: object) -> bool:
    """Tell whether a call is that of a tensor: storage, offset, shape, strides, and two more."""
    return isinstance(value, Call) and value.name == _TENSOR and len(value.args) >= 4


def _are_sizes(*sequences: object) -> bool:
    return all(
        isinstance(sizes, tuple) and all(type(n) is int and 0 <= n < 2**40 for n in sizes)
        for sizes in sequences
    )
