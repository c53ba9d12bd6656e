"""Training: from a folder of recordings to an instrument."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ddsp_ref.errors import DdspRefError, MissingExtraError, TrainingError, require
from ddsp_ref.io.files import atomic_path
from ddsp_ref.models import checkpoint as _checkpoint
from ddsp_ref.models.config import ModelConfig
from ddsp_ref.models.dataset import Dataset, load_dataset
from ddsp_ref.models.evaluation import (
    evaluate,
    render_recording,
    report_text,
)
from ddsp_ref.models.features import F0_RANGE_HZ
from ddsp_ref.models.instrument import Instrument, save_instrument
from ddsp_ref.models.loop import Loop
from ddsp_ref.models.optimizer import AdamSettings
from ddsp_ref.models.parameters import count
from ddsp_ref.models.recordings import Recording
from ddsp_ref.models.run import Run, RunSettings
from ddsp_ref.models.sampler import dataset_statistics
from ddsp_ref.models.unheard import silence_unheard
from ddsp_ref.models.voices import of_voice, own_arrays

_N_PICTURES = 3
_LITTLE_SECONDS = 120.0


def train(
    audio_dir: str | os.PathLike[str],
    out: str | os.PathLike[str],
    config: ModelConfig | None = None,
    *,
    n_steps: int = 6000,
    max_seconds: float | None = None,
    batch_size: int = 8,
    example_seconds: float = 2.0,
    silence_seconds: float = 0.25,
    vary_level_db: float = 0.0,
    pitch_copies: Sequence[float] = (),
    optimizer: AdamSettings | None = None,
    held_out: float | Sequence[str] = 0.1,
    level_groups: str | None = None,
    voices: str | None = None,
    f0_range_hz: tuple[float, float] = F0_RANGE_HZ,
    seed: int = 0,
    evaluate_every: int = 250,
    checkpoint_seconds: float = 60.0,
    cache_dir: str | os.PathLike[str] | None = None,
    name: str | None = None,
    description: str = "",
    card: dict[str, Any] | None = None,
    progress: bool = True,
) -> Instrument:
    """Train an instrument on a folder of recordings, or go on with that.

    Parameters
    ----------
    audio_dir : str or PathLike
        Recordings of one instrument, one note at a time; any format and rate, subfolders too.
    out : str or PathLike
        Where everything goes; its parent must exist. Checkpoints that are there are continued,
        exactly as if the run had not been interrupted.
    config : ModelConfig, optional
        What the model is made of.
    n_steps : int
        Steps in all, those of an interrupted run included.
    max_seconds : float, optional
        Finish after this time even if there are steps left; a later call goes on.
    batch_size : int
        Excerpts per step.
    example_seconds : float
        Length of an excerpt, 0.1 to 60.
    silence_seconds : float
        Excerpts reach up to so far over the ends of a recording, where there is silence.
    vary_level_db : float
        Excerpts are made louder or softer by up to so much, for material of few dynamics: beyond
        them, timbre stays what it is and level follows. 0 to 40.
    pitch_copies : sequence of float
        Learn from every recording also played faster or slower, its pitch moved by so many
        semitones, for material of few pitches; down only from recordings of a higher rate than
        the model's, up from any. -12 to 12.
    optimizer : AdamSettings, optional
        Step size and so on; may be changed when a run is continued.
    held_out : float or sequence of str
        The share of the time that is kept from training, 0 to 0.5, or patterns of file names.
        Recordings are held out whole, files ``..._part00``, ``..._part01`` together.
    level_groups : str, optional
        A regular expression that finds the source in a file's name; sources are brought to the
        same loudness.
    voices : str, optional
        A regular expression that finds in a file's name whose recording it is: players and rooms
        are told apart, and the instrument can play as any of them. See `ddsp_ref.models.voices`.
    f0_range_hz : (float, float)
        Lowest and highest pitch to look for. The range of the instrument, e.g. (190, 2500) for
        a violin, keeps the tracker from the octave below.
    seed : int
        Of the random stream and of the choice of held-out recordings.
    evaluate_every : int
        Steps between looks at the held-out recordings.
    checkpoint_seconds : float
        Longest time between checkpoints; at most this much work is lost by a kill.
    cache_dir : str or PathLike, optional
        Where features are kept; ``out/features`` if not given.
    name : str, optional
        Of the instrument; the name of the folder of recordings if not given.
    description : str
        One sentence about the instrument.
    card : dict, optional
        Plain JSON for the instrument's card: provenance, licence.
    progress : bool
        Whether to show progress bars.

    Returns
    -------
    Instrument
        With the parameters that were best on the held-out recordings (the last, if there are
        none). It is also written to ``out/instrument``, beside ``report.json``, ``report.txt``,
        ``loss_curves.png`` and ``spectrograms.png``.

    Raises
    ------
    TrainingError
        If there is nothing to learn from, or the loss is no longer finite.
    CheckpointError
        If the newest checkpoint is damaged or belongs to other settings.
    ParameterError
        If an argument cannot work.
    KeyboardInterrupt
        After Ctrl-C: the step in hand is finished and a checkpoint written first.
    """
    require(n_steps >= 1, f"train: n_steps is {n_steps}, must be at least 1")
    require(evaluate_every >= 1, f"train: evaluate_every is {evaluate_every}, must be at least 1")
    out, audio_dir = Path(out), Path(audio_dir)
    config = config or ModelConfig()
    if isinstance(held_out, str):
        held_out = (held_out,)
    choice = held_out if isinstance(held_out, (int, float)) else tuple(held_out)
    settings = RunSettings(
        config,
        batch_size,
        example_seconds,
        seed,
        choice,
        level_groups,
        silence_seconds,
        vary_level_db,
        tuple(map(float, pitch_copies)),
        voices,
    )
    with _folder(out):
        dataset = load_dataset(
            audio_dir,
            Path(cache_dir) if cache_dir else out / "features",
            sample_rate=config.sample_rate,
            frame_rate=config.frame_rate,
            held_out=held_out,
            seed=seed,
            level_groups=level_groups,
            voices=voices,
            f0_range_hz=f0_range_hz,
            pitch_copies=settings.pitch_copies,
            progress=progress,
        )
        _check_amount(dataset, example_seconds)
    run = Run(settings, optimizer or AdamSettings(), dataset)
    saved = _checkpoint.load_latest(out / "checkpoints")
    if saved is not None:
        run.restore(saved)
    if progress:
        tqdm.write(_summary(dataset, run))
    loop = Loop(run, dataset, out / "checkpoints", evaluate_every, checkpoint_seconds, progress)
    loop.go(n_steps, max_seconds)
    about = {"name": name or audio_dir.resolve().name, "description": description}
    return _finish(run, dataset, out, about, card or {}, progress)


@contextlib.contextmanager
def _folder(out: Path) -> Iterator[None]:
    """Make the folder of a run; if there turns out to be nothing to learn from, leave none."""
    new = not out.exists()
    try:
        out.mkdir(exist_ok=True)
    except OSError as error:
        raise TrainingError(f"cannot make the folder {out}: {error.strerror}") from error
    for stale in (out / "checkpoints").glob(".*.tmp.safetensors"):
        stale.unlink()  # of a run that was killed while it wrote
    try:
        yield
    except DdspRefError:
        if new:
            shutil.rmtree(out)
        raise


def _seconds(dataset: Dataset, recordings: Sequence[Recording]) -> float:
    return sum(len(r.audio) for r in recordings) / dataset.sample_rate


def _check_amount(dataset: Dataset, example_seconds: float) -> None:
    seconds = _seconds(dataset, dataset.training)
    require(
        seconds >= example_seconds,
        f"train: there are {seconds:.1f} s to learn from, must be at least one excerpt, "
        f"{example_seconds:g} s; ten minutes and more make an instrument",
    )


def _summary(dataset: Dataset, run: Run) -> str:
    def describe(recordings: list) -> str:
        minutes = _seconds(dataset, recordings) / 60
        return f"{len(recordings)} recordings ({minutes:.1f} minutes)"

    copies = ", copies included" if run.settings.pitch_copies else ""
    training, held_out = describe(dataset.training) + copies, describe(dataset.held_out)
    lines = [
        f"learning from {training}, {held_out} held out",
        *(f"skipped {sentence}" for sentence in dataset.skipped),
        f"{run.settings.model.decoder} decoder, {count(run.params):,} parameters",
    ]
    if _seconds(dataset, dataset.training) < _LITTLE_SECONDS:
        lines.append("this is little to learn from: ten minutes and more make an instrument")
    if run.step:
        lines.append(f"going on from step {run.step}")
    return "\n".join(lines)


def _finish(
    run: Run, dataset: Dataset, out: Path, about: dict[str, str], card: dict, progress: bool
) -> Instrument:
    """Judge the best parameters, write report and pictures, save the instrument."""
    params, step = run.params, run.step
    best = out / "checkpoints" / _checkpoint.BEST
    if run.progress.best_step is not None:
        saved = _checkpoint.read(best)
        params, step = saved.part("parameters"), saved.step
    params = silence_unheard(params, run.settings.model.n_harmonics)
    if progress:
        tqdm.write("judging the held-out recordings")
    report = evaluate(
        run.model,
        params,
        dataset.held_out,
        n_frames=run.settings.n_frames,
        seed=run.settings.seed,
        f0_range_hz=dataset.f0_range_hz,
    )
    training = {
        "steps": run.step,
        "chosen_step": step,
        "seconds": round(run.progress.seconds, 1),
        "optimizer": asdict(run.adam.settings),
        "batch_size": run.settings.batch_size,
        "example_seconds": run.settings.example_seconds,
        "silence_seconds": run.settings.silence_seconds,
        "vary_level_db": run.settings.vary_level_db,
        "pitch_copies": list(run.settings.pitch_copies),
        "seed": run.settings.seed,
        "f0_range_hz": list(dataset.f0_range_hz),
        "level_groups": run.settings.level_groups,
        "voices": run.settings.voices,
    }
    notes = _pictures(run, params, dataset, out)
    voice, *others = run.voices or [""]
    instrument = Instrument(
        about["name"],
        run.settings.model,
        of_voice(params, voice),
        dataset_statistics([r for r in dataset.training if not r.semitones], dataset.sample_rate),
        about["description"],
        {**card, "training": training, "held_out": report},
        voice,
        {other: own_arrays(params)[other] for other in others},
    )
    _write_text(out / "report.json", json.dumps({**report, "training": training}, indent=1))
    text = report_text(report) + "".join(f"{note}\n" for note in notes)
    _write_text(out / "report.txt", text)
    save_instrument(out / "instrument", instrument)
    if progress:
        tqdm.write(text)
    return instrument


def _pictures(run: Run, params: dict, dataset: Dataset, out: Path) -> list[str]:
    """Draw what can be drawn; return what should be said about the rest."""
    from ddsp_ref.plots.training import plot_losses, plot_spectrograms

    chosen = sorted(dataset.held_out or dataset.training, key=lambda r: -r.n_frames)
    rows = [
        (r.name, r.audio, render_recording(run.model, params, r, run.settings.seed))
        for r in chosen[:_N_PICTURES]
    ]
    try:
        plot_losses(out / "loss_curves.png", run.progress.training, run.progress.held_out)
        plot_spectrograms(out / "spectrograms.png", rows, dataset.sample_rate)
    except MissingExtraError as error:
        return [f"no pictures: {error}"]
    return []


def _write_text(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
