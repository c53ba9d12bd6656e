"""What the configuration of a magenta/ddsp model says, as far as it is understood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ddsp_ref.importers._bindings import Bindings
from ddsp_ref.importers._gin_lines import Reference
from ddsp_ref.importers._magenta_networks import read_networks
from ddsp_ref.importers.gin_config import GinConfig
from ddsp_ref.models.network_decoder import NetworkSettings

_HARMONIC = ("Harmonic", "Additive")  # the second is its name before version 1
_REVERBS = {
    "Reverb": {"reverb_length": 48000},
    "ExpDecayReverb": {"reverb_length": 48000},
    "FilteredNoiseReverb": {
        "reverb_length": 48000, "n_frames": 1000, "n_filter_banks": 16,
        "window_size": 257, "initial_bias": -3.0,
    },
}  # fmt: skip


@dataclass
class Found:
    """Sizes and choices of a model."""

    sample_rate: int = 16000
    frame_rate: int = 250
    level: str = "loudness"
    network: NetworkSettings = field(default_factory=NetworkSettings)
    n_harmonics: int = 60
    n_bands: int = 65
    amp_resample_method: str = "window"
    reverb: str | None = None
    reverb_name: str = "reverb"
    reverb_settings: dict[str, Any] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """Whether `RnnDecoder` does it."""
        network = self.network
        is_gru = (network.network, network.rnn_type) == ("rnn", "gru")
        return is_gru and network.n_layers > 0 and "z" not in network.inputs


def understand(gin: GinConfig) -> Found:
    """Return what the configuration says, or raise `ImportFormatError` naming the binding."""
    reader = Bindings(gin)
    found = Found()
    if gin.get("get_model.model", None) is not None:
        reader.choose("get_model.model", ("Autoencoder",))
    preprocessor = reader.choose(
        "Autoencoder.preprocessor",
        ("F0LoudnessPreprocessor", "OnlineF0PowerPreprocessor", "DefaultPreprocessor"),
    )  # fmt: skip
    read = read_networks(reader)
    found.network, found.level, found.n_harmonics, found.n_bands = read
    _read_graph(reader, found)
    _read_rates(reader, found, preprocessor)
    return found


def _read_graph(reader: Bindings, found: Found) -> None:
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


def _read_reverb(reader: Bindings, found: Found, kind: str) -> None:
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


def _read_rates(reader: Bindings, found: Found, preprocessor: str) -> None:
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
    is_power = preprocessor == "OnlineF0PowerPreprocessor"
    if is_power != (found.level == "power"):  # what the decoder is told is not made
        wanted = "OnlineF0PowerPreprocessor for pw_scaled, another for ld_scaled"
        reader.refuse("Autoencoder.preprocessor", preprocessor, wanted)
    if is_power:
        reader.one_of(f"{preprocessor}.frame_size", 1024, (1024,))
        reader.one_of(f"{preprocessor}.padding", "center", ("center",))
    # Loudness of before version 2 came with the material. Since then the model makes it, and what
    # it makes it with stands in every operative configuration.
    since_2 = ("compute_loudness", "frame_rate", "sample_rate")
    bound = [reader.gin.get(f"{preprocessor}.{name}", None) for name in since_2]
    if found.level == "loudness" and all(value is None for value in bound):
        found.level = "loudness_v1"
