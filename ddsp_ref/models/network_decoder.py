"""Decoders of magenta/ddsp beyond `RnnDecoder`: LSTMs, convolutions, z of the sound itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from ddsp_ref.errors import ParameterError, require
from ddsp_ref.models.decoder import Controls
from ddsp_ref.models.networks.by_name import NamedNetwork
from ddsp_ref.models.networks.decoders import DilatedConvDecoder, RnnFcDecoder
from ddsp_ref.models.networks.encoders import (
    MFCC_FRAMES,
    MfccRnnEncoder,
    MfccTimeDistributedRnnEncoder,
    ZEncoder,
)
from ddsp_ref.models.networks.network import Weight, named
from ddsp_ref.models.networks.normalization import N_GROUPS
from ddsp_ref.models.parameters import Parameters

INPUTS = ("level", "f0", "z")
_CHOICES = {
    "network": ("rnn", "conv"),
    "rnn_type": ("gru", "lstm"),
    "norm_type": ("layer", "instance", "group", ""),
    "encoder": ("", "mfcc_rnn", "mfcc_rnn_mean"),
    "encoder_rnn_type": ("gru", "lstm"),
    "z_time_steps": tuple(MFCC_FRAMES),
}
_MOST, _DEEPEST = 1 << 20, 100  # channels, layers
_WIDEST = 1 << 16  # frames that a convolution reaches over
_CHUNK = 2048  # frames that a recurrent decoder takes at once: what is in between stays small


@dataclass(frozen=True)
class NetworkSettings:
    """What `NetworkDecoder` is made of; what belongs to another network is not looked at.

    Attributes
    ----------
    network : {"rnn", "conv"}
        `RnnFcDecoder` or `DilatedConvDecoder` of `ddsp_ref.models.networks.decoders`.
    inputs, conditions : tuple of {"level", "f0", "z"}
        What it is told, in that order; conditions scale and shift the layers of convolutions.
    n_channels, n_layers : int
        Width of the layers, and layers per stack.
    rnn_type : {"gru", "lstm"}
        Of the recurrent layer.
    n_hidden : int
        Its width.
    n_stacks, kernel_size, dilation : int
        Of the convolutions, see `DilatedConvStack`.
    norm_type : {"layer", "instance", "group", ""}
        How they are normalised, over all of the time.
    encoder : {"", "mfcc_rnn", "mfcc_rnn_mean"}
        What makes z of the sound: nothing, `MfccTimeDistributedRnnEncoder` or `MfccRnnEncoder`.
    encoder_rnn_type : {"gru", "lstm"}
        Of its recurrent layer.
    n_encoder_hidden, n_z : int
        Width of that layer, and of z.
    z_time_steps : int
        About how many frames z has in 4 s, see `MfccTimeDistributedRnnEncoder`.
    """

    network: str = "rnn"
    inputs: tuple[str, ...] = ("level", "f0")
    conditions: tuple[str, ...] = ()
    n_channels: int = 512
    n_layers: int = 3
    rnn_type: str = "gru"
    n_hidden: int = 512
    n_stacks: int = 2
    kernel_size: int = 3
    dilation: int = 2
    norm_type: str = "layer"
    encoder: str = ""
    encoder_rnn_type: str = "gru"
    n_encoder_hidden: int = 512
    n_z: int = 32
    z_time_steps: int = 250

    def __post_init__(self) -> None:
        for name in ("inputs", "conditions"):  # lists in JSON
            value = getattr(self, name)
            require(
                isinstance(value, (tuple, list)) and all(part in INPUTS for part in value),
                f"NetworkSettings: {name} is {value!r}, must be some of {', '.join(INPUTS)}",
            )
            object.__setattr__(self, name, tuple(value))
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            require(
                type(value) is type(choices[0]) and value in choices,
                f"NetworkSettings: {name} is {value!r}, must be {' or '.join(map(repr, choices))}",
            )
        for name in (field.name for field in fields(self) if field.name.startswith("n_")):
            deepest = _DEEPEST if name in ("n_layers", "n_stacks") else _MOST
            self._check_whole(name, 0 if name == "n_layers" else 1, deepest)
        self._check_whole("kernel_size", 1, _WIDEST)
        self._check_whole("dilation", -_WIDEST, _WIDEST)
        told = (*self.inputs, *self.conditions)
        require(
            len(set(told)) == len(told) and {"level", "f0"} <= set(told) and bool(self.inputs),
            f"NetworkSettings: inputs and conditions are {told}, must be level, f0 and, of a model "
            "with an encoder, z, each once",
        )
        require(
            ("z" in told) == bool(self.encoder),
            f"NetworkSettings: inputs and conditions are {told} and encoder is {self.encoder!r}, "
            "but z and an encoder belong together",
        )
        self._check_network(is_conv=self.network == "conv")

    def _check_network(self, is_conv: bool) -> None:
        require(
            is_conv or not self.conditions,
            f"NetworkSettings: conditions are {self.conditions}, must be none for 'rnn'",
        )
        require(
            not is_conv or (self.n_layers and self.dilation),
            "NetworkSettings: n_layers and dilation are "
            f"{self.n_layers} and {self.dilation}, must not be 0 for the network 'conv'",
        )
        require(
            not is_conv or self.norm_type != "group" or self.n_channels % N_GROUPS == 0,
            f"NetworkSettings: n_channels is {self.n_channels}, must be a multiple of {N_GROUPS} "
            "for the norm_type 'group'",
        )
        reach = self.kernel_size * abs(self.dilation) ** max(self.n_layers - 1, 0)
        require(
            not is_conv or reach <= _WIDEST,
            f"NetworkSettings: kernel_size {self.kernel_size}, dilation {self.dilation} and "
            f"n_layers {self.n_layers} make a convolution that reaches over more than {_WIDEST} "
            "frames",
        )

    def _check_whole(self, name: str, lowest: int, highest: int) -> None:
        value = getattr(self, name)
        require(
            type(value) is int and lowest <= value <= highest,
            f"NetworkSettings: {name} is {value!r}, must be a whole number from {lowest} to "
            f"{highest}",
        )


class NetworkDecoder:
    """A decoder, and perhaps an encoder, of magenta/ddsp; it plays, but does not learn here.

    Parameters
    ----------
    settings : NetworkSettings
        What it is made of.
    n_harmonics, n_bands : int
        Sizes of the outputs.
    """

    def __init__(self, settings: NetworkSettings, n_harmonics: int, n_bands: int) -> None:
        self.settings = settings
        splits = (
            ("amplitudes", 1), ("harmonic_distribution", n_harmonics), ("noise_magnitudes", n_bands)
        )  # fmt: skip
        self.network, self.encoder = _make_network(settings, splits), _make_encoder(settings)

    def weights(self) -> list[Weight]:
        """Return name, shape and beginning of every parameter."""
        sizes = {"level": 1, "f0": 1, "z": self.settings.n_z}
        if self.settings.network == "rnn":
            sizes["state"] = self._n_carried()
        found = named("decoder", self.network.weights(sizes))
        if self.encoder is not None:
            found += named("encoder", self.encoder.weights({"audio": 1, "f0_scaled": 1}))
        return found

    def init(self, rng: np.random.Generator) -> Parameters:
        """Return parameters to start from."""
        return {weight.name: weight.init(rng, weight.shape) for weight in self.weights()}

    def _own(self, params: Mapping[str, np.ndarray], part: str) -> list[np.ndarray]:
        names = [weight.name for weight in self.weights()]
        return [params[name] for name in names if name.startswith(f"{part}/")]

    def encode(
        self, params: Mapping[str, np.ndarray], audio: np.ndarray, f0_scaled: np.ndarray
    ) -> np.ndarray:
        """Return z.

        Parameters
        ----------
        params : mapping of str to ndarray
            Parameters, as from `init`.
        audio : ndarray, shape (..., n_samples)
            The sound at 16 kHz; normalised over all of its time.
        f0_scaled : ndarray, shape (..., n_frames)
            Which z gets as many frames as.

        Returns
        -------
        ndarray, shape (..., n_frames, n_z)
            What the decoder is told about the sound.
        """
        inputs = {"audio": audio, "f0_scaled": f0_scaled[..., None]}
        return self.encoder(inputs, self._own(params, "encoder"))["z"]

    def __call__(
        self,
        params: Mapping[str, np.ndarray],
        f0_scaled: np.ndarray,
        loudness_scaled: np.ndarray,
        z: np.ndarray | None = None,
    ) -> Controls:
        """Return the controls, of a recurrent network piece by piece.

        Parameters
        ----------
        params : mapping of str to ndarray
            Parameters, as from `init`.
        f0_scaled, loudness_scaled : ndarray, shape (..., n_frames)
            Pitch and loudness, both roughly from 0 to 1.
        z : ndarray, shape (..., n_frames, n_z), optional
            Of `encode`; of models with an encoder.

        Returns
        -------
        dict of str to ndarray
            See `Decoder`.
        """
        inputs = {"level": loudness_scaled[..., None], "f0": f0_scaled[..., None]}
        if z is not None:
            inputs["z"] = z
        weights, pieces, n_frames = self._own(params, "decoder"), [], f0_scaled.shape[-1]
        if self.settings.network == "conv":
            pieces = [self.network(inputs, weights)]
        else:
            state = np.zeros((*f0_scaled.shape[:-1], self._n_carried()), weights[0].dtype)
            for start in range(0, n_frames, _CHUNK):
                piece = {k: x[..., start : start + _CHUNK, :] for k, x in inputs.items()}
                found = self.network({**piece, "state": state}, weights)
                state = found.pop("state")
                pieces.append(found)
        whole = {k: np.concatenate([p[k] for p in pieces], axis=-2) for k in pieces[0]}
        return {**whole, "amplitudes": whole["amplitudes"][..., 0]}

    def _n_carried(self) -> int:
        return self.network.parts[self.network.n_stacks].n_carried

    def vjp(self, *args: object) -> None:
        """Refuse: learning goes on with our own decoders."""
        raise ParameterError(
            "this model of magenta/ddsp plays, but cannot be trained on here; train an instrument "
            "of its own with `ddsp-ref train`"
        )


def _make_network(settings: NetworkSettings, splits: tuple) -> NamedNetwork:
    if settings.network == "rnn":
        return RnnFcDecoder(
            rnn_channels=settings.n_hidden,
            rnn_type=settings.rnn_type,
            ch=settings.n_channels,
            layers_per_stack=settings.n_layers,
            stateless=True,
            input_keys=settings.inputs,
            output_splits=splits,
        )
    return DilatedConvDecoder(
        ch=settings.n_channels,
        kernel_size=settings.kernel_size,
        layers_per_stack=settings.n_layers,
        stacks=settings.n_stacks,
        dilation=settings.dilation,
        norm_type=settings.norm_type or None,
        input_keys=settings.inputs,
        conditioning_keys=settings.conditions or None,
        output_splits=splits,
    )


def _make_encoder(settings: NetworkSettings) -> ZEncoder | None:
    sizes = settings.n_encoder_hidden, settings.encoder_rnn_type, settings.n_z
    if settings.encoder == "mfcc_rnn":
        return MfccTimeDistributedRnnEncoder(*sizes, settings.z_time_steps)
    return MfccRnnEncoder(*sizes) if settings.encoder else None
