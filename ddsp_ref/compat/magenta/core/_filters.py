"""FIR filters in the original's shapes."""

from __future__ import annotations

import math

from scipy.fft import next_fast_len

from ddsp_ref.compat.magenta._function import function
from ddsp_ref.compat.magenta._record import apply
from ddsp_ref.compat.magenta.core._oscillators import without_channel
from ddsp_ref.errors import require


def get_fft_size(frame_size, ir_size, power_of_2=True):
    """Return a length that FFTs are fast at and a convolution fits into."""
    needed = int(ir_size) + int(frame_size) - 1
    require(needed >= 1, f"core.get_fft_size: {needed} samples, must be at least 1")
    if power_of_2:
        return 2 ** math.ceil(math.log2(needed))
    return next_fast_len(needed, real=True)


@function("audio")
def crop_and_compensate_delay(audio, audio_size, ir_size, padding, delay_compensation):
    """Cut a convolution to length from where its delay ends; see `crop_and_compensate_delay`.

    Where the original returns nothing, because no sample follows, all samples are kept.
    """
    return apply(
        "crop_and_compensate_delay",
        audio,
        n_samples=audio_size,
        n_taps=ir_size,
        padding=padding,
        delay_compensation=delay_compensation,
    )


@function("audio", "impulse_response")
def fft_convolve(audio, impulse_response, padding="same", delay_compensation=-1):
    """Convolve with one response, or with one per frame of the audio.

    See `fft_convolve` and `fft_convolve_frames`, which never return the empty audio of the
    original.
    """
    require(
        impulse_response.ndim in (2, 3),
        f"impulse_response has shape {impulse_response.shape}, must be (batch, ir_size) "
        "or (batch, ir_frames, ir_size)",
    )
    op = "fft_convolve" if impulse_response.ndim == 2 else "fft_convolve_frames"
    settings = {"padding": padding, "delay_compensation": delay_compensation}
    return apply(op, audio, impulse_response, **settings)


@function("impulse_response")
def apply_window_to_impulse_response(impulse_response, window_size=0, causal=False):
    """Window a response around its peak; see `apply_window_to_impulse_response`."""
    settings = {"window_size": window_size, "causal": causal}
    return apply("apply_window_to_impulse_response", impulse_response, **settings)


@function("magnitudes")
def frequency_impulse_response(magnitudes, window_size=0):
    """Make impulse responses of magnitudes; see `frequency_impulse_response`."""
    return apply("frequency_impulse_response", magnitudes, window_size=window_size)


@function("x")
def sinc(x, threshold=1e-20):
    """Return sin(pi x) / (pi x); see `sinc`, which is exact without a threshold."""
    del threshold
    return apply("sinc", x)


@function("cutoff_frequency")
def sinc_impulse_response(cutoff_frequency, window_size=512, sample_rate=None, high_pass=False):
    """Make low-pass or high-pass responses; see `sinc_impulse_response`."""
    return apply(
        "sinc_impulse_response",
        without_channel("cutoff_frequency", cutoff_frequency),
        window_size=window_size,
        sample_rate=sample_rate,
        high_pass=high_pass,
    )


@function("audio", "magnitudes")
def frequency_filter(audio, magnitudes, window_size=0, padding="same"):
    """Filter by magnitudes, one set or one per frame; see `frequency_filter`."""
    if magnitudes.ndim == 2:
        magnitudes = magnitudes[:, None, :]
    return apply("frequency_filter", audio, magnitudes, window_size=window_size, padding=padding)


@function("audio", "cutoff_frequency")
def sinc_filter(
    audio, cutoff_frequency, window_size=512, sample_rate=None, padding="same", high_pass=False
):
    """Filter with a low-pass or high-pass that changes; see `sinc_filter`."""
    return apply(
        "sinc_filter",
        audio,
        without_channel("cutoff_frequency", cutoff_frequency),
        window_size=window_size,
        sample_rate=sample_rate,
        padding=padding,
        high_pass=high_pass,
    )
