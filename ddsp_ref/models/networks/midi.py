"""Networks between notes and curves of pitch and loudness, around a network that is given."""

from __future__ import annotations

import numpy as np

from ddsp_ref.models.networks.basic import Dense
from ddsp_ref.models.networks.by_name import (
    NamedNetwork,
    Outputs,
    Splits,
    concatenate_vjp,
    join_splits,
    split_to_dict,
)
from ddsp_ref.models.networks.network import (
    Network,
    Pullback,
    Sizes,
    Weight,
    Weights,
    count_weights,
    named,
    split_weights,
)
from ddsp_ref.models.networks.normalization import Normalize
from ddsp_ref.ops.scaling.midi import midi_to_hz

LOUDNESS_SCALE, LOUDNESS_CENTER = 30.0, -70.0  # dB


class _Around(NamedNetwork):
    """A given network, normalisation over time and channels, a dense layer, a pitch added.

    The weights of the given network come first, then those of the dense layer, then the norm's.
    """

    pitch_key = ""  # input that is added to the first channel of the output
    splits: Splits = ()

    def __init__(self, net: Network, f0_residual: bool, norm: bool, takes_z: bool) -> None:
        self.net, self.f0_residual, self.norm, self.takes_z = net, f0_residual, norm, takes_z
        self.dense_out = Dense(sum(size for _, size in self.splits))
        self.parts = [net, self.dense_out, *([Normalize("layer")] if norm else [])]
        self.n_weights = count_weights(self.parts)

    def _net_in(self, sizes: tuple) -> Sizes:
        n_x = sum(sizes[: len(sizes) - self.takes_z])
        return (n_x, sizes[-1]) if self.takes_z else n_x

    def _weights(self, n_in: tuple) -> list[Weight]:
        n_in = self._net_in(n_in)
        n = self.net.n_out(n_in)
        found = named("net", self.net.weights(n_in))
        found += named("dense_out", self.dense_out.weights(n))
        return found + (named("norm", self.parts[2].weights(n)) if self.norm else [])

    def n_out(self, n_in: Sizes) -> dict[str, int]:
        return dict(self.splits)

    def _run_vjp(self, inputs: tuple, weights: Weights) -> tuple[Outputs, Pullback]:
        own = split_weights(weights, self.parts)
        n_x = len(inputs) - self.takes_z
        x, join_pullback = concatenate_vjp(inputs[:n_x])
        y, net_pullback = self.net._vjp((x, inputs[-1]) if self.takes_z else x, own[0])
        if self.norm:
            y, norm_pullback = self.parts[2]._vjp(y, own[2])
        y, dense_pullback = self.dense_out._vjp(y, own[1])
        outputs = split_to_dict(y, self.splits)
        residual = self.input_keys.index(self.pitch_key) if self.f0_residual else None
        first = self.splits[0][0]
        if residual is not None:
            outputs[first] = outputs[first] + inputs[residual]

        def pullback(bars):
            y_bar, dense_bars = dense_pullback(join_splits(bars, self.splits))
            norm_bars = []
            if self.norm:
                y_bar, norm_bars = norm_pullback(y_bar)
            x_bar, net_bars = net_pullback(y_bar)
            x_bar, z_bars = (x_bar[0], [x_bar[1]]) if self.takes_z else (x_bar, [])
            x_bars = [*join_pullback(x_bar), *z_bars]
            if residual is not None:
                x_bars[residual] = x_bars[residual] + bars[first]
            return tuple(x_bars), net_bars + dense_bars + norm_bars

        return outputs, pullback


class MidiEncoder(_Around):
    """From curves of pitch and loudness to pitch and velocity of notes, not yet quantised.

    Parameters
    ----------
    net : Network
        From 2 channels to any number.
    f0_residual : bool
        True: the network says how far the pitch is off.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/encoders.py, MidiEncoder.
    """

    input_keys = ("f0_midi", "loudness")
    pitch_key = "f0_midi"
    splits = (("z_pitch", 1), ("z_vel", 1))

    def __init__(self, net: Network, f0_residual: bool = True) -> None:
        super().__init__(net, f0_residual, norm=True, takes_z=False)


class HarmonicToMidiEncoder(MidiEncoder):
    """From the controls of a harmonic synthesizer to pitch and velocity, not yet quantised.

    Parameters
    ----------
    net : Network
        From 2 + n_harmonics + n_noise_bands channels to any number.
    f0_residual : bool
        True: the network says how far the pitch is off.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/encoders.py, HarmonicToMidiEncoder.
    """

    input_keys = ("f0_midi", "amps", "hd", "noise")


class MidiDecoder(_Around):
    """From pitch of notes to curves of pitch and loudness.

    Parameters
    ----------
    net : Network
        From 1 channel to any number; if conditional, from (1, n_z).
    f0_residual : bool
        True: the network says how far the pitch is off.
    center_loudness : bool
        True: the network's loudness is in units of 30 dB around -70 dB.
    norm : bool
        True: normalise after the network.
    conditional : bool
        True: there is an input z. The original finds out when it is called.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/decoders.py, MidiDecoder, which takes a velocity
    and does not use it.
    """

    pitch_key = "z_pitch"
    splits = (("f0_midi", 1), ("loudness", 1))

    def __init__(
        self,
        net: Network,
        f0_residual: bool = True,
        center_loudness: bool = True,
        norm: bool = True,
        conditional: bool = False,
    ) -> None:
        self.input_keys = ("z_pitch", "z") if conditional else ("z_pitch",)
        self.center_loudness = center_loudness
        super().__init__(net, f0_residual, norm, conditional)

    def _run_vjp(self, inputs: tuple, weights: Weights) -> tuple[Outputs, Pullback]:
        outputs, inner_pullback = super()._run_vjp(inputs, weights)
        if not self.center_loudness:
            return outputs, inner_pullback
        outputs["loudness"] = outputs["loudness"] * LOUDNESS_SCALE + LOUDNESS_CENTER

        def pullback(bars):
            return inner_pullback(bars | {"loudness": bars["loudness"] * LOUDNESS_SCALE})

        return outputs, pullback


class MidiToHarmonicDecoder(_Around):
    """From pitch of notes to the controls of a harmonic synthesizer, and the pitch in Hz.

    Parameters
    ----------
    net : Network
        From 1 channel to any number; if conditional, from (1, n_z).
    f0_residual : bool
        True: the network says how far the pitch is off.
    norm : bool
        True: normalise after the network.
    output_splits : sequence of (str, int)
        Names and sizes of the outputs; the first must be the pitch, ('f0_midi', 1).
    midi_zero_silence : bool
        True: MIDI note 0 is 0 Hz.
    conditional : bool
        True: there is an input z. The original finds out when it is called.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/decoders.py, MidiToHarmonicDecoder, which takes a
    velocity and does not use it.
    """

    pitch_key = "z_pitch"

    def __init__(
        self,
        net: Network,
        f0_residual: bool = True,
        norm: bool = True,
        output_splits: Splits = (
            ("f0_midi", 1),
            ("amplitudes", 1),
            ("harmonic_distribution", 60),
            ("magnitudes", 65),
        ),
        midi_zero_silence: bool = True,
        conditional: bool = False,
    ) -> None:
        self.splits = tuple(map(tuple, output_splits))
        self.input_keys = ("z_pitch", "z") if conditional else ("z_pitch",)
        self.midi_zero_silence = midi_zero_silence
        super().__init__(net, f0_residual, norm, conditional)

    def n_out(self, n_in: Sizes) -> dict[str, int]:
        return dict(self.splits) | {"f0_hz": 1}

    def _run_vjp(self, inputs: tuple, weights: Weights) -> tuple[Outputs, Pullback]:
        outputs, inner_pullback = super()._run_vjp(inputs, weights)
        pitch = np.ascontiguousarray(outputs["f0_midi"])
        f0_hz, hz_pullback = midi_to_hz.vjp(pitch, midi_zero_silence=self.midi_zero_silence)

        def pullback(bars):
            (more,) = hz_pullback(bars["f0_hz"])
            inner = {key: bars[key] for key, _ in self.splits}
            return inner_pullback(inner | {"f0_midi": bars["f0_midi"] + more})

        return outputs | {"f0_hz": f0_hz}, pullback
