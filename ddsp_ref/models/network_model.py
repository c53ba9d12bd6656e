"""Models of magenta/ddsp with decoders or encoders that ours does not have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.decoder import Controls
from ddsp_ref.models.decoders import DECODERS, PLAYED
from ddsp_ref.models.model import IR_KEY, Model
from ddsp_ref.models.parameters import Parameters


class NetworkModel(Model):
    """A model whose decoder is a `NetworkDecoder`; it plays, and is not trained here.

    Parameters
    ----------
    config : ModelConfig
        With the decoder "magenta".

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/models/autoencoder.py.
    """

    decoders: Mapping[str, tuple[type, type]] = {
        name: kind for name, kind in PLAYED.items() if name not in DECODERS
    }

    def sizes(self) -> dict[str, int]:
        """Return none: `shapes` makes no arrays."""
        return {}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every parameter."""
        room = {IR_KEY: (self.config.n_taps,)} if self.config.n_taps else {}
        return {weight.name: weight.shape for weight in self.decoder.weights()} | room

    def controls(
        self,
        params: Mapping[str, np.ndarray],
        f0_hz: np.ndarray,
        loudness_db: np.ndarray,
        audio: np.ndarray | None = None,
    ) -> Controls:
        """Return the raw controls of the synthesizers; see `Model.controls`."""
        f0_scaled, level_scaled = self.scaled(f0_hz, loudness_db)
        z = None
        if self.config.needs_audio:
            require(
                audio is not None,
                "model: it is told the sound itself, beside pitch and level: audio must be given",
            )
            z = self.decoder.encode(params, self._fit(audio, f0_hz), f0_scaled)
        return self.decoder(params, f0_scaled, level_scaled, z)

    def _fit(self, audio: np.ndarray, f0_hz: np.ndarray) -> np.ndarray:
        """Make the sound as long as its frames are, so that z does not drift from them."""
        n_samples = f0_hz.shape[-1] * self.config.hop_size
        require(
            audio.shape[:-1] == f0_hz.shape[:-1]
            and abs(audio.shape[-1] - n_samples) <= self.config.hop_size,
            f"model: audio has shape {audio.shape}, must be about "
            f"{(*f0_hz.shape[:-1], n_samples)}: {self.config.hop_size} samples per frame",
        )
        audio = audio[..., :n_samples]
        missing = [(0, 0)] * (audio.ndim - 1) + [(0, n_samples - audio.shape[-1])]
        return np.pad(audio, missing)

    def vjp(self, *args: Any) -> tuple[np.ndarray, Callable[[np.ndarray], Parameters]]:
        """Refuse, as the decoder does."""
        return self.decoder.vjp(*args[:3])

    play_vjp = vjp
