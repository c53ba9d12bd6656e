"""Timbre transfer while it is being played: what comes in is heard, adjusted and played at once."""

from __future__ import annotations

import os
from collections import deque

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.features import F0_RANGE_HZ, LEVELS
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.ops.scaling.midi import hz_to_midi, midi_to_hz
from ddsp_ref.streaming.listener import HeardFrames, Listener
from ddsp_ref.streaming.player import Player
from ddsp_ref.streaming.resampling import Resampler
from ddsp_ref.transfer.adjust import HIGHEST, LOWEST_HZ
from ddsp_ref.transfer.controls import Controls
from ddsp_ref.transfer.instruments import find_instrument
from ddsp_ref.transfer.loudness import fit_loudness
from ddsp_ref.transfer.octaves import fold_octaves
from ddsp_ref.transfer.trackers import check_f0_range

# A frame of pitch holds so many periods of the lowest one, as far as 64 ms go: fewer are heard
# wrongly more often, more come later.
_PERIODS, _LONGEST_FRAME, _SHORTEST_FRAME = 6.0, 0.064, 0.016
_REMEMBERED = 10.0  # seconds of notes that the loudness is fitted to
_PRIOR = 0.5  # seconds of what the instrument knows stand for them at first
_REFIT = 0.1  # seconds
_LOUDEST = 8.0  # sample that is taken for sound
_RISE, _FALL = 0.008, 0.04  # seconds in which a note comes, and goes


class LoudnessFollower:
    """Fit loudness to an instrument's as the notes come: `fit_loudness` on the last ten seconds.

    Parameters
    ----------
    quantiles : sequence of float
        Of the instrument's loudness.
    frame_rate : int
        Frames per second.
    floor_db : float
        Silence.

    Notes
    -----
    At first what the instrument knows stands for what was heard, so that nothing is changed; after
    a second of notes theirs counts. Frames do not depend on how they are grouped into blocks.
    """

    def __init__(self, quantiles: list[float], frame_rate: int, floor_db: float) -> None:
        self._quantiles, self._floor_db = quantiles, floor_db
        shares = np.linspace(0, len(quantiles) - 1, round(_PRIOR * frame_rate))
        prior = np.interp(shares, np.arange(len(quantiles)), quantiles)
        self._notes: deque[float] = deque(prior, maxlen=round(_REMEMBERED * frame_rate))
        self._every = max(1, round(_REFIT * frame_rate))
        self._new: list[float] = []  # notes since the last fit
        self._n_seen = 0

    def push(self, loudness_db: np.ndarray, voiced: np.ndarray) -> np.ndarray:
        """Return the loudness to play, shape (n_frames,)."""
        fitted, start = [loudness_db[:0]], 0
        while start < len(loudness_db):
            stop = min(len(loudness_db), start + self._every - self._n_seen % self._every)
            fitted.append(self._fit(loudness_db[start:stop]))
            self._new += list(loudness_db[start:stop][voiced[start:stop]])
            self._n_seen += stop - start
            if self._n_seen % self._every == 0:
                self._notes.extend(self._new)
                self._new = []
            start = stop
        return np.concatenate(fitted)

    def _fit(self, loudness_db: np.ndarray) -> np.ndarray:
        n = len(self._notes)
        both = np.append(np.array(self._notes), loudness_db)
        return fit_loudness(both, np.arange(len(both)) < n, self._quantiles, self._floor_db)[n:]


class LiveTransfer:
    """Play what is being played on another instrument.

    Parameters
    ----------
    instrument : str, PathLike or Instrument
        See `find_instrument`; one that `Player` can play.
    sample_rate : int
        Samples per second of what comes in and goes out, 4000 to 384000. No resampling is needed,
        and the least delay, at the rate of the instrument.
    controls : Controls, optional
        How to play. With `adjust` the loudness is fitted to what the instrument knows, from the
        notes of the last ten seconds; octaves are as asked for. `autotune` needs
        ``tuning="chromatic"`` here and draws to A4 = 440 Hz: keys are known at the end only.
        `threshold` is without meaning: what has a pitch is a note.
    f0_range_hz : (float, float)
        Lowest and highest pitch to look for. The higher the lowest one, the less delay.
    lag_seconds : float
        How much longer to wait before the pitch is decided; see `Listener`.

    Attributes
    ----------
    latency : int
        Samples by which the sound comes after what is played, without what the sound card adds.

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
            frame_seconds=min(_LONGEST_FRAME, max(_PERIODS / lowest, _SHORTEST_FRAME)),
            lag_seconds=lag_seconds,
        )
        self._in = Resampler(sample_rate, config.sample_rate)
        self._out = Resampler(config.sample_rate, sample_rate)
        self._floor_db = -LEVELS[config.level][1]
        self._follower = None
        if self._controls.adjust and player.statistics:
            quantiles = player.statistics["loudness_db"]["quantiles"]
            self._follower = LoudnessFollower(quantiles, config.frame_rate, self._floor_db)
        self._sounding = 0.0  # 0 to 1
        n_waiting = self._most_waiting()
        self.latency = n_waiting + -(-self._player.latency * sample_rate // config.sample_rate)
        self._ready = np.zeros(n_waiting, np.float32)

    def _most_waiting(self) -> int:
        """Return how many samples at most have come in and not gone out, over a second."""
        config, hop = self._player.config, self._player.config.hop_size
        return max(
            n - self._out.n_ready(self._listener.n_told(self._in.n_ready(n)) * hop)
            for n in range(1, self.sample_rate + hop * self.sample_rate // config.sample_rate)
        )

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
        audio = np.nan_to_num(np.asarray(audio, np.float32)).clip(-_LOUDEST, _LOUDEST)
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
        if self._follower:
            loudness_db = self._follower.push(loudness_db, heard.voiced)
        if controls.adjust:
            loudness_db = loudness_db - controls.quiet * (1 - self._sound_of(heard.voiced))
        loudness_db = np.maximum(loudness_db + controls.loudness_shift, self._floor_db)
        return self._player.push(f0_hz, loudness_db)

    def _sound_of(self, voiced: np.ndarray) -> np.ndarray:
        """Return how much of a note every frame is, 0 to 1: it comes fast and goes slowly."""
        rate, found = self._player.config.frame_rate, np.empty(len(voiced))
        for i, on in enumerate(voiced):
            seconds = _RISE if on else _FALL
            self._sounding += (on - self._sounding) * min(1.0, 1 / (seconds * rate))
            found[i] = self._sounding
        return found
