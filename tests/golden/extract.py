"""Keep what the tests need of the full golden data: `python -m tests.golden.extract FULL_DIR`.

The full data were made by running magenta/ddsp 3.7.0 (see README.md here). Its float32 outputs
are left out: they carry the original's own rounding, and the float64 run of the same source is
what a port is judged by. Where there is no float64 output (whole numbers, switches), the output of
the float32 run is kept under its name.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
FILES = [
    "angular_cumsum",
    "apply_window_to_impulse_response",
    "colab_utils",
    "compute_loudness",
    "compute_power",
    "compute_rms_energy",
    "crepe_decoding",
    "crop_and_compensate_delay",
    "decoders",
    "effect_exp_decay_reverb",
    "effect_filtered_noise_reverb",
    "effect_fir_filter",
    "effect_mod_delay",
    "effect_reverb",
    "encoders",
    "exp_sigmoid",
    "fft_convolve",
    "frequencies_critical_bands",
    "frequencies_sigmoid",
    "frequencies_softmax",
    "frequency_filter",
    "frequency_impulse_response",
    "get_harmonic_frequencies",
    "harmonic_distribution_to_wavetable",
    "harmonic_oscillator_bank",
    "harmonic_sinusoidal_conversion",
    "harmonic_synthesis",
    "heuristics",
    "linear_lookup",
    "losses_other",
    "mean_difference",
    "metrics",
    "nn_dilated_conv",
    "nn_fc",
    "nn_misc",
    "nn_nonlinearity",
    "nn_normalize",
    "nn_rnn",
    "normalize_harmonics",
    "oscillator_bank",
    "postprocessing",
    "preprocessing",
    "processors",
    "remove_above_nyquist",
    "resample",
    "sinc_filter",
    "sinc_impulse_response",
    "spectral_logmag",
    "spectral_logmel",
    "spectral_loss",
    "spectral_mag",
    "spectral_mel",
    "spectral_mfcc",
    "spectral_pad",
    "stft",
    "streaming_harmonic_synthesis",
    "sym_exp_sigmoid",
    "synth_filtered_noise",
    "synth_harmonic",
    "synth_sinusoidal",
    "synth_tensor_to_audio",
    "synth_wavetable",
    "unit_conversions",
    "upsample_with_windows",
    "variable_length_delay",
    "wavetable_synthesis",
]


def main(full: Path) -> None:
    for name in FILES:
        with np.load(full / f"{name}.npz") as data:
            kept = {key: data[key] for key in data.files if "/grad/" not in key}
        for key in [key for key in kept if "/out/" in key]:
            array, wide = kept.pop(key), key.replace("/out/", "/out64/")
            kept.setdefault(wide, array)
        np.savez_compressed(HERE / f"{name}.npz", **kept)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
