"""What a run of the kit finds: a verdict for each op, value or gradient, and precision."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

PASSED, FAILED, ERROR = "passed", "failed", "error"
MISSING, BLOCKED = "not implemented", "blocked"
EXPECTED, UNEXPECTED = "expected failure", "unexpected pass"
STATUSES = (PASSED, FAILED, ERROR, BLOCKED, EXPECTED, UNEXPECTED, MISSING)
BAD = (FAILED, ERROR, BLOCKED, UNEXPECTED)


@dataclass(frozen=True)
class Diagnosis:
    """A proposal what the mistake is.

    Attributes
    ----------
    name : str
        Names of the variants, "a and b" for a pair, "a or b" where the cases cannot tell.
    text : str
        A sentence for a person.
    agreement_db : float
        Signal-to-noise ratio of the explanation in the worst case, infinite if equal.
    link : str
        Where to read on.
    """

    name: str
    text: str
    agreement_db: float
    link: str

    def __str__(self) -> str:
        return self.text


@dataclass
class Verdict:
    """The judgement on one op, one of value, gradient and refusal, and one precision.

    Attributes
    ----------
    op, what, dtype : str
        What was judged; `what` is "value", "gradient" or "refusal".
    status : str
        One of `STATUSES`. "error": an answer that cannot be compared, because the port raised,
        took too long, gave a wrong shape or dtype or NaN, or changed its inputs.
    ratio : float
        Worst error over tolerance among the cases that were answered.
    case : str
        Label of the case with the worst ratio.
    text : str
        What was off there.
    snr_db : float
        Signal-to-noise ratio there.
    n_cases, n_failed, n_missing : int
        How many cases there are, how many failed, how many the port does not implement.
    diagnosis : object or None
        What the mistake looks like, if that was found.
    blocked_by : tuple of str
        Parts of this op that fail themselves.
    got, want : array or None
        Answer and truth of the worst case, for plots.
    """

    op: str
    what: str
    dtype: str
    status: str
    ratio: float = 0.0
    case: str = ""
    text: str = ""
    snr_db: float = float("inf")
    n_cases: int = 0
    n_failed: int = 0
    n_missing: int = 0
    diagnosis: Any = None
    blocked_by: tuple[str, ...] = ()
    got: np.ndarray | None = None
    want: np.ndarray | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Return op, what and dtype."""
        return self.op, self.what, self.dtype


@dataclass
class Report:
    """All verdicts of a run and how it was made.

    Attributes
    ----------
    verdicts : list of Verdict
        In order of ops.
    port : str
        Name of what was judged.
    about : dict
        Version of the vectors, profile, backend, device.
    notes : list of str
        What a reader has to know: entries of the list of expected failures that no verdict fits.
    """

    verdicts: list[Verdict]
    port: str = "port"
    about: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def count(self, status: str) -> int:
        """Return how many verdicts have a status."""
        return sum(verdict.status == status for verdict in self.verdicts)

    @property
    def ok(self) -> bool:
        """Whether something passed, and nothing failed that was not expected to."""
        judged = self.count(PASSED) + self.count(EXPECTED)
        return judged > 0 and not any(self.count(status) for status in BAD)

    @property
    def exit_code(self) -> int:
        """Return 0 if all that is implemented conforms, else 1."""
        return 0 if self.ok else 1
