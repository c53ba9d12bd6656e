"""What the configuration of a magenta/ddsp model says, as far as it is understood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ddsp_ref.importers._gin_lines import Reference
from ddsp_ref.importers._input import refusal, show
from ddsp_ref.importers.gin_config import GinConfig

_HARMONIC = ("Harmonic", "Additive")  # the second is its name before version 1
_REVERBS = {
    "Reverb": {"reverb_length": 48000},
    "ExpDecayReverb": {"reverb_length": 48000},
    "FilteredNoiseReverb": {
        "reverb_length": 48000, "n_frames": 1000, "n_filter_banks": 16,
        "window_size": 257, "initial_bias": -3.0,
    },
}  # fmt: skip
_LEVELS = {"ld_scaled": "loudness", "pw_scaled": "power"}
_LARGEST = 1 << 20


@dataclass
class Found:
    """Sizes and choices of a model."""

    sample_rate: int = 16000
    frame_rate: int = 250
    level: str = "loudness"
    inputs: tuple[str, ...] = ("level", "f0")  # of the decoder, in its order
    n_channels: int = 512
    n_layers: int = 3
    n_hidden: int = 512
    n_harmonics: int = 60
    n_bands: int = 65
    amp_resample_method: str = "window"
    reverb: str | None = None
    reverb_name: str = "reverb"
    reverb_settings: dict[str, Any] = field(default_factory=dict)


def understand(gin: GinConfig) -> Found:
    """Return what the configuration says, or raise `ImportFormatError` naming the binding."""
    reader = _Reader(gin)
    found = Found()
    reader.demand("Autoencoder.encoder", None)
    reader.choose("Autoencoder.decoder", ("RnnFcDecoder",))
    preprocessor = reader.choose(
        "Autoencoder.preprocessor",
        ("F0LoudnessPreprocessor", "F0PowerPreprocessor", "OnlineF0PowerPreprocessor",
         "DefaultPreprocessor"),
    )  # fmt: skip
    _read_decoder(reader, found)
    _read_graph(reader, found)
    _read_rates(reader, found, preprocessor)
    return found


class _Reader:
    """Looks bindings up, and refuses by their name."""

    def __init__(self, gin: GinConfig) -> None:
        self.gin = gin

    def refuse(self, binding: str, value: object, wanted: str) -> Any:
        told = value if isinstance(value, (int, float)) else show(value)
        raise refusal(self.gin.path, f"{binding} is {told}", remedy=f"understood is {wanted}")

    def demand(self, binding: str, *wanted: object) -> None:
        """Refuse a parameter that is bound to anything but its default."""
        value = self.gin.get(binding, wanted[0])
        if not any(value == one and type(value) is type(one) for one in wanted):
            self.refuse(binding, value, " or ".join(map(str, wanted)))

    def choose(self, binding: str, names: tuple[str, ...]) -> str:
        """Return the name of a class, without its modules."""
        value = self.gin.get(binding)
        name = value.name.rpartition(".")[2] if isinstance(value, Reference) else ""
        if name not in names:
            self.refuse(binding, getattr(value, "name", value), " or ".join(names))
        return name

    def whole(self, binding: str, default: int | None = None) -> int:
        value = self.gin.get(binding) if default is None else self.gin.get(binding, default)
        is_whole = not isinstance(value, bool) and (
            isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        )
        if not is_whole or not 1 <= value <= _LARGEST:
            self.refuse(binding, value, f"a whole number from 1 to {_LARGEST}")
        return int(value)

    def is_exp_sigmoid(self, binding: str) -> None:
        value = self.gin.get(binding, Reference("core.exp_sigmoid", False))
        if not (isinstance(value, Reference) and value.name.rpartition(".")[2] == "exp_sigmoid"):
            self.refuse(binding, getattr(value, "name", value), "exp_sigmoid")


def _read_decoder(reader: _Reader, found: Found) -> None:
    name = "RnnFcDecoder"
    reader.demand(f"{name}.rnn_type", "gru")
    found.n_channels = reader.whole(f"{name}.ch", 512)
    found.n_layers = reader.whole(f"{name}.layers_per_stack", 3)
    found.n_hidden = reader.whole(f"{name}.rnn_channels", 512)
    keys = reader.gin.get(f"{name}.input_keys", ("ld_scaled", "f0_scaled"))
    known = {**_LEVELS, "f0_scaled": "f0"}
    fits = isinstance(keys, (tuple, list)) and len(keys) == 2 and "f0_scaled" in keys
    if not fits or any(key not in known for key in keys) or keys[0] == keys[1]:
        reader.refuse(f"{name}.input_keys", keys, "('ld_scaled' or 'pw_scaled', 'f0_scaled')")
    found.inputs = tuple("f0" if key == "f0_scaled" else "level" for key in keys)
    found.level = next(_LEVELS[key] for key in keys if key in _LEVELS)
    splits = reader.gin.get(
        f"{name}.output_splits",
        (("amps", 1), ("harmonic_distribution", 60), ("noise_magnitudes", 65)),
    )
    try:
        names, sizes = zip(*splits)
        wanted = ("amps", "harmonic_distribution", "noise_magnitudes")
        fits = names == wanted and sizes[0] == 1 and all(type(size) is int for size in sizes)
        fits = fits and 1 <= sizes[1] <= _LARGEST and 2 <= sizes[2] <= _LARGEST
    except (TypeError, ValueError):
        fits = False
    if not fits:
        reader.refuse(
            f"{name}.output_splits", splits,
            "(('amps', 1), ('harmonic_distribution', n), ('noise_magnitudes', m))",
        )  # fmt: skip
    found.n_harmonics, found.n_bands = sizes[1:]


def _read_graph(reader: _Reader, found: Found) -> None:
    binding = "ProcessorGroup.dag"
    dag = reader.gin.get(binding)
    kinds = []
    for node in dag if isinstance(dag, (list, tuple)) else ():
        first = node[0] if isinstance(node, (list, tuple)) and node else None
        kinds.append(first.name.rpartition(".")[2] if isinstance(first, Reference) else "")
    rest = kinds[3:]
    if rest[-1:] == ["Crop"]:  # of the frame that is added at the end; we add none
        rest = rest[:-1]
    fits = len(kinds) >= 3 and kinds[0] in _HARMONIC and kinds[1:3] == ["FilteredNoise", "Add"]
    if not fits or len(rest) > 1 or any(kind not in _REVERBS for kind in rest):
        reader.refuse(binding, kinds, "Harmonic, FilteredNoise, Add, then a reverb or none")
    reader.demand("exp_sigmoid.exponent", 10.0)
    reader.demand("exp_sigmoid.max_value", 2.0)
    reader.demand("exp_sigmoid.threshold", 1e-7)
    harmonic = kinds[0]
    reader.is_exp_sigmoid(f"{harmonic}.scale_fn")
    reader.demand(f"{harmonic}.normalize_below_nyquist", True)
    method = reader.gin.get(f"{harmonic}.amp_resample_method", "window")
    if method not in ("window", "linear"):
        reader.refuse(f"{harmonic}.amp_resample_method", method, "'window' or 'linear'")
    found.amp_resample_method = method
    found.sample_rate = reader.whole(f"{harmonic}.sample_rate", 16000)
    reader.is_exp_sigmoid("FilteredNoise.scale_fn")
    reader.demand("FilteredNoise.initial_bias", -5.0)
    window = reader.gin.get("FilteredNoise.window_size", 257)
    whole = 2 * (found.n_bands - 1)
    if not isinstance(window, int) or 0 < window < whole:
        reader.refuse("FilteredNoise.window_size", window, f"0, or {whole} and more")
    if rest:
        _read_reverb(reader, found, rest[0])


def _read_reverb(reader: _Reader, found: Found, kind: str) -> None:
    reader.demand(f"{kind}.trainable", True)
    reader.demand(f"{kind}.add_dry", True)
    found.reverb = kind
    name = reader.gin.get(f"{kind}.name", "reverb")
    found.reverb_name = (
        name if isinstance(name, str) else reader.refuse(f"{kind}.name", name, "text")
    )
    for key, default in _REVERBS[kind].items():
        if key == "initial_bias":
            value = reader.gin.get(f"{kind}.{key}", default)
            if not isinstance(value, (int, float)) or not abs(value) < 100:
                reader.refuse(f"{kind}.{key}", value, "a number")
        else:
            value = reader.whole(f"{kind}.{key}", default)
        found.reverb_settings[key] = value


def _read_rates(reader: _Reader, found: Found, preprocessor: str) -> None:
    """Read the frame rate, or what it follows from; older models do not state it."""
    rate = reader.gin.get(f"{preprocessor}.frame_rate", None)
    if rate is None:
        steps = reader.whole(f"{preprocessor}.time_steps", 1000)
        n_samples = reader.whole("FilteredNoise.n_samples", 64000)
        if n_samples % steps:
            reader.refuse(f"{preprocessor}.time_steps", steps, f"a divisor of {n_samples}")
        rate = found.sample_rate * steps / n_samples
    if not isinstance(rate, (int, float)) or rate < 1 or found.sample_rate % rate:
        reader.refuse(f"{preprocessor}.frame_rate", rate, f"a divisor of {found.sample_rate}")
    found.frame_rate = int(rate)
    frame_size = reader.gin.get("OnlineF0PowerPreprocessor.frame_size", 1024)
    if found.level == "power" and frame_size != 1024:
        reader.refuse("OnlineF0PowerPreprocessor.frame_size", frame_size, "1024")
    # Version 2 computes loudness in another way, and says so in its configuration.
    if found.level == "loudness" and preprocessor == "DefaultPreprocessor":
        found.level = "loudness_v1"
