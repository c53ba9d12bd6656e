"""Vectors from the definitions: `python -m ddsp_ref.conformance.writing` writes the set again."""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import ddsp_ref
from ddsp_ref.conformance.chains import judged_ops, long_cases
from ddsp_ref.conformance.parts import PARTS, kinds_of, labels_of
from ddsp_ref.conformance.tolerances import Measured
from ddsp_ref.conformance.vectors import FORMAT, MANIFEST, SMALL_SET, VectorCase, digest
from ddsp_ref.errors import ConformanceError, MissingExtraError
from ddsp_ref.io.files import atomic_path
from ddsp_ref.op import Case, Op

# The kernels and the definitions are independent texts; a truth on which they do not agree to this
# is a bug in one of them, and no vector.
_AGREEMENT = 1e-9
_LONG = (8000, 64000)  # in the set that ships, and in the full one


def _rng(op: Op, case: Case) -> np.random.Generator:
    """Return a generator that depends on the names alone: cases can be added without a change."""
    return np.random.default_rng(zlib.crc32(f"{op.name}/{case.label}".encode()))


def make_case(op: Op, case: Case) -> VectorCase:
    """Compute one vector.

    Parameters
    ----------
    op : Op
        The op.
    case : Case
        Inputs, which are rounded to float32, and settings.

    Returns
    -------
    VectorCase
        With outputs and pullbacks of the definition, in float64.

    Raises
    ------
    ConformanceError
        If definition and kernel disagree, so that there is no truth.
    MissingExtraError
        If autograd is not installed, which differentiates definitions.

    Examples
    --------
    >>> from ddsp_ref.registry import get_op
    >>> op = get_op("resample_linear")
    >>> make_case(op, op.cases()[0]).kinds
    ('array',)
    """
    arrays = tuple(np.asarray(a).astype(np.float32) for a in case.arrays)
    own = {name: value for name, value in op.settings.items() if name in op._defaults}
    settings = {name: _plain(value) for name, value in {**own, **case.settings}.items()}
    shared = {
        "op": op.name, "label": case.label, "arrays": arrays, "array_names": op.array_names,
        "settings": settings, "labels": labels_of(case), "parts": PARTS.get(op.name, ()),
    }  # fmt: skip
    if case.error is not None:
        return VectorCase(**shared, must_refuse=True)
    wide = [a.astype(np.float64) for a in arrays]
    y = op.define(*wide, **settings)
    outputs = tuple(np.asarray(part, np.float64) for part in (y if isinstance(y, tuple) else (y,)))
    rng, kinds = _rng(op, case), kinds_of(op)
    cotangents: tuple = ()
    pullbacks: tuple = ()
    if case.grad:
        cotangents = tuple(np.float32(rng.standard_normal(part.shape)) for part in outputs)
        pullbacks = _taped(op, wide, settings, cotangents)
    measured = Measured(op, kinds, arrays, settings, outputs, cotangents, pullbacks, rng)
    _agree(op, case, measured)
    return VectorCase(
        **shared, kinds=kinds, outputs=outputs, cotangents=cotangents, pullbacks=pullbacks,
        tolerances=measured.tolerances(),
    )  # fmt: skip


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _taped(op: Op, arrays: list[np.ndarray], settings: dict, cotangents: Sequence) -> tuple:
    """Differentiate the definition."""
    try:
        import autograd
        import autograd.numpy as anp
    except ImportError as error:
        raise MissingExtraError(
            "vectors are differentiated by autograd: pip install 'ddsp_ref[autograd]'"
        ) from error

    def inner(*args: Any) -> Any:
        y = op.define(*args, xp=anp, **settings)
        parts = y if isinstance(y, tuple) else (y,)
        return sum(anp.sum(part * bar) for part, bar in zip(parts, cotangents, strict=True))

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Output seems independent of input")
        slopes = autograd.grad(inner, argnum=tuple(range(len(arrays))))(*arrays)
    return tuple(np.asarray(slope, np.float64) for slope in slopes)


def _agree(op: Op, case: Case, measured: Measured) -> None:
    for what, readings in zip(("value", "gradient"), measured._kernel("float64")):
        worst = max((max(numbers.values()) for numbers in readings), default=0.0)
        if not worst < _AGREEMENT:
            raise ConformanceError(
                f"{op.name}, {case.label}: {what} of definition and kernel differ by {worst:.2g}"
            )


def can_be_written(case: Case) -> bool:
    """Tell whether a wrong use can be put down in any language: numbers and JSON alone.

    Examples
    --------
    >>> can_be_written(Case("text", [["a"]], error="dtype"))
    False
    """
    try:
        arrays = [np.asarray(a) for a in case.arrays]
        json.dumps(case.settings, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return all(a.dtype.kind in "fiu" for a in arrays)


def all_cases(op: Op, *, full: bool = False) -> list[Case]:
    """Return the cases of an op that become vectors, with long ones; `full`: with very long ones.

    Examples
    --------
    >>> from ddsp_ref.registry import get_op
    >>> all_cases(get_op("angular_cumsum"), full=True)[-1].label
    'long, 64000 samples'
    """
    cases = [case for case in op.cases() if case.error is None or can_be_written(case)]
    for n_samples in _LONG[: 2 if full else 1]:
        cases += long_cases(n_samples).get(op.name, [])
    return cases


def make_vectors(ops: Iterable[Op] | None = None, *, full: bool = False) -> list[VectorCase]:
    """Compute the vectors of ops.

    Parameters
    ----------
    ops : iterable of Op, optional
        All ops of the registry and the chains, if not given.
    full : bool
        Whether signals of several seconds are among them.

    Returns
    -------
    list of VectorCase
        In order of ops and cases.
    """
    ops = judged_ops().values() if ops is None else ops
    return [make_case(op, case) for op in ops for case in all_cases(op, full=full)]


def slug(label: str) -> str:
    """Return a name of a file for a label.

    Examples
    --------
    >>> slug("by hand, L2")
    'by-hand-L2'
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", label).strip("-") or "case"


def _entry(case: VectorCase, folder: str, files: dict[str, bytes]) -> dict[str, Any]:
    """Return the entry of the manifest; add the files of the case."""
    entry: dict[str, Any] = {
        "op": case.op,
        "label": case.label,
        "folder": folder,
        "labels": sorted(case.labels),
        "must_refuse": case.must_refuse,
        "parts": list(case.parts),
        "settings": case.settings,
        "kinds": list(case.kinds),
        "tolerances": {
            dtype: {"values": _digits(t.values), "gradients": _digits(t.gradients)}
            for dtype, t in case.tolerances.items()
        },
    }
    for role in ("arrays", "outputs", "cotangents", "pullbacks"):
        entry[role] = []
        for i, array in enumerate(getattr(case, role)):
            name = f"{folder}/{role[:-1]}_{i}.npy"
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asarray(array, order="C"), allow_pickle=False)
            files[name] = buffer.getvalue()
            about = {"file": name, "dtype": array.dtype.name, "shape": list(array.shape)}
            about["sha256"] = hashlib.sha256(files[name]).hexdigest()
            entry[role].append(about)
    for about, name in zip(entry["arrays"], case.array_names):
        about["name"] = name
    return entry


def _digits(many: tuple[dict[str, float], ...]) -> list[dict[str, float]]:
    """Round tolerances to two digits: the rest is noise of the measurement."""
    return [{name: float(f"{value:.1e}") for name, value in one.items()} for one in many]


def pack(cases: Sequence[VectorCase], about: dict[str, str] | None = None) -> dict[str, bytes]:
    """Return the files of a set of vectors, by name; the same cases give the same bytes.

    Parameters
    ----------
    cases : sequence of VectorCase
        What to write.
    about : dict, optional
        More entries for the manifest, as the profile.

    Returns
    -------
    dict
        Name to content, the manifest first.
    """
    files: dict[str, bytes] = {MANIFEST: b""}
    entries, used = [], set()
    for case in cases:
        folder = f"{case.op}/{slug(case.label)}"
        while folder.lower() in used:  # two labels may differ in signs alone
            folder += "-"
        used.add(folder.lower())
        entries.append(_entry(case, folder, files))
    head = {"format": FORMAT, "ddsp_ref": ddsp_ref.__version__, **(about or {})}
    head["cases_sha256"] = digest(json.loads(json.dumps(entries)))
    text = json.dumps({**head, "cases": entries}, indent=1, allow_nan=False)
    return {**files, MANIFEST: text.encode()}


def write_zip(files: dict[str, bytes], path: Path) -> None:
    """Write files into a zip, without dates, in one step."""
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)  # of 1980
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content, compresslevel=9)


def main(arguments: Sequence[str] = ()) -> None:
    """Write the set that ships with the package; with `--full PATH`, the full one there."""
    full = list(arguments[:1]) == ["--full"]
    write_zip(pack(make_vectors(full=full)), Path(arguments[1]) if full else SMALL_SET)


if __name__ == "__main__":
    main(sys.argv[1:])
