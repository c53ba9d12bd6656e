"""Harmonic synthesis as a plain PyTorch port writes it; prints its medians in ms as JSON."""

import json
import sys
import time

import numpy as np
import torch


def upsample_linear(x, n_samples):
    n_frames = x.shape[0]
    position = torch.arange(n_samples) * (n_frames / n_samples)
    left = position.long()
    right = (left + 1).clamp(max=n_frames - 1)
    share = (position - left)[:, None]
    return x[left] * (1 - share) + x[right] * share


def upsample_window(x, n_samples):
    n_frames = x.shape[0]
    hop = n_samples // n_frames
    held = torch.cat([x, x[-1:]])
    window = torch.hann_window(2 * hop, periodic=True)
    pieces = (held[:, None, :] * window[None, :, None]).permute(2, 1, 0)
    size = (1, hop * (n_frames + 2))
    out = torch.nn.functional.fold(pieces, size, (1, 2 * hop), stride=(1, hop))
    return out[:, 0, 0, hop:-hop].T


def synthesize(f0, amplitudes, distribution, n_samples, sample_rate=16000):
    k = torch.arange(1, distribution.shape[1] + 1)
    frequencies = upsample_linear(f0[:, None] * k, n_samples)
    envelopes = upsample_window(amplitudes[:, None] * distribution, n_samples)
    envelopes = torch.where(frequencies >= sample_rate / 2, 0.0, envelopes)
    phases = torch.cumsum(2 * np.pi / sample_rate * frequencies, 0)
    return (envelopes * torch.sin(phases)).sum(1)


def median_ms(function, n=15):
    function()
    times = []
    for _ in range(n):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def main(path):
    data = np.load(path)
    arrays = [torch.from_numpy(data[name]) for name in ("f0", "amplitudes", "distribution")]
    n_samples = int(data["n_samples"])
    y_bar = torch.ones(n_samples)

    def forward():
        with torch.no_grad():
            return synthesize(*arrays, n_samples)

    def both():
        leaves = [a.clone().requires_grad_() for a in arrays]
        torch.autograd.grad(synthesize(*leaves, n_samples), leaves, y_bar)

    np.save(path.replace(".npz", ".torch.npy"), forward().numpy())
    facts = {"version": torch.__version__, "forward": median_ms(forward), "both": median_ms(both)}
    print(json.dumps(facts))


main(sys.argv[1])
