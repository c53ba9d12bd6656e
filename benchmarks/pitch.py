"""Compare pyin with librosa.pyin on recordings: `python benchmarks/pitch.py [FILE or FOLDER ...]`.

Prints a Markdown table. Agreement is with librosa, at the same settings; the errors (median, and
what 5 % of the frames exceed) are those on a sound made to follow pitch and level of the recording,
where the truth is known; times are warm. With `--crepe` the table is of pyin beside CREPE's
networks, on such sounds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ddsp_ref.analysis.crepe_network import tiny_network
from ddsp_ref.analysis.crepe_pitch import crepe
from ddsp_ref.analysis.pitch import Pitch
from ddsp_ref.analysis.pyin import pyin
from ddsp_ref.errors import MissingExtraError
from ddsp_ref.importers.crepe import crepe_file, read_crepe

SAMPLE_RATE, HOP_SIZE, FRAME_LENGTH = 16000, 64, 1024
FMIN_HZ, FMAX_HZ = 50.0, 2500.0
LEVEL_SAMPLES = 50  # over which the level is taken
REPEATS = 5
COLUMNS = (
    "file", "frames", "`like_librosa`: within 10 cents", "voicing equal",
    "default: within 50 cents", "voicing equal", "`like_librosa`: error in cents, median, 95 %",
    "default: the same", "librosa, s", "default, s", "ratio",
)  # fmt: skip
COLD = (
    "import time; start = time.perf_counter()\n"
    "import numpy; from ddsp_ref.analysis.pyin import pyin\n"
    "pyin(numpy.sin(0.1 * numpy.arange(16000.0)), 16000)\n"
    "print(time.perf_counter() - start, time.process_time())"
)


def harmonic(f0_hz: np.ndarray, n_partials: int = 40) -> np.ndarray:
    """Sing partials of amplitude 1 / k below Nyquist along a pitch per sample."""
    phase = np.cumsum(f0_hz) / SAMPLE_RATE
    partials = range(1, n_partials + 1)
    return sum((k * f0_hz < 7800) / k * np.sin(2 * np.pi * k * phase + k) for k in partials)


def melody(seconds: float = 10.0, seed: int = 0) -> np.ndarray:
    """Sing notes with vibrato and rests over a little noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    note = (t // 0.5).astype(int)
    midi = rng.integers(45, 85, note[-1] + 1)[note] + 0.3 * np.sin(2 * np.pi * 5.5 * t)
    loud = np.clip(40 * np.minimum(t % 0.5, 0.45 - t % 0.5), 0, 1)
    audio = loud * harmonic(440.0 * 2.0 ** ((midi - 69) / 12))
    return 0.3 * audio + 0.001 * rng.standard_normal(len(t))


def read(path: Path) -> np.ndarray:
    import soundfile
    import soxr

    audio, sample_rate = soundfile.read(path, always_2d=True)
    return soxr.resample(audio.mean(axis=1), sample_rate, SAMPLE_RATE)


def track(audio: np.ndarray, like_librosa: bool) -> Pitch:
    return pyin(
        audio, SAMPLE_RATE, frame_rate=SAMPLE_RATE / HOP_SIZE, fmin_hz=FMIN_HZ, fmax_hz=FMAX_HZ,
        frame_length=FRAME_LENGTH, like_librosa=like_librosa,
    )  # fmt: skip


def agreement(pitch: Pitch, f0_hz: np.ndarray, voiced: np.ndarray, within_cents: float) -> str:
    """Say how often both agree on the pitch where both hear one, and on whether there is one."""
    n = len(pitch.voiced)
    both = pitch.voiced & voiced[:n]
    cents = 1200 * np.abs(np.log2(pitch.f0_hz[both] / f0_hz[:n][both]))
    same = f"{100 * np.mean(cents <= within_cents + 1e-6):.1f} %" if both.any() else "-"
    return f"{same} | {100 * np.mean(pitch.voiced == voiced[:n]):.1f} %"


def made_to_follow(heard: Pitch, recording: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a sound that follows pitch and level of a recording, and its pitch at the frames."""
    octaves = gaussian_filter1d(np.log2(heard.f0_hz), 1.0)
    positions = np.arange(len(octaves)) * HOP_SIZE
    f0_hz = 2.0 ** np.interp(np.arange(positions[-1] + HOP_SIZE), positions, octaves)
    power = np.pad(recording**2, (0, len(f0_hz) - len(recording)))
    level = np.sqrt(gaussian_filter1d(power, LEVEL_SAMPLES) + 1e-12)
    noise = np.random.default_rng(0).standard_normal(len(f0_hz))
    return level * harmonic(f0_hz) + 1e-4 * noise, f0_hz[positions]


def error_in_cents(found: Pitch, heard: Pitch, f0_hz: np.ndarray) -> str:
    both = heard.voiced & found.voiced
    cents = 1200 * np.abs(np.log2(found.f0_hz / f0_hz))
    median, high = np.quantile(cents[both], [0.5, 0.95]) if both.any() else (np.nan, np.nan)
    return f"{median:.2f}, {high:.0f}"


def best_time(function: Callable, repeats: int) -> tuple:
    """Return the shortest of several times, and what the function returned."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return min(times), result


def row(name: str, audio: np.ndarray, repeats: int) -> str:
    import librosa

    def theirs() -> tuple:
        return librosa.pyin(
            audio, sr=SAMPLE_RATE, hop_length=HOP_SIZE, frame_length=FRAME_LENGTH,
            fmin=FMIN_HZ, fmax=FMAX_HZ, fill_na=None,
        )[:2]  # fmt: skip

    slow, reference = best_time(theirs, 1)
    fast, precise = best_time(lambda: track(audio, like_librosa=False), repeats)
    alike = track(audio, like_librosa=True)
    sound, truth = made_to_follow(precise, audio)
    cells = [
        name,
        str(len(precise.voiced)),
        agreement(alike, *reference, within_cents=10.0),
        agreement(precise, *reference, within_cents=50.0),
        " | ".join(error_in_cents(track(sound, mode), precise, truth) for mode in (True, False)),
        f"{slow:.2f} | {fast:.3f} | {slow / fast:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def crepe_row(name: str, audio: np.ndarray, repeats: int, networks: dict) -> str:
    """Track a sound that follows the recording with pYIN and networks of CREPE."""
    heard = track(audio, like_librosa=False)
    sound, truth = made_to_follow(heard, audio)
    sound = sound.astype(np.float32)
    trackers = {"pyin": lambda: track(sound, like_librosa=False)}
    for size, network in networks.items():
        trackers[size] = lambda network=network: crepe(sound, SAMPLE_RATE, network=network)
    cells = [name, str(len(heard.voiced))]
    for tracker in trackers.values():
        seconds, found = best_time(tracker, repeats)
        followed = 100 * np.mean(found.voiced[heard.voiced])
        rate = len(sound) / SAMPLE_RATE / seconds
        cells += [error_in_cents(found, heard, truth), f"{followed:.1f} %", f"{rate:.3g} x"]
    return f"| {' | '.join(cells)} |"


def compare_with_crepe(sounds: Iterable[tuple[str, np.ndarray]], repeats: int) -> None:
    networks = {"crepe, tiny": tiny_network()}
    try:
        networks["crepe, full"] = read_crepe(crepe_file("full"))
    except MissingExtraError as error:
        print(error)
    columns = ["file", "frames"]
    for name in ("pyin", *networks):
        columns += [f"{name}: error in cents, median, 95 %", "voiced", "times real time"]
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    crepe_row("warm up", melody(0.2), 1, networks)
    for name, audio in sounds:
        print(crepe_row(name, audio, repeats, networks), flush=True)


def cold_seconds() -> tuple[float, float]:
    """Time a new process with an empty cache: by the clock, and of the processor."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        command = [sys.executable, "-c", COLD]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    wall, cpu = map(float, done.stdout.split())
    return wall, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, help="sound files or folders of them")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="ours is the best of so many")
    parser.add_argument("--crepe", action="store_true", help="compare with CREPE instead")
    options = parser.parse_args()
    files = []
    for path in options.paths:
        files += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    sounds = ((file.stem, read(file)) for file in files) if files else [("melody", melody())]

    if options.crepe:
        compare_with_crepe(sounds, min(options.repeats, 2))
        return
    wall, cpu = cold_seconds()
    print(
        f"Cold (empty cache, import, 1 s of sound): {wall:.1f} s, of them {cpu:.1f} s computing\n"
    )
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    row("warm up", melody(0.2), 1)
    for name, audio in sounds:
        print(row(name, audio, options.repeats), flush=True)


if __name__ == "__main__":
    main()
