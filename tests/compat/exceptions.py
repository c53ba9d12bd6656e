"""Where the face and the recorded calls differ on purpose, and why."""

from __future__ import annotations

# Calls that the original fails on, and the face does not.
RUNS = {
    "angular_cumsum/4d": "any number of channel axes is summed; the original's reshape fails",
    "compute_loudness/nfft_nonpow2": "any even size is taken; the original fails with TensorFlow, "
    "not with NumPy (case np_nfft_nonpow2)",
    "mean_difference/COSINE": "the distance of TensorFlow 1, which the original calls for",
    "mean_difference/COSINE_w": "the distance of TensorFlow 1, which the original calls for",
    "spectral_loss/cosine": "the distance of TensorFlow 1, which the original calls for",
    "heuristics/power_pooled_outliers": "the original reads a constant that does not exist",
    "postprocessing/fit_quantile_inv_2d": "a batch is taken; the original's mask is one axis off",
    "postprocessing/compute_dataset_statistics": "one frame more of power than of features is "
    "fitted by time; the original compares frame numbers",
}

_NO_TAP = "the original returns zeros: its window of one tap is 0; no tap is left"

# Calls that the face refuses, and the original does not.
REFUSED = {
    f"apply_window_to_impulse_response/ir{n}_w1_c{c}": _NO_TAP for n in (16, 17) for c in (0, 1)
}

_EMPTY = "the original returns an empty array; here the samples that the rule names"
_SILENCE = "the original's gradient is NaN on silence; here it is 0"

# Parts that are not compared. "*" stands for all.
DIFFERS = {
    "crop_and_compensate_delay/c2": ("*", _EMPTY),
    "fft_convolve/end_zero": ("*", _EMPTY),
    "fft_convolve/end_negative": ("*", _EMPTY),
    "fft_convolve/end_negative2": ("*", _EMPTY),
    "fft_convolve/ir1": ("*", _EMPTY),
    "fft_convolve/ir2": ("*", _EMPTY),
    "compute_rms_energy/1d_silence": ("grad/audio", _SILENCE),
    "compute_power/1d_silence": ("grad/audio", _SILENCE),
    "nn_misc/note_pool": ("grad/x", "NaN in the original where a deviation is 0; here 0"),
}

_EDGE = (
    "466.16376 Hz is note 70 in float32 and 69.9999999 in float64, and is cut to a whole number "
    "at the edge, so that frame 0 is a change of pitch in float64 only"
)

# Masks are recorded of the original's float32 run, and compared in that precision alone.
FLOAT32_ONLY = {"heuristics/strided_freq_change": _EDGE}

# Phases: the original's sum over cycles is not wrapped, or wrapped at another multiple.
MODULO_A_TURN = {
    ("angular_cumsum", "y"),
    ("harmonic_oscillator_bank", "1"),
    ("streaming_harmonic_synthesis", "1"),
}

# Gradients that are 0 but for rounding, judged by the largest gradient of the call.
ONE_SCALE = {
    "nn_dilated_conv/c2": "a bias before a normalisation of each channel by itself has no effect",
    "nn_fc/fc_ch1": "a layer norm over one channel has no gradient",
}

# The float64 run of the original is not worth 1e-11 here: what it is worth, and why.
COARSE = {
    "mean_difference/V1COSINE": (1e-7, "TensorFlow 1 computes this distance in float32"),
    "nn_nonlinearity/gelu": (1e-8, "TensorFlow keeps sqrt(2) as a float32"),
}

# What is float64 whatever the input.
ALWAYS_FLOAT64 = ("quantiles_", "references_", "segment_notes", "eval_counts")

_PHASE = "a frequency rounded to float32 ends 0.04 s later at a phase up to 2 pi 8000 0.04 6e-8 off"

_LOG = "the gradient of a log magnitude is 1 / |X|, and |X| next to 0 is rounding error in float32"

# Calls that need more than the bound of float32.
FLOAT32 = {
    "heuristics/segment_notes": (4e-5, _EDGE + ": a note begins 0.004 s earlier"),
    "spectral_loss/L1_logmag_weight": (5e-4, _LOG),
    "spectral_loss/L1_all": (5e-4, _LOG),
    "spectral_loss/L2_logmag_weight": (5e-2, _LOG),
    "spectral_loss/L2_all": (2e-3, _LOG),
    "spectral_loss/default_sizes": (0.12, _LOG + "; the original's own float32 is 0.11 off"),
    "synth_sinusoidal/default__call": (2e-4, _PHASE),
    "synth_sinusoidal/softmax__call": (2e-4, _PHASE),
}
