"""Conformance vectors: questions and answers in a folder or zip of `.npy` files and a manifest."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_ref.errors import ConformanceError

FORMAT = "ddsp-conformance-1"
MANIFEST = "manifest.json"
SMALL_SET = Path(__file__).parent / "data" / "small.zip"


@dataclass(frozen=True)
class Tolerances:
    """The largest errors allowed in one precision: a dict per output, and one per array."""

    values: tuple[dict[str, float], ...] = ()
    gradients: tuple[dict[str, float], ...] = ()


@dataclass(frozen=True)
class VectorCase:
    """One question to an op and its answer.

    Attributes
    ----------
    op, label : str
        Name of the op and of the case.
    arrays : tuple of array
        Inputs, float32: the values are exact in float64 too.
    array_names : tuple of str
        What the inputs are called.
    settings : dict
        Every setting of the op, in plain Python types.
    outputs : tuple of array
        Float64, from the definition; one for most ops.
    cotangents : tuple of array
        Float32, one per output; empty where no gradient is judged.
    pullbacks : tuple of array
        Float64, one per input, by differentiating the definition.
    kinds : tuple of str
        How each output is measured, see `ddsp_ref.conformance.metrics`.
    tolerances : dict
        `Tolerances` for "float32" and "float64".
    labels : frozenset of str
        Of edge, nyquist, kink, silence, long.
    must_refuse : bool
        True for a wrong use: there is no answer, the op has to raise an error.
    parts : tuple of str
        Ops that this one is made of.
    folder : str
        Where its files are in the set it was read from.
    damage : str
        Why it could not be read, empty if all is well.
    """

    op: str
    label: str
    arrays: tuple[np.ndarray, ...]
    array_names: tuple[str, ...]
    settings: dict[str, Any]
    outputs: tuple[np.ndarray, ...] = ()
    cotangents: tuple[np.ndarray, ...] = ()
    pullbacks: tuple[np.ndarray, ...] = ()
    kinds: tuple[str, ...] = ()
    tolerances: dict[str, Tolerances] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    must_refuse: bool = False
    parts: tuple[str, ...] = ()
    folder: str = ""
    damage: str = ""


def digest(cases: list[dict[str, Any]]) -> str:
    """Return the checksum of the entries of a manifest."""
    text = json.dumps(cases, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Source:
    """The files of a set of vectors, in a folder or in a zip; every read is checked.

    Parameters
    ----------
    path : str or PathLike
        The folder or the zip.

    Raises
    ------
    ConformanceError
        If it cannot be read, or is of another format.
    """

    def __init__(self, path: Any) -> None:
        self.path = Path(path)
        self._read = _reader(self.path)
        try:
            self.manifest = json.loads(self._read(MANIFEST))
            self.cases = self.manifest["cases"]
        except (KeyError, TypeError, ValueError, OSError, zipfile.BadZipFile) as error:
            raise ConformanceError(
                f"{self.path} holds no vectors: {MANIFEST} is missing or damaged ({error}); "
                "write a set with `ddsp-ref conform export DIR`"
            ) from None
        found = self.manifest.get("format")
        if found != FORMAT:
            raise ConformanceError(
                f"{self.path} is of the format {found!r}, this version reads {FORMAT!r}; "
                "export the vectors again"
            )
        if self.manifest.get("cases_sha256") != digest(self.cases):
            raise ConformanceError(
                f"{self.path}: {MANIFEST} was altered: its checksum differs; export again"
            )

    def array(self, entry: dict[str, Any]) -> np.ndarray:
        """Return one array of the set, of which the checksum was compared."""
        name = entry["file"]
        try:
            data = self._read(name)
        except (KeyError, OSError, zipfile.BadZipFile) as error:
            raise ConformanceError(f"{self.path}: {name} is missing or damaged: {error}") from None
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise ConformanceError(f"{self.path}: {name} was altered: its checksum differs")
        return read_npy(data, f"{self.path}: {name}")

    def case(self, entry: dict[str, Any]) -> VectorCase:
        """Return one case with all its arrays."""
        read = {
            role: tuple(map(self.array, entry.get(role, [])))
            for role in ("arrays", "outputs", "cotangents", "pullbacks")
        }
        tolerances = {
            dtype: Tolerances(tuple(one["values"]), tuple(one["gradients"]))
            for dtype, one in entry.get("tolerances", {}).items()
        }
        return VectorCase(
            op=entry["op"],
            label=entry["label"],
            array_names=tuple(one["name"] for one in entry["arrays"]),
            settings={name: _plain(value) for name, value in entry["settings"].items()},
            kinds=tuple(entry.get("kinds", ())),
            tolerances=tolerances,
            labels=frozenset(entry["labels"]),
            must_refuse=entry["must_refuse"],
            parts=tuple(entry["parts"]),
            folder=entry["folder"],
            **read,
        )

    def case_or_damage(self, entry: dict[str, Any]) -> VectorCase:
        """Return one case; if its files are missing or altered, a case that says so."""
        try:
            return self.case(entry)
        except ConformanceError as error:
            names = tuple(one["name"] for one in entry["arrays"])
            shared = {"op": entry["op"], "label": entry["label"], "settings": entry["settings"]}
            return VectorCase(
                **shared, arrays=(), array_names=names, folder=entry["folder"], damage=str(error),
                parts=tuple(entry["parts"]), must_refuse=entry["must_refuse"],
            )  # fmt: skip


def _reader(path: Path) -> Callable[[str], bytes]:
    if path.is_dir():
        return lambda name: _inside(path, name).read_bytes()
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise ConformanceError(
            f"{path} is neither a folder nor a zip of vectors: {error}"
        ) from None
    return archive.read


def _inside(folder: Path, name: str) -> Path:
    """Return the path of a file that a manifest names, which has to be inside the folder."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ConformanceError(f"{folder}: the manifest names {name}, which is outside the folder")
    return path


def read_npy(data: bytes, what: str) -> np.ndarray:
    """Return the array in the bytes of a `.npy` file; nothing in it is executed."""
    try:
        return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, TypeError, SyntaxError) as error:
        raise ConformanceError(f"{what} is no .npy file of numbers: {error}") from None


def _plain(value: Any) -> Any:
    """Return lists of JSON as tuples: settings do not change."""
    return tuple(map(_plain, value)) if isinstance(value, list) else value


@functools.lru_cache(maxsize=4)
def _small_set() -> tuple[VectorCase, ...]:
    source = Source(SMALL_SET)
    return tuple(map(source.case, source.cases))


def load_vectors(
    source: Any = None, *, ops: Iterable[str] | None = None, strict: bool = True
) -> list[VectorCase]:
    """Read vectors.

    Parameters
    ----------
    source : str or PathLike, optional
        A folder or zip; if not given, the set that ships with the package.
    ops : iterable of str, optional
        Names of the ops wanted; all if not given.
    strict : bool
        If False, a case with missing or altered files is returned with its `damage`.

    Returns
    -------
    list of VectorCase
        In the order of the manifest.

    Raises
    ------
    ConformanceError
        If a file is missing, altered or of another format, or an op is not among them. A manifest
        that cannot be trusted is refused always.

    Examples
    --------
    >>> case = load_vectors(ops=["exp_sigmoid"])[0]
    >>> case.label, case.array_names, case.outputs[0].dtype.name
    ('by hand', ('x',), 'float64')
    """
    if source is None:
        cases = list(_small_set())
    else:
        files = Source(source)
        read = files.case if strict else files.case_or_damage
        wanted = None if ops is None else set(ops)
        cases = [read(one) for one in files.cases if wanted is None or one["op"] in wanted]
    if ops is None:
        return cases
    missing = set(ops) - {case.op for case in cases}
    if missing:
        raise ConformanceError(f"there are no vectors of {', '.join(sorted(missing))}")
    return [case for case in cases if case.op in set(ops)]
