"""Effects and sums of signals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.ops.filters.fft_convolve import fft_convolve
from ddsp_ref.processors.processor import Processor


@dataclass(frozen=True)
class Reverb(Processor):
    """Convolution with one long impulse response, which may be a trained parameter.

    Inputs and controls: audio (..., n_samples), impulse_response (n_taps,) or (..., n_taps).
    Tap 0 is taken as zero, whatever its value: the direct sound is added apart, and the gradient
    of tap 0 is zero.

    Parameters
    ----------
    add_dry : bool
        Whether the direct sound is part of the signal.
    name : str
        Name in a graph.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/effects.py, Reverb; Engel et al. 2020, section 3.4.

    Examples
    --------
    >>> import numpy as np
    >>> Reverb()(np.array([1.0, 0.0, 0.0]), np.array([9.0, 0.5])).round(12) + 0.0
    array([1. , 0.5, 0. ])
    """

    add_dry: bool = True
    name: str = "reverb"
    controls: ClassVar[tuple[str, ...]] = ("audio", "impulse_response")

    def controls_vjp(self, audio, impulse_response):
        masked = np.array(impulse_response)
        require(
            masked.ndim >= 1 and masked.shape[-1] >= 1,
            f"Reverb: impulse_response has shape {masked.shape}, must be (..., n_taps) "
            "with at least one tap",
        )
        masked[..., 0] = 0

        def pullback(audio_bar, masked_bar):
            impulse_response_bar = masked_bar.copy()
            impulse_response_bar[..., 0] = 0
            return audio_bar, impulse_response_bar

        return (audio, masked), pullback

    def signal_vjp(self, audio, impulse_response):
        wet, pull = fft_convolve.vjp(audio, impulse_response, delay_compensation=0)

        def pullback(signal_bar):
            audio_bar, impulse_response_bar = pull(signal_bar)
            return audio_bar + signal_bar if self.add_dry else audio_bar, impulse_response_bar

        return wet + audio if self.add_dry else wet, pullback


@dataclass(frozen=True)
class Add(Processor):
    """Sum of two signals of the same shape.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/processors.py, Add.

    Examples
    --------
    >>> import numpy as np
    >>> Add()(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([4., 6.])
    """

    name: str = "add"
    controls: ClassVar[tuple[str, ...]] = ("signal_one", "signal_two")

    def signal_vjp(self, signal_one, signal_two):
        signal_one, signal_two = np.asarray(signal_one), np.asarray(signal_two)
        require(
            signal_one.shape == signal_two.shape,
            f"Add: signal_one has shape {signal_one.shape} and signal_two {signal_two.shape}, "
            "must be equal",
        )
        return signal_one + signal_two, lambda signal_bar: (signal_bar, signal_bar)
