"""The effects of the original's ddsp/effects.py."""

from __future__ import annotations

import numpy as np

from ddsp_ref.compat.magenta import core
from ddsp_ref.compat.magenta._pieces import repeat_batch
from ddsp_ref.compat.magenta._record import Piece, apply
from ddsp_ref.compat.magenta.processors import Processor, as_array
from ddsp_ref.compat.magenta.synths import FilteredNoise, scaled
from ddsp_ref.errors import require
from ddsp_ref.processors import effects as ours
from ddsp_ref.processors import filters


class Reverb(Processor):
    """Convolution with an impulse response, given or trained; see `Reverb`.

    With `trainable=True` the response is the one weight, (reverb_length,).
    """

    def __init__(self, trainable=False, reverb_length=48000, add_dry=True, name="reverb", **kwargs):
        super().__init__(name, trainable, **kwargs)
        self._reverb_length, self._add_dry = reverb_length, add_dry

    n_own = property(lambda self: 1 if self.trainable else 0)

    def start_weights(self, rng):
        return [rng.normal(0.0, 1e-6, self._reverb_length).astype(np.float32)]

    def get_controls(self, audio, ir=None):
        if self.trainable:
            (ir,) = self.own()
            ir = repeat_batch(ir[None, :], n_batch=len(audio))
        require(ir is not None, 'Reverb: "ir" is missing, must be given if trainable=False')
        return {"audio": audio, "ir": ir}

    def get_signal(self, audio, ir):
        ir = as_array(ir)
        if ir.ndim == 3:
            ir = ir[:, :, 0]
        return apply(ours.Reverb(add_dry=self._add_dry), as_array(audio), ir)


class ExpDecayReverb(Reverb):
    """Convolution with noise that dies away; see `ExpDecayReverb`.

    With `trainable=True` gain and decay, (1,) each, are the weights. The call and `get_controls`
    take `noise=`, (1, reverb_length); otherwise it is drawn from `rng`.
    """

    def __init__(
        self,
        trainable=False,
        reverb_length=48000,
        scale_fn=core.exp_sigmoid,
        add_dry=True,
        name="exp_decay_reverb",
        **kwargs,
    ):
        super().__init__(trainable, reverb_length, add_dry, name, **kwargs)
        self._scale_fn = scale_fn

    n_own = property(lambda self: 2 if self.trainable else 0)

    def start_weights(self, rng):
        return [np.full(1, 2.0, np.float32), np.full(1, 4.0, np.float32)]

    def get_controls(self, audio, gain=None, decay=None, noise=None):
        if self.trainable:
            gain, decay = (weight[None, :] for weight in self.own())
        require(
            gain is not None and decay is not None,
            'ExpDecayReverb: "gain" and "decay" must be given if trainable=False',
        )
        gain, decay = scaled(self._scale_fn, gain), as_array(decay)
        noise = self.noise_or_draw(noise, (1, self._reverb_length), gain)
        ir = apply("exp_decay_impulse_response", gain[:, 0], decay[:, 0], noise)
        return {"audio": audio, "ir": _for_all(ir, audio) if self.trainable else ir}


class FilteredNoiseReverb(Reverb):
    """Convolution with filtered noise; see `FilteredNoiseReverb`.

    With `trainable=True` the magnitudes, (n_frames, n_filter_banks), are the weight. The call and
    `get_controls` take `noise=`, (batch or 1, reverb_length); otherwise it is drawn from `rng`.
    """

    def __init__(
        self,
        trainable=False,
        reverb_length=48000,
        window_size=257,
        n_frames=1000,
        n_filter_banks=16,
        scale_fn=core.exp_sigmoid,
        initial_bias=-3.0,
        add_dry=True,
        name="filtered_noise_reverb",
        **kwargs,
    ):
        super().__init__(trainable, reverb_length, add_dry, name, **kwargs)
        self._n_frames, self._n_filter_banks = n_frames, n_filter_banks
        self._synth = FilteredNoise(reverb_length, window_size, scale_fn, initial_bias)

    def start_weights(self, rng):
        shape = (self._n_frames, self._n_filter_banks)
        return [rng.normal(0.0, 1e-2, shape).astype(np.float32)]

    def get_controls(self, audio, magnitudes=None, noise=None):
        if self.trainable:
            (magnitudes,) = self.own()
            magnitudes = magnitudes[None]
        require(
            magnitudes is not None,
            'FilteredNoiseReverb: "magnitudes" must be given if trainable=False',
        )
        self._synth.rng = self.rng
        ir = self._synth(magnitudes, noise=noise)
        return {"audio": audio, "ir": _for_all(ir, audio) if self.trainable else ir}


def _for_all(ir, audio):
    """Repeat the one response for all of the batch."""
    return repeat_batch(ir, n_batch=np.shape(audio)[0])


class FIRFilter(Processor):
    """Filter that changes from frame to frame; see `FIRFilter` and `frequency_filter`."""

    def __init__(self, window_size=257, scale_fn=core.exp_sigmoid, name="fir_filter", **kwargs):
        super().__init__(name, **kwargs)
        self.window_size, self.scale_fn = window_size, scale_fn

    def get_controls(self, audio, magnitudes):
        return {"audio": audio, "magnitudes": scaled(self.scale_fn, magnitudes)}

    def get_signal(self, audio, magnitudes):
        return core.frequency_filter(audio, magnitudes, window_size=self.window_size)


class ModDelay(Processor):
    """Delay of changing length; see `ModDelay` and `variable_length_delay`."""

    def __init__(
        self,
        center_ms=15.0,
        depth_ms=10.0,
        sample_rate=16000,
        gain_scale_fn=core.exp_sigmoid,
        phase_scale_fn="sigmoid",
        add_dry=True,
        name="mod_delay",
        **kwargs,
    ):
        super().__init__(name, **kwargs)
        self.center_ms, self.depth_ms, self.sample_rate = center_ms, depth_ms, sample_rate
        self.gain_scale_fn, self.phase_scale_fn = gain_scale_fn, phase_scale_fn
        self.add_dry = add_dry

    def get_controls(self, audio, gain, phase):
        gain, phase = scaled(self.gain_scale_fn, gain), scaled(self.phase_scale_fn, phase)
        return {"audio": audio, "gain": gain, "phase": phase}

    def get_signal(self, audio, gain, phase):
        audio, gain, phase = as_array(audio), as_array(gain), as_array(phase)
        delay = filters.ModDelay(
            self.center_ms, self.depth_ms, self.sample_rate, add_dry=self.add_dry
        )
        gain, phase = (x[..., 0] if x.ndim == 3 else x for x in (gain, phase))
        return apply(Piece(delay.signal_vjp), audio, gain, phase)
