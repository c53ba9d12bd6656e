"""The run: every vector is asked, every answer judged, and nothing a port does ends it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddsp_ref.conformance.adapters import (
    TooLongError,
    Worker,
    functions_of,
    quiet,
    unknown_setting,
)
from ddsp_ref.conformance.backends import BACKENDS, NumPyBackend, find_backend
from ddsp_ref.conformance.chains import judged_ops
from ddsp_ref.conformance.judging import Answer, Ask, judge_op, refine
from ddsp_ref.conformance.vectors import VectorCase, load_vectors
from ddsp_ref.conformance.verdicts import Report
from ddsp_ref.errors import require

DTYPES = ("float32", "float64")


def run(
    adapter: Any,
    cases: Sequence[VectorCase] | None = None,
    *,
    dtypes: Iterable[str] = DTYPES,
    backend: str | None = None,
    device: str | None = None,
    time_limit: float = 60.0,
    diagnose: Callable | None = None,
    refusals: bool = False,
    expected: Any = None,
    ops: Iterable[str] | None = None,
    port: str = "port",
) -> Report:
    """Judge a port that is written in Python.

    Parameters
    ----------
    adapter : mapping, module or object
        The functions of the port by name of op.
    cases : sequence of VectorCase, optional
        The vectors; those that ship with the package, if not given.
    dtypes : iterable of str
        Of "float32" and "float64".
    backend : str, optional
        "torch", "jax", "tensorflow", "autograd" or "numpy"; found by looking, if not given.
    device : str, optional
        Name of a device, as the backend calls it.
    time_limit : float
        Seconds for one call.
    diagnose : callable, optional
        ``diagnose(evidence, what)`` names a mistake or returns None: `judging.Evidence` of all
        cases of an op that failed, and "value" or "gradient".
    refusals : bool
        Whether wrong uses are tried as well, which the port has to refuse.
    expected : Expected, optional
        Failures that are known, see `ddsp_ref.conformance.expected`.
    ops : iterable of str, optional
        Names of the ops to ask for; all of the vectors, if not given.
    port : str
        Name of the port, for the report.

    Returns
    -------
    Report
        A verdict for each op, value, gradient and refusal, and dtype.

    Raises
    ------
    ParameterError
        If the adapter has no op, or an option is not one of those above.

    Examples
    --------
    >>> import numpy as np
    >>> report = run({"db_to_amplitude": lambda db: 10 ** (db / 20)}, dtypes=["float64"])
    >>> [(v.what, v.status) for v in report.verdicts if v.op == "db_to_amplitude"]
    [('value', 'passed'), ('gradient', 'not implemented')]
    """
    cases = load_vectors(ops=ops) if cases is None else list(cases)
    if ops is not None:
        cases = [case for case in cases if case.op in set(ops)]
    dtypes = tuple(dtypes)
    for dtype in dtypes:
        require(dtype in DTYPES, f"dtype is {dtype!r}, must be one of {', '.join(DTYPES)}")
    names = list(dict.fromkeys(case.op for case in cases))
    functions = functions_of(adapter, names)
    chosen = backend or getattr(adapter, "BACKEND", None) or find_backend([*functions.values()])
    require(chosen in BACKENDS, f"backend is {chosen!r}, must be one of {', '.join(BACKENDS)}")
    asker = Asker(BACKENDS[chosen](device), time_limit)
    verdicts = []
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the port
        for name in names:
            own = [case for case in cases if case.op == name]
            for dtype in dtypes:
                ask = asker.question(functions.get(name), dtype)
                verdicts += judge_op(own, dtype, ask, refusals=refusals, diagnose=diagnose)
    asker.worker.close()
    about = {"backend": chosen, "device": device or "cpu"}
    return refine(Report(verdicts, port, about), cases, expected)


@dataclass
class Asker:
    """Puts questions to the functions of a port and never fails itself."""

    backend: NumPyBackend
    time_limit: float

    def __post_init__(self) -> None:
        self.worker = Worker(self.time_limit)

    def question(self, function: Callable | None, dtype: str) -> Ask:
        """Return what asks a function for values ("value") or cotangents ("gradient")."""

        def ask(case: VectorCase, what: str) -> Answer:
            if function is None:
                return Answer(missing="the port has no such function")
            try:
                return self._ask(function, case, dtype, what)
            except NotImplementedError as error:
                return Answer(missing=str(error) or "NotImplementedError")
            except TooLongError as error:
                return Answer(error=f"time limit: {error}")
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                lines = str(error).strip().splitlines() or [""]
                return Answer(error=f"raised {type(error).__name__}: {lines[0][:200]}")

        return ask

    def _ask(self, function: Callable, case: VectorCase, dtype: str, what: str) -> Answer:
        settings = _settings_for(function, case)
        mine = [array.astype(dtype) for array in case.arrays]
        theirs = [self.backend.given(array) for array in mine]
        if what == "value":
            raw = self.worker.call(self.backend.values, function, theirs, settings)
        else:
            bars = [bar.astype(dtype) for bar in case.cotangents]
            raw = self.worker.call(self.backend.gradients, function, theirs, settings, bars)
        for name, before, after in zip(case.array_names, mine, theirs):
            if not np.array_equal(before, self.backend.taken(after), equal_nan=True):
                return Answer(error=f"mutated its input {name}")
        return Answer(parts=tuple(self.backend.taken(part) for part in raw))


def _settings_for(function: Callable, case: VectorCase) -> dict[str, Any]:
    """Return the settings to pass; those at their default may be unknown to the port."""
    op = judged_ops().get(case.op)
    settings = dict(case.settings)
    for name in unknown_setting(function, settings):
        default = op.settings.get(name, math.nan) if op is not None else math.nan
        if settings.pop(name) != default:
            raise NotImplementedError(f"the port does not take the setting {name}")
    return settings
