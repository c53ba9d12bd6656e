"""Stacks of convolutions: dilated ones along time, residual ones over spectrograms."""

from __future__ import annotations

from typing import Any

from ddsp_ref.compat.magenta._layer import Layer
from ddsp_ref.compat.magenta._record import apply
from ddsp_ref.compat.magenta.processors import as_array
from ddsp_ref.compat.magenta.training.nn._functions import ensure_4d, polyphase_resample
from ddsp_ref.compat.magenta.training.nn._keras import (
    Activation,
    Conv2D,
    Conv2DTranspose,
    MaxPool2D,
    Sequential,
)
from ddsp_ref.compat.magenta.training.nn._stacks import Normalize, get_norm
from ddsp_ref.errors import require


class PolyphaseResample(Layer):
    """`polyphase_resample` as a layer."""

    def __init__(self, stride=2, resample_type="down", trim_or_pad="pad", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings = {
            "stride": stride,
            "resample_type": resample_type,
            "trim_or_pad": trim_or_pad,
        }

    def call(self, x):
        return polyphase_resample(x, **self.settings)


def refuse_spectral_norm(spectral_norm: bool) -> None:
    require(
        not spectral_norm,
        "spectral_norm is True, must be False: it changes weights while Keras trains, and nothing "
        "else",
    )


class DilatedConvStack(Layer):
    """Residual convolutions along time whose taps lie further and further apart; see `conv_1d`.

    `spectral_norm`, which changes weights while Keras trains, is refused.
    """

    def __init__(
        self,
        ch=256,
        layers_per_stack=5,
        stacks=2,
        kernel_size=3,
        dilation=2,
        norm_type=None,
        resample_type=None,
        resample_stride=1,
        stacks_per_resample=1,
        resample_after_convolve=True,
        spectral_norm=False,
        ortho_init=False,
        shift_only=False,
        conditional=False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_spectral_norm(spectral_norm)
        known = ("downsample", "upsample", None)
        require(
            resample_type in known,
            f"DilatedConvStack: resample_type is {resample_type!r}, must be one of {known}",
        )
        self.conditional, self.resample_after_convolve = conditional, resample_after_convolve

        def conv(taps, stride=1, apart=1, kind=Conv2D):
            return kind(ch, (taps, 1), (stride, 1), apart, ortho_init=ortho_init)

        def dilated(i):
            apart = dilation**i if dilation > 0 else (-dilation) ** (layers_per_stack - i - 1)
            return Sequential([Activation("relu"), conv(kernel_size, 1, int(apart))])

        def resample():
            if resample_type == "downsample":
                return conv(resample_stride, resample_stride)
            return conv(2 * resample_stride, resample_stride, kind=Conv2DTranspose)

        self.conv_in = conv(kernel_size)
        self.layers = [dilated(j) for _ in range(stacks) for j in range(layers_per_stack)]
        self.norms = [get_norm(norm_type, conditional, shift_only) for _ in self.layers]
        n = (
            stacks // stacks_per_resample
            if resample_after_convolve
            else -(-stacks // stacks_per_resample)
        )
        self.resample_layers = [resample() for _ in range(n)] if resample_type else []
        self.layers_per_resample = len(self.layers) // n if self.resample_layers else 0

    def call(self, inputs):
        x, z = inputs if self.conditional else (inputs, None)
        x = self.conv_in(ensure_4d(as_array(x)))
        z = None if z is None else ensure_4d(as_array(z))
        for i, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            if not self.resample_after_convolve:
                x = self._resampled(x, i)
            y = layer(x)
            x = x + norm(y if z is None else [y, z])
            if self.resample_after_convolve:
                x = self._resampled(x, i + 1, -1)
        return x[:, :, 0, :]

    def _resampled(self, x, n_done, before=0):
        """Resample x if it is the turn of one of the layers for it."""
        if not self.layers_per_resample or n_done % self.layers_per_resample:
            return x
        return self.resample_layers[n_done // self.layers_per_resample + before](x)


class NormReluConv(Sequential):
    """Normalise, cut off below 0, convolve; see `group_norm` and `conv_2d`."""

    def __init__(self, ch, k, s, norm_type, **kwargs: Any) -> None:
        layers = [Normalize(norm_type), Activation("relu"), Conv2D(ch, (k, k), (1, s))]
        super().__init__(layers, **kwargs)


class ResidualLayer(Layer):
    """Three convolutions around which the input is led; see `conv_2d`."""

    def __init__(
        self, ch, stride, shortcut, norm_type, conditional, shift_only, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.shortcut, self.conditional = shortcut, conditional
        self.norm_input = get_norm(norm_type, conditional, shift_only)
        if shortcut:
            self.conv_proj = Conv2D(4 * ch, (1, 1), (1, stride))
        self.bottleneck = Sequential(
            [
                Conv2D(ch, (1, 1)),
                NormReluConv(ch, 3, stride, norm_type),
                NormReluConv(4 * ch, 1, 1, norm_type),
            ]
        )

    def call(self, inputs):
        x, z = inputs if self.conditional else (inputs, None)
        x = around = ensure_4d(as_array(x))
        x = self.norm_input(x if z is None else (x, ensure_4d(as_array(z))))
        x = apply("relu", x)
        if self.shortcut:
            around = self.conv_proj(x)
        return self.bottleneck(x) + around


class _Conditioned(Layer):
    """Layers one after the other, some of which are told z as well."""

    conditional = False

    def call(self, inputs):
        x, z = inputs if self.conditional else (inputs, None)
        for layer in self.layers:
            told = z is not None and isinstance(layer, (ResidualLayer, ResidualStack))
            x = layer([x, z] if told else x)
        return x


class ResidualStack(_Conditioned):
    """Residual layers, a norm and a nonlinearity."""

    def __init__(
        self,
        filters,
        block_sizes,
        strides,
        norm_type,
        conditional=False,
        shift_only=False,
        nonlinearity="relu",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conditional = conditional
        rest = (norm_type, conditional, shift_only)
        self.layers: list[Layer] = []
        for ch, n_layers, stride in zip(filters, block_sizes, strides, strict=False):
            self.layers.append(ResidualLayer(ch, stride, True, *rest))
            self.layers += [ResidualLayer(ch, 1, False, *rest) for _ in range(1, n_layers)]
        self.layers += [Normalize(norm_type), Activation(nonlinearity)]


class ResNet(_Conditioned):
    """Residual network over spectrograms (batch, frames, bins, channels)."""

    def __init__(
        self, size="large", norm_type="layer", conditional=False, shift_only=False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        sizes = {"small": (32, [2, 3, 4]), "medium": (32, [3, 4, 6]), "large": (64, [3, 4, 6])}
        require(size in sizes, f"ResNet: size is {size!r}, must be one of {', '.join(sizes)}")
        self.conditional = conditional
        ch, blocks = sizes[size]
        rest = (norm_type, conditional, shift_only)
        self.layers = [
            Conv2D(64, (7, 7), (1, 2)),
            MaxPool2D(3, 2),
            ResidualStack([ch, 2 * ch, 4 * ch], blocks, [1, 2, 2], *rest),
            ResidualStack([8 * ch], [3], [2], *rest),
        ]
