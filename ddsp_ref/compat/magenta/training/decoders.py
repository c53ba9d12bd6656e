"""The decoders of the original's ddsp/training/decoders.py."""

from __future__ import annotations

from typing import Any

from ddsp_ref.compat.magenta import core
from ddsp_ref.compat.magenta._pieces import concatenate
from ddsp_ref.compat.magenta.processors import as_array
from ddsp_ref.compat.magenta.training import nn
from ddsp_ref.errors import require


class RnnFcDecoder(nn.DictLayer):
    """Stacks for each input, a recurrent layer, a stack and a dense layer; see `gru`."""

    def __init__(
        self,
        rnn_channels=512,
        rnn_type="gru",
        ch=512,
        layers_per_stack=3,
        stateless=False,
        input_keys=("ld_scaled", "f0_scaled", "z"),
        output_splits=(("amps", 1), ("harmonic_distribution", 40)),
        **kwargs: Any,
    ) -> None:
        output_keys = [name for name, _ in output_splits]
        n_stacks = len(input_keys)
        if stateless:
            input_keys, output_keys = [*input_keys, "state"], [*output_keys, "state"]
        super().__init__(input_keys, output_keys, **kwargs)
        self.stateless, self.output_splits = stateless, output_splits
        rnn = nn.StatelessRnn if stateless else nn.Rnn
        self.input_stacks = [nn.FcStack(ch, layers_per_stack) for _ in range(n_stacks)]
        self.rnn = rnn(rnn_channels, rnn_type)
        self.out_stack = nn.FcStack(ch, layers_per_stack)
        self.dense_out = nn.Dense(sum(size for _, size in output_splits))

    def call(self, *inputs):
        told = inputs[: len(self.input_stacks)]
        seen = [stack(x) for stack, x in zip(self.input_stacks, told, strict=True)]
        state = inputs[len(told) :]
        x = self.rnn(concatenate(*seen), *state)
        if self.stateless:
            x, new_state = x
        x = self.dense_out(self.out_stack(concatenate(*seen, x)))
        outputs = nn.split_to_dict(x, self.output_splits)
        return outputs | {"state": new_state} if self.stateless else outputs


class MidiDecoder(nn.DictLayer):
    """Pitch and loudness out of a pitch (and z), by a network `net` of the caller's."""

    output_names = ("f0_midi", "loudness")

    def __init__(
        self, net=None, f0_residual=True, center_loudness=True, norm=True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.net, self.f0_residual, self.center_loudness = net, f0_residual, center_loudness
        self.dense_out = nn.Dense(2)
        self.norm = nn.Normalize("layer") if norm else None

    def call(self, z_pitch, z_vel=None, z=None):
        x = self.net(z_pitch) if z is None else self.net([z_pitch, z])
        x = self.dense_out(x if self.norm is None else self.norm(x))
        f0_midi, loudness = x[..., 0:1], x[..., 1:2]
        if self.f0_residual:
            f0_midi = f0_midi + z_pitch
        return f0_midi, loudness * 30.0 - 70.0 if self.center_loudness else loudness


class MidiToHarmonicDecoder(nn.DictLayer):
    """Controls of a synthesizer out of a pitch (and z), by a network `net` of the caller's."""

    def __init__(
        self,
        net=None,
        f0_residual=True,
        norm=True,
        output_splits=(
            ("f0_midi", 1),
            ("amplitudes", 1),
            ("harmonic_distribution", 60),
            ("magnitudes", 65),
        ),
        midi_zero_silence=True,
        **kwargs: Any,
    ) -> None:
        super().__init__(output_keys=[*[name for name, _ in output_splits], "f0_hz"], **kwargs)
        self.output_splits, self.n_out = output_splits, sum(size for _, size in output_splits)
        self.net, self.f0_residual = net, f0_residual
        self.dense_out = nn.Dense(self.n_out)
        self.norm = nn.Normalize("layer") if norm else None
        self.midi_zero_silence = midi_zero_silence

    def call(self, z_pitch, z_vel=None, z=None):
        x = self.net(z_pitch) if z is None else self.net([z_pitch, z])
        x = self.dense_out(x if self.norm is None else self.norm(x))
        outputs = nn.split_to_dict(x, self.output_splits)
        if self.f0_residual:
            outputs["f0_midi"] = outputs["f0_midi"] + z_pitch
        f0_hz = core.midi_to_hz(outputs["f0_midi"], self.midi_zero_silence)
        return outputs | {"f0_hz": f0_hz}


class DilatedConvDecoder(nn.OutputSplitsLayer):
    """`DilatedConvStack` and a dense layer, conditioned on some of the inputs if wanted."""

    def __init__(
        self,
        ch=256,
        kernel_size=3,
        layers_per_stack=5,
        stacks=2,
        dilation=2,
        norm_type="layer",
        resample_stride=1,
        stacks_per_resample=1,
        resample_after_convolve=True,
        input_keys=("ld_scaled", "f0_scaled"),
        output_splits=(("amps", 1), ("harmonic_distribution", 60)),
        conditioning_keys="z",
        precondition_stack=None,
        spectral_norm=False,
        ortho_init=False,
        **kwargs: Any,
    ) -> None:
        conditioning_keys = [] if conditioning_keys is None else list(conditioning_keys)
        super().__init__([*input_keys, *conditioning_keys], output_splits, **kwargs)
        self.n_conditioning = len(conditioning_keys)
        self.conditional = self.n_conditioning > 0
        require(
            self.conditional or precondition_stack is None,
            "DilatedConvDecoder: precondition_stack is given, must come with conditioning_keys",
        )
        self.precondition_stack = precondition_stack
        self.dilated_conv_stack = nn.DilatedConvStack(
            ch=ch,
            kernel_size=kernel_size,
            layers_per_stack=layers_per_stack,
            stacks=stacks,
            dilation=dilation,
            norm_type=norm_type,
            resample_type="upsample" if resample_stride > 1 else None,
            resample_stride=resample_stride,
            stacks_per_resample=stacks_per_resample,
            resample_after_convolve=resample_after_convolve,
            conditional=self.conditional,
            spectral_norm=spectral_norm,
            ortho_init=ortho_init,
        )

    def compute_output(self, *inputs):
        inputs = [as_array(x) for x in inputs]
        n_told = len(inputs) - self.n_conditioning
        x = concatenate(*inputs[:n_told])
        if not self.conditional:
            return self.dilated_conv_stack(x)
        z = concatenate(*inputs[n_told:])
        if self.precondition_stack is not None:
            z = self.precondition_stack(z)
        return self.dilated_conv_stack([x, z])
