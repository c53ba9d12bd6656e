"""The variables of a checkpoint of magenta/ddsp, as the parameters of a model of ours."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ddsp_ref.importers._input import refusal
from ddsp_ref.importers._magenta_config import Found
from ddsp_ref.models.model import IR_KEY
from ddsp_ref.models.network_decoder import NetworkDecoder
from ddsp_ref.models.parameters import Parameters
from ddsp_ref.processors.reverbs import ExpDecayReverb, FilteredNoiseReverb
from ddsp_ref.processors.synths import uniform_noise

# From the names of our networks' weights to those of Keras's objects in the checkpoint.
_DENSE = "conditional_scale_and_shift/dense"
_THEIRS = (
    (r"^(decoder/input_stacks/\d+|decoder/out_stack)/(\d+)/(\d)/",
     r"\1/layer_with_weights-\2/layer_with_weights-\3/"),
    (r"^(decoder/rnn|encoder/rnn)/", r"\1/rnn/cell/"),
    (r"^decoder/stack/", "decoder/dilated_conv_stack/"),
    (r"(/layers/\d+)/", r"\1/layer_with_weights-0/"),
    (r"(/norms/\d+)/(kernel|bias)$", rf"\1/{_DENSE}/\2"),
)  # fmt: skip
# The parts of an encoder have numbers with us; the third of "mfcc_rnn_mean" has no weights.
_ENCODERS = {
    "": {},
    "mfcc_rnn": {"0": "z_norm", "1": "rnn/rnn/cell", "2": "dense_out"},
    "mfcc_rnn_mean": {"0": "norm_in", "1": "rnn/rnn/cell", "3": "dense_z"},
}
# Names that the same had in version 0; the room is the fourth of its processors.
_EARLIER = (
    (r"^decoder/input_stacks/0/", "decoder/f_stack/"),
    (r"^decoder/input_stacks/1/", "decoder/l_stack/"),
    (r"^decoder/input_stacks/2/", "decoder/z_stack/"),
    (r"/rnn/rnn/cell/", "/rnn/cell/"),
    (r"^processor_group/[^/]+/", "processor_group/processors/3/"),
)
_STACKS = {"level": "decoder/loudness_stack", "f0": "decoder/f0_stack"}
_PARTS = {"kernel": 0, "bias": 0, "gamma": 1, "beta": 1}


class Variables:
    """The variables of a checkpoint, taken by name and shape."""

    def __init__(self, weights: dict[str, np.ndarray], checkpoint: Path) -> None:
        self.weights, self.checkpoint = weights, checkpoint

    def take(self, key: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return one, by its name or by that of version 0, or raise `ImportFormatError`."""
        if f"model/{key}" not in self.weights:
            for now, earlier in _EARLIER:
                renamed = re.sub(now, earlier, key)
                if f"model/{renamed}" in self.weights:
                    key = renamed
        key = f"model/{key}"
        if key not in self.weights:
            raise refusal(self.checkpoint, f"the variable {key} is missing")
        if self.weights[key].shape != shape:
            raise refusal(
                self.checkpoint,
                f"the variable {key} has shape {self.weights[key].shape}",
                remedy=f"by the configuration it must be {shape}",
            )
        return np.asarray(self.weights[key], np.float32)


def take_parameters(found: Found, variables: Variables) -> Parameters:
    """Return the parameters of the model that was found, room included."""
    params = _networks(found, variables)
    if found.is_plain:
        params = _as_rnn_decoder(found, params)
    taps = _impulse_response(found, variables)
    return params if taps is None else params | {IR_KEY: taps}


def _networks(found: Found, variables: Variables) -> Parameters:
    decoder = NetworkDecoder(found.network, found.n_harmonics, found.n_bands)
    parts, params = _ENCODERS[found.network.encoder], {}
    for weight in decoder.weights():
        theirs = weight.name
        for ours, replacement in _THEIRS:
            theirs = re.sub(ours, replacement, theirs)
        if theirs.startswith("encoder/"):
            _, number, part = theirs.split("/")
            theirs = f"encoder/{parts[number]}/{part}"
        params[weight.name] = variables.take(theirs, weight.shape)
    return params


def _as_rnn_decoder(found: Found, params: Parameters) -> Parameters:
    """Give the weights the names that they have in `RnnDecoder`, which also learns."""
    network, n = found.network, found.network.n_channels
    stacks = [(_STACKS[name], f"input_stacks/{i}") for i, name in enumerate(network.inputs)]
    made = {
        f"{ours}/{i}/{part}": params[f"decoder/{theirs}/{i}/{at}/{part}"]
        for ours, theirs in (*stacks, ("decoder/out_stack", "out_stack"))
        for i in range(network.n_layers)
        for part, at in _PARTS.items()
    }
    made["decoder/gru/kernel"] = params["decoder/rnn/kernel"]
    made["decoder/gru/recurrent_kernel"] = params["decoder/rnn/recurrent_kernel"]
    made["decoder/gru/bias"], made["decoder/gru/recurrent_bias"] = params["decoder/rnn/bias"]
    for part in ("kernel", "bias"):
        made[f"decoder/controls/{part}"] = params[f"decoder/dense_out/{part}"]
    if network.inputs != ("level", "f0"):  # our layers see the level first
        for name in ("decoder/gru/kernel", "decoder/out_stack/0/kernel"):
            f0, level, rest = np.split(made[name], [n, 2 * n])
            made[name] = np.concatenate([level, f0, rest])
    return made


def _impulse_response(found: Found, variables: Variables) -> np.ndarray | None:
    if found.reverb is None:
        return None
    at, n_taps = f"processor_group/{found.reverb_name}", found.reverb_settings["reverb_length"]
    if found.reverb == "Reverb":
        return variables.take(f"{at}/ir", (n_taps,))
    noise = uniform_noise((n_taps,), np.random.default_rng(0))
    nothing = np.zeros(1, np.float32)
    if found.reverb == "ExpDecayReverb":
        gain, decay = (variables.take(f"{at}/{name}", (1,)) for name in ("gain", "decay"))
        return ExpDecayReverb().controls_vjp(nothing, gain[0], decay[0], noise)[0][1]
    settings = found.reverb_settings
    shape = settings["n_frames"], settings["n_filter_banks"]
    magnitudes = variables.take(f"{at}/magnitudes", shape)
    return noise_response(magnitudes, noise, settings["window_size"], settings["initial_bias"])


def noise_response(
    magnitudes: np.ndarray, noise: np.ndarray, window_size: int, initial_bias: float
) -> np.ndarray:
    """Return the impulse response of a `FilteredNoiseReverb`.

    Parameters
    ----------
    magnitudes : ndarray, shape (n_frames, n_filter_banks)
        As trained.
    noise : ndarray, shape (n_taps,)
        Uniform in [-1, 1).
    window_size : int
        See `FilteredNoiseReverb`.
    initial_bias : float
        The same.

    Returns
    -------
    ndarray, shape (n_taps,)
        Whose tap 0 is not heard.
    """
    reverb = FilteredNoiseReverb(window_size=window_size, initial_bias=initial_bias)
    nothing = np.zeros(1, np.float32)
    return reverb.controls_vjp(nothing, magnitudes, noise)[0][1]
