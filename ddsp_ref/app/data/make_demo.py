"""Make demo.flac, the short melody of `ddsp-ref demo`: `python ddsp_ref/app/data/make_demo.py`.

Nobody was recorded: a voice that hums on "oo" is computed from sines and a breath of noise. The
melody was made up for this file. Dedicated to the public domain under CC0 1.0.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ddsp_ref.io.audio import write_audio

SAMPLE_RATE = 16000
BEAT = 0.5  # seconds
GLIDE = 0.055  # seconds from one note to the next inside a phrase

# Note as a MIDI number (None rests), beats, how loud (0 to 1).
MELODY = [
    (64, 1.0, 0.60),
    (67, 0.5, 0.70),
    (69, 1.5, 0.85),
    (71, 0.5, 0.80),
    (69, 0.5, 0.70),
    (64, 1.5, 0.65),
    (None, 0.5, 0.0),
    (62, 0.5, 0.55),
    (64, 0.5, 0.65),
    (67, 1.0, 0.80),
    (72, 1.5, 1.00),
    (71, 0.5, 0.85),
    (67, 0.75, 0.70),
    (66, 0.25, 0.65),
    (64, 3.0, 0.60),
    (None, 0.5, 0.0),
]


def smooth(x: np.ndarray, seconds: float) -> np.ndarray:
    """Average over a Hann window, the ends held."""
    n = round(seconds * SAMPLE_RATE) | 1
    window = np.hanning(n + 2)[1:-1]
    padded = np.pad(x, n // 2, mode="edge")
    return np.convolve(padded, window / window.sum(), mode="valid")


def make_score() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return MIDI pitch, loudness and seconds since the start of the note, for every sample."""
    pitch, level, age = [], [], []
    last = MELODY[0][0]
    for note, beats, loud in MELODY:
        n = round(beats * BEAT * SAMPLE_RATE)
        last = note or last
        place = np.linspace(0.0, 1.0, n, endpoint=False)
        pitch.append(np.full(n, float(last)))
        # Every note swells a little and gives way to the next; the longer, the more.
        arch = np.sin(np.pi * (0.12 + 0.76 * place**0.7)) ** min(1.0, beats)
        level.append(loud * arch)
        age.append(np.arange(n) / SAMPLE_RATE)
    return np.concatenate(pitch), np.concatenate(level), np.concatenate(age)


def make_demo(seed: int = 7) -> np.ndarray:
    """Compute the melody as audio at 16 kHz."""
    rng = np.random.default_rng(seed)
    pitch, level, age = make_score()
    n = len(pitch)
    time = np.arange(n) / SAMPLE_RATE

    # Vibrato comes in after a fifth of a second; a slow drift keeps it human.
    depth = smooth(0.22 * np.clip((age - 0.22) / 0.3, 0.0, 1.0), 0.05)
    drift = 0.06 * smooth(rng.standard_normal(n), 0.35) * np.sqrt(0.35 * SAMPLE_RATE)
    rate = 5.4 + 0.3 * np.sin(2 * np.pi * 0.21 * time)
    vibrato = depth * np.sin(2 * np.pi * np.cumsum(rate) / SAMPLE_RATE)
    f0 = 440.0 * 2.0 ** ((smooth(pitch, 2 * GLIDE) + vibrato + drift - 69.0) / 12.0)
    phase = 2 * np.pi * np.cumsum(f0) / SAMPLE_RATE

    level = smooth(level, 0.06) * (1.0 + 0.08 * vibrato / 0.22)
    # Two soft resonances of an "oo"; louder notes are brighter.
    voice = np.zeros(n)
    for k in range(1, 15):
        f = k * f0
        resonance = 1.0 / (1.0 + ((f - 420.0) / 330.0) ** 2)
        resonance += 0.10 / (1.0 + ((f - 1050.0) / 260.0) ** 2)
        resonance += 0.03 / (1.0 + ((f - 2500.0) / 400.0) ** 2)
        tilt = k ** -(1.6 - 0.7 * level)
        voice += resonance * tilt * np.sin(k * phase) * (f < 7000.0)
    breath = smooth(rng.standard_normal(n), 0.0006) * (0.5 + 0.5 * smooth(level, 0.15))
    audio = level**1.5 * voice + 0.006 * level * breath
    audio *= np.clip(time / 0.02, 0.0, 1.0) * np.clip((time[-1] - time) / 0.05, 0.0, 1.0)
    return 0.7 * audio / np.abs(audio).max()


def main() -> None:
    """Write the file next to this one, or where `--out` says."""
    parser = argparse.ArgumentParser(description="Make the melody of `ddsp-ref demo`.")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("demo.flac"))
    out = parser.parse_args().out
    write_audio(out, make_demo(), SAMPLE_RATE)
    print(f"{out}: {out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
