"""The decoder of an instrument as an ONNX graph, for any runtime of that format."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np

from ddsp_ref.errors import InstrumentError, MissingExtraError
from ddsp_ref.exporters.onnx_graph import Graph
from ddsp_ref.exporters.onnx_networks import NetworkGraph
from ddsp_ref.io.files import atomic_path
from ddsp_ref.models.instrument import Instrument


def export_onnx(instrument: Instrument, path: str | os.PathLike[str]) -> None:
    """Write the decoder of an instrument as an ONNX model. Needs the extra `onnx`.

    Parameters
    ----------
    instrument : Instrument
        With any decoder.
    path : str or PathLike
        An `.onnx` file.

    Raises
    ------
    InstrumentError
        If `path` does not end in `.onnx`.
    MissingExtraError
        If the package onnx is not installed.

    Notes
    -----
    Inputs `f0_hz` and `loudness_db`, (batch, n_frames); outputs `amplitudes` (batch, n_frames),
    `harmonic_distribution` and `noise_magnitudes` (batch, n_frames, n), before `exp_sigmoid`, as
    `Model.controls` returns them. A decoder with a GRU, "rnn" or "ddsp_pytorch", also takes its
    `state`, (batch, n_hidden), zeros at first, and returns `next_state`: a sequence may come frame
    by frame; so does "magenta" with a recurrent network, whose state is (batch, n_hidden), or twice
    as wide for an LSTM. One of convolutions takes whole sequences. One with an encoder takes `z`,
    (batch, n_frames, n_z), which `NetworkDecoder.encode` makes. Rates and settings are in the
    metadata of the model.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise InstrumentError(f"cannot write {path}: an ONNX model is an .onnx file")
    if importlib.util.find_spec("onnx") is None:
        raise MissingExtraError(
            'this needs the package onnx, which is not installed: pip install "ddsp_ref[onnx]"'
        )
    with atomic_path(path) as temporary:
        kind = NetworkGraph if instrument.config.decoder == "magenta" else DecoderGraph
        temporary.write_bytes(kind(instrument).model().SerializeToString())


class DecoderGraph(Graph):
    """The decoders "mlp", "rnn", "conv" and "ddsp_pytorch"."""

    def stack(self, x: str, prefix: str) -> str:
        """Add a stack of layers."""
        for i in range(self.config.decoder_settings.n_layers):
            x = self.normed(self.dense(x, f"{prefix}/{i}"), f"{prefix}/{i}")
        return x

    def recurrent(self, x: str) -> str:
        """Add the gated recurrent layer."""
        params = [self.params[f"decoder/gru/{part}"] for part in ("kernel", "recurrent_kernel")]
        biases = [self.params[f"decoder/gru/{part}"] for part in ("bias", "recurrent_bias")]
        return self.gru(x, *params, np.stack(biases))

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

    def controls(self) -> dict[str, str]:
        """Add everything; return the names of the controls."""
        f0, level = self.features()
        stacks = self.stack(level, "decoder/loudness_stack"), self.stack(f0, "decoder/f0_stack")
        x = self.op("Concat", *stacks, axis=-1)
        joined = {
            "mlp": lambda: [x],
            "rnn": lambda: [x, self.recurrent(x)],
            "conv": lambda: [x, self.convolutions(x)],
            "ddsp_pytorch": lambda: [self.recurrent(x), f0, level],
        }[self.config.decoder]()
        y = self.stack(self.op("Concat", *joined, axis=-1), "decoder/out_stack")
        return self.split(self.dense(y, "decoder/controls"))
