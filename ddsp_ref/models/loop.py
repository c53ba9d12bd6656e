"""The training loop: steps, checkpoints, held-out looks, and a clean end on Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ddsp_ref.models.dataset import Dataset
from ddsp_ref.models.evaluation import excerpts, held_out_loss
from ddsp_ref.models.run import Run


@contextlib.contextmanager
def _stop_requests() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into a request, so that a step is never cut in two."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def note(number: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, note) for number in numbers]
    try:
        yield asked
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)


class Loop:
    """Steps with looks at the held-out recordings and checkpoints in between.

    Parameters
    ----------
    run : Run
        What is to take steps.
    dataset : Dataset
        For its held-out recordings.
    folder : Path
        Of the checkpoints.
    evaluate_every : int
        Steps between looks at the held-out recordings.
    checkpoint_seconds : float
        Longest time between checkpoints.
    show : bool
        Whether to show a progress bar.
    """

    def __init__(
        self,
        run: Run,
        dataset: Dataset,
        folder: Path,
        evaluate_every: int,
        checkpoint_seconds: float,
        show: bool,
    ) -> None:
        self._run, self._folder, self._show = run, folder, show
        self._evaluate_every, self._checkpoint_seconds = evaluate_every, checkpoint_seconds
        self._held_out = excerpts(dataset.held_out, run.settings.n_frames)
        self._saved_at = time.monotonic()
        self._saved_step: int | None = run.step if run.step else None

    def go(self, n_steps: int, max_seconds: float | None) -> None:
        """Take steps until there are so many, or that time has passed.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C or a request to end; the step in hand is finished and kept first.
        """
        run, first, start = self._run, True, time.monotonic()
        with (
            _stop_requests() as stop,
            tqdm(total=n_steps, initial=run.step, desc="training", disable=not self._show) as bar,
        ):
            while run.step < n_steps:
                began = time.monotonic()
                loss = run.advance()
                run.progress.seconds += time.monotonic() - began
                self._look_after(run)
                bar.set_postfix(self._postfix(loss), refresh=False)
                bar.update()
                if stop.is_set():
                    path = self._save()
                    raise KeyboardInterrupt(f"stopped at step {run.step}; it is kept in {path}")
                if first:  # which compiles
                    first, start = False, time.monotonic()
                if max_seconds is not None and time.monotonic() - start >= max_seconds:
                    self._tell_the_time(n_steps, max_seconds)
                    break
        self._evaluate()
        if self._saved_step != run.step:
            self._save()

    def _tell_the_time(self, n_steps: int, max_seconds: float) -> None:
        if self._show:
            tqdm.write(
                f"{max_seconds / 60:g} minutes are over, at step {self._run.step} of {n_steps}; "
                "the same command goes on"
            )

    def _postfix(self, loss: float) -> dict[str, str]:
        progress = self._run.progress
        shown = progress.training[-1][1] if progress.training else loss
        postfix = {"loss": f"{shown:.3f}"}
        if progress.held_out:
            postfix["held out"] = f"{progress.held_out[-1][1]:.3f}"
        return postfix

    def _look_after(self, run: Run) -> None:
        """Evaluate and save where it is time for that; neither touches the random stream."""
        if run.step % self._evaluate_every == 0:
            self._evaluate()
        if time.monotonic() - self._saved_at >= self._checkpoint_seconds:
            self._save()

    def _evaluate(self) -> None:
        run = self._run
        done = run.progress.held_out and run.progress.held_out[-1][0] == run.step
        if self._held_out and not done:
            loss = held_out_loss(run.model, run.params, self._held_out, run.settings.seed)
            if run.note_held_out(loss):
                self._save(best=True)

    def _save(self, *, best: bool = False) -> Path:
        path = self._run.save(self._folder, best=best)
        self._saved_at, self._saved_step = time.monotonic(), self._run.step
        return path
