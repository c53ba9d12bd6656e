"""The encoders of the original's ddsp/training/encoders.py."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import numpy as np

from ddsp_ref.compat.magenta import core, spectral_ops
from ddsp_ref.compat.magenta._pieces import concatenate, mean
from ddsp_ref.compat.magenta.processors import as_array
from ddsp_ref.compat.magenta.training import nn
from ddsp_ref.errors import require

# Frames per four seconds at 16 kHz, and the transforms that give them.
_AUDIO_SPECS = {
    63: (2048, 0.5),
    125: (1024, 0.5),
    250: (1024, 0.75),
    500: (512, 0.75),
    1000: (256, 0.75),
}
_F0_SCALE = partial(core.frequencies_softmax, depth=64, hz_min=20.0, hz_max=1200.0)
_BANDS = {"lo_hz": 20.0, "hi_hz": 8000.0}


class ZEncoder(nn.DictLayer):
    """Make z with `compute_z`, and stretch it to the frames of f0_scaled."""

    def __init__(self, input_keys=None, **kwargs: Any) -> None:
        names = list(inspect.signature(self.compute_z).parameters)
        super().__init__([*(input_keys or names), "f0_scaled"], ["z"], **kwargs)

    def call(self, *inputs):
        *told, f0_scaled = map(as_array, inputs)
        return self.expand_z(self.compute_z(*told), f0_scaled.shape[1])

    def expand_z(self, z, time_steps):
        """Return z with that number of frames."""
        if z.ndim == 2:
            z = z[:, None, :]
        return z if z.shape[1] == time_steps else core.resample(z, time_steps)

    def compute_z(self, *inputs):
        """Return (batch, channels) or (batch, time, channels)."""
        raise NotImplementedError(f"{type(self).__name__} defines no compute_z")


class MfccTimeDistributedRnnEncoder(ZEncoder):
    """Mel cepstra, normalised, a recurrent and a dense layer; see `compute_mfcc`."""

    def __init__(
        self, rnn_channels=512, rnn_type="gru", z_dims=32, z_time_steps=250, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        require(
            z_time_steps in _AUDIO_SPECS,
            f"{type(self).__name__}: z_time_steps is {z_time_steps}, must be one of "
            f"{', '.join(map(str, _AUDIO_SPECS))}",
        )
        self.fft_size, self.overlap = _AUDIO_SPECS[z_time_steps]
        self.z_norm = nn.Normalize("instance")
        self.rnn = nn.Rnn(rnn_channels, rnn_type)
        self.dense_out = nn.Dense(z_dims)

    def compute_z(self, audio):
        mfccs = spectral_ops.compute_mfcc(
            audio, fft_size=self.fft_size, mfcc_bins=30, overlap=self.overlap, **_BANDS
        )
        return self.dense_out(self.rnn(self.z_norm(mfccs)))


class MfccRnnEncoder(ZEncoder):
    """Mel cepstra, normalised, a recurrent and a dense layer, one z for all of the time.

    As in the original z has four axes unless `mean_aggregate=True`.
    """

    def __init__(
        self, rnn_channels=512, rnn_type="gru", z_dims=512, mean_aggregate=False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.mean_aggregate = mean_aggregate
        self.norm_in = nn.Normalize("instance")
        self.rnn = nn.Rnn(rnn_channels, rnn_type)
        self.dense_z = nn.Dense(z_dims)

    def compute_z(self, audio):
        mfccs = spectral_ops.compute_mfcc(audio, fft_size=1024, mfcc_bins=30, **_BANDS)
        z = self.rnn(self.norm_in(mfccs))
        z = mean(z, axis=1, keepdims=True) if self.mean_aggregate else z[:, None]
        return self.dense_z(z)


class MfccEncoder(ZEncoder):
    """Mel cepstra of several resolutions side by side, normalised. The original fails here."""

    def __init__(
        self, fft_sizes=(1024,), mel_bins=(128,), mfcc_bins=(30,), time_steps=250, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        sizes = map(core.make_iterable, (fft_sizes, mel_bins, mfcc_bins))
        self.resolutions, self.time_steps = list(zip(*sizes, strict=True)), time_steps
        self.norm_out = nn.Normalize("instance")

    def compute_z(self, audio):
        mfccs = [
            spectral_ops.compute_mfcc(
                audio, fft_size=size, mel_bins=mel_bins, mfcc_bins=mfcc_bins, **_BANDS
            )
            for size, mel_bins, mfcc_bins in self.resolutions
        ]
        return self.norm_out(concatenate(*[core.resample(m, self.time_steps) for m in mfccs]))


class AggregateFeaturesEncoder(ZEncoder):
    """A dense layer over pitch and loudness, and its mean over time."""

    def __init__(self, ch=512, **kwargs: Any) -> None:
        super().__init__(["f0_scaled", "ld_scaled"], **kwargs)
        self.fc = nn.Dense(ch)

    def compute_z(self, f0_scaled, ld_scaled):
        return mean(self.fc(concatenate(f0_scaled, ld_scaled)), axis=1, keepdims=True)


class OneHotEncoder(ZEncoder):
    """A vector for each whole number."""

    def __init__(
        self,
        one_hot_key="instrument",
        vocab_size=1024,
        n_dims=256,
        skip_expand=True,
        **kwargs: Any,
    ) -> None:
        super().__init__([one_hot_key], **kwargs)
        self.skip_expand = skip_expand
        self.embedding = nn.get_embedding(vocab_size, n_dims)

    def compute_z(self, one_hot):
        return self.embedding(one_hot)

    def expand_z(self, z, time_steps):
        return z if self.skip_expand else super().expand_z(z, time_steps)


class ExpressionEncoder(ZEncoder):
    """A network `net` of the caller's over features, and its mean over time.

    With "audio" among the input keys mel cepstra are put beside them; the original fails there.
    """

    def __init__(
        self,
        net=None,
        z_dims=128,
        input_keys=("f0_scaled", "ld_scaled"),
        mfcc_bins=60,
        fft_size=1024,
        mel_bins=128,
        pool_time=True,
        **kwargs: Any,
    ) -> None:
        super().__init__(list(input_keys), **kwargs)
        self.audio_place = self.input_keys.index("audio") if "audio" in input_keys else None
        self.mfcc = {"fft_size": fft_size, "mel_bins": mel_bins, "mfcc_bins": mfcc_bins, **_BANDS}
        self.net, self.pool_time = net, pool_time
        self.norm, self.dense_out = nn.Normalize("layer"), nn.Dense(z_dims)
        if self.audio_place is not None:
            self.norm_mfcc = nn.Normalize("instance")

    def compute_z(self, *inputs):
        seen = list(inputs)
        if self.audio_place is not None:
            audio = seen.pop(self.audio_place)
            mfccs = self.norm_mfcc(spectral_ops.compute_mfcc(audio, **self.mfcc))
            seen.append(core.resample(mfccs, seen[0].shape[1]))
        z = self.dense_out(self.norm(self.net(concatenate(*seen))))
        return mean(z, axis=1, keepdims=True) if self.pool_time else z


class ResnetSinusoidalEncoder(nn.DictLayer):
    """`ResNet` over a spectrogram, and a dense layer for each output.

    The default size, "tiny", does not exist in the original either: give "small" or more.
    """

    def __init__(
        self,
        output_splits=(
            ("frequencies", 100 * 64),
            ("amplitudes", 100),
            ("noise_magnitudes", 60),
        ),
        spectral_fn=spectral_ops.compute_logmel,
        size="tiny",
        **kwargs: Any,
    ) -> None:
        super().__init__(output_keys=[key for key, _ in output_splits], **kwargs)
        self.output_splits, self.spectral_fn = output_splits, spectral_fn
        self.resnet = nn.ResNet(size=size)
        self.dense_outs = [nn.Dense(size) for _, size in output_splits]

    def call(self, audio):
        x = self.resnet(self.spectral_fn(audio)[..., None])
        x = x.reshape(*x.shape[:2], int(np.prod(x.shape[2:])))
        outputs = zip(self.output_keys, self.dense_outs, strict=True)
        return {key: layer(x) for key, layer in outputs}


class SinusoidalToHarmonicEncoder(nn.DictLayer):
    """Harmonics out of sinusoids, by a network `net` of the caller's."""

    output_names = ("harm_amp", "harm_dist", "f0_hz")

    def __init__(
        self,
        net=None,
        n_harmonics=100,
        f0_depth=64,
        amp_scale_fn=core.exp_sigmoid,
        freq_scale_fn=_F0_SCALE,
        sample_rate=16000,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.n_harmonics, self.sample_rate = n_harmonics, sample_rate
        self.amp_scale_fn, self.freq_scale_fn, self.net = amp_scale_fn, freq_scale_fn, net
        self.amp_out, self.hd_out = nn.Dense(1), nn.Dense(n_harmonics)
        self.f0_out = nn.Dense(f0_depth)

    def call(self, sin_freqs, sin_amps):
        unit = core.hz_to_unit(sin_freqs, hz_min=0.0, hz_max=self.sample_rate / 2.0)
        x = self.net(concatenate(unit, as_array(sin_amps)))
        x = x["out"] if isinstance(x, dict) else x
        f0_hz = self.freq_scale_fn(self.f0_out(x))
        shares = self.amp_scale_fn(self.hd_out(x))
        shares = core.normalize_harmonics(shares, f0_hz, self.sample_rate)
        return self.amp_scale_fn(self.amp_out(x)), shares, f0_hz


class _ToMidiEncoder(nn.DictLayer):
    """Pitch and velocity out of features, by a network `net` of the caller's."""

    output_names = ("z_pitch", "z_vel")

    def __init__(self, net=None, f0_residual=True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.net, self.f0_residual = net, f0_residual
        self.dense_out, self.norm = nn.Dense(2), nn.Normalize("layer")

    def _encode(self, f0_midi, *features):
        x = concatenate(as_array(f0_midi), *map(as_array, features))
        x = self.dense_out(self.norm(self.net(x)))
        z_pitch, z_vel = x[..., 0:1], x[..., 1:2]
        return z_pitch + f0_midi if self.f0_residual else z_pitch, z_vel


class MidiEncoder(_ToMidiEncoder):
    """Pitch and velocity out of pitch and loudness, by a network `net` of the caller's."""

    def call(self, f0_midi, loudness):
        return self._encode(f0_midi, loudness)


class HarmonicToMidiEncoder(_ToMidiEncoder):
    """Pitch and velocity out of a synthesizer's controls, by a network `net` of the caller's."""

    def call(self, f0_midi, amps, hd, noise):
        return self._encode(f0_midi, amps, hd, noise)
