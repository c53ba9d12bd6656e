"""Models of TensorFlow Lite as data: tensors, buffers and operators; nothing is computed."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ddsp_ref.importers import _tflite_schema as schema
from ddsp_ref.importers._flatbuffer import Bytes, FlatBufferError, Table
from ddsp_ref.importers._input import MAX_AXES, array_of, read_bytes, refusal, show
from ddsp_ref.importers._zip import open_zip

_MAX_FILE = 256 << 20
_MAX_PACKED = 16 << 20


@dataclass
class Tensor:
    """A tensor of a graph.

    Parameters
    ----------
    name : str
        As the converter called it; need not be unique.
    shape : tuple of int
        -1 where it is not known.
    dtype : dtype or None
        None for text, resources and other types without numbers of whole bytes.
    data : ndarray or None
        Its values if they are constant. None if they are computed.
    scale, zero_point : ndarray or None
        If it is quantized: `scale * (data - zero_point)` is meant.
    quantized_axis : int
        That `scale` belongs to.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype | None
    data: np.ndarray | None
    scale: np.ndarray | None = None
    zero_point: np.ndarray | None = None
    quantized_axis: int = 0


@dataclass
class Operator:
    """A step of a graph: places in the list of tensors; -1 for an input that is left out."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, int | float | str] = field(default_factory=dict)
    version: int = 1


@dataclass
class Graph:
    """Tensors, and the operators in the order in which they run."""

    name: str
    tensors: list[Tensor]
    operators: list[Operator]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def constants(self) -> dict[str, np.ndarray]:
        """Return the constant tensors by name; of tensors with the same name, the first."""
        constants: dict[str, np.ndarray] = {}
        for tensor in self.tensors:
            if tensor.data is not None:
                constants.setdefault(tensor.name, tensor.data)
        return constants


@dataclass
class TFLiteModel:
    """A model: its graphs, of which the first is the main one, and files packed with it.

    Parameters
    ----------
    description : str
        Usually of the converter.
    graphs : list of Graph
        At least one.
    signatures : dict
        From the name of a signature to (graph, inputs, outputs); the latter by their names.
    files : dict of str to bytes
        Such as the metadata.json that magenta/ddsp packs with a decoder.
    """

    description: str
    graphs: list[Graph]
    signatures: dict[str, tuple[int, dict[str, int], dict[str, int]]]
    files: dict[str, bytes]


def read_tflite(path: str | os.PathLike[str]) -> TFLiteModel:
    """Read a .tflite file.

    Parameters
    ----------
    path : str or PathLike
        Of the file.

    Returns
    -------
    TFLiteModel
        With all constant tensors as arrays that own their memory.

    Raises
    ------
    ImportFormatError
        If the file is missing, damaged, of another version than 3, or keeps its values sparse or
        outside of the tables.
    """
    path = Path(path)
    data = read_bytes(path, _MAX_FILE)
    if data[4:8] != b"TFL3":
        raise refusal(path, "is no model of TensorFlow Lite of version 3", "bytes 4 to 7")
    try:
        return _Reader(path, data).model()
    except FlatBufferError as error:
        raise refusal(path, f"is damaged: {error}", f"byte {error.place}") from None


class _Reader:
    def __init__(self, path: Path, data: bytes) -> None:
        self._path, self._data, self._source = path, data, Bytes(data)

    def model(self) -> TFLiteModel:
        root = self._source.root()
        version = root.number(0, "<I")
        if version != 3:
            raise refusal(self._path, f"is of version {version} of the schema; 3 can be read")
        self._names = [_operator_name(code) for code in root.tables(1)]
        self._buffers = root.tables(4)
        graphs = [self._graph(graph) for graph in root.tables(2)]
        if not graphs:
            raise refusal(self._path, "holds no graph")
        signatures = dict(self._signature(graphs, table) for table in root.tables(7))
        return TFLiteModel(root.text(3), graphs, signatures, self._packed_files())

    def _graph(self, table: Table) -> Graph:
        tensors = [self._tensor(tensor) for tensor in table.tables(0)]
        operators = [self._operator(op, len(tensors)) for op in table.tables(3)]
        inputs, outputs = (self._indices(table, field, len(tensors)) for field in (1, 2))
        return Graph(table.text(4), tensors, operators, inputs, outputs)

    def _indices(self, table: Table, field: int, n_tensors: int) -> tuple[int, ...]:
        numbers = table.vector(field, "<i4")
        indices = () if numbers is None else tuple(numbers.tolist())
        if any(not -1 <= index < n_tensors for index in indices):
            raise FlatBufferError("a tensor is named that does not exist", table.place)
        return indices

    def _operator(self, table: Table, n_tensors: int) -> Operator:
        code = int(table.number(0, "<I"))
        if code >= len(self._names):
            raise FlatBufferError("an operator is of a kind that is not listed", table.place)
        name, version = self._names[code]
        options: dict[str, int | float | str] = {}
        stated = table.table(4)
        for option, (number, kind) in schema.OPTIONS.get(name, {}).items():
            options[option] = 0 if stated is None else stated.number(number, kind)
        if "activation" in options:
            code = int(options["activation"])
            known = 0 <= code < len(schema.ACTIVATIONS)
            options["activation"] = schema.ACTIVATIONS[code] if known else f"number {code}"
        inputs, outputs = (self._indices(table, field, n_tensors) for field in (1, 2))
        return Operator(name, inputs, outputs, options, version)

    def _tensor(self, table: Table) -> Tensor:
        name = table.text(3)
        sizes = table.vector(0, "<i4")
        shape = () if sizes is None else tuple(sizes.tolist())
        signature = table.vector(7, "<i4")
        if len(shape) > MAX_AXES:
            raise FlatBufferError(f"{show(name)} has {len(shape)} axes", table.place)
        code = int(table.number(1, "<b"))
        dtype = np.dtype(schema.TYPES[code]) if code in schema.TYPES else None
        data = self._values(table, name, shape, dtype)
        if data is None and signature is not None and len(signature) == len(shape):
            shape = tuple(signature.tolist())
        tensor = Tensor(name, shape, dtype, data)
        quantization = table.table(4)
        if quantization is not None:
            scale, zero = quantization.vector(2, "<f4"), quantization.vector(3, "<i8")
            if scale is not None and scale.size:
                tensor.scale = scale.copy()
                tensor.zero_point = np.zeros(1, np.int64) if zero is None else zero.copy()
                tensor.quantized_axis = int(quantization.number(6))
        return tensor

    def _values(
        self, table: Table, name: str, shape: tuple[int, ...], dtype: np.dtype | None
    ) -> np.ndarray | None:
        number = int(table.number(2, "<I"))
        if number >= len(self._buffers):
            raise FlatBufferError(f"{show(name)} has a buffer that does not exist", table.place)
        buffer = self._buffers[number]
        if buffer.number(1, "<Q") > 1:
            raise refusal(
                self._path, f"keeps {show(name)} outside of its tables, which is not read"
            )
        values = buffer.vector(0, "u1", values=True)
        if values is None or not values.size or dtype is None:
            return None
        if table.table(6) is not None:
            raise refusal(self._path, f"keeps {show(name)} sparse, which is not read")
        array = array_of(values.tobytes(), dtype, shape)
        if array is None:
            what = f"{show(name)} of shape {show(shape)} does not fit its {values.size} bytes"
            raise FlatBufferError(what, table.place)
        return array

    def _signature(
        self, graphs: list[Graph], table: Table
    ) -> tuple[str, tuple[int, dict[str, int], dict[str, int]]]:
        graph = int(table.number(4, "<I"))
        if graph >= len(graphs):
            raise FlatBufferError("a signature is of a graph that does not exist", table.place)
        ends = []
        for field_number in (0, 1):
            names = {t.text(0): int(t.number(1, "<I")) for t in table.tables(field_number)}
            if any(index >= len(graphs[graph].tensors) for index in names.values()):
                raise FlatBufferError("a signature names no tensor", table.place)
            ends.append(names)
        return table.text(2), (graph, ends[0], ends[1])

    def _packed_files(self) -> dict[str, bytes]:
        """Return the files of a zip that stands behind the tables, as metadata does."""
        if b"PK\x05\x06" not in self._data[-65557:]:
            return {}
        with open_zip(self._path, _MAX_PACKED, io.BytesIO(self._data)) as members:
            return {name: members.read(name) for name in members.infos}


def _operator_name(table: Table) -> tuple[str, int]:
    """Return the name of an operator, and its version; old files have its code in one byte."""
    code = max(int(table.number(0, "<b")), int(table.number(3, "<i")))
    known = 0 <= code < len(schema.OPERATORS)
    name = schema.OPERATORS[code] if known else f"number {code}"
    return table.text(1) if name == "CUSTOM" else name, int(table.number(2, "<i", 1))
