"""Models of others, here and where they come from: `python -m benchmarks.foreign` prints Markdown.

A model of the sizes of ddsp_pytorch's config.yaml, with random parameters, renders ten seconds;
PyTorch runs the port that the tests hold the import to (needs torch). With `--original
PEERS/.venv-original/bin/python`, see benchmarks/peers/install.sh, models of magenta/ddsp's
published configurations render four seconds, loudness measured and noise drawn included; magenta's
own code runs them on TensorFlow.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ddsp_ref.importers.foreign import import_model
from ddsp_ref.models.features import level_of
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.processors.synths import uniform_noise
from tests.importers import pytorch_port

SIZES = {
    "block_size": 160,
    "hidden_size": 512,
    "n_bands": 65,
    "n_harmonic": 100,
    "sampling_rate": 16000,
}
SECONDS, REPEATS = 10, 5
PUBLISHED, PUBLISHED_SECONDS = ("solo_instrument", "ae", "tiny_instrument", "vst"), 4
SCRIPT = Path(__file__).parent / "peers" / "trainings_original.py"


def median_time(work: Callable[[], object]) -> float:
    """Return the median time of some work that has been done once before, in seconds."""
    work()
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def time_ddsp_pytorch() -> None:
    """Time import and rendering of a model of ddsp_pytorch."""
    import torch

    torch.manual_seed(0)
    port = pytorch_port.Port(**SIZES)
    n_frames = SECONDS * SIZES["sampling_rate"] // SIZES["block_size"]
    rng = np.random.default_rng(0)
    f0_hz = np.geomspace(100, 800, n_frames).astype(np.float32)
    level = rng.uniform(-40, 0, n_frames).astype(np.float32)
    noise = rng.uniform(-1, 1, n_frames * SIZES["block_size"]).astype(np.float32)
    tensors = [torch.tensor(x)[None, :, None] for x in (f0_hz, level)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        pytorch_port.save(port, folder, SIZES)
        imported = median_time(lambda: import_model(folder))
        own = import_model(folder)
    with torch.no_grad():
        theirs = median_time(lambda: port(*tensors, torch.tensor(noise)))
    ours = median_time(lambda: own.render(f0_hz, level, noise))
    print(f"| {SECONDS} s, 100 partials, 65 bands, 512 channels | seconds |\n|---|---|")
    print(f"| import of config.yaml and state.pth | {imported:.2f} |")
    print(f"| rendering, ddsp_ref | {ours:.2f} |")
    print(f"| rendering, PyTorch {torch.__version__} | {theirs:.2f} |\n")


def run_original(interpreter: str, *arguments: str) -> str:
    """Run the original's script and return what it printed."""
    command = [interpreter, SCRIPT.name, *arguments]
    # it must not see this package: its environment has other versions of what that needs
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=SCRIPT.parent, check=True, text=True, capture_output=True, env=kept
    )
    return done.stdout


def play(instrument: Instrument, audio: np.ndarray, seed: int) -> np.ndarray:
    """Do all that the original does in a call: loudness, networks, noise, synthesis."""
    config = instrument.config
    level_db = level_of(audio, config.sample_rate, config.frame_rate, config.level)
    f0_hz = np.full(len(level_db), 220.0, np.float32)
    noise = uniform_noise((len(f0_hz) * config.hop_size,), np.random.default_rng(seed))
    return instrument.render(f0_hz, level_db, noise, audio)


def time_magenta(interpreter: str) -> None:
    """Time import and rendering of models of magenta/ddsp's published configurations."""
    rng = np.random.default_rng(0)
    audio = rng.uniform(-0.1, 0.1, PUBLISHED_SECONDS * 16000).astype(np.float32)
    rows, version = [], ""
    for name in PUBLISHED:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / name
            run_original(interpreter, "make", f"whole:{name}", str(folder))
            printed = run_original(interpreter, "time", str(folder), str(PUBLISHED_SECONDS))
            imported = median_time(lambda folder=folder: import_model(folder))
            own = import_model(folder)
        theirs = json.loads(printed.splitlines()[-1])
        ours, version = median_time(lambda own=own: play(own, audio, 0)), theirs["by"]
        rows.append(
            f"| {name} | {imported:.2f} | {theirs['restore']:.2f} | {1000 * ours:.1f} | "
            f"{1000 * theirs['render']:.1f} | {theirs['render'] / ours:.1f} x |"
        )
    print(f"Rendering {PUBLISHED_SECONDS} s in one call, beside {version}:\n")
    print("| configuration | import, s | restore, s | ddsp_ref, ms | TensorFlow, ms | ratio |")
    print("|---|---|---|---|---|---|", *rows, sep="\n")


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--original", metavar="PYTHON", help="where magenta/ddsp is installed")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}\n")
    time_ddsp_pytorch()
    if arguments.original:
        time_magenta(arguments.original)


if __name__ == "__main__":
    main()
