"""Graphs of ONNX: nodes and tensors, and what all decoders need of them."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from ddsp_ref.exporters.flat import tensors_of
from ddsp_ref.models.decoders import PytorchDecoder
from ddsp_ref.models.features import DB_PER_NEPER, LEVELS
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.models.stacks import SLOPE

_OPSET, _IR_VERSION = 17, 8  # of 2022: the first with layer normalisation
_EPSILON = 1e-3  # of layer normalisation, see `layer_norm`


class Graph:
    """Nodes and tensors in the order in which they are needed; a subclass gives `controls`."""

    def __init__(self, instrument: Instrument) -> None:
        from onnx import TensorProto, helper, numpy_helper

        self.helper, self.to_tensor, self.float = helper, numpy_helper.from_array, TensorProto.FLOAT
        self.instrument, self.config = instrument, instrument.config
        self.params = tensors_of(instrument)
        self.foreign = self.config.decoder == "ddsp_pytorch"
        settings = PytorchDecoder.layer_settings if self.foreign else {}
        self.epsilon = settings.get("epsilon", _EPSILON)
        self.slope = settings.get("slope", SLOPE)
        self.nodes: list[Any] = []
        self.tensors: dict[str, Any] = {}
        frames = ["batch", "n_frames"]
        self.inputs: dict[str, list] = {"f0_hz": frames, "loudness_db": frames}
        self.widths = {  # shapes of the outputs
            "amplitudes": frames,
            "harmonic_distribution": [*frames, self.config.n_harmonics],
            "noise_magnitudes": [*frames, self.config.n_bands],
        }
        self.carried: dict[str, str] = {}

    def op(self, kind: str, *inputs: str, n_outputs: int = 1, **attributes: Any) -> Any:
        """Add a node; return the names of what it gives, or the name if it is one."""
        number = len(self.nodes)
        outputs = [f"{kind.lower()}_{number}_{i}" for i in range(n_outputs)]
        self.nodes.append(self.helper.make_node(kind, list(inputs), outputs, **attributes))
        return outputs[0] if n_outputs == 1 else outputs

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """Return the name of a tensor with that value."""
        name = f"constant_{len(self.tensors)}"
        self.tensors[name] = self.to_tensor(np.asarray(value, dtype), name)
        return name

    def parameter(self, name: str) -> str:
        """Return the name of a tensor that holds a parameter, the name of the parameter."""
        if name not in self.tensors:
            self.tensors[name] = self.to_tensor(self.params[name], name)
        return name

    def normed(self, x: str, prefix: str) -> str:
        """Add layer normalisation and leaky ReLU."""
        gains = self.parameter(f"{prefix}/gamma"), self.parameter(f"{prefix}/beta")
        y = self.op("LayerNormalization", x, *gains, axis=-1, epsilon=self.epsilon)
        return self.op("LeakyRelu", y, alpha=self.slope)

    def dense(self, x: str, prefix: str) -> str:
        """Add a dense layer."""
        y = self.op("MatMul", x, self.parameter(f"{prefix}/kernel"))
        return self.op("Add", y, self.parameter(f"{prefix}/bias"))

    def scaled(self) -> tuple[str, str]:
        """Add the scaling of both features; return pitch and level."""
        if self.foreign:
            settings = self.config.decoder_settings
            factor = 1 / (DB_PER_NEPER * settings.loudness_std)
            level = self.op("Mul", "loudness_db", self.constant(factor))
            shift = settings.loudness_mean / settings.loudness_std
            return "f0_hz", self.op("Sub", level, self.constant(shift))
        positive = self.op("Greater", "f0_hz", self.constant(0.0))
        safe = self.op("Where", positive, "f0_hz", self.constant(440.0))
        octaves = self.op("Log", self.op("Div", safe, self.constant(440.0)))
        midi = self.op("Mul", octaves, self.constant(12 / math.log(2)))
        midi = self.op("Add", midi, self.constant(69.0))
        midi = self.op("Where", positive, midi, self.constant(0.0))
        f0 = self.op("Div", midi, self.constant(127.0))
        level = self.op("Div", "loudness_db", self.constant(LEVELS[self.config.level][1]))
        return f0, self.op("Add", level, self.constant(1.0))

    def features(self) -> tuple[str, str]:
        """Add the scaling of both features; return pitch and level, each of one channel."""
        last = self.constant([-1], np.int64)
        f0, level = (self.op("Unsqueeze", x, last) for x in self.scaled())
        return f0, level

    def gru(self, x: str, kernel: np.ndarray, recurrent: np.ndarray, biases: np.ndarray) -> str:
        """Add a recurrent layer. ONNX has frames first and one direction of two."""
        n = self.config.decoder_settings.n_hidden
        weights = self.constant(kernel.T[None]), self.constant(recurrent.T[None])
        state = self.op("Unsqueeze", "state", self.constant([0], np.int64))
        frames_first = self.op("Transpose", x, perm=[1, 0, 2])
        y, last = self.op(
            "GRU", frames_first, *weights, self.constant(biases.reshape(1, -1)), "", state,
            n_outputs=2, hidden_size=n, linear_before_reset=1,
        )  # fmt: skip
        self.carry(self.op("Squeeze", last, self.constant([0], np.int64)), n)
        return self.batch_first(y)

    def batch_first(self, y: str) -> str:
        """Take what a recurrent node gives back to (batch, n_frames, n)."""
        y = self.op("Squeeze", y, self.constant([1], np.int64))
        return self.op("Transpose", y, perm=[1, 0, 2])

    def carry(self, last: str, width: int) -> None:
        """Declare the input `state` and the output `next_state`."""
        self.inputs["state"], self.carried["next_state"] = ["batch", width], last
        self.widths["next_state"] = ["batch", width]

    def split(self, y: str) -> dict[str, str]:
        """Return the names of the controls in what the last layer gives."""
        stop = 1 + self.config.n_harmonics
        ends = {"harmonic_distribution": (1, stop), "noise_magnitudes": (stop, 1 << 30)}
        found = {"amplitudes": self.op("Gather", y, self.constant(0, np.int64), axis=2)}
        axis = self.constant([2], np.int64)
        for name, (first, last) in ends.items():
            where = self.constant([first], np.int64), self.constant([last], np.int64)
            found[name] = self.op("Slice", y, *where, axis)
        return found

    def controls(self) -> dict[str, str]:
        """Add everything; return the names of the controls."""
        raise NotImplementedError

    def model(self) -> Any:
        """Return the whole model, checked by onnx."""
        import onnx

        found = {**self.controls(), **self.carried}
        info = self.helper.make_tensor_value_info
        inputs = [info(name, self.float, shape) for name, shape in self.inputs.items()]
        outputs = [info(name, self.float, self.widths[name]) for name in found]
        for name, result in found.items():
            self.nodes.append(self.helper.make_node("Identity", [result], [name]))
        graph = self.helper.make_graph(
            self.nodes, "decoder", inputs, outputs, list(self.tensors.values())
        )
        opsets = [self.helper.make_opsetid("", _OPSET)]
        model = self.helper.make_model(graph, opset_imports=opsets, producer_name="ddsp_ref")
        model.ir_version = _IR_VERSION
        described = {
            "name": self.instrument.name,
            "licence": str(self.instrument.card.get("licence", "")),
            "feature_definition": LEVELS[self.config.level][0],
            "model": json.dumps(self.config.to_json()),
        }
        self.helper.set_model_props(model, described)
        onnx.checker.check_model(model, full_check=True)
        return model
