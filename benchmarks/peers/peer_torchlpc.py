"""torchlpc: the recursion that plain PyTorch has no function for, with gradients."""

from __future__ import annotations

from importlib.metadata import version

import protocol
import torch
from torchlpc import sample_wise_lpc


def prepare(job, inputs):
    x = {name: torch.from_numpy(value) for name, value in inputs.items()}
    y_bar = torch.ones_like(x["audio"])

    def forward():
        with torch.no_grad():
            return sample_wise_lpc(x["audio"], x["coefficients"])

    def both():
        leaves = {name: x[name].clone().requires_grad_() for name in job["wrt"]}
        y = sample_wise_lpc(leaves["audio"], leaves["coefficients"])
        return dict(zip(leaves, torch.autograd.grad(y, list(leaves.values()), y_bar)))

    return forward, both


protocol.run(version("torchlpc"), {"all_pole"}, prepare)
