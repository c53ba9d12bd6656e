"""The dry sound of a model, block by block: from what its decoder says to samples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ddsp_ref.models.model import Model
from ddsp_ref.models.pytorch_model import PytorchModel, harmonic_blocks, noise_blocks
from ddsp_ref.processors.synths import FilteredNoise, Harmonic
from ddsp_ref.streaming.stages import Delay, HarmonicStage, NoiseStage


class SmoothSound:
    """The sound of our models: pitch and amplitudes go from frame to frame, filters ring on.

    Parameters
    ----------
    model : Model
        Only its sizes matter.

    Attributes
    ----------
    latency : int
        Samples by which it comes later than it would of the whole, a multiple of the hop.
    """

    def __init__(self, model: Model) -> None:
        config = model.config
        self._hop_size, self._n_bands = config.hop_size, config.n_bands
        self._harmonic = HarmonicStage(
            config.sample_rate, config.hop_size, config.amp_resample_method
        )
        self._noise = NoiseStage(config.n_bands, config.hop_size)
        self._n_late = -(-max(config.hop_size, self._noise.start) // config.hop_size)
        self.latency = self._n_late * config.hop_size
        self._later_harmonic = Delay(self.latency - config.hop_size)
        self._later_noise = Delay(self.latency - self._noise.start)
        # settings of the synthesizers whose length, here 1, does not matter to controls
        self._synths = Harmonic(1, config.sample_rate), FilteredNoise(window_size=0)

    def push(
        self, raw: Mapping[str, np.ndarray], f0_hz: np.ndarray, noise: np.ndarray
    ) -> np.ndarray:
        """Return the next samples, shape (n_frames * hop_size,).

        Parameters
        ----------
        raw : mapping of str to ndarray
            What the decoder says, see `Model.controls`.
        f0_hz : ndarray, shape (n_frames,), float32
            Pitch.
        noise : ndarray, shape (n_frames * hop_size,), float32
            Uniform in [-1, 1).
        """
        harmonic, filtered = self._synths
        heard = harmonic.get_controls(raw["amplitudes"], raw["harmonic_distribution"], f0_hz)
        partials = heard["amplitudes"][:, None] * heard["harmonic_distribution"]
        magnitudes = filtered.get_controls(raw["noise_magnitudes"], noise)["magnitudes"]
        return self._mix(self._harmonic.push(f0_hz, partials), self._noise.push(magnitudes, noise))

    def finish(self) -> np.ndarray:
        """Return the last `latency` samples; the last frame is held."""
        if not self._harmonic.has_begun:
            return np.zeros(0, np.float32)
        nothing = np.zeros((self._n_late, self._n_bands), np.float32)
        silence = np.zeros(self.latency, np.float32)
        return self._mix(self._harmonic.hold(self._n_late), self._noise.push(nothing, silence))

    def _mix(self, harmonic: np.ndarray, noise: np.ndarray) -> np.ndarray:
        return self._later_noise.push(noise) + self._later_harmonic.push(harmonic)


class BlockSound:
    """The sound of models of ddsp_pytorch: each block by itself, but for the phase.

    Parameters
    ----------
    model : PytorchModel
        Whose sound.

    Attributes
    ----------
    latency : int
        0: nothing of a block depends on the next one.
    """

    latency = 0

    def __init__(self, model: PytorchModel) -> None:
        self._model, self._cycles = model, 0.0

    def push(
        self, raw: Mapping[str, np.ndarray], f0_hz: np.ndarray, noise: np.ndarray
    ) -> np.ndarray:
        """Return the next samples; see `SmoothSound.push`."""
        rate, hop = self._model.config.sample_rate, self._model.config.hop_size
        partials, magnitudes = self._model.synthesizer_controls(raw, f0_hz)
        dry = harmonic_blocks(f0_hz, partials, rate, hop, self._cycles)
        self._cycles = (self._cycles + f0_hz.astype(np.float64).sum() * hop / rate) % 1.0
        return (dry + noise_blocks(magnitudes, noise)).astype(np.float32)

    def finish(self) -> np.ndarray:
        """Return nothing: all is played."""
        return np.zeros(0, np.float32)


# by the class of the model, and not of those that it is made of
SOUNDS = {Model: SmoothSound, PytorchModel: BlockSound}
