"""The decoder of an instrument as an ONNX graph, for any runtime of that format."""

from __future__ import annotations

import importlib.util
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_ref.errors import InstrumentError, MissingExtraError
from ddsp_ref.exporters.flat import tensors_of
from ddsp_ref.io.files import atomic_path
from ddsp_ref.models.decoders import PytorchDecoder
from ddsp_ref.models.features import DB_PER_NEPER, LEVELS
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.models.stacks import SLOPE

_OPSET, _IR_VERSION = 17, 8  # of 2022: the first with layer normalisation
_EPSILON = 1e-3  # of layer normalisation, see `layer_norm`


def export_onnx(instrument: Instrument, path: str | os.PathLike[str]) -> None:
    """Write the decoder of an instrument as an ONNX model. Needs the extra `onnx`.

    Parameters
    ----------
    instrument : Instrument
        With the decoder "mlp", "rnn", "conv" or "ddsp_pytorch".
    path : str or PathLike
        An `.onnx` file.

    Raises
    ------
    InstrumentError
        If `path` does not end in `.onnx`, or the decoder is "magenta".
    MissingExtraError
        If the package onnx is not installed.

    Notes
    -----
    Inputs `f0_hz` and `loudness_db`, (batch, n_frames); outputs `amplitudes` (batch, n_frames),
    `harmonic_distribution` and `noise_magnitudes` (batch, n_frames, n), before `exp_sigmoid`, as
    `Model.controls` returns them. A decoder with a GRU, "rnn" or "ddsp_pytorch", also takes its
    `state`, (batch, n_hidden), zeros at first, and returns `next_state`: a sequence may come frame
    by frame. One of convolutions takes whole sequences. Rates and settings are in the metadata of
    the model.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise InstrumentError(f"cannot write {path}: an ONNX model is an .onnx file")
    if instrument.config.decoder == "magenta":
        raise InstrumentError(
            f"{instrument.name} cannot be written as ONNX: no graph is made for its decoder, "
            "of magenta/ddsp; .bin, .h and the native form work"
        )
    if importlib.util.find_spec("onnx") is None:
        raise MissingExtraError(
            'this needs the package onnx, which is not installed: pip install "ddsp_ref[onnx]"'
        )
    with atomic_path(path) as temporary:
        temporary.write_bytes(_Graph(instrument).model().SerializeToString())


class _Graph:
    """Nodes and tensors in the order in which they are needed."""

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
        self.extra: list[tuple[str, str]] = []  # a state that goes in, and the one that comes out

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

    def stack(self, x: str, prefix: str) -> str:
        """Add a stack of layers."""
        for i in range(self.config.decoder_settings.n_layers):
            x = self.normed(self.dense(x, f"{prefix}/{i}"), f"{prefix}/{i}")
        return x

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

    def inputs(self) -> tuple[str, str, str]:
        """Add both features and their stacks; return pitch, level, and the stacks joined."""
        last = self.constant([-1], np.int64)
        f0, level = (self.op("Unsqueeze", x, last) for x in self.scaled())
        stacks = self.stack(level, "decoder/loudness_stack"), self.stack(f0, "decoder/f0_stack")
        return f0, level, self.op("Concat", *stacks, axis=-1)

    def gru(self, x: str) -> str:
        """Add the recurrent layer. ONNX has frames first and one direction of two."""
        n = self.config.decoder_settings.n_hidden
        kernel, recurrent, bias, recurrent_bias = (
            self.params[f"decoder/gru/{part}"]
            for part in ("kernel", "recurrent_kernel", "bias", "recurrent_bias")
        )
        weights = self.constant(kernel.T[None]), self.constant(recurrent.T[None])
        biases = self.constant(np.concatenate([bias, recurrent_bias])[None])
        state = self.op("Unsqueeze", "state", self.constant([0], np.int64))
        frames_first = self.op("Transpose", x, perm=[1, 0, 2])
        y, last = self.op(
            "GRU", frames_first, *weights, biases, "", state,
            n_outputs=2, hidden_size=n, linear_before_reset=1,
        )  # fmt: skip
        self.extra.append(("state", self.op("Squeeze", last, self.constant([0], np.int64))))
        y = self.op("Squeeze", y, self.constant([1], np.int64))
        return self.op("Transpose", y, perm=[1, 0, 2])

    def convolutions(self, x: str) -> str:
        """Add the dilated convolutions, causal: padded on the left alone."""
        for i in range(self.config.decoder_settings.n_convolutions):
            prefix = f"decoder/convolution/{i}"
            kernel = self.params[f"{prefix}/kernel"]
            n_taps, dilation = len(kernel), len(kernel) ** i
            y = self.op(
                "Conv",
                self.op("Transpose", x, perm=[0, 2, 1]),
                self.constant(kernel.transpose(2, 1, 0)),
                self.parameter(f"{prefix}/bias"),
                dilations=[dilation],
                pads=[(n_taps - 1) * dilation, 0],
            )
            y = self.normed(self.op("Transpose", y, perm=[0, 2, 1]), prefix)
            x = self.op("Add", x, y) if i else y
        return x

    def outputs(self, x: str) -> dict[str, str]:
        """Add the last stack and layer; return the names of the controls."""
        y = self.dense(self.stack(x, "decoder/out_stack"), "decoder/controls")
        stop = 1 + self.config.n_harmonics
        ends = {"harmonic_distribution": (1, stop), "noise_magnitudes": (stop, 1 << 30)}
        found = {"amplitudes": self.op("Gather", y, self.constant(0, np.int64), axis=2)}
        axis = self.constant([2], np.int64)
        for name, (first, last) in ends.items():
            where = self.constant([first], np.int64), self.constant([last], np.int64)
            found[name] = self.op("Slice", y, *where, axis)
        return found

    def model(self) -> Any:
        """Return the whole model, checked by onnx."""
        import onnx

        f0, level, x = self.inputs()
        joined = {
            "mlp": lambda: [x],
            "rnn": lambda: [x, self.gru(x)],
            "conv": lambda: [x, self.convolutions(x)],
            "ddsp_pytorch": lambda: [self.gru(x), f0, level],
        }[self.config.decoder]()
        found = self.outputs(self.op("Concat", *joined, axis=-1))
        config, info = self.config, self.helper.make_tensor_value_info
        frames = ["batch", "n_frames"]
        widths = {
            "amplitudes": [],
            "harmonic_distribution": [config.n_harmonics],
            "noise_magnitudes": [config.n_bands],
        }
        inputs = [info(name, self.float, frames) for name in ("f0_hz", "loudness_db")]
        outputs = [info(name, self.float, frames + widths[name]) for name in found]
        for name, result in self.extra:
            shape = ["batch", config.decoder_settings.n_hidden]
            inputs.append(info(name, self.float, shape))
            outputs.append(info(f"next_{name}", self.float, shape))
            found[f"next_{name}"] = result
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
            "feature_definition": LEVELS[config.level][0],
            "model": json.dumps(config.to_json()),
        }
        self.helper.set_model_props(model, described)
        onnx.checker.check_model(model, full_check=True)
        return model
