"""magenta/ddsp 3.7.0 itself as a port under test.

In the environment that install.sh made for it, with ddsp_ref installed there as well:

    ddsp-ref conform conform_original:OPS --backend tensorflow

docs/conformance-of-the-original.md has what came out, and why.
"""

from __future__ import annotations

# First: what the next ones import has to find the stubs.
import original_stubs  # noqa: F401  # isort: skip

import ddsp
import tensorflow as tf
from ddsp import core, spectral_ops


def _batched(function, n_axes):
    """Return a function of any number of leading axes, of one that wants exactly one."""

    def call(*arrays, **settings):
        lead = max((array.shape[:-n] for array, n in zip(arrays, n_axes)), key=len)
        flat = [
            tf.reshape(tf.broadcast_to(array, lead + array.shape[-n:]), [-1, *array.shape[-n:]])
            for array, n in zip(arrays, n_axes)
        ]
        y = function(*flat, **settings)
        return tf.nest.map_structure(lambda part: tf.reshape(part, [*lead, *part.shape[1:]]), y)

    return call


def _resample(method):
    def call(frames, *, n_samples, add_endpoint=True, slope=-0.75, table_size=1024):
        if (slope, table_size) != (-0.75, 1024):
            raise NotImplementedError("its cubic has a slope of -0.75, and a table of 1024")
        return core.resample(frames, n_samples, method=method, add_endpoint=add_endpoint)

    return _batched(call, [2])


def _harmonic_synthesis(f0_hz, amplitudes, distribution, **settings):
    return core.harmonic_synthesis(
        f0_hz[..., None], amplitudes[..., None], harmonic_distribution=distribution, **settings
    )


def _sinusoidal_synthesis(frequencies, amplitudes, *, n_samples, sample_rate, amp_resample_method):
    synth = ddsp.synths.Sinusoidal(
        n_samples, sample_rate, amp_scale_fn=None, amp_resample_method=amp_resample_method,
        freq_scale_fn=None,
    )  # fmt: skip
    return synth.get_signal(amplitudes, frequencies)


def _wavetable_synthesis(f0_hz, amplitudes, wavetables, *, amp_resample_method, **settings):
    if amp_resample_method != "window":
        raise NotImplementedError("its amplitudes come in windows")
    return core.wavetable_synthesis(f0_hz[..., None], amplitudes[..., None], wavetables, **settings)


def _spectral_loss(target, audio, *, log_floor, log_eps, sample_rate, frame_rate, **settings):
    if log_floor != "replace" or log_eps != 1e-5:
        raise NotImplementedError("its floor is 1e-5, in the place of 0")
    loss = ddsp.losses.SpectralLoss(**settings)  # which is the mean of the batch
    return tf.stack([loss(target[i : i + 1], audio[i : i + 1]) for i in range(len(target))])


def _normalize_harmonics(distribution, f0_hz, *, sample_rate):
    f0_hz = tf.broadcast_to(f0_hz, distribution.shape[:-1])
    frames = tf.reshape(distribution, [1, -1, distribution.shape[-1]])
    y = core.normalize_harmonics(frames, tf.reshape(f0_hz, [1, -1, 1]), sample_rate)
    return tf.reshape(y, distribution.shape)


def _stft(audio, *, frame_size, fft_size, overlap, pad_end):
    if fft_size not in (None, frame_size):
        raise NotImplementedError("it transforms as many samples as there are in a frame")
    y = spectral_ops.stft(audio, frame_size, overlap, pad_end)
    return tf.math.real(y), tf.math.imag(y)


def _not_if_it_ends_the_process(function):
    """Return the function as one that raises where TensorFlow aborts: transforms of size 0."""

    def call(*arrays, **settings):
        if arrays[-1].shape[-1] < 2 and (len(arrays) < 2 or arrays[0].shape[-1] < 2):
            raise RuntimeError("an inverse transform of a single bin: TensorFlow aborts")
        return function(*arrays, **settings)

    return call


def _renamed(function, **names):
    """Return the function with other names of its settings."""

    def call(*arrays, frame_size=None, **settings):
        if frame_size is not None:
            raise NotImplementedError("its frames are as long as its transforms")
        return function(*arrays, **{names.get(k, k): v for k, v in settings.items()})

    return call


MEL = {"low_hz": "lo_hz", "high_hz": "hi_hz"}


def _same(*names):
    """Return the functions that have these names here and there, and the same arguments."""
    return {name: getattr(core, name) for name in names}


OPS = {
    **_same(
        "amplitude_to_db", "power_to_db", "db_to_amplitude", "db_to_power", "hz_to_midi",
        "midi_to_hz", "unit_to_midi", "midi_to_unit", "unit_to_hz", "hz_to_unit", "hz_to_bark",
        "bark_to_hz", "hz_to_mel", "mel_to_hz", "hz_to_erb", "exp_sigmoid", "sym_exp_sigmoid",
        "safe_divide", "safe_log", "log_scale", "soft_limit", "sinc",
    ),
    "log_base": core.logb,
    "difference": core.diff,
    "resample_linear": _resample("linear"),
    "resample_nearest": _resample("nearest"),
    "resample_cubic": _resample("cubic"),
    "resample_window": _resample("window"),
    "remove_above_nyquist": _batched(core.remove_above_nyquist, [2, 2]),
    "normalize_harmonics": _normalize_harmonics,
    "angular_cumsum": _batched(core.angular_cumsum, [2]),
    "oscillator_bank": _batched(core.oscillator_bank, [2, 2]),
    "harmonic_synthesis": _batched(_harmonic_synthesis, [1, 1, 2]),
    "sinusoidal_synthesis": _batched(_sinusoidal_synthesis, [2, 2]),
    "wavetable_synthesis": _batched(_wavetable_synthesis, [1, 1, 2]),
    "fft_convolve": _not_if_it_ends_the_process(_batched(core.fft_convolve, [1, 1])),
    "fft_convolve_frames": _batched(core.fft_convolve, [1, 2]),
    "apply_window_to_impulse_response": _batched(core.apply_window_to_impulse_response, [1]),
    "frequency_impulse_response": _not_if_it_ends_the_process(
        _batched(core.frequency_impulse_response, [1])
    ),
    "frequency_filter": _not_if_it_ends_the_process(
        _batched(core.frequency_filter, [1, 2])
    ),
    "stft": _batched(_stft, [1]),
    "compute_loudness": _renamed(spectral_ops.compute_loudness, fft_size="n_fft"),
    "compute_power": spectral_ops.compute_power,
    "compute_rms_energy": spectral_ops.compute_rms_energy,
    "stft_magnitude": _renamed(spectral_ops.compute_mag, fft_size="size"),
    "compute_logmag": _renamed(spectral_ops.compute_logmag, fft_size="size"),
    "compute_mel": _renamed(spectral_ops.compute_mel, n_mels="bins", **MEL),
    "compute_logmel": _renamed(spectral_ops.compute_logmel, n_mels="bins", **MEL),
    "compute_mfcc": _renamed(
        spectral_ops.compute_mfcc, n_mels="mel_bins", n_mfcc="mfcc_bins", **MEL
    ),
    "spectral_loss": _batched(_spectral_loss, [1, 1]),
}  # fmt: skip
