"""The feature scalings of the original's ddsp/training/preprocessing.py."""

from __future__ import annotations

from ddsp_ref.compat.magenta import core, spectral_ops
from ddsp_ref.compat.magenta._function import function
from ddsp_ref.compat.magenta._record import apply
from ddsp_ref.compat.magenta.training._dict_layer import DictLayer
from ddsp_ref.errors import require

F0_RANGE = spectral_ops.F0_RANGE
DB_RANGE = spectral_ops.DB_RANGE


@function("x")
def at_least_3d(x):
    """Add axes for batch and channel to (time,) and (batch, time)."""
    if x.ndim == 1:
        x = x[None, :]
    return x[:, :, None] if x.ndim == 2 else x


@function("db")
def scale_db(db):
    """Map -80 to 0 dB to 0 to 1; see `db_to_unit`."""
    return apply("db_to_unit", db)


@function("db_scaled")
def inv_scale_db(db_scaled):
    """Map 0 to 1 to -80 to 0 dB; see `unit_to_db`."""
    return apply("unit_to_db", db_scaled)


@function("f0_hz")
def scale_f0_hz(f0_hz):
    """Map Hz to MIDI notes / 127; see `hz_to_midi`."""
    return apply("hz_to_midi", f0_hz) / F0_RANGE


@function("f0_scaled")
def inv_scale_f0_hz(f0_scaled):
    """Map MIDI notes / 127 to Hz; see `midi_to_hz`."""
    return apply("midi_to_hz", f0_scaled * F0_RANGE)


class F0LoudnessPreprocessor(DictLayer):
    """Bring pitch and loudness to one number of frames, and scale them; see `compute_loudness`.

    As in the original, loudness is measured from `audio` whatever `loudness_db` says, unless
    `compute_loudness=False`.
    """

    output_names = ("f0_hz", "loudness_db", "f0_scaled", "ld_scaled")

    def __init__(
        self, time_steps=1000, frame_rate=250, sample_rate=16000, compute_loudness=True, **kwargs
    ):
        super().__init__(**kwargs)
        self.time_steps, self.frame_rate, self.sample_rate = time_steps, frame_rate, sample_rate
        self.compute_loudness = compute_loudness

    def call(self, loudness_db, f0_hz, audio=None):
        if self.compute_loudness:
            require(audio is not None, "audio is missing, must be given to compute loudness")
            loudness_db = spectral_ops.compute_loudness(audio, self.sample_rate, self.frame_rate)
        f0_hz, loudness_db = self.resample(f0_hz), self.resample(loudness_db)
        return f0_hz, loudness_db, scale_f0_hz(f0_hz), scale_db(loudness_db)

    @staticmethod
    def invert_scaling(f0_scaled, ld_scaled):
        """Return pitch in Hz and loudness in dB."""
        return inv_scale_f0_hz(f0_scaled), inv_scale_db(ld_scaled)

    def resample(self, x):
        """Return x with the number of frames that is wanted."""
        return core.resample(at_least_3d(x), self.time_steps)


class F0PowerPreprocessor(F0LoudnessPreprocessor):
    """Bring pitch and power to one number of frames, and scale them; see `compute_power`."""

    output_names = ("f0_hz", "pw_db", "f0_scaled", "pw_scaled")

    def __init__(self, time_steps=1000, frame_rate=250, sample_rate=16000, frame_size=64, **kwargs):
        super().__init__(time_steps, frame_rate, sample_rate, **kwargs)
        self.frame_size = frame_size

    def call(self, f0_hz, power_db=None, audio=None):
        require(
            power_db is not None or audio is not None,
            'neither "power_db" nor "audio" is given, must be one of them',
        )
        if power_db is None:
            rates = {"sample_rate": self.sample_rate, "frame_rate": self.frame_rate}
            power_db = spectral_ops.compute_power(audio, frame_size=self.frame_size, **rates)
        f0_hz, pw_db = self.resample(f0_hz), self.resample(power_db)
        return f0_hz, pw_db, scale_f0_hz(f0_hz), scale_db(pw_db)

    @staticmethod
    def invert_scaling(f0_scaled, pw_scaled):
        """Return pitch in Hz and power in dB."""
        return inv_scale_f0_hz(f0_scaled), inv_scale_db(pw_scaled)


class OnlineF0PowerPreprocessor(DictLayer):
    """Measure power and pitch, and scale them; see `compute_power` and `PretrainedCREPE`.

    No gradient flows to the audio through the pitch.
    """

    output_names = ("f0_hz", "pw_db", "f0_scaled", "pw_scaled", "f0_confidence")

    def __init__(
        self,
        frame_rate=250,
        frame_size=1024,
        padding="center",
        compute_power=True,
        compute_f0=True,
        crepe_saved_model_path="full",
        viterbi=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        require(compute_power, "OnlineF0PowerPreprocessor: compute_power must be True")
        self.sample_rate = spectral_ops.CREPE_SAMPLE_RATE
        self.frame_rate, self.frame_size, self.padding = frame_rate, frame_size, padding
        self.hop_size, self.viterbi, self.crepe = self.sample_rate // frame_rate, viterbi, None
        if compute_f0:
            self.crepe = spectral_ops.PretrainedCREPE(crepe_saved_model_path, self.hop_size)

    def call(self, audio, f0_hz=None, f0_confidence=None, audio_16k=None):
        audio = audio if audio_16k is None else audio_16k
        if self.crepe is not None:
            f0_hz, f0_confidence = self.crepe.predict_f0_and_confidence(
                getattr(audio, "value", audio), viterbi=self.viterbi, padding=self.padding
            )
        require(
            f0_hz is not None and f0_confidence is not None,
            "f0_hz and f0_confidence must be given",
        )
        pw_db = spectral_ops.compute_power(
            audio, self.sample_rate, self.frame_rate, self.frame_size, padding=self.padding
        )
        pw_db, f0_hz = at_least_3d(pw_db), at_least_3d(f0_hz)
        n_frames, _ = spectral_ops.get_framed_lengths(
            audio.shape[1], self.frame_size, self.hop_size, self.padding
        )
        for name, x in {"pw_db": pw_db, "f0_hz": f0_hz, "f0_confidence": f0_confidence}.items():
            require(
                x.shape[1] == n_frames,
                f"{name} has {x.shape[1]} frames, must have {n_frames}, as many as the audio",
            )
        return f0_hz, pw_db, scale_f0_hz(f0_hz), scale_db(pw_db), f0_confidence
