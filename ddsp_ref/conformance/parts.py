"""What the vectors need to know about ops beside their definitions: kinds, parts, labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddsp_ref.op import Case, Op

# How results are measured, where their axes do not say it.
_KINDS: dict[str, tuple[str, ...]] = {
    "angular_cumsum": ("phase",),
    "harmonic_oscillator_bank": ("waveform", "cycles"),
    "streaming_harmonic_synthesis": ("waveform", "cycles"),
    "stft_magnitude": ("spectrum",),
    "compute_mel": ("spectrum",),
    "magnitude_to_mel": ("spectrum",),
    "frame": ("exact",),
    "pad_frames": ("exact",),
    "pad_or_trim": ("exact",),
    "center_crop": ("exact",),
    "crop_and_compensate_delay": ("exact",),
    "note_mask": ("exact",),
    "note_mask_from_onsets": ("exact",),
    "max_pool_1d": ("exact",),
    "vector_quantize": ("array", "exact"),
}
_OF_SOUND = ("n_samples", "n_out", "n_taps")

# What an op is made of. Where a part fails, the whole cannot pass, and the part is the place to
# begin. Definitions share no code, so this cannot be read off them.
PARTS: dict[str, tuple[str, ...]] = {
    "normalize_harmonics": ("remove_above_nyquist", "safe_divide"),
    "harmonic_oscillator_bank": ("harmonic_frequencies",),
    "oscillator_bank": ("remove_above_nyquist",),
    "harmonic_synthesis": (
        "resample_linear", "resample_window", "harmonic_frequencies", "remove_above_nyquist",
        "oscillator_bank",
    ),
    "harmonic_synthesis_shifted": ("harmonic_synthesis",),
    "streaming_harmonic_synthesis": ("resample_linear", "normalize_harmonics",
                                     "harmonic_oscillator_bank"),
    "sinusoidal_synthesis": ("resample_linear", "resample_window", "oscillator_bank"),
    "wavetable_synthesis": ("resample_linear", "resample_window", "linear_lookup"),
    "harmonic_to_sinusoidal": ("harmonic_frequencies", "remove_above_nyquist"),
    "frequency_impulse_response": ("apply_window_to_impulse_response",),
    "fft_convolve": ("crop_and_compensate_delay",),
    "fft_convolve_frames": ("fft_convolve", "crop_and_compensate_delay"),
    "frequency_filter": ("frequency_impulse_response", "fft_convolve_frames"),
    "sinc_impulse_response": ("sinc",),
    "sinc_filter": ("sinc_impulse_response", "fft_convolve_frames"),
    "stft": ("frame",),
    "stft_magnitude": ("stft",),
    "compute_mel": ("stft_magnitude", "magnitude_to_mel"),
    "compute_logmag": ("stft_magnitude", "safe_log"),
    "compute_logmel": ("compute_mel", "safe_log"),
    "compute_mfcc": ("compute_logmel", "logmel_to_mfcc"),
    "compute_loudness": ("stft", "power_to_db"),
    "compute_rms_energy": ("frame",),
    "compute_power": ("compute_rms_energy", "power_to_db"),
    "spectral_loss": ("stft_magnitude", "safe_log"),
    "weighted_spectral_loss": ("spectral_loss", "mean_difference"),
    "amplitude_loss": ("mean_difference",),
    "frequency_loss": ("hz_to_midi", "mean_difference"),
    "frequencies_softmax": ("softmax", "unit_to_hz"),
    "frequencies_sigmoid": ("sigmoid", "unit_to_hz"),
    "hz_to_unit": ("hz_to_midi", "midi_to_unit"),
    "unit_to_hz": ("unit_to_midi", "midi_to_hz"),
    "fc_layer": ("dense", "layer_norm", "leaky_relu"),
    "pool_over_notes": ("note_moments",),
    "straight_through_choice": ("straight_through_softmax",),
    "sinusoidal_nll": ("gaussian_mixture_log_density",),
    "wasserstein_consistency_loss": ("wasserstein_distance",),
    "kde_consistency_loss": ("gaussian_mixture_log_density",),
    "two_way_mismatch_loss": ("two_way_mismatch",),
}  # fmt: skip

LONG = 8000  # values along one axis
_WORDS = {
    "nyquist": ("nyquist",),
    "silence": ("silen", "zero"),
    "edge": ("one ", "single", "edge", "end", "at the", "far", "exactly", "limit", "beyond",
             "empty", "nyquist", "silen", "zero", "even", "odd"),
}  # fmt: skip


def kinds_of(op: Op) -> tuple[str, ...]:
    """Return how each result of an op is measured.

    Examples
    --------
    >>> from ddsp_ref.registry import get_op
    >>> kinds_of(get_op("harmonic_synthesis")), kinds_of(get_op("angular_cumsum"))
    (('waveform',), ('phase',))
    """
    if op.name in _KINDS:
        return _KINDS[op.name]
    return tuple(
        "waveform" if len(term.dims) == 1 and term.dims[0] in _OF_SOUND else "array"
        for term in op._outputs
    )


def labels_of(case: Case) -> frozenset[str]:
    """Return the labels of a case: edge, nyquist, kink, silence, long.

    Examples
    --------
    >>> sorted(labels_of(Case("exactly at Nyquist", [[1.0]], grad=False)))
    ['edge', 'kink', 'nyquist']
    """
    name = case.label.lower()
    labels = {label for label, words in _WORDS.items() if any(word in name for word in words)}
    if not case.grad and not case.error:
        labels.add("kink")
    sizes = [n for array in case.arrays for n in _shape(array)]
    if max([*sizes, *_whole_numbers(case.settings)], default=0) >= LONG:
        labels.add("long")
    return frozenset(labels)


def _shape(array: Any) -> tuple[int, ...]:
    try:
        return np.shape(array)
    except ValueError:  # ragged, in a case that has to be refused
        return ()


def _whole_numbers(settings: dict[str, Any]) -> list[int]:
    return [settings["n_samples"]] if isinstance(settings.get("n_samples"), int) else []
