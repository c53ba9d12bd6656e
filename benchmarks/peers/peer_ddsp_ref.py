"""This library, measured as its peers are."""

from __future__ import annotations

import numpy as np
import protocol

import ddsp_ref
from ddsp_ref.analysis.pyin import pyin
from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.features import loudness_of
from ddsp_ref.models.model import Model
from ddsp_ref.models.optimizer import Adam
from ddsp_ref.models.sampler import Batch
from ddsp_ref.registry import all_ops

RENDERS = ("render_shipped", "render_original")
STEPS = ("train_shipped", "train_original")
all_ops()  # what is imported does not count

OPS = {
    "harmonic": "harmonic_synthesis", "sinusoidal": "sinusoidal_synthesis",
    "filtered_noise": "frequency_filter", "reverb": "fft_convolve", "fir": "fft_convolve_frames",
    "spectral_loss": "spectral_loss", "stft": "stft_magnitude", "loudness": "compute_loudness",
    "all_pole": "all_pole",
}  # fmt: skip


def prepare_op(job, inputs):
    op, s = all_ops()[OPS[job["line"]]], job["settings"]
    arrays = [inputs[name] for name in op.array_names]
    y_bar = np.ones_like(op(*arrays, **s)) if job["wrt"] else None
    wrt = [op.array_names.index(name) for name in job["wrt"] or ()]

    def both():
        cotangents = op.vjp(*arrays, wrt=wrt, **s)[1](y_bar)
        return {op.array_names[i]: cotangents[i] for i in wrt}

    return lambda: op(*arrays, **s), both if job["wrt"] else None


def prepare_step(model, p, x):
    """Return what `ddsp_ref.models.run` does at every step."""
    state = {"p": p, "adam": Adam(p), "n": 0}
    batch = Batch(x["audio"], x["f0_hz"], x["loudness_db"])

    def step():
        loss, gradients = model.loss_and_gradients(state["p"], batch, x["noise"])
        state["p"], _ = state["adam"].update(state["p"], gradients, state["n"])
        state["n"] += 1
        return np.float32(loss)

    return None, step


def prepare(job, inputs):
    line, s = job["line"], job["settings"]
    if line in OPS:
        return prepare_op(job, inputs)
    if line == "pitch":
        return lambda: pyin(inputs["audio"], **s).f0_hz, None
    if line == "features":
        rates = s["sample_rate"], s["frame_rate"]
        return lambda: {
            "f0_hz": pyin(inputs["audio"], **s).f0_hz,
            "loudness_db": loudness_of(inputs["audio"], *rates),
        }, None
    p, x = protocol.split_parameters(inputs)
    model = Model(ModelConfig.from_json(s["config"]))
    if line in STEPS:
        return prepare_step(model, p, x)
    return lambda: model.render(p, x["f0_hz"], x["loudness_db"], x["noise"]), None


LINES = {*OPS, "pitch", "features", *RENDERS, *STEPS}

if __name__ == "__main__":
    protocol.run(ddsp_ref.__version__, LINES, prepare)
