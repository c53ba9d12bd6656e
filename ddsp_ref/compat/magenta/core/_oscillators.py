"""Resampling of controls, oscillators and wavetables, in the original's shapes."""

from __future__ import annotations

import numpy as np

from ddsp_ref.compat.magenta._function import function
from ddsp_ref.compat.magenta._record import apply
from ddsp_ref.errors import require

_METHODS = ("nearest", "linear", "cubic", "window")


def without_channel(name, array):
    """Drop the axis of length 1 that the original keeps on pitch, amplitude and phase."""
    require(
        array.ndim >= 2 and array.shape[-1] == 1,
        f"{name} has shape {array.shape}, must be (batch, time, 1)",
    )
    return array[..., 0]


@function("inputs")
def resample(inputs, n_timesteps, method="linear", add_endpoint=True):
    """Change the number of frames of 1 to 4 axes, time being the second (or only) one.

    See `resample_nearest`, `resample_linear`, `resample_cubic` and `resample_window`.
    """
    require(method in _METHODS, f"method is {method!r}, must be one of {', '.join(_METHODS)}")
    shape = inputs.shape
    require(1 <= len(shape) <= 4, f"inputs has shape {shape}, must have 1 to 4 axes")
    require(
        method != "window" or len(shape) <= 3,
        f"inputs has shape {shape}, must have at most 3 axes for method 'window'",
    )
    batch = shape[:1] if len(shape) > 1 else ()
    x = inputs.reshape(*batch, shape[len(batch)], int(np.prod(shape[len(batch) + 1 :])))
    y = apply(f"resample_{method}", x, n_samples=n_timesteps, add_endpoint=add_endpoint)
    return y.reshape(*batch, n_timesteps, *shape[len(batch) + 1 :])


@function("inputs")
def upsample_with_windows(inputs, n_timesteps, add_endpoint=True):
    """Add overlapping Hann windows, one per frame; see `resample_window`."""
    require(inputs.ndim == 3, f"inputs has shape {inputs.shape}, must be (batch, time, channels)")
    return apply("resample_window", inputs, n_samples=n_timesteps, add_endpoint=add_endpoint)


@function("audio")
def center_crop(audio, frame_size):
    """Cut off half a frame at both ends; see `center_crop`."""
    return apply("center_crop", audio, frame_size=frame_size)


@function("sin_amps", "sin_freqs", "f0_hz")
def sinusoidal_to_harmonic(
    sin_amps,
    sin_freqs,
    f0_hz,
    harmonic_width=0.1,
    n_harmonics=100,
    sample_rate=16000,
    normalize=False,
):
    """Share out sinusoids to the harmonics nearby; see `sinusoidal_to_harmonic`."""
    harm_amp, harm_dist = apply(
        "sinusoidal_to_harmonic",
        sin_amps,
        sin_freqs,
        without_channel("f0_hz", f0_hz),
        harmonic_width=harmonic_width,
        n_harmonics=n_harmonics,
        sample_rate=sample_rate,
        normalize=normalize,
    )
    return harm_amp[..., None], harm_dist


@function("harm_amp", "harm_dist", "f0_hz")
def harmonic_to_sinusoidal(harm_amp, harm_dist, f0_hz, sample_rate=16000):
    """Write harmonics as sinusoids; see `harmonic_to_sinusoidal`."""
    amplitude, f0_hz = without_channel("harm_amp", harm_amp), without_channel("f0_hz", f0_hz)
    return apply("harmonic_to_sinusoidal", amplitude, harm_dist, f0_hz, sample_rate=sample_rate)


@function("angular_frequency")
def angular_cumsum(angular_frequency, chunk_size=1000):
    """Sum radians along time and wrap them; see `angular_cumsum`.

    The sum is exact whatever the chunk, so `chunk_size` changes nothing; any number of channel
    axes is taken, of which the original fails on two.
    """
    del chunk_size
    shape = angular_frequency.shape
    require(
        len(shape) >= 2, f"angular_frequency has shape {shape}, must be (batch, time, channels...)"
    )
    flat = angular_frequency.reshape(*shape[:2], int(np.prod(shape[2:])))
    return apply("angular_cumsum", flat).reshape(*shape)


@function("frequency_envelopes", "amplitude_envelopes")
def remove_above_nyquist(frequency_envelopes, amplitude_envelopes, sample_rate=16000):
    """Silence what lies at or above half the sample rate; see `remove_above_nyquist`."""
    envelopes = (frequency_envelopes, amplitude_envelopes)
    return apply("remove_above_nyquist", *envelopes, sample_rate=sample_rate)


@function("harmonic_distribution", "f0_hz")
def normalize_harmonics(harmonic_distribution, f0_hz=None, sample_rate=None):
    """Let each distribution sum to one, below Nyquist if f0 is given; see `normalize_harmonics`."""
    if f0_hz is None:
        shape = harmonic_distribution.shape[:-1]
        f0_hz, sample_rate = np.ones(shape, harmonic_distribution.dtype), None
    else:
        f0_hz = without_channel("f0_hz", f0_hz)
    return apply("normalize_harmonics", harmonic_distribution, f0_hz, sample_rate=sample_rate)


@function("frequency_envelopes", "amplitude_envelopes")
def oscillator_bank(
    frequency_envelopes,
    amplitude_envelopes,
    sample_rate=16000,
    sum_sinusoids=True,
    use_angular_cumsum=False,
):
    """Add up sinusoids given at every sample; see `oscillator_bank`.

    Phase does not drift here, so `use_angular_cumsum` changes nothing.
    """
    del use_angular_cumsum
    return apply(
        "oscillator_bank",
        frequency_envelopes,
        amplitude_envelopes,
        sample_rate=sample_rate,
        sum_sinusoids=sum_sinusoids,
    )


def _cycles(initial_phase, like):
    """Return the phase (batch, 1, 1) in radians as cycles (batch,); without one, zero."""
    if initial_phase is None:
        return np.zeros(like.shape[0], like.dtype)
    require(
        initial_phase.ndim == 3 and initial_phase.shape[1:] == (1, 1),
        f"initial_phase has shape {initial_phase.shape}, must be (batch, 1, 1)",
    )
    return initial_phase[:, 0, 0] / (2 * np.pi)


def _radians(cycles):
    return (cycles * (2 * np.pi))[:, None, None]


@function("frequency", "amplitude_envelopes", "initial_phase")
def harmonic_oscillator_bank(
    frequency, amplitude_envelopes, initial_phase=None, sample_rate=16000, use_angular_cumsum=True
):
    """Add up harmonics of one frequency, with phase in and out; see `harmonic_oscillator_bank`.

    The final phase is wrapped to between 0 and 2 pi; the original lets it grow.
    """
    del use_angular_cumsum
    audio, final = apply(
        "harmonic_oscillator_bank",
        without_channel("frequency", frequency),
        amplitude_envelopes,
        _cycles(initial_phase, frequency),
        sample_rate=sample_rate,
    )
    return audio, _radians(final)


@function("frequencies")
def get_harmonic_frequencies(frequencies, n_harmonics):
    """Return whole multiples of a frequency; see `harmonic_frequencies`."""
    f0_hz = without_channel("frequencies", frequencies)
    return apply("harmonic_frequencies", f0_hz, n_harmonics=n_harmonics)


def _ones_for(frequencies, like):
    n = 1 if like is None else like.shape[-1]
    return np.ones((*frequencies.shape[:-1], n), frequencies.dtype)


@function("frequencies", "amplitudes", "harmonic_shifts", "harmonic_distribution")
def harmonic_synthesis(
    frequencies,
    amplitudes,
    harmonic_shifts=None,
    harmonic_distribution=None,
    n_samples=64000,
    sample_rate=16000,
    amp_resample_method="window",
    use_angular_cumsum=False,
):
    """Make sound of harmonics; see `harmonic_synthesis` and `harmonic_synthesis_shifted`.

    Phase does not drift here, so `use_angular_cumsum` changes nothing.
    """
    del use_angular_cumsum
    f0_hz = without_channel("frequencies", frequencies)
    level = without_channel("amplitudes", amplitudes)
    shares = harmonic_distribution
    if shares is None:
        shares = _ones_for(frequencies, harmonic_shifts)
    settings = {
        "n_samples": n_samples,
        "sample_rate": sample_rate,
        "amp_resample_method": amp_resample_method,
    }
    if harmonic_shifts is None:
        return apply("harmonic_synthesis", f0_hz, level, shares, **settings)
    return apply("harmonic_synthesis_shifted", f0_hz, level, harmonic_shifts, shares, **settings)


@function("frequencies", "amplitudes", "harmonic_distribution", "initial_phase")
def streaming_harmonic_synthesis(
    frequencies,
    amplitudes,
    harmonic_distribution=None,
    initial_phase=None,
    n_samples=64000,
    sample_rate=16000,
    amp_resample_method="linear",
):
    """Make sound of harmonics block by block; see `streaming_harmonic_synthesis`.

    The final phase is wrapped to between 0 and 2 pi; the original lets it grow.
    """
    shares = harmonic_distribution
    audio, final = apply(
        "streaming_harmonic_synthesis",
        without_channel("frequencies", frequencies),
        without_channel("amplitudes", amplitudes),
        _ones_for(frequencies, None) if shares is None else shares,
        _cycles(initial_phase, frequencies),
        n_samples=n_samples,
        sample_rate=sample_rate,
        amp_resample_method=amp_resample_method,
    )
    return audio, _radians(final)


def _tables(wavetables):
    """Return (batch, n_tables, n_wavetable); one table serves all of the time."""
    if wavetables.ndim == 2:
        return wavetables[:, None, :]
    require(
        wavetables.ndim == 3,
        f"wavetables has shape {wavetables.shape}, must be (batch, n_wavetable) "
        "or (batch, time, n_wavetable)",
    )
    return wavetables


@function("phase", "wavetables")
def linear_lookup(phase, wavetables):
    """Read tables at phases from 0 to 1; see `linear_lookup`."""
    phase = phase if phase.ndim == 2 else without_channel("phase", phase)
    return apply("linear_lookup", phase, _tables(wavetables))


@function("harmonic_distribution")
def harmonic_distribution_to_wavetable(harmonic_distribution, n_wavetable=2048):
    """Draw one period of a harmonic sound; see `harmonic_distribution_to_wavetable`."""
    shares = harmonic_distribution
    return apply("harmonic_distribution_to_wavetable", shares, n_wavetable=n_wavetable)


@function("frequencies", "amplitudes", "wavetables")
def wavetable_synthesis(frequencies, amplitudes, wavetables, n_samples=64000, sample_rate=16000):
    """Make sound of tables; see `wavetable_synthesis`."""
    return apply(
        "wavetable_synthesis",
        without_channel("frequencies", frequencies),
        without_channel("amplitudes", amplitudes),
        _tables(wavetables),
        n_samples=n_samples,
        sample_rate=sample_rate,
    )


@function("phase", "audio")
def variable_length_delay(phase, audio, max_length=512):
    """Delay by a length that changes; see `variable_length_delay`."""
    phase = phase if phase.ndim == 2 else without_channel("phase", phase)
    return apply("variable_length_delay", phase, audio, max_length=max_length)
