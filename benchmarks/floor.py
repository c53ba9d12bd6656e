"""How low the loss of an instrument could be: its synthesizers, with controls fitted freely.

``python -m benchmarks.floor RECORDINGS INSTRUMENT [--frames N]``: excerpts of what was held out are
fitted by Adam, each by itself: amplitude, harmonics and noise of every N frames, and the impulse
response of the room. What is left is what no decoder can take away: noise is drawn anew at every
step. The difference to the loss of the instrument is what pitch and loudness do not say, or the
decoder does not know.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from ddsp_ref.models.dataset import load_dataset
from ddsp_ref.models.evaluation import excerpts
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.models.model import IR_KEY, Model
from ddsp_ref.models.optimizer import Adam, AdamSettings
from ddsp_ref.models.sampler import Batch
from ddsp_ref.ops.losses.spectral_loss import spectral_loss
from ddsp_ref.processors.synths import uniform_noise
from ddsp_ref.transfer.instruments import find_instrument

EXCERPT_SECONDS, N_STEPS, RATE = 3.0, 200, 0.03


def fit(
    model: Model, start: dict[str, np.ndarray], batch: Batch, n_held: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the loss of one excerpt before and after its controls are fitted."""
    n_frames = batch.f0_hz.shape[-1]
    controls = model.controls(start, batch.f0_hz, batch.loudness_db)
    free = {k: np.ascontiguousarray(c[:, ::n_held]) for k, c in controls.items()}
    free[IR_KEY] = np.array(start[IR_KEY])
    adam = Adam(free, AdamSettings(learning_rate=RATE, decay_steps=N_STEPS // 3))
    losses = []
    for step in range(N_STEPS + 1):
        held = {k: np.repeat(free[k], n_held, axis=1)[:, :n_frames] for k in controls}
        noise = uniform_noise(batch.audio.shape, rng)
        audio, pull = model.play_vjp(free, held, batch.f0_hz, noise)
        loss, pull_loss = spectral_loss.vjp(batch.audio, audio, wrt=(1,), **model.loss_settings)
        losses.append(float(loss[0]))
        bars = pull(pull_loss(np.ones_like(loss))[1])
        slopes = {k: _add_up(bars[k], n_held) for k in controls} | {IR_KEY: bars[IR_KEY]}
        free, _ = adam.update(free, slopes, step)
    return losses[0], losses[-1]


def _add_up(bar: np.ndarray, n_held: int) -> np.ndarray:
    """Add up the cotangents of frames that share a value."""
    padded = np.pad(bar, ((0, 0), (0, -bar.shape[1] % n_held), *((0, 0),) * (bar.ndim - 2)))
    return padded.reshape(1, -1, n_held, *bar.shape[2:]).sum(axis=2)


def with_room(instrument: Instrument, seconds: float) -> Instrument:
    """Return an instrument in a room of another length, the same as far as it goes."""
    old = instrument.model
    config = replace(instrument.config, reverb_seconds=seconds)
    taps = old.impulse_response(instrument.parameters)
    new = np.zeros(config.n_taps, np.float32)
    n = min(len(taps), len(new))
    unit = Model(config).impulse_response({IR_KEY: np.ones(config.n_taps, np.float32)})
    new[:n] = taps[:n] / unit[:n]
    return replace(instrument, config=config, parameters={**instrument.parameters, IR_KEY: new})


def main() -> None:
    """Fit, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recordings", type=Path, help="the folder that it was learned from")
    parser.add_argument("instrument")
    parser.add_argument("--frames", type=int, default=32, help="that share a value (default: 32)")
    parser.add_argument("--room", type=float, default=1.0, help="seconds (default: 1)")
    parser.add_argument(
        "--every", type=int, default=7, help="excerpts, one of so many (default: 7)"
    )
    words = parser.parse_args()
    instrument = with_room(find_instrument(words.instrument), words.room)
    card, config = instrument.card, instrument.config
    with tempfile.TemporaryDirectory() as cache:
        dataset = load_dataset(
            words.recordings, Path(cache),
            sample_rate=config.sample_rate, frame_rate=config.frame_rate,
            held_out=[row["name"] for row in card["held_out"]["recordings"]],
            level_groups=card["training"]["level_groups"],
            f0_range_hz=tuple(card["training"]["f0_range_hz"]),
        )  # fmt: skip
    n_frames, rng = round(EXCERPT_SECONDS * config.frame_rate), np.random.default_rng(0)
    chosen = excerpts(dataset.held_out, n_frames)[:: words.every]
    found = [fit(instrument.model, instrument.parameters, b, words.frames, rng) for b in chosen]
    weights = [b.audio.shape[-1] for b in chosen]
    before, after = np.average(found, axis=0, weights=weights)
    print(f"{len(chosen)} excerpts: {before:.2f} as the decoder plays, {after:.2f} fitted")


if __name__ == "__main__":
    main()
