"""What decoder and encoder the configuration of a magenta/ddsp model says."""

from __future__ import annotations

from typing import Any

from ddsp_ref.errors import ParameterError
from ddsp_ref.importers._bindings import LARGEST, Bindings
from ddsp_ref.importers._input import refusal
from ddsp_ref.models.network_decoder import NetworkSettings
from ddsp_ref.models.networks.encoders import MFCC_FRAMES

_LEVELS = {"ld_scaled": "loudness", "pw_scaled": "power"}
_INPUTS = {**dict.fromkeys(_LEVELS, "level"), "f0_scaled": "f0", "z": "z"}
_CELLS = ("gru", "lstm")
_ENCODERS = {"MfccTimeDistributedRnnEncoder": "mfcc_rnn", "MfccRnnEncoder": "mfcc_rnn_mean"}


def read_networks(reader: Bindings) -> tuple[NetworkSettings, str, int, int]:
    """Return the networks, what they are told about the level, and the sizes of the outputs."""
    name = reader.choose("Autoencoder.decoder", ("RnnFcDecoder", "DilatedConvDecoder"))
    is_conv = name == "DilatedConvDecoder"
    settings = _read_conv(reader) if is_conv else _read_rnn(reader)
    keys = settings["inputs"] + settings["conditions"]
    told = [_INPUTS[key] for key in keys]
    if sorted(told) not in (["f0", "level"], ["f0", "level", "z"]):
        reader.refuse(
            f"{name}.input_keys", keys,
            "'ld_scaled' or 'pw_scaled', 'f0_scaled' and perhaps 'z', each once",
        )  # fmt: skip
    for place in ("inputs", "conditions"):
        settings[place] = tuple(_INPUTS[key] for key in settings[place])
    if "z" in told:
        settings |= _read_encoder(reader)
    sizes = _read_outputs(reader, name)
    try:
        network = NetworkSettings(**settings)
    except ParameterError as error:  # numbers that are in range each, but not together
        raise refusal(reader.gin.path, f"there is no such {name}: {error}") from None
    return network, next(_LEVELS[key] for key in keys if key in _LEVELS), *sizes


def _read_keys(reader: Bindings, binding: str, default: tuple) -> tuple[str, ...]:
    keys = reader.gin.get(binding, default)
    if not isinstance(keys, (tuple, list)) or any(
        not isinstance(key, str) or key not in _INPUTS for key in keys
    ):
        reader.refuse(binding, keys, f"a list of some of {', '.join(_INPUTS)}")
    return tuple(keys)


def _read_rnn(reader: Bindings) -> dict[str, Any]:
    name = "RnnFcDecoder"
    reader.demand(f"{name}.stateless", False)
    default = ("ld_scaled", "f0_scaled", "z")
    return {
        "network": "rnn",
        "inputs": _read_keys(reader, f"{name}.input_keys", default),
        "conditions": (),
        "n_channels": reader.whole(f"{name}.ch", 512),
        "n_layers": reader.whole(f"{name}.layers_per_stack", 3, lowest=0),
        "n_hidden": reader.whole(f"{name}.rnn_channels", 512),
        "rnn_type": reader.one_of(f"{name}.rnn_type", "gru", _CELLS),
    }


def _read_conv(reader: Bindings) -> dict[str, Any]:
    name = "DilatedConvDecoder"
    for binding, value in (("resample_stride", 1), ("spectral_norm", False)):
        reader.demand(f"{name}.{binding}", value)
    reader.demand(f"{name}.precondition_stack", None)
    conditions: tuple[str, ...] = ()
    if reader.gin.get(f"{name}.conditioning_keys", "z") == "z":
        conditions = ("z",)  # in the original's default, a text counts as its letters
    elif reader.gin.get(f"{name}.conditioning_keys") is not None:
        conditions = _read_keys(reader, f"{name}.conditioning_keys", ())
    dilation = reader.gin.get(f"{name}.dilation", 2)
    if type(dilation) not in (int, float) or dilation == 0 or dilation not in range(-64, 65):
        reader.refuse(f"{name}.dilation", dilation, "a whole number from -64 to 64, but not 0")
    norm = reader.one_of(f"{name}.norm_type", "layer", ("layer", "instance", "group", None))
    return {
        "network": "conv",
        "inputs": _read_keys(reader, f"{name}.input_keys", ("ld_scaled", "f0_scaled")),
        "conditions": conditions,
        "n_channels": reader.whole(f"{name}.ch", 256),
        "kernel_size": reader.whole(f"{name}.kernel_size", 3),
        "n_layers": reader.whole(f"{name}.layers_per_stack", 5),
        "n_stacks": reader.whole(f"{name}.stacks", 2),
        "dilation": int(dilation),
        "norm_type": norm or "",
    }


def _read_encoder(reader: Bindings) -> dict[str, Any]:
    name = reader.choose("Autoencoder.encoder", tuple(_ENCODERS))
    found = {
        "encoder": _ENCODERS[name],
        "encoder_rnn_type": reader.one_of(f"{name}.rnn_type", "gru", _CELLS),
        "n_encoder_hidden": reader.whole(f"{name}.rnn_channels", 512),
    }
    if name == "MfccRnnEncoder":
        # without it, the original's z has an axis too many, and no decoder takes it
        reader.one_of(f"{name}.mean_aggregate", False, (True,))
        return found | {"n_z": reader.whole(f"{name}.z_dims", 512)}
    steps = reader.one_of(f"{name}.z_time_steps", 250, tuple(MFCC_FRAMES))
    return found | {"n_z": reader.whole(f"{name}.z_dims", 32), "z_time_steps": steps}


def _read_outputs(reader: Bindings, name: str) -> tuple[int, int]:
    """Return the numbers of harmonics and of noise bands."""
    default = (("amps", 1), ("harmonic_distribution", 40 if name == "RnnFcDecoder" else 60))
    splits = reader.gin.get(f"{name}.output_splits", default)
    try:
        names, sizes = zip(*splits)
        wanted = ("amps", "harmonic_distribution", "noise_magnitudes")
        fits = names == wanted and sizes[0] == 1 and all(type(size) is int for size in sizes)
        fits = fits and 1 <= sizes[1] <= LARGEST and 2 <= sizes[2] <= LARGEST
    except (TypeError, ValueError):
        fits = False
    if not fits:
        reader.refuse(
            f"{name}.output_splits", splits,
            "(('amps', 1), ('harmonic_distribution', n), ('noise_magnitudes', m))",
        )  # fmt: skip
    return sizes[1:]
