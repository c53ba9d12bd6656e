"""A model of ddsp_pytorch's layout in plain PyTorch, and what it computes from known inputs.

Written after what acids-ircam/ddsp_pytorch, ddsp/model.py and ddsp/core.py compute.
`python -m tests.importers.pytorch_port` writes the fixtures `pytorch_small`.
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

FIXTURES = Path(__file__).parent / "fixtures"
SIZES = {
    "block_size": 80,
    "hidden_size": 24,
    "n_bands": 17,
    "n_harmonic": 12,
    "sampling_rate": 8000,
}
LOUDNESS = {"mean_loudness": -4.75, "std_loudness": 2.125}


def layers(n_in, n):
    widths = [n_in, n, n, n]
    found = []
    for first, second in pairwise(widths):
        found += [nn.Linear(first, second), nn.LayerNorm(second), nn.LeakyReLU()]
    return nn.Sequential(*found)


class Room(nn.Module):
    def __init__(self, n_taps, rate):
        super().__init__()
        self.noise = nn.Parameter(torch.rand(n_taps, 1) * 2 - 1)
        self.decay, self.wet = nn.Parameter(torch.tensor(3.5)), nn.Parameter(torch.tensor(-0.5))
        self.register_buffer("t", (torch.arange(n_taps) / rate).reshape(1, -1, 1))

    def taps(self):
        falling = torch.exp(-500 * functional.softplus(-self.decay) * self.t)
        taps = (self.noise * falling * torch.sigmoid(self.wet))[0, :, 0]
        return torch.cat([torch.ones_like(taps[:1]), taps[1:]])


class Port(nn.Module):
    """Names and shapes of the parameters are those of the original, DDSP."""

    def __init__(self, *, block_size, hidden_size, n_bands, n_harmonic, sampling_rate):
        super().__init__()
        n = hidden_size
        self.register_buffer("sampling_rate", torch.tensor(sampling_rate))
        self.register_buffer("block_size", torch.tensor(block_size))
        self.in_mlps = nn.ModuleList([layers(1, n), layers(1, n)])
        self.gru = nn.GRU(2 * n, n, batch_first=True)
        self.out_mlp = layers(n + 2, n)
        self.proj_matrices = nn.ModuleList([nn.Linear(n, n_harmonic + 1), nn.Linear(n, n_bands)])
        self.reverb = Room(sampling_rate, sampling_rate)
        self.register_buffer("cache_gru", torch.zeros(1, 1, n))
        self.register_buffer("phase", torch.zeros(1))

    def forward(self, pitch, loudness, noise):
        """Return everything on the way, by name; pitch and loudness (1, n_frames, 1)."""
        rate, block = self.sampling_rate.item(), self.block_size.item()
        x = torch.cat([self.in_mlps[0](pitch), self.in_mlps[1](loudness)], -1)
        x = self.out_mlp(torch.cat([self.gru(x)[0], pitch, loudness], -1))
        raw, raw_noise = (head(x) for head in self.proj_matrices)
        numbers = torch.arange(1, raw.shape[-1]).to(pitch)
        controls = positive(raw)
        shares = controls[..., 1:] * ((pitch * numbers < rate / 2).to(pitch) + 1e-4)
        partials = controls[..., :1] * shares / shares.sum(-1, keepdim=True)
        magnitudes = positive(raw_noise - 5)
        angle = torch.cumsum(2 * math.pi * pitch.repeat_interleave(block, 1) / rate, 1)
        tones = torch.sin(angle * numbers) * partials.repeat_interleave(block, 1)
        harmonic = tones.sum(-1)[0]
        blocks = noise.reshape(1, -1, block)
        hiss = convolved(blocks, filter_taps(magnitudes, block)).reshape(-1)
        taps, dry = self.reverb.taps(), harmonic + hiss
        taps = functional.pad(taps, (0, len(dry) - len(taps)))
        return {
            "raw": raw[0],
            "raw_noise": raw_noise[0],
            "partials": partials[0],
            "magnitudes": magnitudes[0],
            "harmonic": harmonic,
            "noise_signal": hiss,
            "audio": convolved(dry, taps),
        }


def positive(x):
    return 2 * torch.sigmoid(x) ** math.log(10) + 1e-7


def filter_taps(magnitudes, n):
    taps = torch.fft.irfft(magnitudes.to(torch.complex128 if magnitudes.dtype == torch.float64
                                         else torch.complex64))  # fmt: skip
    size = taps.shape[-1]
    taps = torch.roll(taps, size // 2, -1) * torch.hann_window(size, dtype=taps.dtype)
    return torch.roll(functional.pad(taps, (0, n - size)), -(size // 2), -1)


def convolved(signal, kernel):
    """Return the first samples of the convolution, as many as the signal has."""
    n = 2 * signal.shape[-1]
    spectra = torch.fft.rfft(signal, n) * torch.fft.rfft(kernel, n)
    return torch.fft.irfft(spectra, n)[..., : signal.shape[-1]]


def make():
    """Return a model with parameters of a size that makes every one of them matter."""
    torch.manual_seed(5)
    port = Port(**SIZES)
    with torch.no_grad():
        for name, value in port.named_parameters():
            if not name.startswith("reverb"):
                value.add_(0.2 * torch.randn_like(value))
    return port


def inputs(n_frames=130):
    """Return pitch, loudness in ddsp_pytorch's unit, noise; one frame has all partials masked."""
    rng = np.random.default_rng(7)
    f0_hz = np.geomspace(70.0, 900.0, n_frames)
    f0_hz[40:44], f0_hz[77] = 2300.0, 4100.0
    loudness = np.cumsum(rng.normal(0, 0.6, n_frames)) - 5.0
    noise = rng.uniform(-1, 1, n_frames * SIZES["block_size"])
    return tuple(x.astype(np.float32) for x in (f0_hz, loudness, noise))


def compute(port):
    """Return controls as the original computes them, in float32, and sounds in float64.

    In float32, the phase of the original is rounded to steps of a thousandth of a radian after
    seconds: no other program repeats that sound to -80 dB.
    """
    f0_hz, loudness, noise = inputs()
    scaled = (loudness - LOUDNESS["mean_loudness"]) / LOUDNESS["std_loudness"]
    arrays = [torch.tensor(x)[None, :, None] for x in (f0_hz, scaled.astype(np.float32))]
    with torch.no_grad():
        rough = port(*arrays, torch.tensor(noise))
        exact = port.double()(*[x.double() for x in arrays], torch.tensor(noise).double())
        port.float()
    sounds = {"harmonic", "noise_signal", "audio"}
    found = {k: (exact if k in sounds else rough)[k].numpy().astype(np.float32) for k in rough}
    return {**found, "f0_hz": f0_hz, "loudness": loudness, "noise": noise}


def save(port, folder, sizes=SIZES):
    """Write a folder as train.py of the original leaves it."""
    folder.mkdir(exist_ok=True)
    torch.save(port.state_dict(), folder / "state.pth")
    parts = {"data": LOUDNESS, "model": sizes}
    lines = [
        f"{part}:\n" + "".join(f"  {k}: {v}\n" for k, v in parts[part].items()) for part in parts
    ]
    (folder / "config.yaml").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    model = make()
    save(model, FIXTURES / "pytorch_small")
    np.savez_compressed(FIXTURES / "pytorch_small_io.npz", **compute(model))
