"""Checkpoints of TensorFlow 2, read without TensorFlow: an index and its shards of tensors."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ddsp_ref.importers import _bundle
from ddsp_ref.importers._bundle import Entry, parse_entry, parse_header, parse_object_graph
from ddsp_ref.importers._crc32c import crc32c, mask_crc
from ddsp_ref.importers._input import (
    array_of,
    count_of,
    open_file,
    read_bytes,
    refusal,
    show,
    widen_bfloat16,
)
from ddsp_ref.importers._protobuf import WireError, read_varint
from ddsp_ref.importers._table import TableError, read_table

_MAX_INDEX = 16 << 20
_MAX_STATE = 1 << 20
_MAX_TEXTS = 1 << 20
_MAX_GRAPH = 8 << 20
_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
_SLOT = "/.OPTIMIZER_SLOT/"


def find_checkpoint(folder: str | os.PathLike[str]) -> Path:
    """Find the newest checkpoint in a folder.

    Parameters
    ----------
    folder : str or PathLike
        With files like ckpt-300.index.

    Returns
    -------
    Path
        Of the checkpoint without a suffix: the one that the file `checkpoint` names; without
        that file, or if it names one that is not there, the one with the highest number.

    Raises
    ------
    ImportFormatError
        If there is no checkpoint.
    """
    folder = Path(folder)
    found = {path.name.removesuffix(".index"): path for path in folder.glob("*.index")}
    if not found:
        raise refusal(
            folder,
            "no checkpoint of TensorFlow in it: no file ends in .index",
            remedy="give the folder with ckpt-N.index, ckpt-N.data-... and operative_config-N.gin",
        )
    state = folder / "checkpoint"
    if state.is_file():
        text = read_bytes(state, _MAX_STATE).decode("utf-8", "replace")
        named = re.search(r'^[ \t]*model_checkpoint_path:[ \t]*"([^"\n]*)"', text, re.MULTILINE)
        # The folder may have been moved since: of a path only the name counts.
        name = re.split(r"[/\\]", named[1])[-1] if named else ""
        if name in found:
            return folder / name
    return folder / max(found, key=_number_in)


def _number_in(name: str) -> tuple[int, str]:
    number = re.search(r"-(\d{1,18})$", name)
    return (int(number[1]) if number else -1), name


def read_tf_checkpoint(
    path: str | os.PathLike[str], *, optimizer: bool = False
) -> dict[str, np.ndarray]:
    """Read the variables of a TensorFlow checkpoint.

    Parameters
    ----------
    path : str or PathLike
        A checkpoint without suffix, like folder/ckpt-300, its .index file, or a folder, of
        which the newest checkpoint is read.
    optimizer : bool
        Read the running means of the optimizer too; they are as large as the variables, twice.

    Returns
    -------
    dict of str to ndarray
        By the path of the variable in the object that was saved, such as
        "model/decoder/dense_out/kernel"; the native dtype that was saved, except bfloat16, which
        becomes float32. Tensors of text are left out, see `read_tf_bundle`.

    Raises
    ------
    ImportFormatError
        If a file is missing, truncated or damaged (every checksum is verified), or a tensor is
        of a dtype or in a layout that cannot be read.

    Notes
    -----
    Source: TensorFlow, tensorflow/core/util/tensor_bundle/tensor_bundle.h. Tensors that are split
    over several entries, big-endian files and compressed indexes are refused: none of the
    checkpoints of magenta/ddsp is of that kind.
    """
    index = _index_of(path)
    keys: dict[str, str] = {}
    for key, entry in _read_index(index)[1].items():
        name = key.removesuffix(_SUFFIX)
        if entry.dtype == _bundle.STRING or not (optimizer or _is_of_model(key)):
            continue
        if name in keys:
            raise refusal(index, f"two variables are called {show(name)}")
        keys[name] = key
    tensors = read_tf_bundle(index, keys.values())
    return {name: tensors[key] for name, key in keys.items()}


def _is_of_model(key: str) -> bool:
    return _SLOT not in key and not key.startswith("optimizer/")


def read_tf_bundle(
    path: str | os.PathLike[str], keys: Iterable[str] | None = None
) -> dict[str, np.ndarray]:
    """Read tensors of a TensorFlow checkpoint by the keys that stand in its index.

    Parameters
    ----------
    path : str or PathLike
        As for `read_tf_checkpoint`.
    keys : iterable of str, optional
        Those to read; all if not given.

    Returns
    -------
    dict of str to ndarray
        Tensors of text are arrays of `bytes` with dtype object.

    Raises
    ------
    ImportFormatError
        As for `read_tf_checkpoint`; also if a key is not in the index.
    """
    index = _index_of(path)
    n_shards, entries = _read_index(index)
    if keys is not None:
        keys = list(keys)
        for key in keys:
            if key not in entries:
                raise refusal(index, f"holds no tensor {show(key)}")
        entries = {key: entries[key] for key in keys}
    sizes = _shard_sizes(index, n_shards, {entry.shard for entry in entries.values()})
    # Tensors never overlap: what would unpack to more than the files hold is no checkpoint.
    if sum(entry.size for entry in entries.values()) > sum(sizes.values()):
        raise refusal(index, "its tensors are larger in all than the data files: truncated data")
    return {key: _read_tensor(index, n_shards, sizes, key, e) for key, e in entries.items()}


def read_variable_names(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read which variable of the framework each entry of a checkpoint belongs to.

    Parameters
    ----------
    path : str or PathLike
        As for `read_tf_checkpoint`.

    Returns
    -------
    dict of str to str
        From the names that `read_tf_checkpoint` gives to the full names of the variables, like
        "autoencoder/rnn_fc_decoder/dense/kernel"; empty if the checkpoint has no object graph.

    Raises
    ------
    ImportFormatError
        As for `read_tf_checkpoint`.
    """
    index = _index_of(path)
    entry = _read_index(index)[1].get(_GRAPH)
    if entry is None:
        return {}
    if entry.size > _MAX_GRAPH:
        raise refusal(index, f"its object graph has {entry.size} bytes, more than {_MAX_GRAPH}")
    graph = read_tf_bundle(index, [_GRAPH])[_GRAPH]
    if graph.dtype != object or graph.size != 1:
        raise refusal(index, "its object graph is not one text")
    try:
        names = parse_object_graph(graph.item())
    except WireError as error:
        raise refusal(index, f"its object graph is damaged: {error}") from None
    return {key.removesuffix(_SUFFIX): name for key, name in names.items()}


def _index_of(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    if path.is_dir():
        path = find_checkpoint(path)
    return path if path.suffix == ".index" else path.with_name(path.name + ".index")


def _read_index(index: Path) -> tuple[int, dict[str, Entry]]:
    """Return the number of shards, and the entries by key."""
    try:
        table = read_table(read_bytes(index, _MAX_INDEX))
        if b"" not in table:
            raise TableError("it has no header")
        n_shards, big_endian, needs = parse_header(table.pop(b""))
        entries = {key.decode("utf-8", "replace"): parse_entry(v) for key, v in table.items()}
    except (TableError, WireError) as error:
        raise refusal(index, f"the index of the checkpoint is damaged: {error}") from None
    if big_endian or needs > 1:
        kind = "its numbers are big-endian" if big_endian else f"it needs format version {needs}"
        raise refusal(index, f"{kind}, which is not read", remedy="save it again with TensorFlow 2")
    if not 1 <= n_shards <= _bundle.MAX_SHARDS:
        raise refusal(index, f"says that it has {n_shards} data files")
    for key, entry in entries.items():
        _check_entry(index, n_shards, key, entry)
    return n_shards, entries


def _check_entry(index: Path, n_shards: int, key: str, entry: Entry) -> None:
    if entry.sliced:
        raise refusal(
            index, f"{show(key)} is split into slices, which are not read", remedy="save it whole"
        )
    if entry.dtype != _bundle.STRING and entry.stored is None:
        raise refusal(index, f"{show(key)} is of dtype number {entry.dtype}, which is not read")
    count = count_of(entry.shape)
    if count is None:
        raise refusal(index, f"{show(key)} has the impossible shape {show(entry.shape)}")
    if entry.stored is None and count > _MAX_TEXTS:
        raise refusal(index, f"{show(key)} holds {count} texts, more than {_MAX_TEXTS}")
    # A text takes a byte at least, for its length.
    wanted = count * entry.stored.itemsize if entry.stored is not None else entry.size
    if entry.size != wanted or count > max(entry.size, 0) or not 0 <= entry.shard < n_shards:
        raise refusal(
            index,
            f"{show(key)} of shape {show(entry.shape)} takes {wanted} bytes, but its entry says "
            f"{entry.size} bytes in data file {entry.shard} of {n_shards}",
        )


def _shard_path(index: Path, n_shards: int, shard: int) -> Path:
    return index.with_name(f"{index.stem}.data-{shard:05d}-of-{n_shards:05d}")


def _shard_sizes(index: Path, n_shards: int, shards: Iterable[int]) -> Mapping[int, int]:
    sizes = {}
    for shard in sorted(shards):
        path = _shard_path(index, n_shards, shard)
        if not path.is_file():
            raise refusal(path, "does not exist, but the index names it", remedy="copy it too")
        sizes[shard] = path.stat().st_size
    return sizes


def _read_tensor(
    index: Path, n_shards: int, sizes: Mapping[int, int], key: str, entry: Entry
) -> np.ndarray:
    path = _shard_path(index, n_shards, entry.shard)
    where = f"byte {entry.offset}"
    if entry.offset < 0 or entry.offset + entry.size > sizes[entry.shard]:
        raise refusal(path, f"is truncated: {show(key)} reaches past its end", where)
    with open_file(path) as file:
        file.seek(entry.offset)
        data = file.read(entry.size)
    if len(data) < entry.size:
        raise refusal(path, f"is truncated: {show(key)} reaches past its end", where)
    if entry.dtype == _bundle.STRING:
        array, crc = _split_texts(path, key, entry, data)
    else:
        array, crc = array_of(data, entry.stored, entry.shape), crc32c(data)
    if mask_crc(crc) != entry.crc:
        raise refusal(path, f"the checksum of {show(key)} is wrong: the file is damaged", where)
    return widen_bfloat16(array) if entry.dtype == _bundle.BFLOAT16 else array


def _split_texts(path: Path, key: str, entry: Entry, data: bytes) -> tuple[np.ndarray, int]:
    """Return texts: their lengths, a checksum of those, one after another; and the checksum."""
    try:
        lengths, place = [], 0
        for _ in range(count_of(entry.shape) or 0):
            length, place = read_varint(data, place)
            lengths.append(length)
        if place + 4 + sum(lengths) != len(data) or max(lengths, default=0) >= 2**32:
            raise WireError("its texts do not fill their place")
    except WireError as error:
        where = f"byte {entry.offset}"
        raise refusal(path, f"{show(key)} is damaged: {error}", where) from None
    crc = crc32c(np.array(lengths, "<u4").tobytes())
    if mask_crc(crc) != int.from_bytes(data[place : place + 4], "little"):
        raise refusal(path, f"the checksum of {show(key)} is wrong: the file is damaged")
    array = np.empty(len(lengths), object)
    start = place + 4
    for i, length in enumerate(lengths):
        array[i] = data[start : start + length]
        start += length
    return array.reshape(entry.shape), crc32c(data[place:], crc)
