"""How long a slider takes: `python -m benchmarks.rerender` prints Markdown.

A melody of ten seconds is listened to once. Then every control is moved, and what is timed is all
that follows: adjustment from the features that were kept, rendering, resampling to 44.1 kHz.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np

from ddsp_ref.app.commands.demo import CLIP
from ddsp_ref.io.audio import read_audio
from ddsp_ref.transfer.adjust import adjust
from ddsp_ref.transfer.controls import Controls
from ddsp_ref.transfer.features import listen
from ddsp_ref.transfer.instruments import find_instrument, instrument_folders
from ddsp_ref.transfer.render import render

SECONDS, RATE = 10, 44100
MOVES = [
    Controls(),
    Controls(adjust=False),
    Controls(threshold=0.8),
    Controls(quiet=30.0),
    Controls(autotune=0.8),
    Controls(autotune=0.8, tuning="chromatic"),
    Controls(pitch_shift=-1.0),
    Controls(loudness_shift=6.0),
    Controls(reverb=0.5),
]


def moves_of(instrument: str, repeats: int) -> list[float]:
    """Return the median time of every move, in seconds."""
    player = find_instrument(instrument)
    audio, rate = read_audio(CLIP)
    heard = listen(np.resize(audio, SECONDS * rate), rate, player)
    times = []
    for controls in MOVES:
        taken = []
        for _ in range(repeats):
            start = time.perf_counter()
            adjusted = adjust(heard, player, controls)
            render(
                adjusted,
                player,
                n_samples=SECONDS * RATE,
                reverb=controls.reverb,
                output_sample_rate=RATE,
            )
            taken.append(time.perf_counter() - start)
        times.append(float(np.median(taken)))
    return times


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {SECONDS} s of sound\n")
    print("| instrument | median (ms) | slowest control (ms) |\n|---|--:|--:|")
    for name in instrument_folders():
        moves_of(name, 1)  # kernels are loaded
        times = moves_of(name, arguments.repeats)
        print(f"| {name} | {1e3 * np.median(times):.0f} | {1e3 * max(times):.0f} |", flush=True)


if __name__ == "__main__":
    main()
