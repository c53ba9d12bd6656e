"""`ddsp-ref warmup`: compile now what would be compiled at the first use."""

from __future__ import annotations

import argparse

HELP = "compile everything that a transfer needs, once per machine"
DESCRIPTION = """Compile the kernels that a transfer needs, or training too, and keep them in the
cache of this machine (NUMBA_CACHE_DIR, or beside the package). Without this command they are
compiled when they are first used. Several processes may do it at once, and be stopped any time."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--training", action="store_true", help="those of training as well")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def run(arguments: argparse.Namespace) -> None:
    """Do it."""
    import time

    from tqdm import tqdm

    since = time.perf_counter()
    for job in tqdm(
        _jobs(arguments.training), desc="compiling", disable=arguments.quiet, leave=False
    ):
        job()
    if not arguments.quiet:
        print(f"ready, after {time.perf_counter() - since:.1f} s")


def _jobs(training: bool) -> list:
    """Return small pieces of work that run through all kernels of the main jobs."""
    from functools import partial

    import numpy as np

    from ddsp_ref.app.commands.demo import CLIP
    from ddsp_ref.io.audio import read_audio
    from ddsp_ref.models.config import ModelConfig
    from ddsp_ref.models.decoders import DECODERS
    from ddsp_ref.models.model import Model
    from ddsp_ref.models.optimizer import Adam
    from ddsp_ref.models.sampler import Batch
    from ddsp_ref.transfer.pipeline import timbre_transfer

    rng = np.random.default_rng(0)

    def transfer(seconds: float | None) -> None:
        audio, sample_rate = read_audio(CLIP)
        n_samples = len(audio) if seconds is None else round(seconds * sample_rate)
        timbre_transfer(audio[:n_samples], sample_rate, autotune=0.5)

    def step(decoder: str) -> None:
        model = Model(ModelConfig(decoder=decoder, reverb_seconds=0.2))
        parameters = model.init(rng)
        n_frames, n_samples = 250, 250 * model.config.hop_size
        audio, noise = rng.uniform(-0.1, 0.1, (2, 1, n_samples)).astype(np.float32)
        f0_hz = np.full((1, n_frames), 440, np.float32)
        batch = Batch(audio, f0_hz, f0_hz - 460)
        model.loss(parameters, batch, noise)
        _, gradients = model.loss_and_gradients(parameters, batch, noise)
        Adam(parameters).update(parameters, gradients, 0)

    # short sounds meet the room by transforms of their own
    transfers = [partial(transfer, seconds) for seconds in (None, 2.0)]
    return [*transfers, *(partial(step, decoder) for decoder in DECODERS if training)]
