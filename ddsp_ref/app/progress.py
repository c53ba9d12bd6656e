"""A progress bar with stages."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from types import TracebackType

from ddsp_ref.app.compiling import compile_notice

# How long stages take, roughly, as shares of the whole.
_WEIGHTS = {
    "record": 4,
    "read": 4,
    "resample": 2,
    "pitch": 40,
    "loudness": 6,
    "adjust": 2,
    "render": 36,
    "write": 4,
    "plot": 30,
}


class Stages:
    """A context in which stages are shown on stderr; calling it begins the next one.

    Parameters
    ----------
    *names : str
        The stages to come, in order.
    quiet : bool
        Show nothing.
    """

    def __init__(self, *names: str, quiet: bool = False) -> None:
        self._weights = {name: _WEIGHTS[name] for name in names}
        self._quiet = quiet
        self._current: str | None = None
        self._contexts = ExitStack()

    def __enter__(self) -> Stages:
        from tqdm import tqdm

        self._bar = self._contexts.enter_context(
            tqdm(
                total=sum(self._weights.values()),
                bar_format="{desc:<10}{bar:32} {percentage:3.0f} %  {elapsed}",
                disable=self._quiet,
                leave=False,
                file=sys.stderr,
            )
        )
        self._contexts.enter_context(compile_notice(self._say))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self._finish()
        self._contexts.close()

    def __call__(self, stage: str) -> None:
        """Begin a stage; the one before is finished."""
        self._finish()
        self._current = stage
        self._bar.set_description_str(stage)

    def _finish(self) -> None:
        if self._current is not None:
            self._bar.update(self._weights[self._current])
            self._current = None

    def _say(self, text: str) -> None:
        if not self._quiet:
            self._bar.write(text, file=sys.stderr)
