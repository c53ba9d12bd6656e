"""Timbre transfer while it is being played: what comes in is heard, adjusted and played at once."""

from __future__ import annotations

import os

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.io.notes import note_name
from ddsp_ref.models.features import F0_RANGE_HZ, LEVELS
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.ops.scaling.midi import hz_to_midi, midi_to_hz
from ddsp_ref.streaming.listener import HeardFrames, Listener
from ddsp_ref.streaming.player import Player
from ddsp_ref.streaming.resampling import Resampler
from ddsp_ref.transfer.adjust import HIGHEST, LOWEST_HZ, MUCH
from ddsp_ref.transfer.controls import Controls
from ddsp_ref.transfer.instruments import find_instrument
from ddsp_ref.transfer.live_level import LoudnessFollower, NoteGate
from ddsp_ref.transfer.octaves import fold_octaves, pitch_range
from ddsp_ref.transfer.trackers import check_f0_range

# A frame of pitch holds so many periods of the lowest one, as far as 64 ms go: fewer are heard
# wrongly more often, more come later.
_PERIODS, _LEAST_PERIODS, _LONGEST_FRAME, _SHORTEST_FRAME = 6.0, 2.1, 0.064, 0.016
_LOUDEST = 8.0  # sample that is taken for sound
_OUTSIDE_ST = 0.5  # semitones beyond an instrument's range that are out of it


class LiveTransfer:
    """Play what is being played on another instrument.

    Parameters
    ----------
    instrument : str, PathLike or Instrument
        See `find_instrument`; one that `Player` can play.
    sample_rate : int
        Samples per second of what comes in and goes out, 4000 to 384000; a usual one, see
        `Resampler`. No resampling is needed, and the delay is least, at the rate of the instrument.
    controls : Controls, optional
        How to play. With `adjust` the loudness is fitted to what the instrument knows, from the
        notes of the last ten seconds, and what is no note is turned down; octaves are as asked
        for. `autotune` needs ``tuning="chromatic"`` here and draws to A4 = 440 Hz: keys are known
        at the end only. `threshold` is without meaning: what has a pitch is a note, unless it is
        30 dB softer than the others.
    f0_range_hz : (float, float)
        Lowest and highest pitch to look for. The higher the lowest one, the less delay.
    lag_seconds : float
        How much longer to wait before the pitch is decided; see `Listener`.

    Attributes
    ----------
    latency : int
        Samples by which the sound comes after what is played, without what the sound card adds. To
        hear the end, push so many zeros.

    Raises
    ------
    ParameterError
        If a setting is out of its range, or the instrument cannot play block by block.

    Examples
    --------
    >>> import numpy as np
    >>> live = LiveTransfer("flute", 16000, f0_range_hz=(200.0, 2000.0))
    >>> f"{live.latency / 16000:.3f} s"
    '0.040 s'
    >>> hum = 0.1 * np.sin(2 * np.pi * 440 / 16000 * np.arange(16000)).astype(np.float32)
    >>> played = [live.push(block) for block in np.split(hum, 100)]  # doctest: +SKIP
    >>> played[-1].shape  # doctest: +SKIP
    (160,)
    """

    def __init__(
        self,
        instrument: str | os.PathLike[str] | Instrument,
        sample_rate: int,
        controls: Controls | None = None,
        *,
        f0_range_hz: tuple[float, float] = F0_RANGE_HZ,
        lag_seconds: float = 0.02,
    ) -> None:
        player, self._controls = find_instrument(instrument), controls or Controls()
        config = player.config
        require(
            self._controls.autotune == 0 or self._controls.tuning == "chromatic",
            "LiveTransfer: autotune draws to a key that is known at the end only; live, take "
            "tuning='chromatic'",
        )
        check_f0_range("LiveTransfer", f0_range_hz, config.sample_rate / 2)
        lowest = f0_range_hz[0]
        self.name, self.sample_rate = player.name, sample_rate
        self._player = Player(player, reverb=self._controls.reverb, seed=self._controls.seed)
        self._listener = Listener(
            config.sample_rate,
            config.frame_rate,
            level=config.level,
            f0_range_hz=f0_range_hz,
            frame_seconds=max(
                min(_LONGEST_FRAME, _PERIODS / lowest), _SHORTEST_FRAME, _LEAST_PERIODS / lowest
            ),
            lag_seconds=lag_seconds,
        )
        self._in = Resampler(sample_rate, config.sample_rate)
        self._out = Resampler(config.sample_rate, sample_rate)
        self._floor_db = -LEVELS[config.level][1]
        self._follower = None
        if self._controls.adjust and player.statistics:
            quantiles = player.statistics["loudness_db"]["quantiles"]
            self._follower = LoudnessFollower(quantiles, config.frame_rate, self._floor_db)
        self._gate = NoteGate(config.frame_rate)
        self._range = 0.0, np.inf  # MIDI
        if player.statistics:
            self._range = pitch_range(player.statistics["f0_midi"]["quantiles"])
        self._counts = np.zeros(3)
        n_waiting = self._most_waiting()
        self.latency = n_waiting + -(-self._player.latency * sample_rate // config.sample_rate)
        self._ready = np.zeros(n_waiting, np.float32)

    def _most_waiting(self) -> int:
        """Return how many samples at most have come in and not gone out, over a second."""
        hop = self._player.config.hop_size
        n = np.arange(1, 2 * self.sample_rate)
        n_out = self._out.n_ready(self._listener.n_told(self._in.n_ready(n)) * hop)
        return int(np.max(n - n_out))

    def push(self, audio: np.ndarray) -> np.ndarray:
        """Play on.

        Parameters
        ----------
        audio : ndarray, shape (n_samples,)
            The next samples that came in, any number of them; full scale is 1.

        Returns
        -------
        ndarray, shape (n_samples,), float32
            As many samples to go out, at most 1 in size.
        """
        audio = np.asarray(audio)
        require(
            audio.ndim == 1 and audio.dtype.kind == "f",
            f"LiveTransfer.push: audio has shape {audio.shape} and dtype {audio.dtype}, must be "
            "(n_samples,) and float32 with full scale 1; take one channel of several",
        )
        audio = np.nan_to_num(audio.astype(np.float32)).clip(-_LOUDEST, _LOUDEST)
        sound = self._play(self._listener.push(self._in.push(audio)))
        self._ready = np.concatenate([self._ready, self._out.push(sound)])
        played, self._ready = self._ready[: len(audio)], self._ready[len(audio) :]
        return np.clip(played, -1, 1)

    def _play(self, heard: HeardFrames) -> np.ndarray:
        """Adjust frames, and let the instrument play them."""
        controls = self._controls
        midi = hz_to_midi(heard.f0_hz.astype(np.float64))
        midi += controls.autotune * (np.round(midi) - midi) + 12 * controls.pitch_shift
        highest_hz = HIGHEST * self._player.config.sample_rate
        f0_hz = fold_octaves(midi_to_hz(midi), LOWEST_HZ, highest_hz)
        loudness_db = heard.loudness_db.astype(np.float64)
        is_note = self._gate.push(loudness_db, heard.voiced)
        self._count(hz_to_midi(f0_hz)[is_note])
        if self._follower:
            loudness_db = self._follower.push(loudness_db, is_note)
        if controls.adjust:
            loudness_db = loudness_db - controls.quiet * (1 - self._gate.smooth(is_note))
        loudness_db = np.maximum(loudness_db + controls.loudness_shift, self._floor_db)
        return self._player.push(f0_hz, loudness_db)

    def _count(self, midi: np.ndarray) -> None:
        """Count notes, and those below and above the range of the instrument."""
        low, high = self._range
        low, high = low - _OUTSIDE_ST, high + _OUTSIDE_ST
        self._counts += len(midi), np.sum(midi < low), np.sum(midi > high)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a player should know, a sentence each: that notes are out of the range."""
        n_notes, *outside = self._counts
        found = []
        for n, where, way in zip(outside, ("below", "above"), ("1", "-1")):
            if n > MUCH * n_notes:
                low, high = (note_name(midi) for midi in self._range)
                found.append(
                    f"{n / n_notes:.0%} of the notes were {where} the range of {self.name}, {low} "
                    f"to {high}; a pitch shift of {way} octave is worth a try"
                )
        return tuple(found)
