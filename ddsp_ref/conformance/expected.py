"""Failures that a port knows of, in a file of its own repository.

A line for each: the op, and if it is not all of it, value, gradient or refusal, and the dtype. What
follows a `#` is the reason. A `*` stands for anything.

    spectral_loss gradient          # the floor of our logarithm is 1e-7
    harmonic_synthesis * float32    # phase in float32, to be replaced
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from ddsp_ref.conformance.verdicts import Verdict
from ddsp_ref.errors import ParameterError

_WHATS = ("value", "gradient", "refusal")
_DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Entry:
    """One line: patterns for op, what and dtype, and where it stands."""

    op: str
    what: str
    dtype: str
    line: int
    reason: str = ""

    def covers(self, verdict: Verdict) -> bool:
        """Return whether the line speaks of a verdict."""
        pairs = zip((self.op, self.what, self.dtype), verdict.key)
        return all(fnmatchcase(value, pattern) for pattern, value in pairs)


@dataclass
class Expected:
    """All lines of a file."""

    path: str
    entries: list[Entry] = field(default_factory=list)

    def covers(self, verdict: Verdict) -> bool:
        """Return whether any line speaks of a verdict."""
        return any(entry.covers(verdict) for entry in self.entries)

    def unused(self, verdicts: Sequence[Verdict]) -> list[str]:
        """Return a note for each line that no verdict fits: a slip, or an op no longer there."""
        return [
            f"{self.path}:{entry.line}: nothing is called {entry.op} {entry.what} {entry.dtype}"
            for entry in self.entries
            if not any(entry.covers(verdict) for verdict in verdicts)
        ]


def read_expected(path: str | os.PathLike[str]) -> Expected:
    """Read a list of expected failures.

    Parameters
    ----------
    path : str or PathLike
        A text file.

    Returns
    -------
    Expected
        Its entries.

    Raises
    ------
    ParameterError
        If it cannot be read, or a line is not understood.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "expected.txt"
    >>> _ = file.write_text("stft gradient float32  # no backward pass yet")
    >>> entry = read_expected(file).entries[0]
    >>> entry.op, entry.what, entry.dtype, entry.reason
    ('stft', 'gradient', 'float32', 'no backward pass yet')
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"cannot read the expected failures in {path}: {error}") from None
    entries = []
    for i, line in enumerate(text.splitlines(), 1):
        words, _, reason = line.partition("#")
        if words.strip():
            entries.append(_entry(f"{path}:{i}", words.split(), i, reason.strip()))
    return Expected(os.fspath(path), entries)


def _entry(where: str, words: list[str], line: int, reason: str) -> Entry:
    op, what, dtype, *rest = [*words, *("*" for _ in range(3 - len(words)))]
    for name, word, known in (("second", what, _WHATS), ("third", dtype, _DTYPES)):
        if word != "*" and word not in known:
            raise ParameterError(
                f"{where}: the {name} word is {word!r}, must be one of {', '.join(known)} or *"
            )
    if rest:
        raise ParameterError(
            f"{where}: {len(words)} words, must be op, what, dtype; reason after #"
        )
    return Entry(op, what, dtype, line, reason)
