"""A trained instrument: configuration, parameters, and what there is to know about them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_ref.errors import InstrumentError, ParameterError
from ddsp_ref.io.instruments import read_instrument_files, write_instrument_files
from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.features import LEVELS
from ddsp_ref.models.model import Model
from ddsp_ref.models.network_model import NetworkModel
from ddsp_ref.models.parameters import Parameters, check_names_and_shapes, count
from ddsp_ref.models.pytorch_model import PytorchModel
from ddsp_ref.models.voices import join, of_voice, own_arrays

_ENTRIES = ("name", "description", "feature_definition", "model", "card")
_N_QUANTILES = 101
_LARGEST = 1000.0  # no level in dB and no MIDI number is beyond
_MODELS = {"ddsp_pytorch": PytorchModel, "magenta": NetworkModel}  # of decoders that come trained


@dataclass(frozen=True)
class Instrument:
    """What `timbre_transfer` plays.

    Attributes
    ----------
    name : str
        Short name, for example "violin".
    config : ModelConfig
        What the model is made of.
    parameters : dict of str to ndarray
        float32.
    statistics : dict
        Of the training material, see `ddsp_ref.models.sampler.dataset_statistics`. Empty if they
        are not known: then a transfer cannot be adjusted to the instrument.
    description : str
        One sentence.
    card : dict
        Plain JSON: provenance and licence of the training material, settings of the training,
        report on the held-out recordings.
    voice : str
        Which of several players or rooms the parameters are those of, see
        `ddsp_ref.models.voices`; "" if there is one only.
    voices : dict of str to (dict of str to ndarray)
        The other voices: those of their parameters that are their own.
    """

    name: str
    config: ModelConfig
    parameters: Parameters
    statistics: dict[str, Any]
    description: str = ""
    card: dict[str, Any] = field(default_factory=dict)
    voice: str = ""
    voices: dict[str, Parameters] = field(default_factory=dict)

    @property
    def model(self) -> Model:
        """The model that the parameters belong to."""
        return make_model(self.config)

    def render(
        self,
        f0_hz: np.ndarray,
        loudness_db: np.ndarray,
        noise: np.ndarray,
        audio: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the sound of the instrument; see `Model.render`."""
        return self.model.render(self.parameters, f0_hz, loudness_db, noise, audio)

    def with_voice(self, voice: str) -> Instrument:
        """Return the instrument as another of its voices.

        Parameters
        ----------
        voice : str
            One of `voices`, or the one that it has.

        Returns
        -------
        Instrument
            With the parameters of that voice; the one from before is among its `voices`.

        Raises
        ------
        InstrumentError
            If there is no such voice.
        """
        if voice == self.voice:
            return self
        if voice not in self.voices:
            known = ", ".join([*filter(None, [self.voice]), *self.voices]) or "none"
            raise InstrumentError(f"{self.name} has no voice {voice!r}; there are: {known}")
        chosen = self.voices[voice]
        others = {name: own for name, own in self.voices.items() if name != voice}
        mine = {k: self.parameters[k] for k in chosen}
        return replace(
            self,
            parameters={**self.parameters, **chosen},
            voice=voice,
            voices={self.voice: mine, **others},
        )

    def __repr__(self) -> str:
        return (
            f"<instrument {self.name!r}: {self.config.decoder} decoder, "
            f"{count(self.parameters):,} parameters, {self.config.sample_rate} Hz>"
        )


def make_model(config: ModelConfig) -> Model:
    """Return the model of a configuration: `Model`, or what its decoder comes with."""
    return _MODELS.get(config.decoder, Model)(config)


def save_instrument(
    folder: str | os.PathLike[str], instrument: Instrument, *, half: bool = False
) -> None:
    """Write an instrument as `instrument.json` and `weights.safetensors`.

    Parameters
    ----------
    folder : str or PathLike
        Made if it is not there; its parent must exist.
    instrument : Instrument
        What to write.
    half : bool
        Store weights as float16: half the size, relative error 5e-4.

    Raises
    ------
    InstrumentError
        If the parameters do not fit the configuration or are not finite.
    """
    header = {
        "name": instrument.name,
        "description": instrument.description,
        "feature_definition": LEVELS[instrument.config.level][0],
        "model": instrument.config.to_json(),
        "statistics": instrument.statistics or None,
        "card": instrument.card,
        "voices": [instrument.voice, *instrument.voices] if instrument.voice else [],
    }
    weights = join(instrument.parameters, instrument.voices)
    _check_parameters(instrument.name, instrument.config, weights)
    dtype = np.float16 if half else np.float32
    weights = {k: p.astype(dtype) for k, p in weights.items()}
    _check_parameters(instrument.name, instrument.config, weights)  # float16 ends at 65504
    write_instrument_files(folder, header, weights)


def load_instrument(folder: str | os.PathLike[str]) -> Instrument:
    """Read an instrument and check that everything in it fits together.

    Parameters
    ----------
    folder : str or PathLike
        As written by `save_instrument`.

    Returns
    -------
    Instrument
        With float32 parameters.

    Raises
    ------
    InstrumentError
        If a file is missing or damaged, of an unknown schema or feature definition, or arrays
        are missing, not wanted, of another shape, or not finite.
    """
    where = f"the instrument {Path(folder)}"
    header, weights = read_instrument_files(folder)
    for entry in _ENTRIES:
        if entry not in header:
            raise InstrumentError(f"{where} is damaged: instrument.json has no {entry!r}")
    try:
        config = ModelConfig.from_json(header["model"])
    except (ParameterError, TypeError) as error:
        raise InstrumentError(f"{where} is damaged: {error}") from error
    definition, (known, _) = header["feature_definition"], LEVELS[config.level]
    if definition != known:
        raise InstrumentError(
            f"{where} was trained on the features {definition!r}; this version of ddsp_ref "
            f"makes {known!r}"
        )
    header.setdefault("voices", [])  # came later
    kinds = (("name", str), ("description", str), ("card", Mapping), ("voices", list))
    for entry, kind in kinds:
        if not isinstance(header[entry], kind):
            raise InstrumentError(f"{where} is damaged: {entry!r} is {header[entry]!r}")
    statistics = header.get("statistics")
    if statistics is None:
        statistics = {}
    else:
        _check_statistics(where, statistics)
    _check_parameters(str(Path(folder)), config, weights)
    arrays = {k: w.astype(np.float32) for k, w in weights.items()}
    voices = own_arrays(arrays)
    voice, *others = header["voices"] or [""]
    if sorted(map(str, others)) != sorted(voices):
        raise InstrumentError(
            f"{where} is damaged: its voices are {header['voices']}, but there are arrays for "
            f"{list(voices)}"
        )
    return Instrument(
        header["name"],
        config,
        of_voice(arrays, ""),
        statistics,
        header["description"],
        header["card"],
        voice,
        {other: voices[other] for other in others},
    )


def _check_parameters(name: str, config: ModelConfig, weights: Parameters) -> None:
    """Check all voices: the one that plays is complete, others have arrays as large as its."""
    parameters = of_voice(weights, "")
    largest = max((max(w.shape, default=1) for w in parameters.values()), default=1)
    model = make_model(config)
    for size, value in model.sizes().items():  # before anything of that size is made
        if value > largest:
            raise InstrumentError(
                f"the weights of {name} are damaged: {size} is {value}, but no array is that long"
            )
    try:
        check_names_and_shapes(parameters, model.shapes())
        own = {k: p.shape for k, p in parameters.items() if p.ndim == 1}
        for arrays in own_arrays(weights).values():
            check_names_and_shapes(arrays, own)
    except ParameterError as error:
        raise InstrumentError(f"the weights of {name} are damaged: {error}") from None


def _check_statistics(where: str, statistics: Any) -> None:
    try:
        for name in ("loudness_db", "f0_midi"):
            part = statistics[name]
            values = [part["mean"], part["std"], *list(part["quantiles"])]
            if not all(isinstance(v, (int, float)) and abs(v) <= _LARGEST for v in values):
                raise ValueError(name)
            if not isinstance(part["quantiles"], list) or len(values) != _N_QUANTILES + 2:
                raise ValueError(name)
        if not 0 <= float(statistics["voiced_share"]) <= 1:
            raise ValueError("voiced_share")
    except (KeyError, TypeError, ValueError) as error:
        raise InstrumentError(f"{where} is damaged: its statistics do not fit ({error})") from None
