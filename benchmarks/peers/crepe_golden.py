"""What CREPE's networks say in PyTorch, for the tests.

``python benchmarks/peers/crepe_golden.py tests/analysis/crepe_network.npz`` in an environment with
numpy, torch and torchcrepe (0.0.24 was used). torchcrepe wants torchaudio to read files, which this
does without, so that it need not fit the version of PyTorch.
"""

import sys
import types

sys.modules.setdefault("torchaudio", types.ModuleType("torchaudio"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torchcrepe  # noqa: E402

RATE, LENGTH, HOP = 16000, 1024, 1600


def sound() -> np.ndarray:
    """Return a tone of eight partials that glides up, in a little noise, and then noise alone."""
    t = np.arange(RATE) / RATE
    phase = 2 * np.pi * np.cumsum(110 * 2 ** (3 * t)) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 9))
    rng = np.random.default_rng(0)
    x = 0.2 * tone + 0.01 * rng.standard_normal(RATE)
    x[-2 * HOP :] = 0.1 * rng.standard_normal(2 * HOP)
    return np.round(30000 * x).astype(np.int16)


def main(path: str) -> None:
    """Write the sound, and the activations of frames of it."""
    audio = sound()
    starts = range(0, len(audio) - LENGTH + 1, HOP)
    frames = np.stack([audio[s : s + LENGTH] for s in starts]).astype(np.float64)
    frames -= frames.mean(axis=1, keepdims=True)
    frames /= frames.std(axis=1, keepdims=True)
    found = {}
    for size in ("tiny", "full"):
        torchcrepe.load.model("cpu", size)
        with torch.no_grad():
            found[size] = torchcrepe.infer(torch.from_numpy(frames.astype(np.float32)), size)
    np.savez_compressed(path, audio=audio, **{k: a.numpy() for k, a in found.items()})


if __name__ == "__main__":
    main(sys.argv[1])
