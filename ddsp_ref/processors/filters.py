"""Effects that change sound over time: filters and modulated delays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Op
from ddsp_ref.ops.delays.variable_length_delay import variable_length_delay
from ddsp_ref.ops.filters.frequency_filter import frequency_filter
from ddsp_ref.ops.layers.sigmoid import sigmoid
from ddsp_ref.ops.scaling.exp_sigmoid import exp_sigmoid
from ddsp_ref.processors.processor import Processor


@dataclass(frozen=True)
class FIRFilter(Processor):
    """Filter that changes from frame to frame, given by its magnitudes.

    Inputs: audio (..., n_samples) and magnitudes (..., n_frames, n_bands) as a network gives
    them, from 0 Hz to Nyquist. Controls: the same names; magnitudes are positive.

    Parameters
    ----------
    window_size : int
        Length of the impulse responses; 0 or less: all of it, see `frequency_filter`.
    scale_fn : Op or None
        Maps network outputs to magnitudes; None if they are magnitudes already.
    name : str
        Name in a graph.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/effects.py, FIRFilter.

    Examples
    --------
    >>> import numpy as np
    >>> FIRFilter()(np.ones(640), np.zeros((10, 65))).shape
    (640,)
    """

    window_size: int = 257
    scale_fn: Op | None = exp_sigmoid
    name: str = "fir_filter"
    controls: ClassVar[tuple[str, ...]] = ("audio", "magnitudes")

    def controls_vjp(self, audio, magnitudes):
        if self.scale_fn is None:
            return super().controls_vjp(audio, magnitudes)
        positive, pull = self.scale_fn.vjp(magnitudes)
        return (audio, positive), lambda audio_bar, bar: (audio_bar, *pull(bar))

    def signal_vjp(self, audio, magnitudes):
        return frequency_filter.vjp(audio, magnitudes, window_size=self.window_size)


@dataclass(frozen=True)
class ModDelay(Processor):
    """Delay whose length is modulated: chorus, flanger, vibrato.

    Inputs: audio, gain and phase (..., n_samples), gain and phase as a network gives them.
    Controls: the same names; the delay is ``center_ms + depth_ms * phase``, so that the longest
    one, at a phase of 1, is no delay: see `variable_length_delay`.

    Parameters
    ----------
    center_ms : float
        Shortest delay in milliseconds, at least 0.
    depth_ms : float
        How much longer the longest is, at least 0; both together are at least one sample.
    sample_rate : float
        Samples per second.
    gain_scale_fn : Op or None
        Maps network outputs to the amplitude of what is delayed; None if they are that already.
    phase_scale_fn : Op or None
        Maps network outputs to a phase from 0 to 1; None if they are that already.
    add_dry : bool
        Whether the direct sound is part of the signal.
    name : str
        Name in a graph.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/effects.py, ModDelay. Its names speak of a centre and of a
    depth to both sides, but a phase from 0 to 1 only lengthens the delay.

    Examples
    --------
    >>> import numpy as np
    >>> delay = ModDelay(center_ms=2, depth_ms=2, sample_rate=1000, gain_scale_fn=None,
    ...                  phase_scale_fn=None, add_dry=False)
    >>> delay(np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4), np.zeros(4))
    array([0., 0., 1., 2.])
    """

    center_ms: float = 15.0
    depth_ms: float = 10.0
    sample_rate: float = 16000
    gain_scale_fn: Op | None = exp_sigmoid
    phase_scale_fn: Op | None = sigmoid
    add_dry: bool = True
    name: str = "mod_delay"
    controls: ClassVar[tuple[str, ...]] = ("audio", "gain", "phase")

    def __post_init__(self):
        longest = self.center_ms + self.depth_ms
        require(
            self.center_ms >= 0 and self.depth_ms >= 0 and self._max_length() >= 1,
            f"ModDelay: center_ms is {self.center_ms} and depth_ms {self.depth_ms}, must be at "
            f"least 0, and together at least one sample, {1000 / self.sample_rate} ms, not "
            f"{longest}",
        )

    def _max_length(self):
        return int(self.sample_rate / 1000 * (self.center_ms + self.depth_ms))

    def controls_vjp(self, audio, gain, phase):
        pull_gain = pull_phase = lambda bar: (bar,)
        if self.gain_scale_fn is not None:
            gain, pull_gain = self.gain_scale_fn.vjp(gain)
        if self.phase_scale_fn is not None:
            phase, pull_phase = self.phase_scale_fn.vjp(phase)

        def pullback(audio_bar, gain_bar, phase_bar):
            return audio_bar, *pull_gain(gain_bar), *pull_phase(phase_bar)

        return (audio, gain, phase), pullback

    def signal_vjp(self, audio, gain, phase):
        audio, gain, phase = np.asarray(audio), np.asarray(gain), np.asarray(phase)
        longest = self.center_ms + self.depth_ms
        depth, center = self.depth_ms / longest, self.center_ms / longest
        delayed, pull = variable_length_delay.vjp(
            phase * phase.dtype.type(depth) + phase.dtype.type(center),
            audio,
            max_length=self._max_length(),
        )
        wet = gain * delayed

        def pullback(signal_bar):
            phase_bar, audio_bar = pull(signal_bar * gain)
            if self.add_dry:
                audio_bar = audio_bar + signal_bar
            return audio_bar, signal_bar * delayed, phase_bar * phase.dtype.type(depth)

        return wet + audio if self.add_dry else wet, pullback
