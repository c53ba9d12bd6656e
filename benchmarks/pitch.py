"""Compare pyin with librosa.pyin on recordings: agreement and time, as a Markdown table."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ddsp_ref.analysis.pitch import Pitch
from ddsp_ref.analysis.pyin import pyin

SAMPLE_RATE, HOP_SIZE, FRAME_LENGTH = 16000, 64, 1024
FMIN_HZ, FMAX_HZ = 50.0, 2500.0
REPEATS = 5
COLD = (
    "import time; start = time.perf_counter()\n"
    "import numpy; from ddsp_ref.analysis.pyin import pyin\n"
    "pyin(numpy.sin(0.1 * numpy.arange(16000.0)), 16000); print(time.perf_counter() - start)"
)


def melody(seconds: float = 10.0, seed: int = 0) -> np.ndarray:
    """Sing seven-partial notes with vibrato and rests, over a little noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    note = (t // 0.5).astype(int)
    midi = rng.integers(45, 85, note[-1] + 1)[note] + 0.3 * np.sin(2 * np.pi * 5.5 * t)
    phase = np.cumsum(440.0 * 2.0 ** ((midi - 69) / 12)) / SAMPLE_RATE
    loud = np.clip(40 * np.minimum(t % 0.5, 0.45 - t % 0.5), 0, 1)
    partials = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 8))
    return 0.3 * loud * partials + 0.001 * rng.standard_normal(len(t))


def read(path: Path) -> np.ndarray:
    import soundfile
    import soxr

    audio, sample_rate = soundfile.read(path, always_2d=True)
    return soxr.resample(audio.mean(axis=1), sample_rate, SAMPLE_RATE)


def agreement(pitch: Pitch, f0_hz: np.ndarray, voiced: np.ndarray) -> str:
    """Say how often both agree on the pitch where both hear one, and on whether there is one."""
    n = len(pitch.voiced)
    both = pitch.voiced & voiced[:n]
    cents = 1200 * np.abs(np.log2(pitch.f0_hz[both] / f0_hz[:n][both]))
    same = f"{100 * np.mean(cents <= 10.0 + 1e-6):.1f} %" if both.any() else "-"
    return f"{same} | {100 * np.mean(pitch.voiced == voiced[:n]):.1f} %"


def best_time(function, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def row(name: str, audio: np.ndarray, repeats: int) -> str:
    import librosa

    heard = {}

    def ours(like_librosa: bool) -> None:
        heard[like_librosa] = pyin(
            audio, SAMPLE_RATE, frame_rate=SAMPLE_RATE / HOP_SIZE, fmin_hz=FMIN_HZ,
            fmax_hz=FMAX_HZ, frame_length=FRAME_LENGTH, like_librosa=like_librosa,
        )  # fmt: skip

    def theirs() -> None:
        heard["librosa"] = librosa.pyin(
            audio, sr=SAMPLE_RATE, hop_length=HOP_SIZE, frame_length=FRAME_LENGTH,
            fmin=FMIN_HZ, fmax=FMAX_HZ, fill_na=None,
        )[:2]  # fmt: skip

    seconds = best_time(theirs, 1), best_time(lambda: ours(False), repeats)
    ours(True)
    compared = " | ".join(agreement(heard[mode], *heard["librosa"]) for mode in (True, False))
    return (
        f"| {name} | {len(heard[False].voiced)} | {compared} | {seconds[0]:.2f} | "
        f"{seconds[1]:.3f} | {seconds[0] / seconds[1]:.0f} |"
    )


def cold_seconds() -> float:
    """Time import, compilation and one second of sound in a new process with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        command = [sys.executable, "-c", COLD]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, help="sound files or folders of them")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="ours is the best of so many")
    options = parser.parse_args()
    files = []
    for path in options.paths:
        files += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    sounds = ((file.stem, read(file)) for file in files) if files else [("melody", melody())]

    print(f"Cold, with an empty cache, import and 1 s of sound: {cold_seconds():.1f} s\n")
    print(
        "| file | frames | within 10 cents, `like_librosa` | voicing equal | within 10 cents, "
        "default | voicing equal | librosa, s | ours, s | ratio |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    row("warm up", melody(0.2), 1)
    for name, audio in sounds:
        print(row(name, audio, options.repeats), flush=True)


if __name__ == "__main__":
    main()
