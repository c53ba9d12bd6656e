"""Errors against exact arithmetic: `python -m benchmarks.accuracy [--no-write]`.

Prints the tables and writes them to benchmarks/results/accuracy.md, which the documentation
shows. Cases stand in `accuracy_cases`, the truth in `exact` and, for single values, in mpmath.
"""

from __future__ import annotations

import argparse
import platform
from pathlib import Path

import mpmath
import numpy as np

from benchmarks import accuracy_cases as cases
from benchmarks.accuracy_original import EMULATED, MEASURED
from benchmarks.exact import HAS_LONG_DOUBLE, LONG
from benchmarks.timing import table
from ddsp_ref.registry import get_op

RESULTS = Path(__file__).parent / "results" / "accuracy.md"
DURATIONS = {"0.1 s": 0.1, "4 s": 4, "60 s": 60, "10 min": 600}

SIGNALS = {
    "harmonic_synthesis, 60 partials, 440 Hz": cases.harmonic_synthesis(440),
    "harmonic_synthesis, 60 partials, 439.7 Hz": cases.harmonic_synthesis(439.7),
    "harmonic_synthesis, 60 partials, glide": cases.harmonic_synthesis("glide"),
    "sinusoidal_synthesis, 439.7 Hz": cases.sinusoidal_synthesis(439.7),
    "sinusoidal_synthesis, glide": cases.sinusoidal_synthesis("glide"),
    "oscillator_bank, 440 Hz": cases.oscillator_bank(440),
    "oscillator_bank, 439.7 Hz": cases.oscillator_bank(439.7),
    "oscillator_bank, glide": cases.oscillator_bank("glide"),
    "harmonic_oscillator_bank, 3 partials, 439.7 Hz": cases.harmonic_oscillator_bank(439.7),
    "harmonic_oscillator_bank, 3 partials, glide": cases.harmonic_oscillator_bank("glide"),
    "angular_cumsum, 439.7 Hz": cases.angular_cumsum(439.7),
    "angular_cumsum, glide": cases.angular_cumsum("glide"),
    "wavetable_synthesis, noise in 2048 points, 439.7 Hz": cases.wavetable_synthesis(439.7),
    "wavetable_synthesis, noise in 2048 points, glide": cases.wavetable_synthesis("glide"),
    "resample_linear, 64 samples a frame": cases.resample("linear"),
    "resample_linear, without endpoint": cases.resample("linear", add_endpoint=False),
    "resample_window, 64 samples a frame": cases.resample("window"),
    "resample_cubic, 64 samples a frame": cases.resample("cubic"),
    "resample_cubic, 60 samples a frame, no table": cases.resample("cubic", 60, table_size=None),
    "variable_length_delay": cases.variable_length_delay,
    "fft_convolve, 48000 taps": cases.fft_convolve,
    "fft_convolve_frames, 128 taps a frame": cases.fft_convolve_frames,
    "stft_magnitude, sine": cases.stft_magnitude,
    "compute_loudness, sine": cases.compute_loudness,
}
NO_DURATION = {"frequency_impulse_response, 65 bands": cases.frequency_impulse_response}


def error(case, dtype, seconds) -> tuple[float, float]:
    """Return the largest error in dB below the peak, and that of merely rounding the truth."""
    got, wanted, peak = case(dtype, seconds)
    rounded = wanted.astype(dtype).astype(LONG)
    return tuple(
        float(20 * np.log10(max(np.abs(y - wanted).max() / peak, 1e-30)))
        for y in (got.astype(LONG), rounded)
    )


def signal_rows(name, case, durations):
    """Yield the rows of one case."""
    for label, seconds in durations.items():
        single, rounded = error(case, np.float32, seconds)
        double, _ = error(case, np.float64, seconds)
        emulated = EMULATED[name](seconds) if name in EMULATED else None
        cells = [name, label, f"{single:.0f}", f"{rounded:.0f}", f"{double:.0f}"]
        yield [*cells, MEASURED.get((name, label), "-"), f"{emulated:.1f}" if emulated else "-"]


def between(low, high, mean=np.linspace):
    return lambda: mean(low, high, 1000)


# name, settings, inputs, formula in mpmath
M = mpmath
VALUES = [
    ("exp_sigmoid", {}, between(-10, 10),
     lambda x: 2 / (1 + M.exp(-x)) ** M.log(10) + M.mpf(1e-7)),
    ("sym_exp_sigmoid", {}, between(-4, 4),
     lambda x: 2 / (1 + M.exp(-8 * (abs(x) / 2 - 1))) ** M.log(10) + M.mpf(1e-7)),
    ("hz_to_midi", {}, between(20, 8000, np.geomspace), lambda x: 12 * M.log(x / 440, 2) + 69),
    ("midi_to_hz", {}, between(0, 127), lambda x: 440 * M.power(2, (x - 69) / 12)),
    ("unit_to_hz", {"hz_min": 20.0, "hz_max": 8000.0}, between(0, 1),
     lambda x: 20 * M.power(400, x)),
    ("hz_to_unit", {"hz_min": 20.0, "hz_max": 8000.0}, between(20, 8000, np.geomspace),
     lambda x: M.log(x / 20) / M.log(400)),
    ("unit_to_midi", {}, between(0, 1), lambda x: 20 + 70 * x),
    ("midi_to_unit", {}, between(20, 90), lambda x: (x - 20) / 70),
    ("hz_to_mel", {}, between(20, 8000, np.geomspace), lambda x: 2595 * M.log10(1 + x / 700)),
    ("mel_to_hz", {}, between(10, 3000), lambda x: 700 * (M.power(10, x / 2595) - 1)),
    ("hz_to_bark", {}, between(20, 8000, np.geomspace),
     lambda x: M.mpf("26.81") / (1 + 1960 / x) - M.mpf("0.53")),
    ("bark_to_hz", {}, between(0, 21),
     lambda x: 1960 / (M.mpf("26.81") / (x + M.mpf("0.53")) - 1)),
    ("hz_to_erb", {}, between(20, 8000, np.geomspace),
     lambda x: M.mpf("0.108") * x + M.mpf("24.7")),
    ("amplitude_to_db", {}, between(1e-3, 2, np.geomspace), lambda x: 20 * M.log10(x)),
    ("power_to_db", {}, between(1e-7, 2, np.geomspace), lambda x: 10 * M.log10(x)),
    ("db_to_amplitude", {}, between(-80, 6), lambda x: M.power(10, x / 20)),
    ("db_to_power", {}, between(-80, 6), lambda x: M.power(10, x / 10)),
    ("sigmoid", {}, between(-10, 10), lambda x: 1 / (1 + M.exp(-x))),
    ("softplus", {}, between(-10, 10), lambda x: M.log(1 + M.exp(x))),
    ("tanh", {}, between(-3, 3), M.tanh),
    ("sinc", {}, between(-9.9, 9.9), lambda x: M.sin(M.pi * x) / (M.pi * x)),
]  # fmt: skip


def value_errors(name, settings, inputs, formula, dtype, plain=False) -> tuple[float, float]:
    """Return the largest error in units of the last place, and in dB below the largest value.

    `plain`: of the formula as the definition says it, computed in that precision.
    """
    op, x = get_op(name), inputs().astype(dtype)
    got = op._define(x, **settings) if plain else op(x, **settings)
    with mpmath.workdps(40):
        wanted = [formula(mpmath.mpf(float(value))) for value in x]
        errors = [abs(mpmath.mpf(float(y)) - w) for y, w in zip(got, wanted)]
        steps = [float(np.spacing(np.abs(dtype(float(w))))) for w in wanted]
        units = max(float(e) / step for e, step in zip(errors, steps))
        share = float(max(errors) / max(abs(w) for w in wanted))
    return units, 20 * np.log10(max(share, 1e-30))


def value_row(name, settings, inputs, formula):
    cells = [name]
    for dtype, plain in ((np.float32, False), (np.float64, False), (np.float32, True)):
        units, decibels = value_errors(name, settings, inputs, formula, dtype, plain)
        cells += [f"{units:.1f}", f"{decibels:.0f}"]
    return cells


TEXT = """# Accuracy

    python -m benchmarks.accuracy

Largest error in dB below the largest value of the result, so that -150 is the rounding to
float32 and -325 that to float64. The truth comes from the inputs after they were rounded to the
precision of the column: phases as exact whole numbers and everything else in long double with
64 bits. Of signals of more than a second some samples of the last one are compared (of
convolutions some of all), where errors that add up are largest; 16 kHz, 250 frames/s; a glide
goes from 220 to 660 Hz over the whole duration.

"rounded" is the error of the truth itself after rounding to float32: no float32 result can be
better. "original" is magenta/ddsp 3.7.0 on TensorFlow 2.15.1, float32, CPU, as measured with the
same case (its default settings; only the last second of oscillators of 4 s and more with 60
partials, else the whole signal; random inputs are others). "emulated" is its formula for
phase, a float32 sum for each partial, in NumPy, over the samples that we compare. 0 dB and more:
the sound is there, but its phase has nothing to do with the frequency that was asked for.
"""

VALUE_TEXT = """
## Single values

Largest error in units of the last place of the result (ulp; 0.5 is perfect rounding) and in dB
below the largest value, against mpmath with 40 digits, over 1000 values of the useful range. Units
of the last place grow without meaning where a result crosses zero. "plain" is the formula as the
definition has it, computed in float32.
"""


def report() -> str:
    """Return the whole page."""
    head = ["case", "duration", "float32", "rounded", "float64", "original", "emulated"]
    rows = [row for name in SIGNALS for row in signal_rows(name, SIGNALS[name], DURATIONS)]
    for name, case in NO_DURATION.items():
        rows += signal_rows(name, case, {"-": 1})
    value_head = ["op", "float32, ulp", "dB", "float64, ulp", "dB", "plain float32, ulp", "dB"]
    where = f"{platform.machine()}, {platform.system()}, NumPy {np.__version__}"
    parts = [TEXT, where + "\n", table(head, rows), VALUE_TEXT]
    return "\n".join([*parts, table(value_head, [value_row(*v) for v in VALUES]), ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-write", action="store_true", help="only print")
    options = parser.parse_args()
    if not HAS_LONG_DOUBLE:
        raise SystemExit("long double has no more digits than float64 here: run on x86-64 Linux")
    text = report()
    print(text)
    if not options.no_write:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
