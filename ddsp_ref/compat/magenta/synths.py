"""The synthesizers of the original's ddsp/synths.py."""

from __future__ import annotations

from ddsp_ref.compat.magenta import core
from ddsp_ref.compat.magenta._record import apply
from ddsp_ref.compat.magenta.core._oscillators import without_channel
from ddsp_ref.compat.magenta.processors import Processor, as_array


def scaled(function, x):
    """Return function(x); without a function x, and by name one of `core` or an op."""
    if function is None:
        return as_array(x)
    if isinstance(function, str):
        return getattr(core, function)(x) if hasattr(core, function) else apply(function, x)
    return function(x)


class TensorToAudio(Processor):
    """Audio that a network gives sample by sample, without its axis of length 1."""

    def __init__(self, name="tensor_to_audio", **kwargs):
        super().__init__(name, **kwargs)

    def get_controls(self, samples):
        return {"samples": samples}

    def get_signal(self, samples):
        return without_channel("samples", as_array(samples))


class Harmonic(Processor):
    """Sum of harmonics; see `Harmonic` and `harmonic_synthesis`.

    Phase does not drift here, so `use_angular_cumsum` changes nothing.
    """

    def __init__(
        self,
        n_samples=64000,
        sample_rate=16000,
        scale_fn=core.exp_sigmoid,
        normalize_below_nyquist=True,
        amp_resample_method="window",
        use_angular_cumsum=False,
        name="harmonic",
        **kwargs,
    ):
        super().__init__(name, **kwargs)
        self.n_samples, self.sample_rate, self.scale_fn = n_samples, sample_rate, scale_fn
        self.normalize_below_nyquist = normalize_below_nyquist
        self.amp_resample_method = amp_resample_method
        self.use_angular_cumsum = use_angular_cumsum

    def get_controls(self, amplitudes, harmonic_distribution, f0_hz):
        limit = self.sample_rate if self.normalize_below_nyquist else None
        shares = scaled(self.scale_fn, harmonic_distribution)
        return {
            "amplitudes": scaled(self.scale_fn, amplitudes),
            "harmonic_distribution": core.normalize_harmonics(shares, f0_hz, limit),
            "f0_hz": f0_hz,
        }

    def get_signal(self, amplitudes, harmonic_distribution, f0_hz):
        return core.harmonic_synthesis(
            frequencies=f0_hz,
            amplitudes=amplitudes,
            harmonic_distribution=harmonic_distribution,
            n_samples=self.n_samples,
            sample_rate=self.sample_rate,
            amp_resample_method=self.amp_resample_method,
            use_angular_cumsum=self.use_angular_cumsum,
        )


class FilteredNoise(Processor):
    """Noise through a filter that changes; see `FilteredNoise` and `frequency_filter`.

    The call and `get_signal` take `noise=`, (batch, n_samples); otherwise it is drawn from `rng`.
    """

    def __init__(
        self,
        n_samples=64000,
        window_size=257,
        scale_fn=core.exp_sigmoid,
        initial_bias=-5.0,
        name="filtered_noise",
        **kwargs,
    ):
        super().__init__(name, **kwargs)
        self.n_samples, self.window_size = n_samples, window_size
        self.scale_fn, self.initial_bias = scale_fn, initial_bias

    def get_controls(self, magnitudes):
        magnitudes = as_array(magnitudes)
        if self.scale_fn is not None:
            magnitudes = scaled(self.scale_fn, magnitudes + self.initial_bias)
        return {"magnitudes": magnitudes}

    def get_signal(self, magnitudes, noise=None):
        magnitudes = as_array(magnitudes)
        noise = self.noise_or_draw(noise, (magnitudes.shape[0], self.n_samples), magnitudes)
        return core.frequency_filter(noise, magnitudes, window_size=self.window_size)


class Wavetable(Processor):
    """Sound read from tables; see `Wavetable` and `wavetable_synthesis`."""

    def __init__(
        self,
        n_samples=64000,
        sample_rate=16000,
        scale_fn=core.exp_sigmoid,
        name="wavetable",
        **kwargs,
    ):
        super().__init__(name, **kwargs)
        self.n_samples, self.sample_rate, self.scale_fn = n_samples, sample_rate, scale_fn

    def get_controls(self, amplitudes, wavetables, f0_hz):
        return {
            "amplitudes": scaled(self.scale_fn, amplitudes),
            "wavetables": scaled(self.scale_fn, wavetables),
            "f0_hz": f0_hz,
        }

    def get_signal(self, amplitudes, wavetables, f0_hz):
        return core.wavetable_synthesis(
            f0_hz, amplitudes, wavetables, n_samples=self.n_samples, sample_rate=self.sample_rate
        )


class Sinusoidal(Processor):
    """Sum of sinusoids; see `Sinusoidal` and `sinusoidal_synthesis`."""

    def __init__(
        self,
        n_samples=64000,
        sample_rate=16000,
        amp_scale_fn=core.exp_sigmoid,
        amp_resample_method="window",
        freq_scale_fn=core.frequencies_sigmoid,
        name="sinusoidal",
        **kwargs,
    ):
        super().__init__(name, **kwargs)
        self.n_samples, self.sample_rate = n_samples, sample_rate
        self.amp_scale_fn, self.freq_scale_fn = amp_scale_fn, freq_scale_fn
        self.amp_resample_method = amp_resample_method

    def get_controls(self, amplitudes, frequencies):
        amplitudes = scaled(self.amp_scale_fn, amplitudes)
        if self.freq_scale_fn is not None:
            frequencies = scaled(self.freq_scale_fn, frequencies)
            amplitudes = core.remove_above_nyquist(frequencies, amplitudes, self.sample_rate)
        return {"amplitudes": amplitudes, "frequencies": frequencies}

    def get_signal(self, amplitudes, frequencies):
        return apply(
            "sinusoidal_synthesis",
            as_array(frequencies),
            as_array(amplitudes),
            n_samples=self.n_samples,
            sample_rate=self.sample_rate,
            amp_resample_method=self.amp_resample_method,
        )
