"""Graphs of ONNX of the decoder "magenta": `RnnFcDecoder` and `DilatedConvDecoder`."""

from __future__ import annotations

import numpy as np

from ddsp_ref.exporters.onnx_graph import Graph
from ddsp_ref.models.networks.normalization import EPSILON, N_GROUPS

_AXES = {"layer": [1, 2], "instance": [1], "group": [1, 3]}  # that means are taken over


class NetworkGraph(Graph):
    """What `NetworkDecoder` computes, z given."""

    def controls(self) -> dict[str, str]:
        """Add everything; return the names of the controls."""
        settings, inputs = self.config.decoder_settings, {}
        inputs["f0"], inputs["level"] = self.features()
        if settings.encoder:
            inputs["z"], self.inputs["z"] = "z", ["batch", "n_frames", settings.n_z]
        told = [inputs[name] for name in settings.inputs]
        if settings.network == "conv":
            y = self.convolutions(self.join(told), [inputs[name] for name in settings.conditions])
        else:
            stacks = [self.stack(x, f"decoder/input_stacks/{i}") for i, x in enumerate(told)]
            x = self.join(stacks)
            hidden = self.lstm(x) if settings.rnn_type == "lstm" else self.gru(x, *self.weights())
            y = self.stack(self.join([x, hidden]), "decoder/out_stack")
        return self.split(self.dense(y, "decoder/dense_out"))

    def join(self, arrays: list[str]) -> str:
        """Put arrays side by side."""
        return self.op("Concat", *arrays, axis=-1)

    def weights(self) -> list[np.ndarray]:
        """Return kernel, recurrent kernel and bias of the recurrent layer."""
        parts = ("kernel", "recurrent_kernel", "bias")
        return [self.params[f"decoder/rnn/{part}"] for part in parts]

    def stack(self, x: str, prefix: str) -> str:
        """Add a stack of layers; without layers, what comes in is what comes out."""
        for i in range(self.config.decoder_settings.n_layers):
            x = self.normed(self.dense(x, f"{prefix}/{i}/0"), f"{prefix}/{i}/1")
        return x

    def lstm(self, x: str) -> str:
        """Add an LSTM; its state is the hidden one and the memory side by side."""
        n = self.config.decoder_settings.n_hidden
        # Keras has input, forget, cell, output; ONNX input, output, forget, cell
        order = np.concatenate([np.arange(n) + n * gate for gate in (0, 3, 1, 2)])
        kernel, recurrent, bias = (array[..., order] for array in self.weights())
        first = self.constant([0], np.int64)
        halves = self.op("Split", self.op("Unsqueeze", "state", first), n_outputs=2, axis=2)
        y, hidden, memory = self.op(
            "LSTM",
            self.op("Transpose", x, perm=[1, 0, 2]),
            self.constant(kernel.T[None]),
            self.constant(recurrent.T[None]),
            self.constant(np.concatenate([bias, 0 * bias])[None]),
            "",
            *halves,
            n_outputs=3,
            hidden_size=n,
        )
        self.carry(self.join([self.op("Squeeze", last, first) for last in (hidden, memory)]), 2 * n)
        return self.batch_first(y)

    def convolution(self, x: str, prefix: str, dilation: int) -> str:
        """Add a convolution, padded on both sides, the odd frame at the end."""
        kernel = self.params[f"{prefix}/kernel"][:, 0]
        reach = (len(kernel) - 1) * dilation
        y = self.op(
            "Conv",
            self.op("Transpose", x, perm=[0, 2, 1]),
            self.constant(kernel.transpose(2, 1, 0)),
            self.parameter(f"{prefix}/bias"),
            dilations=[dilation],
            pads=[reach // 2, reach - reach // 2],
        )
        return self.op("Transpose", y, perm=[0, 2, 1])

    def normalised(self, y: str) -> str:
        """Normalise over time and, by the type, over channels."""
        kind = self.config.decoder_settings.norm_type
        if not kind:
            return y
        if kind == "group":
            y = self.op("Reshape", y, self.constant([0, 0, N_GROUPS, -1], np.int64))
        off = self.op("Sub", y, self.op("ReduceMean", y, axes=_AXES[kind]))
        variance = self.op("ReduceMean", self.op("Mul", off, off), axes=_AXES[kind])
        deviation = self.op("Sqrt", self.op("Add", variance, self.constant(EPSILON)))
        y = self.op("Div", off, deviation)
        return self.op("Reshape", y, self.constant([0, 0, -1], np.int64)) if kind == "group" else y

    def scaled_and_shifted(self, y: str, prefix: str, conditions: list[str]) -> str:
        """Scale and shift by weights, or by a dense layer of the conditions."""
        if conditions:
            both = self.dense(self.join(conditions), prefix)
            scale, shift = self.op("Split", both, n_outputs=2, axis=2)
        else:
            flat = (self.params[f"{prefix}/{part}"].ravel() for part in ("scale", "shift"))
            scale, shift = map(self.constant, flat)
        return self.op("Add", self.op("Mul", y, scale), shift)

    def convolutions(self, x: str, conditions: list[str]) -> str:
        """Add the stack of dilated convolutions."""
        settings = self.config.decoder_settings
        n, rate = settings.n_layers, settings.dilation
        x = self.convolution(x, "decoder/stack/conv_in", 1)
        for i in range(settings.n_stacks * n):
            place = i % n
            dilation = rate**place if rate > 0 else (-rate) ** (n - place - 1)
            y = self.convolution(self.op("Relu", x), f"decoder/stack/layers/{i}", dilation)
            y = self.scaled_and_shifted(self.normalised(y), f"decoder/stack/norms/{i}", conditions)
            x = self.op("Add", x, y)
        return x
