"""Measure the main job on recordings: `python -m benchmarks.transfer FILES...` prints Markdown.

Every file is transferred in a process of its own: once to load the kernels, then once measured.
"Followed" is the share of the frames voiced in input and output whose pitch differs by at most 50
cents, the octaves apart by which the pipeline moved the whole melody.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from ddsp_ref.io.audio import read_audio
from ddsp_ref.io.resampling import resample
from ddsp_ref.transfer.features import extract_features
from ddsp_ref.transfer.instruments import find_instrument
from ddsp_ref.transfer.pipeline import Transfer, timbre_transfer

HEAD = (
    "file", "seconds", "voiced", "octaves", "followed", "worst 5 % (cents)", "peak", "scaled (dB)",
    "time (s)", "real-time factor", "pitch (s)", "render (s)", "memory (MB)",
)  # fmt: skip


def follow(transfer: Transfer) -> tuple[float, float]:
    """Return the share of frames that follow within 50 cents, and the 95 % quantile in cents."""
    heard = transfer.input
    audio = resample(transfer.audio, transfer.sample_rate, heard.sample_rate)
    again = extract_features(audio, heard.sample_rate, heard.frame_rate)
    n_frames = min(len(again.voiced), len(heard.voiced))
    both = heard.voiced[:n_frames] & again.voiced[:n_frames]
    octaves = np.log2(again.f0_hz[:n_frames][both] / heard.f0_hz[:n_frames][both])
    cents = 1200 * np.abs(octaves - transfer.adjusted.octaves)
    if not len(cents):
        return float("nan"), float("nan")
    return float(np.mean(cents <= 50)), float(np.quantile(cents, 0.95))


def measure(path: str, instrument: str, reverb: float) -> dict[str, str]:
    """Transfer one file and return a row of the table."""
    player = find_instrument(instrument)
    audio, sample_rate = read_audio(path)
    timbre_transfer(audio, sample_rate, player, reverb=reverb)
    start = time.perf_counter()
    audio, sample_rate = read_audio(path)
    transfer = timbre_transfer(audio, sample_rate, player, reverb=reverb)
    taken = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory /= 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes here
    assert np.isfinite(transfer.audio).all()
    assert transfer.audio.shape == audio.shape
    followed, worst = follow(transfer)
    values = (
        Path(path).name,
        f"{transfer.seconds:.1f}",
        f"{transfer.input.voiced.mean():.0%}",
        f"{transfer.adjusted.octaves:+d}",
        f"{followed:.1%}",
        f"{worst:.0f}",
        f"{np.abs(transfer.audio).max():.2f}",
        f"{transfer.gain_db:.1f}",
        f"{taken:.2f}",
        f"{taken / transfer.seconds:.3f}",
        f"{transfer.timings['pitch']:.2f}",
        f"{transfer.timings['render']:.2f}",
        f"{memory:.0f}",
    )
    return dict(zip(HEAD, values, strict=True))


def main() -> None:
    """Print the table, a row as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--instrument", default="violin")
    parser.add_argument("--reverb", type=float, default=1.0)
    parser.add_argument("--one", action="store_true", help="measure one file here, print JSON")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.files[0], arguments.instrument, arguments.reverb)))
        return
    print(f"| {' | '.join(HEAD)} |\n|---{'|--:' * (len(HEAD) - 1)}|")
    for path in arguments.files:
        words = [sys.executable, "-m", "benchmarks.transfer", path, "--one"]
        words += ["--instrument", arguments.instrument, "--reverb", str(arguments.reverb)]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            print(f"| {Path(path).name} | {done.stderr.strip().splitlines()[-1]} |", flush=True)
            continue
        row = json.loads(done.stdout.splitlines()[-1])
        print(f"| {' | '.join(row.values())} |", flush=True)


if __name__ == "__main__":
    main()
