"""Encoders of the original: from audio or features to a latent signal z."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.networks.basic import Dense
from ddsp_ref.models.networks.by_name import (
    NamedNetwork,
    Outputs,
    TimeMean,
    concatenate_vjp,
    to_frames_vjp,
)
from ddsp_ref.models.networks.network import Chain, Network, Pullback, Sizes, Weight, Weights
from ddsp_ref.models.networks.normalization import Normalize
from ddsp_ref.models.networks.recurrent import Rnn
from ddsp_ref.ops.spectral.compute_mfcc import compute_mfcc

# FFT size and overlap that give about so many frames in 4 s at 16 kHz
MFCC_FRAMES = {63: (2048, 0.5), 125: (1024, 0.5), 250: (1024, 0.75), 500: (512, 0.75)}
MFCC_FRAMES[1000] = (256, 0.75)


def mfcc_vjp(
    audio: np.ndarray, n_mfcc: int, fft_size: int, overlap: float = 0.75, n_mels: int = 128
) -> tuple[np.ndarray, Pullback]:
    """Take the cepstral coefficients that all encoders of the original take."""
    return compute_mfcc.vjp(
        audio,
        n_mfcc=n_mfcc,
        n_mels=n_mels,
        low_hz=20.0,
        high_hz=8000.0,
        fft_size=fft_size,
        overlap=overlap,
    )


class ZEncoder(NamedNetwork):
    """What the encoders of a latent signal share: z gets as many frames as f0_scaled.

    Inputs are those of the encoder, then `f0_scaled`, (..., n_frames, 1), which is read for its
    length; the output is named `z`. A subclass gives `_z_vjp`, and `part`, which has the weights.
    """

    part: Network

    def __init__(self, input_keys: Sequence[str], part: Network) -> None:
        self.input_keys = (*input_keys, "f0_scaled")
        self.part, self.n_weights = part, part.n_weights

    def _weights(self, n_in: tuple) -> list[Weight]:
        return self.part.weights(self._n_part(n_in[:-1]))

    def _n_part(self, n_in: tuple) -> Sizes:
        """Return the number of channels that `part` gets."""
        return sum(n_in)

    def n_out(self, n_in: Sizes) -> dict[str, int]:
        return {"z": self.part.n_out(self._n_part(self._in_order(n_in)[:-1]))}

    def _z_vjp(self, inputs: tuple, weights: Weights) -> tuple[np.ndarray, Pullback]:
        raise NotImplementedError

    def _run_vjp(self, inputs: tuple, weights: Weights) -> tuple[Outputs, Pullback]:
        *own, f0 = inputs
        z, z_pullback = self._z_vjp(tuple(own), weights)
        z, frames_pullback = to_frames_vjp(z, f0.shape[-2])

        def pullback(bars):
            x_bars, weight_bars = z_pullback(frames_pullback(bars["z"]))
            return (*x_bars, np.zeros(f0.shape, z.dtype)), weight_bars

        return {"z": z}, pullback


class _MfccNetwork(ZEncoder):
    """Cepstral coefficients, and a network of them."""

    def __init__(self, part: Network, n_mfcc: int, fft_size: int, overlap: float) -> None:
        super().__init__(("audio",), part)
        self.mfcc = {"n_mfcc": n_mfcc, "fft_size": fft_size, "overlap": overlap}

    def _n_part(self, n_in: tuple) -> int:
        return self.mfcc["n_mfcc"]

    def _z_vjp(self, inputs: tuple, weights: Weights) -> tuple[np.ndarray, Pullback]:
        mfcc, mfcc_pullback = mfcc_vjp(inputs[0], **self.mfcc)
        z, part_pullback = self.part._vjp(mfcc, weights)

        def pullback(z_bar):
            mfcc_bar, bars = part_pullback(z_bar)
            return mfcc_pullback(mfcc_bar), bars

        return z, pullback


class MfccTimeDistributedRnnEncoder(_MfccNetwork):
    """Cepstral coefficients, normalised over time, through a recurrent and a dense layer.

    `net({"audio": ..., "f0_scaled": ...}, weights)["z"]`; audio is (..., n_samples) at 16 kHz.

    Parameters
    ----------
    rnn_channels : int
        Number of recurrent units.
    rnn_type : str
        'gru' or 'lstm'.
    z_dims : int
        Number of output channels.
    z_time_steps : int
        63, 125, 250, 500 or 1000: about how many frames 4 s have before they are resampled.

    Attributes
    ----------
    part : Network
        All that follows the coefficients: from (..., n_frames, 30) to (..., n_frames, z_dims).

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/encoders.py, MfccTimeDistributedRnnEncoder.
    """

    def __init__(
        self,
        rnn_channels: int = 512,
        rnn_type: str = "gru",
        z_dims: int = 32,
        z_time_steps: int = 250,
    ) -> None:
        require(
            z_time_steps in MFCC_FRAMES,
            f"MfccTimeDistributedRnnEncoder: z_time_steps is {z_time_steps}, must be one of "
            f"{', '.join(map(str, MFCC_FRAMES))}",
        )
        part = Chain(Normalize("instance"), Rnn(rnn_channels, rnn_type), Dense(z_dims))
        super().__init__(part, 30, *MFCC_FRAMES[z_time_steps])


class MfccRnnEncoder(_MfccNetwork):
    """Cepstral coefficients through a recurrent layer, its mean over time and a dense layer.

    Parameters
    ----------
    rnn_channels : int
        Number of recurrent units.
    rnn_type : str
        'gru' or 'lstm'.
    z_dims : int
        Number of output channels.
    mean_aggregate : bool
        Must be True. With False, its default, the original gives an array with one axis too many.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/encoders.py, MfccRnnEncoder.
    """

    def __init__(
        self,
        rnn_channels: int = 512,
        rnn_type: str = "gru",
        z_dims: int = 512,
        mean_aggregate: bool = True,
    ) -> None:
        require(
            mean_aggregate,
            "MfccRnnEncoder: mean_aggregate is False, must be True; the original then gives four "
            "axes",
        )
        part = Chain(Normalize("instance"), Rnn(rnn_channels, rnn_type), TimeMean(), Dense(z_dims))
        super().__init__(part, 30, 1024, 0.75)


class MfccEncoder(ZEncoder):
    """Cepstral coefficients of several frame sizes, side by side, normalised over time.

    Parameters
    ----------
    fft_sizes, mel_bins, mfcc_bins : sequence of int
        Of each: FFT size, number of mel bands, number of coefficients kept.
    time_steps : int
        Frames that all are resampled to.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/encoders.py, MfccEncoder, which raises when called,
    for a letter that is missing in a name; this is what it says otherwise.
    """

    def __init__(
        self,
        fft_sizes: Sequence[int] = (1024,),
        mel_bins: Sequence[int] = (128,),
        mfcc_bins: Sequence[int] = (30,),
        time_steps: int = 250,
    ) -> None:
        super().__init__(("audio",), Normalize("instance"))
        require(
            len(fft_sizes) == len(mel_bins) == len(mfcc_bins) > 0,
            f"MfccEncoder: fft_sizes, mel_bins and mfcc_bins have {len(fft_sizes)}, "
            f"{len(mel_bins)} and {len(mfcc_bins)} entries, must have as many, at least 1",
        )
        self.settings = list(zip(fft_sizes, mel_bins, mfcc_bins))
        self.time_steps = time_steps

    def _n_part(self, n_in: tuple) -> int:
        return sum(n_mfcc for _, _, n_mfcc in self.settings)

    def _z_vjp(self, inputs: tuple, weights: Weights) -> tuple[np.ndarray, Pullback]:
        pieces, pullbacks = [], []
        for fft_size, n_mels, n_mfcc in self.settings:
            mfcc, mfcc_pullback = mfcc_vjp(inputs[0], n_mfcc, fft_size, n_mels=n_mels)
            piece, frames_pullback = to_frames_vjp(mfcc, self.time_steps)
            pieces.append(piece)
            pullbacks.append((mfcc_pullback, frames_pullback))
        joined, join_pullback = concatenate_vjp(pieces)
        z, norm_pullback = self.part._vjp(joined, weights)

        def pullback(z_bar):
            joined_bar, bars = norm_pullback(z_bar)
            audio_bar = np.zeros_like(inputs[0])
            for (mfcc_pullback, frames_pullback), bar in zip(pullbacks, join_pullback(joined_bar)):
                audio_bar = audio_bar + mfcc_pullback(frames_pullback(bar))[0]
            return (audio_bar,), bars

        return z, pullback
