"""A clock that tells which stage begins, and writes down how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str], None]


class Clock:
    """Times the stages of some work.

    Parameters
    ----------
    progress : function, optional
        Called with the name of every stage when it begins.

    Attributes
    ----------
    times : dict of str to float
        Seconds of every stage that has ended.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self.times: dict[str, float] = {}
        self._tell = progress or (lambda stage: None)
        self._stage: str | None = None
        self._since = 0.0

    def begin(self, stage: str | None) -> None:
        """Begin a stage, the one before ends; None: nothing begins."""
        now = time.perf_counter()
        if self._stage is not None:
            self.times[self._stage] = self.times.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now
        if stage is not None:
            self._tell(stage)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time what happens inside of the block."""
        self.begin(stage)
        yield
        self.begin(None)
