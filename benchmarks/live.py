"""How late live sound is, how much work it is, and how near its pitch is to that of the whole.

    python -m benchmarks.live RECORDINGS [--markdown FILE]

The first table needs no recordings: every shipped instrument plays a melody that is made up. The
second compares the pitch that is told after a lag with that of `pyin`, which has heard the whole;
where the pitch glides they differ by design, see `Listener`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks.pitch import melody, read
from benchmarks.timing import machine, table
from ddsp_ref.io.resampling import resample
from ddsp_ref.models.features import extract_features
from ddsp_ref.models.recordings import find_audio_files
from ddsp_ref.streaming.listener import Listener
from ddsp_ref.transfer.instruments import instrument_folders
from ddsp_ref.transfer.live import LiveTransfer

BLOCKS_MS = 4, 8, 16, 32
LAGS_MS = 0, 8, 20, 40, 100
RANGES_HZ = (50.0, 2500.0), (190.0, 2500.0)
SECONDS = 10.0


def work(name: str, sample_rate: int, block_ms: float, **settings) -> tuple[float, float, float]:
    """Return the delay, and the median and the 99 % of the time of a block, in ms."""
    live = LiveTransfer(name, sample_rate, **settings)
    audio = resample(melody(SECONDS), 16000, sample_rate)
    n = round(block_ms / 1000 * sample_rate)
    times = []
    for i in range(0, len(audio), n):
        start = time.perf_counter()
        live.push(audio[i : i + n])
        times.append(time.perf_counter() - start)
    settled = 1000 * np.array(times[len(times) // 10 :])
    return 1000 * live.latency / sample_rate, *np.quantile(settled, [0.5, 0.99])


def work_table() -> str:
    """Return a table of delays and work."""
    rows = []
    for name in instrument_folders():
        for rate in (16000, 48000):
            work(name, rate, 16)  # compiles
            delays = [work(name, rate, 16, f0_range_hz=hz)[0] for hz in RANGES_HZ]
            found = [work(name, rate, ms)[1:] for ms in BLOCKS_MS]
            cells = [f"{middle:.1f} / {nearly:.1f}" for middle, nearly in found]
            rows.append([name, rate, *(f"{delay:.0f}" for delay in delays), *cells])
    head = ["instrument", "sample rate", "delay", "delay from 190 Hz"]
    return table(head + [f"block of {ms}" for ms in BLOCKS_MS], rows)


def listen(audio: np.ndarray, lag_ms: float) -> tuple[np.ndarray, np.ndarray]:
    """Return pitch and voicing, told after a lag."""
    listener = Listener(16000, 250, lag_seconds=lag_ms / 1000)
    told = [listener.push(audio[i : i + 256]) for i in range(0, len(audio), 256)]
    told.append(listener.finish())
    return tuple(np.concatenate([getattr(h, name) for h in told]) for name in ("f0_hz", "voiced"))


def pitch_table(folder: Path) -> str:
    """Return a table of differences to the pitch of the whole."""
    rows = []
    for path in find_audio_files(folder):
        audio = read(path)[: 16000 * 20]
        whole, cells = extract_features(audio, 16000, 250), []
        for ms in LAGS_MS:
            f0_hz, voiced = listen(audio, ms)
            both = voiced & whole.voiced
            off = 1200 * np.abs(np.log2(f0_hz[both] / whole.f0_hz[both]))
            far = np.mean(off > 50) if both.any() else 0
            cells.append(f"{np.mean(voiced != whole.voiced):.1%}, {far:.1%}")
        rows.append([path.name, *cells])
    return table(["recording", *(f"lag of {ms} ms" for ms in LAGS_MS)], rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recordings", type=Path, nargs="?", help="a folder, for the second table")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write it here")
    arguments = parser.parse_args()
    lines = [
        "# Live: delay, work, and the pitch that is known so early",
        "",
        "    python -m benchmarks.live RECORDINGS",
        "",
        machine(),
        "",
        "All in milliseconds. Delay from what is played to what is heard, without that of the "
        "sound card and the block that has to come in first; work for a block, median and 99 %.",
        "",
        work_table(),
    ]
    if arguments.recordings:
        lines += [
            "",
            "Against the pitch that is known when all was heard: frames whose voicing differs, and "
            "frames that are voiced in both and further than 50 cents apart.",
            "",
            pitch_table(arguments.recordings),
        ]
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text)


if __name__ == "__main__":
    main()
