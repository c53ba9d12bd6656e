"""An instrument that plays pitch and loudness as they come."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddsp_ref.errors import ParameterError, require
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.models.model import IR_KEY, Model
from ddsp_ref.processors.synths import FilteredNoise, Harmonic, uniform_noise
from ddsp_ref.streaming.stages import Delay, HarmonicStage, NoiseStage, RoomStage


class Player:
    """Play an instrument frame by frame.

    Parameters
    ----------
    instrument : Instrument
        Who plays: one with a decoder of ours ("mlp", "rnn" or "conv").
    reverb : float
        How much of the instrument's room to hear; 1 is as learned.
    seed : int
        Of the noise in the sound.

    Attributes
    ----------
    latency : int
        Samples by which the sound comes later than `Instrument.render` has it: a frame, as a rule.

    Raises
    ------
    ParameterError
        If the instrument cannot play frame by frame.

    Notes
    -----
    However frames are grouped into blocks, the samples are those of `render` to rounding (below
    1e-6), `latency` later. Memory does not grow, phases are wrapped: it can play for days.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> player = Player(ddsp_ref.load_instrument("violin"))  # doctest: +SKIP
    >>> for _ in range(100):  # doctest: +SKIP
    ...     block = player.push(np.full(4, 440.0), np.full(4, -20.0))
    >>> block.shape  # doctest: +SKIP
    (256,)
    """

    def __init__(self, instrument: Instrument, *, reverb: float = 1.0, seed: int = 0) -> None:
        self.model = instrument.model
        if type(self.model) is not Model:
            raise ParameterError(
                f"Player: {instrument.name} cannot be played block by block, because its decoder "
                f"is {instrument.config.decoder!r}; mlp, rnn and conv can"
            )
        self.config, self._params = instrument.config, instrument.parameters
        config = self.config
        self._harmonic = HarmonicStage(
            config.sample_rate, config.hop_size, config.amp_resample_method
        )
        self._noise = NoiseStage(config.n_bands, config.hop_size)
        self._n_late = -(-max(config.hop_size, self._noise.start) // config.hop_size)
        self.latency = self._n_late * config.hop_size
        self._later = Delay(self.latency - config.hop_size), Delay(self.latency - self._noise.start)
        room = self.model.impulse_response(self._params) if IR_KEY in self._params else np.zeros(0)
        self._room = RoomStage(np.float32(reverb) * room)
        # sizes do not matter to controls
        self._synths = Harmonic(1, config.sample_rate), FilteredNoise(window_size=0)
        self._rng = np.random.default_rng(seed)
        self._state: Any = None

    def push(self, f0_hz: np.ndarray, loudness_db: np.ndarray) -> np.ndarray:
        """Play the next frames.

        Parameters
        ----------
        f0_hz, loudness_db : ndarray, shape (n_frames,)
            What to play; `n_frames` may be 0.

        Returns
        -------
        ndarray, shape (n_frames * hop_size,), float32
            The next samples.
        """
        f0_hz, loudness_db = (np.asarray(x, np.float32) for x in (f0_hz, loudness_db))
        require(
            f0_hz.ndim == 1 and f0_hz.shape == loudness_db.shape,
            f"Player.push: f0_hz has shape {f0_hz.shape} and loudness_db {loudness_db.shape}, must "
            "both be (n_frames,)",
        )
        if len(f0_hz) == 0:
            return np.zeros(0, np.float32)
        scaled = self.model.scaled(f0_hz, loudness_db)
        raw, self._state = self.model.decoder.advance(self._params, *scaled, self._state)
        harmonic, noise = self._synths
        heard = harmonic.get_controls(raw["amplitudes"], raw["harmonic_distribution"], f0_hz)
        drawn = uniform_noise((len(f0_hz) * self.config.hop_size,), self._rng)
        filtered = noise.get_controls(raw["noise_magnitudes"], drawn)
        partials = heard["amplitudes"][:, None] * heard["harmonic_distribution"]
        return self._mix(
            self._harmonic.push(f0_hz, partials),
            self._noise.push(filtered["magnitudes"], drawn),
        )

    def finish(self) -> np.ndarray:
        """Return the last `latency` samples, the last frame held; then the room rings no longer."""
        if not self._harmonic.has_begun:
            return np.zeros(0, np.float32)
        silence = np.zeros((self._n_late, self.config.n_bands), np.float32)
        return self._mix(
            self._harmonic.hold(self._n_late),
            self._noise.push(silence, np.zeros(self.latency, np.float32)),
        )

    def _mix(self, harmonic: np.ndarray, noise: np.ndarray) -> np.ndarray:
        later_harmonic, later_noise = self._later
        return self._room.push(later_noise.push(noise) + later_harmonic.push(harmonic))
