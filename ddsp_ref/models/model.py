"""The model: decoder, synthesizers, reverb; its sound and its gradient."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import keep_memory
from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.decoder import Controls
from ddsp_ref.models.decoders import DECODERS
from ddsp_ref.models.features import LEVELS
from ddsp_ref.models.parameters import Parameters
from ddsp_ref.models.sampler import Batch
from ddsp_ref.ops.losses.spectral_loss import spectral_loss
from ddsp_ref.ops.scaling.midi import hz_to_midi
from ddsp_ref.processors.effects import Add, Reverb
from ddsp_ref.processors.graph import Graph
from ddsp_ref.processors.synths import FilteredNoise, Harmonic

IR_KEY = "reverb/impulse_response"
_IR_DEVIATION = 1e-6  # magenta/ddsp starts the impulse response from normal noise this small

# magenta/ddsp's FFT sizes are 2048, 1024 ... 64 at 16 kHz; at other rates the powers of two that
# last about as long, 128 ms ... 4 ms
_LOSS_SECONDS, _N_LOSS_SIZES = 0.128, 6


class Model:
    """A decoder that plays a harmonic and a noise synthesizer in a trainable room.

    Parameters
    ----------
    config : ModelConfig
        Rates and sizes. The model holds no parameters: every method takes them.
    """

    decoders: Mapping[str, tuple[type, type]] = DECODERS

    def __init__(self, config: ModelConfig) -> None:
        require(
            config.decoder in self.decoders,
            f"{type(self).__name__}: decoder is {config.decoder!r}, must be "
            f"{' or '.join(map(repr, self.decoders))}; an instrument finds its model by itself",
        )
        self.config = config
        decoder, _ = self.decoders[config.decoder]
        self.decoder = decoder(config.decoder_settings, config.n_harmonics, config.n_bands)
        longest = 2 ** round(math.log2(config.sample_rate * _LOSS_SECONDS))
        self.loss_settings: dict[str, Any] = {
            "fft_sizes": tuple(longest >> i for i in range(_N_LOSS_SIZES)),
            "mag_weight": 1.0,
            "logmag_weight": 1.0,
        }
        along = np.arange(config.n_taps) / max(config.n_taps, 1)
        self._envelope = config.reverb_gain * 10 ** (-config.reverb_decay_db / 20 * along)

    def init(self, rng: np.random.Generator) -> Parameters:
        """Return float32 parameters to start from."""
        params = self.decoder.init(rng)
        if self.config.n_taps:
            noise = _IR_DEVIATION * rng.standard_normal(self.config.n_taps)
            params[IR_KEY] = noise.astype(np.float32)
        return params

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every parameter."""
        return {k: p.shape for k, p in self.init(np.random.default_rng(0)).items()}

    def sizes(self) -> dict[str, int]:
        """Return the lengths of axes that `shapes` makes arrays of, by their settings' names."""
        settings = dataclasses.asdict(self.config.decoder_settings)
        named = {name: value for name, value in settings.items() if name.startswith("n_")}
        return {**named, "n_taps": self.config.n_taps}

    def scaled(self, f0_hz: np.ndarray, loudness_db: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pitch and loudness as magenta/ddsp's decoders want them, roughly 0 to 1."""
        _, range_db = LEVELS[self.config.level]
        return hz_to_midi(f0_hz) / 127, loudness_db / range_db + 1

    def controls(
        self,
        params: Mapping[str, np.ndarray],
        f0_hz: np.ndarray,
        loudness_db: np.ndarray,
        audio: np.ndarray | None = None,
    ) -> Controls:
        """Return the raw controls of the synthesizers.

        Parameters
        ----------
        params : mapping of str to ndarray
            Parameters, as from `init`.
        f0_hz, loudness_db : ndarray, shape (..., n_frames)
            Features.
        audio : ndarray, shape (..., n_samples), optional
            What they were heard in. Only models that say `config.needs_audio` look at it.

        Returns
        -------
        dict of str to ndarray
            `amplitudes`, `harmonic_distribution`, `noise_magnitudes`.
        """
        return self.decoder(params, *self.scaled(f0_hz, loudness_db))

    def _graph(self, n_samples: int) -> Graph:
        rate = self.config.sample_rate
        harmonic = Harmonic(n_samples, rate, amp_resample_method=self.config.amp_resample_method)
        nodes: list[tuple[Any, list[str]]] = [
            (harmonic, ["amplitudes", "harmonic_distribution", "f0_hz"]),
            (FilteredNoise(window_size=0), ["noise_magnitudes", "noise"]),
            (Add(), ["filtered_noise/signal", "harmonic/signal"]),
        ]
        if self.config.n_taps:
            nodes.append((Reverb(), ["add/signal", "reverb_impulse_response"]))
        return Graph(nodes)

    def _inputs(
        self, params: Mapping[str, np.ndarray], controls: Controls, f0_hz: np.ndarray, noise: Any
    ) -> dict[str, np.ndarray]:
        inputs = {**controls, "f0_hz": f0_hz, "noise": noise}
        if self.config.n_taps:
            inputs["reverb_impulse_response"] = self.impulse_response(params)
        return inputs

    def impulse_response(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the taps of the room, shape (n_taps,), as the reverb hears them."""
        return self._shaped(params[IR_KEY])

    def _shaped(self, taps: np.ndarray) -> np.ndarray:
        """Multiply taps with the envelope of the room; it is its own pullback."""
        return taps * self._envelope.astype(taps.dtype)

    def _check(self, f0_hz: np.ndarray, loudness_db: np.ndarray, noise: np.ndarray) -> int:
        require(
            f0_hz.shape == loudness_db.shape,
            f"model: loudness_db has shape {loudness_db.shape}, must be that of f0_hz, "
            f"{f0_hz.shape}",
        )
        wanted = (*f0_hz.shape[:-1], f0_hz.shape[-1] * self.config.hop_size)
        require(
            noise.shape == wanted,
            f"model: noise has shape {noise.shape}, must be {wanted}: {self.config.hop_size} "
            f"samples per frame",
        )
        return wanted[-1]

    def render(
        self,
        params: Mapping[str, np.ndarray],
        f0_hz: np.ndarray,
        loudness_db: np.ndarray,
        noise: np.ndarray,
        audio: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the sound of the model.

        Parameters
        ----------
        params : mapping of str to ndarray
            Parameters, as from `init`.
        f0_hz, loudness_db : ndarray, shape (..., n_frames)
            Features.
        noise : ndarray, shape (..., n_samples)
            Uniform in [-1, 1); `n_samples` is `n_frames * hop_size`.
        audio : ndarray, shape (..., n_samples), optional
            See `controls`.

        Returns
        -------
        ndarray, shape (..., n_samples)
            Audio.
        """
        graph = self._graph(self._check(f0_hz, loudness_db, noise))
        controls = self.controls(params, f0_hz, loudness_db, audio)
        return graph(self._inputs(params, controls, f0_hz, noise))

    def vjp(
        self,
        params: Mapping[str, np.ndarray],
        f0_hz: np.ndarray,
        loudness_db: np.ndarray,
        noise: np.ndarray,
    ) -> tuple[np.ndarray, Callable[[np.ndarray], Parameters]]:
        """Return the sound, as `render`, and a pullback from it to the parameters."""
        self._check(f0_hz, loudness_db, noise)
        controls, decoder_pullback = self.decoder.vjp(params, *self.scaled(f0_hz, loudness_db))
        audio, play_pullback = self.play_vjp(params, controls, f0_hz, noise)

        def pullback(audio_bar: np.ndarray) -> Parameters:
            bars = play_pullback(audio_bar)
            gradients, _, _ = decoder_pullback({name: bars[name] for name in controls})
            return gradients | {k: bar for k, bar in bars.items() if k not in controls}

        return audio, pullback

    def play_vjp(
        self,
        params: Mapping[str, np.ndarray],
        controls: Controls,
        f0_hz: np.ndarray,
        noise: np.ndarray,
    ) -> tuple[np.ndarray, Callable[[np.ndarray], Parameters]]:
        """Return the sound of given controls, and a pullback to them and to the room."""
        graph = self._graph(noise.shape[-1])
        audio, graph_pullback = graph.vjp(self._inputs(params, controls, f0_hz, noise))

        def pullback(audio_bar: np.ndarray) -> Parameters:
            bars = graph_pullback(audio_bar)
            found = {name: bars[name] for name in controls}
            if self.config.n_taps:
                found[IR_KEY] = self._shaped(bars["reverb_impulse_response"])
            return found

        return audio, pullback

    def loss(self, params: Mapping[str, np.ndarray], batch: Batch, noise: np.ndarray) -> np.ndarray:
        """Return the multi-scale spectral loss of every example, shape (n_examples,)."""
        audio = self.render(params, batch.f0_hz, batch.loudness_db, noise)
        return spectral_loss(batch.audio, audio, **self.loss_settings)

    def loss_and_gradients(
        self, params: Mapping[str, np.ndarray], batch: Batch, noise: np.ndarray
    ) -> tuple[float, Parameters]:
        """Return the mean loss of a batch and its gradient.

        Parameters
        ----------
        params : mapping of str to ndarray
            Parameters, as from `init`.
        batch : Batch
            Excerpts of recordings.
        noise : ndarray, shape (n_examples, n_samples)
            Uniform in [-1, 1).

        Returns
        -------
        float, dict of str to ndarray
            The loss, and one gradient per parameter.
        """
        keep_memory()
        audio, pullback = self.vjp(params, batch.f0_hz, batch.loudness_db, noise)
        signals = batch.audio, audio
        losses, loss_pullback = spectral_loss.vjp(*signals, wrt=(1,), **self.loss_settings)
        _, audio_bar = loss_pullback(np.full_like(losses, 1 / losses.size))
        return float(losses.mean()), pullback(audio_bar)
