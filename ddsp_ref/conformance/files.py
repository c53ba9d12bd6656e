"""Questions and answers as files, for ports in any language: `export` a folder, `score` it.

In the folder of every case the port leaves `answer_float32` and `answer_float64`, or one of them,
with `value_0.npy` ... for the results and `gradient_0.npy` ... for the cotangents of the arrays.
Where a wrong use has to be refused, an empty file `refused` says that it was. No folder, or none
of these files, is "not implemented"; a file `error.txt` there says in the port's words what went
wrong.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import ddsp_ref
from ddsp_ref.conformance.judging import Answer, Ask, judge_op, refine
from ddsp_ref.conformance.vectors import (
    MANIFEST,
    Source,
    VectorCase,
    load_vectors,
    read_npy,
)
from ddsp_ref.conformance.verdicts import Report
from ddsp_ref.conformance.writing import pack
from ddsp_ref.errors import ConformanceError, ParameterError

CASES = "cases.txt"
QUESTION = "question.txt"


def question_text(case: VectorCase) -> str:
    """Return a case for readers without JSON: a line for each array and setting.

    Examples
    --------
    >>> print(question_text(load_vectors(ops=["hz_to_midi"])[0]), end="")
    op hz_to_midi
    label by hand
    array frequencies_hz 4
    gradient
    """
    lines = [f"op {case.op}", f"label {case.label}"]
    for name, array in zip(case.array_names, case.arrays, strict=True):
        lines.append(" ".join(["array", name, *map(str, array.shape)]))
    lines += [f"setting {name} {_words(value)}" for name, value in case.settings.items()]
    lines += ["gradient"] * bool(case.pullbacks) + ["must refuse"] * case.must_refuse
    return "\n".join([*lines, ""])


def _words(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return " ".join(map(_words, value))
    return value if isinstance(value, str) else json.dumps(value)


def export_vectors(
    folder: str | os.PathLike[str],
    cases: Sequence[VectorCase] | None = None,
    about: dict[str, str] | None = None,
) -> int:
    """Write vectors into a new folder, for a port to answer beside them.

    Parameters
    ----------
    folder : str or PathLike
        Where; it may exist if it is empty.
    cases : sequence of VectorCase, optional
        Those that ship with the package, if not given.
    about : dict, optional
        More entries for the manifest.

    Returns
    -------
    int
        How many cases were written.

    Raises
    ------
    ParameterError
        If the folder holds something, or cannot be made.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ParameterError(f"{folder} is there already and not empty; name a new folder")
    if not folder.absolute().parent.is_dir():
        raise ParameterError(f"cannot write {folder}: the folder {folder.parent} does not exist")
    cases = load_vectors() if cases is None else cases
    files = pack(cases, about)
    folders = [entry["folder"] for entry in json.loads(files[MANIFEST])["cases"]]
    files[CASES] = "".join(f"{name}\n" for name in folders).encode()
    for name, case in zip(folders, cases, strict=True):
        files[f"{name}/{QUESTION}"] = question_text(case).encode()
    _write_folder(folder, files)
    return len(cases)


def _write_folder(folder: Path, files: dict[str, bytes]) -> None:
    """Write all files beside the folder first, so that it is there whole or not at all."""
    fresh = folder.absolute().with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
    try:
        for name, content in files.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if folder.exists():
            folder.rmdir()
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def score(
    folder: str | os.PathLike[str],
    *,
    dtypes: Iterable[str] = ("float32", "float64"),
    diagnose: Callable | None = None,
    refusals: bool = False,
    expected: Any = None,
    ops: Iterable[str] | None = None,
    port: str = "",
) -> Report:
    """Judge the answers that a port left in an exported folder.

    Parameters
    ----------
    folder : str or PathLike
        The folder.
    dtypes : iterable of str
        Those judged, of "float32" and "float64".
    diagnose, refusals, expected, ops
        As `ddsp_ref.conformance.runner.run` takes them.
    port : str
        Name for the report; that of the folder, if not given.

    Returns
    -------
    Report
        Dtypes that the port answered for no case are left out.

    Raises
    ------
    ConformanceError
        If the folder is no export, its manifest was altered, or it holds no answer at all.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ConformanceError(f"{folder} is no folder; make one with `ddsp-ref conform export`")
    cases = load_vectors(folder, ops=ops, strict=False)
    answered = [
        d for d in dtypes if any((folder / c.folder / f"answer_{d}").is_dir() for c in cases)
    ]
    if not answered:
        wanted = " or ".join(f"answer_{dtype}" for dtype in dtypes)
        where = f"{folder / cases[0].folder}" if cases else str(folder)
        raise ConformanceError(f"{folder} holds no answers; write them as {where}/{wanted}")
    verdicts = []
    for op in dict.fromkeys(case.op for case in cases):
        own = [case for case in cases if case.op == op]
        for dtype in answered:
            ask = _reader(folder, dtype)
            verdicts += judge_op(own, dtype, ask, refusals=refusals, diagnose=diagnose)
    report = Report(verdicts, port or folder.name, {"backend": "files"})
    written_by = Source(folder).manifest.get("ddsp_ref")
    if written_by != ddsp_ref.__version__:
        report.notes.append(
            f"the vectors are of ddsp_ref {written_by}, this is {ddsp_ref.__version__}"
        )
    return refine(report, cases, expected)


def _reader(folder: Path, dtype: str) -> Ask:
    """Return what finds the answer of a port among its files."""

    def ask(case: VectorCase, what: str) -> Answer:
        place = folder / case.folder / f"answer_{dtype}"
        if (place / "error.txt").is_file():
            text = (place / "error.txt").read_text(errors="replace").strip()
            return Answer(error=f"the port says: {text[:200]}")
        if case.must_refuse:
            return _refusal(place)
        count = len(case.outputs) if what == "value" else len(case.pullbacks)
        paths = [place / f"{what}_{i}.npy" for i in range(count)]
        missing = [path.name for path in paths if not path.is_file()]
        if len(missing) == len(paths):
            return Answer(missing="no answer")
        if missing:
            return Answer(error=f"{', '.join(missing)} is missing in {place}")
        try:
            return Answer(tuple(read_npy(path.read_bytes(), str(path)) for path in paths))
        except (ConformanceError, OSError) as error:
            return Answer(error=str(error))

    return ask


def _refusal(place: Path) -> Answer:
    if (place / "refused").is_file():
        return Answer(error="refused")
    return Answer() if any(place.glob("value_*.npy")) else Answer(missing="no answer")
