"""Reverberations whose impulse response is made from a few numbers and noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ddsp_ref.op import Op
from ddsp_ref.ops.filters.exp_decay_impulse_response import exp_decay_impulse_response
from ddsp_ref.ops.scaling.exp_sigmoid import exp_sigmoid
from ddsp_ref.processors.effects import Reverb
from ddsp_ref.processors.processor import Processor
from ddsp_ref.processors.synths import FilteredNoise


@dataclass(frozen=True)
class ExpDecayReverb(Processor):
    """Convolution with noise that dies away exponentially.

    Inputs: audio (..., n_samples); gain (...) as a network gives it; decay (...), of which
    ``2 + exp(decay)`` is the rate of decay over the length of the response; and noise (...,
    n_taps), which the caller draws, see `uniform_noise`. Gain and decay without axes serve the
    whole batch, as the trained variables of the original do.
    Controls: audio and the impulse response; its tap 0 is not heard, the direct sound is added.

    Parameters
    ----------
    scale_fn : Op or None
        Maps gain to an amplitude; None if it is that already.
    add_dry : bool
        Whether the direct sound is part of the signal.
    name : str
        Name in a graph.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/effects.py, ExpDecayReverb. The original draws new noise at
    every call; here it is an input, so that results repeat.

    Examples
    --------
    >>> import numpy as np
    >>> reverb = ExpDecayReverb(scale_fn=None)
    >>> reverb(np.array([1.0, 0.0, 0.0]), 1.0, 0.0, np.ones(4)).round(4)
    array([1.    , 0.3679, 0.1353])
    """

    scale_fn: Op | None = exp_sigmoid
    add_dry: bool = True
    name: str = "exp_decay_reverb"
    controls: ClassVar[tuple[str, ...]] = ("audio", "impulse_response")

    def controls_vjp(self, audio, gain, decay, noise):
        pull_gain = None
        if self.scale_fn is not None:
            gain, pull_gain = self.scale_fn.vjp(gain)
        response, pull_response = exp_decay_impulse_response.vjp(gain, decay, noise)

        def pullback(audio_bar, response_bar):
            gain_bar, decay_bar, noise_bar = pull_response(response_bar)
            if pull_gain is not None:
                (gain_bar,) = pull_gain(gain_bar)
            return audio_bar, gain_bar, decay_bar, noise_bar

        return (audio, response), pullback

    def signal_vjp(self, audio, impulse_response):
        return Reverb(add_dry=self.add_dry).vjp(audio, impulse_response)


@dataclass(frozen=True)
class FilteredNoiseReverb(Processor):
    """Convolution with filtered noise.

    Inputs: audio (..., n_samples); magnitudes (..., n_frames, n_bands) as a network gives them,
    over the length of the response; and noise (..., n_taps), which the caller draws, see
    `uniform_noise`. Magnitudes and noise without a batch axis serve the whole batch.
    Controls: audio and the impulse response; its tap 0 is not heard, the direct sound is added.

    Parameters
    ----------
    window_size : int
        Length of the filters that shape the noise, see `FilteredNoise`.
    scale_fn : Op or None
        Maps network outputs to magnitudes; None if they are magnitudes already.
    initial_bias : float
        Added before scaling.
    add_dry : bool
        Whether the direct sound is part of the signal.
    name : str
        Name in a graph.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/effects.py, FilteredNoiseReverb. The original draws new noise
    at every call; here it is an input, so that results repeat.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).uniform(-1, 1, 480)
    >>> FilteredNoiseReverb()(np.ones(100), np.zeros((10, 16)), noise).shape
    (100,)
    """

    window_size: int = 257
    scale_fn: Op | None = exp_sigmoid
    initial_bias: float = -3.0
    add_dry: bool = True
    name: str = "filtered_noise_reverb"
    controls: ClassVar[tuple[str, ...]] = ("audio", "impulse_response")

    def controls_vjp(self, audio, magnitudes, noise):
        synth = FilteredNoise(self.window_size, self.scale_fn, self.initial_bias)
        response, pull_response = synth.vjp(magnitudes, noise)

        def pullback(audio_bar, response_bar):
            return audio_bar, *pull_response(response_bar)

        return (audio, response), pullback

    def signal_vjp(self, audio, impulse_response):
        return Reverb(add_dry=self.add_dry).vjp(audio, impulse_response)
