"""Models of ddsp_pytorch here and in PyTorch: `python -m benchmarks.foreign` prints Markdown.

A model of the sizes of ddsp_pytorch's config.yaml, with random parameters, renders ten seconds.
PyTorch runs the port that the tests hold the import to. Needs torch.
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ddsp_ref.importers.foreign import import_model
from tests.importers import pytorch_port

SIZES = {
    "block_size": 160,
    "hidden_size": 512,
    "n_bands": 65,
    "n_harmonic": 100,
    "sampling_rate": 16000,
}
SECONDS, REPEATS = 10, 5


def median_time(work: Callable[[], object]) -> float:
    """Return the median time of some work that has been done once before, in seconds."""
    work()
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def main() -> None:
    """Time import and rendering."""
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
    print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}\n"
    )
    print(f"| {SECONDS} s, 100 partials, 65 bands, 512 channels | seconds |\n|---|---|")
    print(f"| import of config.yaml and state.pth | {imported:.2f} |")
    print(f"| rendering, ddsp_ref | {ours:.2f} |\n| rendering, PyTorch | {theirs:.2f} |")


if __name__ == "__main__":
    main()
