"""What a model is made of: rates and sizes, checked, and readable as JSON."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ddsp_ref.analysis.frames import nearest_frame_rate
from ddsp_ref.errors import ParameterError, require
from ddsp_ref.models.convolution import ConvSettings
from ddsp_ref.models.decoders import PLAYED, MlpSettings, PytorchSettings, RnnSettings
from ddsp_ref.models.features import LEVELS
from ddsp_ref.models.network_decoder import NetworkSettings

# magenta/ddsp's choices at 16 kHz, in units that mean the same at every rate
_LOWEST_HZ = 8000.0 / 60  # the lowest note whose partials reach the Nyquist frequency
_BAND_HZ = 125.0  # width of one band of the noise filter
_AMP_METHODS = ("window", "linear")
_ENCODER_RATE = 16000  # that the original's encoders take for granted

Settings = MlpSettings | RnnSettings | ConvSettings | PytorchSettings | NetworkSettings


@dataclass(frozen=True)
class ModelConfig:
    """Rates and sizes of a model; everything left out is chosen to fit the sample rate.

    Attributes
    ----------
    sample_rate : int
        Samples per second, 4000 to 192000.
    frame_rate : int
        Control frames per second; must divide `sample_rate`. Default: the nearest to 250.
    n_harmonics : int
        Partials of the harmonic synthesizer. Default: 60 at 16 kHz, in proportion elsewhere.
    n_bands : int
        Bands of the noise filter. Default: one per 125 Hz, that is 65 at 16 kHz.
    reverb_seconds : float
        Length of the trained impulse response, 0 for no reverb.
    reverb_gain, reverb_decay_db : float
        The impulse response is its parameter times this gain, times an envelope that has fallen by
        so many dB at its end. They decide how fast taps learn: without an envelope, the steps of
        the optimizer fill a second of taps with noise. 1 and 0: the parameter as it is.
    amp_resample_method : {"window", "linear"}
        How amplitudes go from frames to samples, see `harmonic_synthesis`.
    level : {"loudness", "loudness_v1", "power", "loudness_ddsp_pytorch"}
        What the decoder is told about the level: loudness, loudness as magenta/ddsp defined it
        before version 2, power, or loudness as in ddsp_pytorch; see
        `ddsp_ref.models.features.LEVELS`.
    decoder : str
        "mlp", "rnn" or "conv"; or "ddsp_pytorch" or "magenta", which make it a `PytorchModel` or
        a `NetworkModel`.
    decoder_settings : settings of the decoder
        For example `RnnSettings`. Sizes of the decoder.

    Raises
    ------
    ParameterError
        If a value cannot work.

    Examples
    --------
    >>> config = ModelConfig(sample_rate=48000)
    >>> config.frame_rate, config.hop_size, config.n_harmonics, config.n_bands
    (250, 192, 180, 193)
    """

    sample_rate: int = 16000
    frame_rate: int | None = None
    n_harmonics: int | None = None
    n_bands: int | None = None
    reverb_seconds: float = 1.0
    reverb_gain: float = 0.2
    reverb_decay_db: float = 60.0
    amp_resample_method: str = "window"
    level: str = "loudness"
    decoder: str = "mlp"
    decoder_settings: Settings | None = None

    def __post_init__(self) -> None:
        self._check_whole("sample_rate", 4000, 192_000)
        fill = {
            "frame_rate": nearest_frame_rate(self.sample_rate),
            "n_harmonics": round(self.sample_rate / 2 / _LOWEST_HZ),
            "n_bands": 1 + round(self.sample_rate / 2 / _BAND_HZ),
        }
        for name, value in fill.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        require(
            self.decoder in PLAYED,
            f"ModelConfig: decoder is {self.decoder!r}, must be {' or '.join(map(repr, PLAYED))}",
        )
        if self.decoder_settings is None:
            object.__setattr__(self, "decoder_settings", PLAYED[self.decoder][1]())
        self._check()

    def _check_whole(self, name: str, lowest: int, highest: int) -> None:
        value = getattr(self, name)
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        require(
            whole and lowest <= value <= highest,
            f"ModelConfig: {name} is {value!r}, must be a whole number from {lowest} to {highest}",
        )

    def _check_number(self, name: str, lowest: float, highest: float) -> None:
        value = getattr(self, name)
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        require(
            number and lowest <= value <= highest,
            f"ModelConfig: {name} is {value!r}, must be from {lowest} to {highest}",
        )

    def _check(self) -> None:
        self._check_whole("frame_rate", 1, self.sample_rate)
        require(
            self.sample_rate % self.frame_rate == 0,
            f"ModelConfig: frame_rate is {self.frame_rate}, must divide the sample rate "
            f"{self.sample_rate}; the nearest that does is "
            f"{nearest_frame_rate(self.sample_rate, self.frame_rate)}",
        )
        self._check_whole("n_harmonics", 1, 10_000)
        self._check_whole("n_bands", 2, 100_000)
        self._check_number("reverb_seconds", 0, 20)
        self._check_number("reverb_gain", 1e-3, 10)
        self._check_number("reverb_decay_db", 0, 200)
        for name, choices in (("amp_resample_method", _AMP_METHODS), ("level", LEVELS)):
            value = getattr(self, name)
            require(
                isinstance(value, str) and value in choices,
                f"ModelConfig: {name} is {value!r}, must be {' or '.join(map(repr, choices))}",
            )
        require(
            (self.level == "loudness_ddsp_pytorch") == (self.decoder == "ddsp_pytorch"),
            f"ModelConfig: level is {self.level!r} and decoder is {self.decoder!r}, but "
            "'loudness_ddsp_pytorch' and 'ddsp_pytorch' belong together",
        )
        wanted = PLAYED[self.decoder][1]
        require(
            isinstance(self.decoder_settings, wanted),
            f"ModelConfig: decoder_settings is a {type(self.decoder_settings).__name__}, "
            f"must be a {wanted.__name__} for the decoder {self.decoder!r}",
        )
        require(
            not self.needs_audio or self.sample_rate == _ENCODER_RATE,
            f"ModelConfig: sample_rate is {self.sample_rate}, must be {_ENCODER_RATE} for a "
            "decoder with an encoder",
        )

    @property
    def hop_size(self) -> int:
        """Samples from one frame to the next."""
        return self.sample_rate // self.frame_rate

    @property
    def needs_audio(self) -> bool:
        """Whether the decoder is told the sound itself, beside pitch and level."""
        return bool(getattr(self.decoder_settings, "encoder", ""))

    @property
    def n_taps(self) -> int:
        """Length of the impulse response in samples, 0 for no reverb."""
        return round(self.reverb_seconds * self.sample_rate)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ModelConfig:
        """Return the configuration of a JSON file.

        Parameters
        ----------
        values : mapping
            As from `to_json`. No entry may be missing, because defaults could change one day, but
            those that came later: they stand for what was before.

        Returns
        -------
        ModelConfig
            The configuration.

        Raises
        ------
        ParameterError
            If an entry is missing, unknown or cannot work.
        """
        require(isinstance(values, Mapping), "the model configuration is not a JSON object")
        values = {"amp_resample_method": "window", "level": "loudness", **values}
        _check_keys("the model configuration", values, {f.name for f in dataclasses.fields(cls)})
        decoder = values["decoder"]
        require(
            isinstance(decoder, str) and decoder in PLAYED,
            f"the model configuration has the decoder {decoder!r}, known are {', '.join(PLAYED)}",
        )
        kind, settings = PLAYED[decoder][1], values["decoder_settings"]
        require(isinstance(settings, Mapping), "decoder_settings is not a JSON object")
        _check_keys("decoder_settings", settings, {f.name for f in dataclasses.fields(kind)})
        return cls(**{**values, "decoder_settings": kind(**settings)})


def _check_keys(where: str, values: Mapping[str, Any], wanted: set[str]) -> None:
    missing, extra = sorted(wanted - set(values)), sorted(set(values) - wanted)
    if missing or extra:
        what = f"has no {missing[0]!r}" if missing else f"has an unknown entry {extra[0]!r}"
        raise ParameterError(f"{where} {what}")
