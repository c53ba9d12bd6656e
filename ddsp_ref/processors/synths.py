"""Synthesizers: harmonic and filtered noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddsp_ref.op import Op
from ddsp_ref.ops.filters.frequency_filter import frequency_filter
from ddsp_ref.ops.oscillators.harmonic_synthesis import harmonic_synthesis
from ddsp_ref.ops.scaling.exp_sigmoid import exp_sigmoid
from ddsp_ref.ops.scaling.normalize_harmonics import normalize_harmonics
from ddsp_ref.processors.processor import Processor


def _scaled(scale_fn: Op | None, x):
    """Return scale_fn(x) and its pullback; without a function, x itself."""
    if scale_fn is None:
        return x, lambda bar: (bar,)
    return scale_fn.vjp(x)


@dataclass(frozen=True)
class Harmonic(Processor):
    """Sum of sinusoids at whole multiples of f0.

    Inputs: amplitudes (..., n_frames) and harmonic_distribution (..., n_frames, n_harmonics) as a
    network gives them, and f0_hz (..., n_frames).
    Controls: the same names; amplitudes are positive, each distribution sums to one over the
    partials below Nyquist.

    Parameters
    ----------
    n_samples : int
        Length of the signal.
    sample_rate : float
        Samples per second.
    scale_fn : Op or None
        Maps network outputs to amplitudes; None if they are amplitudes already.
    normalize_below_nyquist : bool
        Whether partials at or above Nyquist are silenced before the distribution is normalised.
    amp_resample_method : {"window", "linear", "nearest", "cubic"}
        See `harmonic_synthesis`.
    name : str
        Name in a graph.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/synths.py, Harmonic.

    Examples
    --------
    >>> import numpy as np
    >>> synth = Harmonic(n_samples=640)
    >>> audio = synth(np.zeros(10), np.zeros((10, 5)), np.full(10, 440.0))
    >>> audio.shape
    (640,)
    """

    n_samples: int
    sample_rate: float = 16000
    scale_fn: Op | None = exp_sigmoid
    normalize_below_nyquist: bool = True
    amp_resample_method: str = "window"
    name: str = "harmonic"
    controls: ClassVar[tuple[str, ...]] = ("amplitudes", "harmonic_distribution", "f0_hz")

    def controls_vjp(self, amplitudes, harmonic_distribution, f0_hz):
        positive, pull_amplitudes = _scaled(self.scale_fn, amplitudes)
        shares, pull_shares = _scaled(self.scale_fn, harmonic_distribution)
        limit = self.sample_rate if self.normalize_below_nyquist else None
        normal, pull_normal = normalize_harmonics.vjp(shares, f0_hz, sample_rate=limit)

        def pullback(positive_bar, normal_bar, f0_bar):
            shares_bar, f0_from_normal = pull_normal(normal_bar)
            (amplitudes_bar,) = pull_amplitudes(positive_bar)
            return amplitudes_bar, *pull_shares(shares_bar), f0_bar + f0_from_normal

        return (positive, normal, f0_hz), pullback

    def _settings(self):
        return {
            "n_samples": self.n_samples,
            "sample_rate": self.sample_rate,
            "amp_resample_method": self.amp_resample_method,
        }

    def signal_vjp(self, amplitudes, harmonic_distribution, f0_hz):
        inputs = (f0_hz, amplitudes, harmonic_distribution)
        audio, pull = harmonic_synthesis.vjp(*inputs, **self._settings())

        def pullback(audio_bar):
            f0_bar, amplitudes_bar, distribution_bar = pull(audio_bar)
            return amplitudes_bar, distribution_bar, f0_bar

        return audio, pullback


@dataclass(frozen=True)
class FilteredNoise(Processor):
    """White noise through a filter that changes from frame to frame.

    Inputs: magnitudes (..., n_frames, n_bands) as a network gives them, from 0 Hz to Nyquist, and
    noise (..., n_samples), which the caller draws, see `uniform_noise`.
    Controls: the same names; magnitudes are positive.

    Parameters
    ----------
    window_size : int
        Length of the impulse responses; 0 or less: all of it, see `frequency_impulse_response`.
    scale_fn : Op or None
        Maps network outputs to magnitudes; None if they are magnitudes already.
    initial_bias : float
        Added before scaling, so that an untrained network starts with little noise.
    name : str
        Name in a graph.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/synths.py, FilteredNoise; Engel et al. 2020, section 3.3.
    The original draws the noise inside; here it is an input, so that results repeat.

    Examples
    --------
    >>> import numpy as np
    >>> noise = uniform_noise((640,), np.random.default_rng(0))
    >>> FilteredNoise()(np.zeros((10, 65)), noise).shape
    (640,)
    """

    window_size: int = 257
    scale_fn: Op | None = exp_sigmoid
    initial_bias: float = -5.0
    name: str = "filtered_noise"
    controls: ClassVar[tuple[str, ...]] = ("magnitudes", "noise")

    def controls_vjp(self, magnitudes, noise):
        if self.scale_fn is None:
            return (magnitudes, noise), lambda magnitudes_bar, noise_bar: (
                magnitudes_bar,
                noise_bar,
            )
        magnitudes = np.asarray(magnitudes)
        positive, pull = self.scale_fn.vjp(magnitudes + magnitudes.dtype.type(self.initial_bias))
        return (positive, noise), lambda bar, noise_bar: (*pull(bar), noise_bar)

    def signal_vjp(self, magnitudes, noise):
        audio, pull = frequency_filter.vjp(noise, magnitudes, window_size=self.window_size)

        def pullback(audio_bar):
            noise_bar, magnitudes_bar = pull(audio_bar)
            return magnitudes_bar, noise_bar

        return audio, pullback


def uniform_noise(shape, rng: np.random.Generator, dtype=np.float32) -> np.ndarray:
    """Draw the noise of the synthesizers: uniform in [-1, 1).

    Parameters
    ----------
    shape : tuple of int
        Shape of the result, (..., n_samples).
    rng : numpy.random.Generator
        Where the numbers come from.
    dtype : {numpy.float32, numpy.float64}
        Precision.

    Returns
    -------
    array
        Noise with a root mean square of 0.577.
    """
    noise = rng.random(shape, dtype)
    noise *= 2
    noise -= 1
    return noise
