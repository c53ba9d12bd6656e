"""Models of acids-ircam/ddsp_pytorch as instruments: config.yaml and state.pth put together."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ddsp_ref.errors import ParameterError
from ddsp_ref.importers._input import refusal, show
from ddsp_ref.importers.archive import open_folder_or_zip
from ddsp_ref.importers.simple_yaml import read_simple_yaml
from ddsp_ref.importers.torch_state import read_torch_state
from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.decoders import PytorchSettings
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.models.model import IR_KEY
from ddsp_ref.models.parameters import Parameters

CONFIG, STATE = "config.yaml", "state.pth"
_SIZES = {  # of the model, and the largest that is believed
    "sampling_rate": 192_000,
    "block_size": 192_000,
    "hidden_size": 8192,
    "n_harmonic": 10_000,
    "n_bands": 100_000,
}
_N_LAYERS = 3
_DECAY_PER_SECOND = 500.0
# of a layer: dense, normalisation, rectifier
_PLACES = {
    "kernel": (0, "weight"),
    "bias": (0, "bias"),
    "gamma": (1, "weight"),
    "beta": (1, "bias"),
}
_BUFFERS = {"sampling_rate", "block_size", "cache_gru", "phase", "reverb.t"}


def is_ddsp_pytorch_folder(folder: Path) -> bool:
    """Return whether a folder looks like the training of a ddsp_pytorch model.

    Parameters
    ----------
    folder : Path
        Any.

    Returns
    -------
    bool
        True if there is a state and no instrument of ours.
    """
    return (folder / STATE).is_file() and not (folder / "instrument.json").exists()


def import_ddsp_pytorch(path: str | os.PathLike[str], name: str | None = None) -> Instrument:
    """Make an instrument of a model of ddsp_pytorch, without PyTorch.

    Parameters
    ----------
    path : str or PathLike
        A folder of `runs`, or a zip of one, with `config.yaml` and `state.pth`.
    name : str, optional
        Of the instrument; that of the folder if not given.

    Returns
    -------
    Instrument
        That renders as the original did, see `PytorchModel`. It has no statistics: a transfer is
        not adjusted to it.

    Raises
    ------
    ImportFormatError
        If a file is missing or damaged, or something in it is not understood: says which entry or
        tensor.

    Notes
    -----
    Understood is the model that is told pitch and loudness; earlier ones were told a centroid as
    well. The room is computed once: ``noise * exp(-softplus(-decay) * 500 t) * sigmoid(wet)``.
    Source: acids-ircam/ddsp_pytorch, ddsp/model.py, Reverb and DDSP.
    """
    with open_folder_or_zip(path) as folder:
        config_path, state_path = folder / CONFIG, folder / STATE
        sizes, mean, std = _read_config(config_path)
        rate, block_size = sizes["sampling_rate"], sizes["block_size"]
        if rate % block_size:
            raise refusal(
                config_path,
                f"block_size is {block_size}, which does not divide sampling_rate, {rate}",
                remedy="a model of such a frame rate is not played",
            )
        parameters = _State(state_path).parameters(sizes)
        try:
            config = ModelConfig(
                sample_rate=rate,
                frame_rate=rate // block_size,
                n_harmonics=sizes["n_harmonic"],
                n_bands=sizes["n_bands"],
                reverb_seconds=len(parameters[IR_KEY]) / rate,
                reverb_gain=1.0,
                reverb_decay_db=0.0,
                level="loudness_ddsp_pytorch",
                decoder="ddsp_pytorch",
                decoder_settings=PytorchSettings(sizes["hidden_size"], _N_LAYERS, mean, std),
            )
        except ParameterError as error:
            raise refusal(config_path, str(error)) from None
        return Instrument(
            name=name or Path(path).stem,
            config=config,
            parameters=parameters,
            statistics={},
            description="Imported from a model of ddsp_pytorch",
            card={"imported_from": {"format": "acids-ircam/ddsp_pytorch", "state": STATE}},
        )


def _read_config(path: Path) -> tuple[dict[str, int], float, float]:
    """Return the sizes of the model, mean and deviation of its loudness."""
    read = read_simple_yaml(path)

    def entry(section: str, name: str) -> object:
        part = read.get(section)
        if not isinstance(part, Mapping) or name not in part:
            hint = "train.py writes it into the folder of the run" if section == "data" else ""
            raise refusal(path, f"has no {section}: {name}", remedy=hint)
        return part[name]

    sizes = {}
    for name, largest in _SIZES.items():
        value = entry("model", name)
        if type(value) is not int or not 1 <= value <= largest:
            raise refusal(
                path,
                f"model: {name} is {show(value)}",
                remedy=f"it must be a whole number from 1 to {largest}",
            )
        sizes[name] = value
    numbers = []
    for name in ("mean_loudness", "std_loudness"):
        value = entry("data", name)
        if type(value) not in (int, float) or not math.isfinite(value):
            raise refusal(path, f"data: {name} is {show(value)}", remedy="it must be a number")
        numbers.append(float(value))
    return sizes, *numbers


class _State:
    """The tensors of a state, each of which is asked for by name and shape."""

    def __init__(self, path: Path) -> None:
        self.path, self.tensors = path, read_torch_state(path)

    def take(self, name: str, *shape: int | None) -> np.ndarray:
        """Return a tensor in float32; a size of None may be any."""
        if name not in self.tensors:
            raise refusal(self.path, f"the tensor {name} is missing")
        value = self.tensors.pop(name)
        wanted = tuple(
            n if have is None else have for n, have in zip(value.shape, shape, strict=False)
        )
        if value.ndim != len(shape) or value.shape != wanted:
            told = ", ".join("any" if n is None else str(n) for n in shape)
            raise refusal(
                self.path,
                f"the tensor {name} has shape {value.shape}",
                remedy=f"by the configuration it must be ({told})",
            )
        if value.dtype.kind != "f":
            raise refusal(self.path, f"the tensor {name} holds {value.dtype}, not real numbers")
        with np.errstate(over="ignore"):
            value = value.astype(np.float32)
        if not np.isfinite(value).all():
            raise refusal(self.path, f"the tensor {name} has values that are not finite")
        return value

    def parameters(self, sizes: Mapping[str, int]) -> Parameters:
        """Return our parameters; refuse tensors that none of them is made of."""
        n, params = sizes["hidden_size"], {}
        if "in_mlps.2.0.weight" in self.tensors:
            raise refusal(
                self.path,
                "is of a model that is told more than pitch and loudness (in_mlps.2)",
                remedy="only models of these two are played",
            )
        self._stack(params, "decoder/f0_stack", "in_mlps.0", 1, n)
        self._stack(params, "decoder/loudness_stack", "in_mlps.1", 1, n)
        self._stack(params, "decoder/out_stack", "out_mlp", n + 2, n)
        self._recurrent(params, n)
        heads = [(0, 1 + sizes["n_harmonic"]), (1, sizes["n_bands"])]
        kernels = [self.take(f"proj_matrices.{i}.weight", n_out, n) for i, n_out in heads]
        biases = [self.take(f"proj_matrices.{i}.bias", n_out) for i, n_out in heads]
        params["decoder/controls/kernel"] = np.concatenate(kernels).T.copy()
        params["decoder/controls/bias"] = np.concatenate(biases)
        params[IR_KEY] = self._room(sizes["sampling_rate"])
        for name in ("sampling_rate", "block_size"):
            told = self.tensors.get(name)
            if told is not None and (told.size != 1 or told.item() != sizes[name]):
                raise refusal(self.path, f"{name} is not {sizes[name]}, as {CONFIG} says")
        unknown = sorted(set(self.tensors) - _BUFFERS)
        if unknown:
            raise refusal(self.path, f"the tensor {show(unknown[0])} is not understood")
        return params

    def _stack(self, params: Parameters, ours: str, theirs: str, n_in: int, n: int) -> None:
        for i in range(_N_LAYERS):
            for part, (place, kind) in _PLACES.items():
                shape = (n, n_in if i == 0 else n) if part == "kernel" else (n,)
                value = self.take(f"{theirs}.{3 * i + place}.{kind}", *shape)
                params[f"{ours}/{i}/{part}"] = value.T.copy()

    def _recurrent(self, params: Parameters, n: int) -> None:
        """Gates go from PyTorch's order (reset, update, new) to ours (update, reset, new)."""

        def gates(kind: str, *shape: int) -> np.ndarray:
            reset, update, new = np.split(self.take(f"gru.{kind}_l0", 3 * n, *shape), 3)
            return np.concatenate([update, reset, new]).T.copy()

        f0, loudness = np.split(gates("weight_ih", 2 * n), 2)  # our layers see the level first
        params["decoder/gru/kernel"] = np.concatenate([loudness, f0])
        params["decoder/gru/recurrent_kernel"] = gates("weight_hh", n)
        params["decoder/gru/bias"] = gates("bias_ih")
        params["decoder/gru/recurrent_bias"] = gates("bias_hh")

    def _room(self, sample_rate: int) -> np.ndarray:
        noise = self.take("reverb.noise", None, 1)[:, 0].astype(float)
        decay, wet = (float(self.take(f"reverb.{name}")) for name in ("decay", "wet"))
        seconds = np.arange(len(noise)) / sample_rate
        envelope = np.exp(-np.logaddexp(0.0, -decay) * _DECAY_PER_SECOND * seconds)
        gain = np.exp(-np.logaddexp(0.0, -wet))  # the logistic function, without overflow
        return (noise * envelope * gain).astype(np.float32)
