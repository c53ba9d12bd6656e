"""The state of a training run: one step, its checkpoint, and going on from it exactly."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_ref.errors import CheckpointError, ParameterError, TrainingError, require
from ddsp_ref.models import checkpoint as _checkpoint
from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.dataset import Dataset
from ddsp_ref.models.model import Model
from ddsp_ref.models.optimizer import Adam, AdamSettings
from ddsp_ref.models.parameters import Parameters
from ddsp_ref.models.sampler import Sampler
from ddsp_ref.models.voices import largest_first, loss_and_gradients, share_out
from ddsp_ref.processors.synths import uniform_noise

CURVE_STEPS = 10  # steps whose losses become one point of the curve


@dataclass(frozen=True)
class RunSettings:
    """What decides the numbers of a run; see `ddsp_ref.models.training.train`."""

    model: ModelConfig
    batch_size: int
    example_seconds: float
    seed: int
    held_out: float | tuple[str, ...]
    level_groups: str | None
    silence_seconds: float = 0.25
    vary_level_db: float = 0.0
    pitch_copies: tuple[float, ...] = ()
    voices: str | None = None

    def __post_init__(self) -> None:
        require(
            isinstance(self.batch_size, int) and self.batch_size >= 1,
            f"train: batch_size is {self.batch_size!r}, must be a whole number of at least 1",
        )
        require(
            0.1 <= self.example_seconds <= 60,
            f"train: example_seconds is {self.example_seconds}, must be from 0.1 to 60, e.g. 4",
        )
        require(
            isinstance(self.seed, int) and self.seed >= 0,
            f"train: seed is {self.seed!r}, must be a whole number of at least 0",
        )
        require(
            0 <= self.silence_seconds <= 60,
            f"train: silence_seconds is {self.silence_seconds}, must be from 0 to 60, e.g. 0.25",
        )
        require(
            0 <= self.vary_level_db <= 40,
            f"train: vary_level_db is {self.vary_level_db}, must be from 0 to 40, e.g. 6",
        )
        require(
            all(0 < abs(semitones) <= 12 for semitones in self.pitch_copies),
            f"train: pitch_copies is {self.pitch_copies}, must be semitones from -12 to 12 other "
            "than 0, e.g. -1 and 1",
        )
        for name in ("level_groups", "voices"):
            pattern = getattr(self, name)
            try:
                re.compile(pattern or "")
            except re.error as error:
                raise ParameterError(
                    f"train: {name} is {pattern!r}, must be a regular expression: {error}"
                ) from None

    @property
    def n_frames(self) -> int:
        """Frames of an excerpt."""
        return round(self.example_seconds * self.model.frame_rate)


@dataclass
class Progress:
    """What a run has seen so far.

    Attributes
    ----------
    training : list of (int, float)
        Step and mean loss of the last ten steps.
    held_out : list of (int, float)
        Step and held-out loss.
    running : list of float
        Losses that are not in `training` yet.
    best_step, best_loss : int or None, float or None
        The best held-out loss.
    seconds : float
        Time spent in steps.
    """

    training: list[tuple[int, float]] = field(default_factory=list)
    held_out: list[tuple[int, float]] = field(default_factory=list)
    running: list[float] = field(default_factory=list)
    best_step: int | None = None
    best_loss: float | None = None
    seconds: float = 0.0


class Run:
    """Parameters, optimizer and random stream of a run, between two steps.

    Parameters
    ----------
    settings : RunSettings
        What decides the numbers.
    optimizer : AdamSettings
        May differ when a run is continued, e.g. a lower step size.
    dataset : Dataset
        What to learn from.
    """

    def __init__(self, settings: RunSettings, optimizer: AdamSettings, dataset: Dataset) -> None:
        self.settings = settings
        self.model = Model(settings.model)
        self.rng = np.random.default_rng(settings.seed)
        self.voices = largest_first(dataset.training)
        self.params: Parameters = share_out(self.model.init(self.rng), self.voices)
        self.adam = Adam(self.params, optimizer)
        self.step = 0
        self.progress = Progress()
        n_silent = round(settings.silence_seconds * settings.model.frame_rate)
        self._sampler = Sampler(
            dataset.training,
            settings.n_frames,
            n_silent=n_silent,
            vary_level_db=settings.vary_level_db,
        )
        self._config = {**_plain(settings), "dataset": _fingerprint(dataset)}

    def advance(self) -> float:
        """Take one step and return its loss.

        Raises
        ------
        TrainingError
            If loss or gradient are no longer finite; the parameters stay as they were.
        """
        batch = self._sampler.draw(self.rng, self.settings.batch_size)
        noise = uniform_noise(batch.audio.shape, self.rng)
        try:
            with np.errstate(all="ignore"):  # what overflows is noticed below
                loss, gradients = loss_and_gradients(self.model, self.params, batch, noise)
        except ParameterError as error:  # an op was given something that is not finite
            raise TrainingError(self._advice(str(error))) from error
        if not math.isfinite(loss):
            raise TrainingError(self._advice(f"the loss is {loss}"))
        for name, gradient in gradients.items():
            if not np.isfinite(gradient).all():
                raise TrainingError(self._advice(f"the gradient of {name} is not finite"))
        self.params, _ = self.adam.update(self.params, gradients, self.step)
        self.step += 1
        self.progress.running.append(loss)
        if self.step % CURVE_STEPS == 0:
            self.progress.training.append((self.step, float(np.mean(self.progress.running))))
            self.progress.running.clear()
        return loss

    def _advice(self, what: str) -> str:
        rate = self.adam.settings.learning_rate
        return (
            f"at step {self.step} {what}; go on from the last checkpoint with a lower step size: "
            f"the same call with a learning rate of {rate / 3:.1g} instead of {rate:.1g}"
        )

    def note_held_out(self, loss: float) -> bool:
        """Note a held-out loss and return whether it is the best so far."""
        progress = self.progress
        progress.held_out.append((self.step, loss))
        better = progress.best_loss is None or loss < progress.best_loss
        if better:
            progress.best_step, progress.best_loss = self.step, loss
        return better

    def save(self, folder: Path, *, best: bool = False) -> Path:
        """Write a checkpoint; see `ddsp_ref.models.checkpoint.save`."""
        parts = {"parameters": self.params, "first": self.adam.first, "second": self.adam.second}
        arrays = {f"{kind}/{k}": a for kind, part in parts.items() for k, a in part.items()}
        state = _checkpoint.Checkpoint(
            step=self.step,
            arrays=arrays,
            rng_state=self.rng.bit_generator.state,
            config=self._config,
            progress=asdict(self.progress),
        )
        return _checkpoint.save(folder, state, best=best)

    def restore(self, saved: _checkpoint.Checkpoint) -> None:
        """Go back to the state of a checkpoint.

        Raises
        ------
        CheckpointError
            If it belongs to a run with other settings, recordings or arrays.
        """
        for key, value in self._config.items():
            found = saved.config.get(key)
            if found != value:
                raise CheckpointError(
                    f"the run was started with {_difference(key, found, value)}: give the same "
                    f"or choose another folder"
                )
        for kind in ("parameters", "first", "second"):
            arrays = saved.part(kind)
            shapes = {k: (p.shape, p.dtype) for k, p in self.params.items()}
            if {k: (a.shape, a.dtype) for k, a in arrays.items()} != shapes:
                raise CheckpointError(
                    f"the arrays {kind}/... of the checkpoint do not fit the model"
                )
        try:
            self.rng.bit_generator.state = saved.rng_state
            self.progress = Progress(**saved.progress)
        except (TypeError, ValueError, KeyError) as error:
            raise CheckpointError(f"the checkpoint is damaged: {error}") from error
        self.params = saved.part("parameters")
        self.adam.first, self.adam.second = saved.part("first"), saved.part("second")
        self.step = saved.step


def _plain(settings: RunSettings) -> dict[str, Any]:
    held_out = settings.held_out
    return {
        **asdict(settings),
        "model": settings.model.to_json(),
        "pitch_copies": list(settings.pitch_copies),
        "held_out": held_out if isinstance(held_out, (int, float)) else list(held_out),
    }


def _fingerprint(dataset: Dataset) -> str:
    """Return a hash of the samples and features that a run learns from, in their order."""
    digest = hashlib.sha256()
    for recording in dataset.recordings:
        digest.update(f"{recording.name} {recording.held_out}".encode())
        features = recording.features
        for array in (recording.audio, features.f0_hz, features.loudness_db):
            digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()[:16]


def _difference(key: str, found: Any, value: Any) -> str:
    if key == "dataset":
        return "other recordings or features"
    if isinstance(found, dict) and isinstance(value, dict):
        for name in value:
            if found.get(name) != value[name]:
                return _difference(name, found.get(name), value[name])
    return f"{key} {found!r}, not {value!r}"
