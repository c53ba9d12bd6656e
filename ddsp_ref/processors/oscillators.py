"""Synthesizers of sinusoids and wavetables, and audio as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Op
from ddsp_ref.ops.oscillators.remove_above_nyquist import remove_above_nyquist
from ddsp_ref.ops.oscillators.sinusoidal_synthesis import sinusoidal_synthesis
from ddsp_ref.ops.oscillators.wavetable_synthesis import wavetable_synthesis
from ddsp_ref.ops.scaling.exp_sigmoid import exp_sigmoid
from ddsp_ref.ops.scaling.frequencies_sigmoid import frequencies_sigmoid
from ddsp_ref.processors.processor import Processor


def _scaled(scale_fn: Op | None, x):
    """Return scale_fn(x) and its pullback; without a function, x itself."""
    if scale_fn is None:
        return x, lambda bar: (bar,)
    return scale_fn.vjp(x)


@dataclass(frozen=True)
class TensorToAudio(Processor):
    """Audio as it is: drops the axis of channels, which has length 1.

    Inputs and controls: samples (..., n_samples, 1), for example the output of a network.

    Parameters
    ----------
    name : str
        Name in a graph.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/synths.py, TensorToAudio.

    Examples
    --------
    >>> import numpy as np
    >>> TensorToAudio()(np.array([[1.0], [2.0]]))
    array([1., 2.])
    """

    name: str = "tensor_to_audio"
    controls: ClassVar[tuple[str, ...]] = ("samples",)

    def signal_vjp(self, samples):
        samples = np.asarray(samples)
        require(
            samples.ndim >= 2 and samples.shape[-1] == 1,
            f"TensorToAudio: samples has shape {samples.shape}, must be (..., n_samples, 1)",
        )
        return samples[..., 0], lambda signal_bar: (signal_bar[..., None],)


@dataclass(frozen=True)
class Wavetable(Processor):
    """Oscillator that reads its waveform from tables.

    Inputs: amplitudes (..., n_frames) and wavetables (..., n_tables, n_wavetable) as a network
    gives them, and f0_hz (..., n_frames); one table (n_tables = 1) stays for the whole sound.
    Controls: the same names, scaled.

    Parameters
    ----------
    n_samples : int
        Length of the signal, a multiple of n_frames.
    sample_rate : float
        Samples per second.
    scale_fn : Op or None
        Maps network outputs to amplitudes and tables; None if they are that already.
    amp_resample_method : {"window", "linear", "nearest", "cubic"}
        See `wavetable_synthesis`; always "window" in the original.
    name : str
        Name in a graph.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/synths.py, Wavetable.

    Examples
    --------
    >>> import numpy as np
    >>> synth = Wavetable(n_samples=640)
    >>> synth(np.zeros(10), np.zeros((1, 64)), np.full(10, 440.0)).shape
    (640,)
    """

    n_samples: int
    sample_rate: float = 16000
    scale_fn: Op | None = exp_sigmoid
    amp_resample_method: str = "window"
    name: str = "wavetable"
    controls: ClassVar[tuple[str, ...]] = ("amplitudes", "wavetables", "f0_hz")

    def controls_vjp(self, amplitudes, wavetables, f0_hz):
        positive, pull_amplitudes = _scaled(self.scale_fn, amplitudes)
        tables, pull_tables = _scaled(self.scale_fn, wavetables)

        def pullback(positive_bar, tables_bar, f0_bar):
            return *pull_amplitudes(positive_bar), *pull_tables(tables_bar), f0_bar

        return (positive, tables, f0_hz), pullback

    def signal_vjp(self, amplitudes, wavetables, f0_hz):
        audio, pull = wavetable_synthesis.vjp(
            f0_hz,
            amplitudes,
            wavetables,
            n_samples=self.n_samples,
            sample_rate=self.sample_rate,
            amp_resample_method=self.amp_resample_method,
        )

        def pullback(audio_bar):
            f0_bar, amplitudes_bar, wavetables_bar = pull(audio_bar)
            return amplitudes_bar, wavetables_bar, f0_bar

        return audio, pullback


@dataclass(frozen=True)
class Sinusoidal(Processor):
    """Sum of sinusoids at any frequencies.

    Inputs: amplitudes (..., n_frames, n_sinusoids) as a network gives them, and frequencies of
    the same shape, or with one axis more (depth) for what freq_scale_fn makes a frequency of.
    Controls: amplitudes, silent at and above Nyquist, and frequencies in Hz.

    Parameters
    ----------
    n_samples : int
        Length of the signal.
    sample_rate : float
        Samples per second.
    amp_scale_fn : Op or None
        Maps network outputs to amplitudes; None if they are amplitudes already.
    amp_resample_method : {"window", "linear", "nearest", "cubic"}
        See `sinusoidal_synthesis`.
    freq_scale_fn : Op or None
        Maps the last axis of network outputs to frequencies, such as `frequencies_softmax`; None
        if they are in Hz already. As in the original, only with a function are amplitudes
        silenced in the controls; in the signal they always are.
    name : str
        Name in a graph.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/synths.py, Sinusoidal.

    Examples
    --------
    >>> import numpy as np
    >>> synth = Sinusoidal(n_samples=640)
    >>> synth(np.zeros((10, 3)), np.zeros((10, 3))).shape
    (640,)
    """

    n_samples: int
    sample_rate: float = 16000
    amp_scale_fn: Op | None = exp_sigmoid
    amp_resample_method: str = "window"
    freq_scale_fn: Op | None = frequencies_sigmoid
    name: str = "sinusoidal"
    controls: ClassVar[tuple[str, ...]] = ("amplitudes", "frequencies")

    def controls_vjp(self, amplitudes, frequencies):
        positive, pull_amplitudes = _scaled(self.amp_scale_fn, amplitudes)
        if self.freq_scale_fn is None:
            return (positive, frequencies), lambda positive_bar, frequencies_bar: (
                *pull_amplitudes(positive_bar),
                frequencies_bar,
            )
        frequencies = np.asarray(frequencies)
        with_depth = frequencies.ndim > np.ndim(amplitudes)
        logits = frequencies if with_depth else frequencies[..., None]
        in_hz, pull_frequencies = self.freq_scale_fn.vjp(logits)
        kept, pull_kept = remove_above_nyquist.vjp(in_hz, positive, sample_rate=self.sample_rate)

        def pullback(kept_bar, in_hz_bar):
            _, positive_bar = pull_kept(kept_bar)  # frequencies have no part in it
            (logits_bar,) = pull_frequencies(in_hz_bar)
            frequencies_bar = logits_bar if with_depth else logits_bar[..., 0]
            return *pull_amplitudes(positive_bar), frequencies_bar

        return (kept, in_hz), pullback

    def signal_vjp(self, amplitudes, frequencies):
        audio, pull = sinusoidal_synthesis.vjp(
            frequencies,
            amplitudes,
            n_samples=self.n_samples,
            sample_rate=self.sample_rate,
            amp_resample_method=self.amp_resample_method,
        )

        def pullback(audio_bar):
            frequencies_bar, amplitudes_bar = pull(audio_bar)
            return amplitudes_bar, frequencies_bar

        return audio, pullback
