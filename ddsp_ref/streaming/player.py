"""An instrument that plays pitch and loudness as they come."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddsp_ref.errors import ParameterError, require
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.models.model import IR_KEY
from ddsp_ref.processors.synths import uniform_noise
from ddsp_ref.streaming.sound import SOUNDS
from ddsp_ref.streaming.stages import RoomStage


class Player:
    """Play an instrument frame by frame.

    Parameters
    ----------
    instrument : Instrument
        Who plays; its decoder is "mlp", "rnn", "conv" or "ddsp_pytorch".
    reverb : float
        How much of the instrument's room to hear; 1 is as learned.
    seed : int
        Of the noise in the sound.

    Attributes
    ----------
    latency : int
        Samples by which the sound comes later than `Instrument.render` has it: a frame, as a rule,
        and none with "ddsp_pytorch".

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
        require(
            isinstance(instrument, Instrument),
            f"Player: instrument is a {type(instrument).__name__}, must be an Instrument, as from "
            "find_instrument('violin')",
        )
        require(0 <= reverb <= 100, f"Player: reverb is {reverb}, must be from 0 to 100, e.g. 1")
        self.model, self.config = instrument.model, instrument.config
        sound = SOUNDS.get(type(self.model))
        if sound is None:
            raise ParameterError(
                f"Player: {instrument.name} cannot be played block by block, because its decoder "
                f"is {self.config.decoder!r}; mlp, rnn, conv and ddsp_pytorch can"
            )
        self._sound = sound(self.model)
        self.latency = self._sound.latency
        self._params = instrument.parameters
        room = self.model.impulse_response(self._params) if IR_KEY in self._params else np.zeros(0)
        self._room = RoomStage(np.float32(reverb) * room)
        self._rng = np.random.default_rng(seed)
        self._state: Any = None  # of the decoder
        self._finished = False

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
        require(not self._finished, "Player.push: finish() was called, take another Player")
        if len(f0_hz) == 0:
            return np.zeros(0, np.float32)
        scaled = self.model.scaled(f0_hz, loudness_db)
        raw, self._state = self.model.decoder.advance(self._params, *scaled, self._state)
        noise = uniform_noise((len(f0_hz) * self.config.hop_size,), self._rng)
        return self._room.push(self._sound.push(raw, f0_hz, noise))

    def finish(self) -> np.ndarray:
        """Return the last `latency` samples; the last frame is held, and the room cut off.

        That is the end: nothing can be pushed after it, and what is finished has no more to play.
        """
        if self._finished:
            return np.zeros(0, np.float32)
        self._finished = True
        return self._room.push(self._sound.finish())
