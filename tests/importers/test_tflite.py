"""TensorFlow Lite: a model written by hand, byte by byte, and damaged ones."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from ddsp_ref.errors import ImportFormatError
from ddsp_ref.importers._tflite_schema import OPERATORS
from ddsp_ref.importers.tflite import Operator, read_tflite

from .writers import Scalar, Vector, flatbuffer, text, tflite_model


def read(tmp_path, model, tail=b""):
    path = tmp_path / "model.tflite"
    path.write_bytes((model if isinstance(model, bytes) else flatbuffer(model)) + tail)
    return read_tflite(path)


def test_the_numbers_of_operators():
    """Some from the schema, spread over the list."""
    wanted = {"ADD": 0, "FULLY_CONNECTED": 9, "LOGISTIC": 14, "CUSTOM": 32, "SPLIT": 49}
    wanted |= {"RSQRT": 76, "SQUARED_DIFFERENCE": 99, "WHILE": 119, "BATCH_MATMUL": 126}
    wanted |= {"CUMSUM": 128, "GELU": 150, "RIGHT_SHIFT": 161}
    assert {name: OPERATORS.index(name) for name in wanted} == wanted
    assert len(OPERATORS) == 162


def test_a_model(tmp_path):
    model = read(tmp_path, tflite_model())
    assert model.description == "by hand"
    assert model.signatures == {"serving_default": (0, {"x": 0}, {"y": 3})}
    assert model.files == {}
    (graph,) = model.graphs
    assert (graph.name, graph.inputs, graph.outputs) == ("main", (0,), (3,))
    x, weights, bias, out = graph.tensors
    assert (x.name, x.shape, x.data) == ("x", (-1, 3), None)
    np.testing.assert_array_equal(weights.data, np.arange(6, dtype="f4").reshape(2, 3), strict=True)
    assert weights.scale is None
    np.testing.assert_array_equal(bias.data, np.array([3, -1], "i1"), strict=True)
    assert (bias.scale.tolist(), bias.zero_point.tolist(), bias.quantized_axis) == ([0.5], [1], 0)
    assert (out.name, out.shape, out.dtype) == ("out", (1, 2), np.float32)
    assert list(graph.constants()) == ["weights", "bias"]
    options = {"activation": "relu", "weights_format": 0, "keep_num_dims": True}
    options["asymmetric_quantize_inputs"] = 0
    assert graph.operators == [Operator("FULLY_CONNECTED", (0, 1, 2), (3,), options, 4)]


def test_metadata_behind_the_tables(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("metadata.json", '{"num_harmonics": 60}')
    model = read(tmp_path, tflite_model(), packed.getvalue())
    assert model.files == {"metadata.json": b'{"num_harmonics": 60}'}


def test_operators_that_are_not_built_in(tmp_path):
    codes = [{0: Scalar("<b", 32), 1: text("FlexRoll")}]
    model = read(tmp_path, tflite_model(model={1: codes}))
    assert model.graphs[0].operators[0].name == "FlexRoll"
    codes = [{0: Scalar("<b", 127), 3: Scalar("<i", 999)}]
    model = read(tmp_path, tflite_model(model={1: codes}))
    assert model.graphs[0].operators[0].name == "number 999"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {0: Scalar("<I", 2)}}, "is of version 2 of the schema; 3 can be read"),
        ({"model": {2: []}}, "holds no graph"),
        ({"tensor": {2: Scalar("<I", 9)}}, "'weights' has a buffer that does not exist"),
        ({"tensor": {0: Vector("<i4", [2, 4])}}, r"'weights' of shape '\(2, 4\)' does not fit"),
        ({"tensor": {0: Vector("<i4", [-2, -3])}}, "does not fit its 24 bytes"),
        ({"tensor": {0: Vector("<i4", [1] * 40)}}, "'weights' has 40 axes"),
        ({"tensor": {6: {}}}, "keeps 'weights' sparse"),
        ({"buffer": {1: Scalar("<Q", 99)}}, "keeps 'weights' outside of its tables"),
        ({"operator": {0: Scalar("<I", 5)}}, "an operator is of a kind that is not listed"),
        ({"operator": {1: Vector("<i4", [4])}}, "a tensor is named that does not exist"),
        ({"graph": {2: Vector("<i4", [-2])}}, "a tensor is named that does not exist"),
        ({"model": {7: [{4: Scalar("<I", 1)}]}}, "a signature is of a graph that does not exist"),
        ({"model": {7: [{0: [{1: Scalar("<I", 4)}]}]}}, "a signature names no tensor"),
    ],
)
def test_what_is_refused(tmp_path, changes, message):
    with pytest.raises(ImportFormatError, match=message):
        read(tmp_path, tflite_model(**changes))


def test_damage(tmp_path):
    data = flatbuffer(tflite_model())
    with pytest.raises(ImportFormatError, match="is no model of TensorFlow Lite"):
        read(tmp_path, flatbuffer(tflite_model(), b"ABCD"))
    for size in (0, 4, 7):
        with pytest.raises(ImportFormatError, match="is no model"):
            read(tmp_path, data[:size])
    for size in (8, 100, len(data) // 2, len(data) - 30):
        with pytest.raises(ImportFormatError, match=r"is damaged: .* (outside|past the end)"):
            read(tmp_path, data[:size])


def test_parts_that_are_used_again_and_again(tmp_path):
    """Many tensors that all have the same large buffer."""
    big = [{}, {0: Vector("u1", [1] * 24000)}]
    model = tflite_model(model={4: big}, tensor={0: Vector("<i4", [2000, 3])})
    model[2][0][0] = [model[2][0][0][1]] * 40
    with pytest.raises(ImportFormatError, match="the same values of it are used too often"):
        read(tmp_path, model)
