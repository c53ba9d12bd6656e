"""Columns of numbers in files that people can read and edit: CSV and JSON; NPZ to be quick."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ddsp_ref.errors import ParameterError, require
from ddsp_ref.io.files import atomic_path, check_output_path

WRITTEN = (".csv", ".json", ".npz")
READ = (".csv", ".json")
_LARGEST = 256 << 20  # bytes of a file that is read


def check_columns_output(
    path: str | os.PathLike[str], what: str, suffixes: tuple[str, ...] = WRITTEN
) -> Path:
    """Tell early that columns could not be written: no such folder, or an unknown suffix."""
    path = check_output_path(path)
    require(
        path.suffix.lower() in suffixes,
        f"cannot write {path}: {what} are written as {', '.join(suffixes)}",
    )
    return path


def write_columns(
    path: str | os.PathLike[str],
    columns: Mapping[str, np.ndarray],
    numbers: Mapping[str, float] | None = None,
) -> None:
    """Write columns in one step, in the format that the suffix names.

    Parameters
    ----------
    path : str or PathLike
        .csv (a header, then a row per frame), .json (lists) or .npz (arrays).
    columns : mapping of str to ndarray, shape (n_rows,)
        Names and values; in CSV and JSON with 6 decimals, bool is written as 0 and 1.
    numbers : mapping of str to float, optional
        Single numbers to go with them, such as rates; not in CSV.
    """
    path = check_columns_output(path, "columns")
    columns = {k: c.astype(np.uint8) if c.dtype == bool else c for k, c in columns.items()}
    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".npz":
            np.savez(temporary, **columns, **(numbers or {}))
        elif path.suffix.lower() == ".json":
            lists = {name: column.tolist() for name, column in _rounded(columns).items()}
            temporary.write_text(json.dumps({**(numbers or {}), **lists}) + "\n", encoding="utf-8")
        else:
            formats = ["%.6f" if c.dtype.kind == "f" else "%d" for c in columns.values()]
            table = np.column_stack(list(_rounded(columns).values()))
            head = ",".join(columns)
            np.savetxt(temporary, table, formats, delimiter=",", header=head, comments="")


def _rounded(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {k: c.astype(float).round(6) if c.dtype.kind == "f" else c for k, c in columns.items()}


def read_columns(
    path: str | os.PathLike[str], names: tuple[str, ...]
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Read columns from a CSV or JSON file.

    Parameters
    ----------
    path : str or PathLike
        .csv with a header, or .json, as of `write_columns`; also as a spreadsheet or an editor
        saves them.
    names : tuple of str
        The columns that are wanted; those that are not there are left out, others ignored.

    Returns
    -------
    columns : dict of str to ndarray, shape (n_rows,), float64
        All of the same length, finite.
    numbers : dict of str to float
        Single numbers of a JSON file.

    Raises
    ------
    ParameterError
        If the file is missing, too large or neither, or a value is no number: says in which row.
    """
    path = Path(path)
    require(path.is_file(), f"there is no file {path}")
    require(
        path.suffix.lower() in READ,
        f"cannot read {path}: columns are read from {' or '.join(READ)} files",
    )
    size = path.stat().st_size
    require(size <= _LARGEST, f"{path} has {size >> 20} MB, must have at most {_LARGEST >> 20}")
    try:
        text = path.read_text(encoding="utf-8-sig")
        found, numbers = (
            _from_json(path, text) if path.suffix.lower() == ".json" else (_from_csv(text), {})
        )
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(f"{path} cannot be read: {error}") from None
    columns = {name: _to_numbers(path, name, found[name]) for name in names if name in found}
    lengths = {name: len(column) for name, column in columns.items()}
    require(
        len(set(lengths.values())) <= 1,
        f"{path}: the columns have different lengths, "
        + ", ".join(f"{name} {n}" for name, n in lengths.items()),
    )
    return columns, numbers


def _from_json(path: Path, text: str) -> tuple[dict[str, list], dict[str, float]]:
    content = json.loads(text)
    require(isinstance(content, dict), f"{path} must hold a JSON object with a list per column")
    lists = {name: value for name, value in content.items() if isinstance(value, list)}
    numbers = {
        name: float(value)
        for name, value in content.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
    return lists, numbers


def _from_csv(text: str) -> dict[str, list]:
    """Split at commas, or at what spreadsheets of other countries use instead."""
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if any(row)]
    if not rows:
        return {}
    head = [name.strip() for name in rows[0]]
    return {
        name: [row[i] if i < len(row) else "" for row in rows[1:]] for i, name in enumerate(head)
    }


def _to_numbers(path: Path, name: str, values: list) -> np.ndarray:
    column = np.empty(len(values))
    for i, value in enumerate(values):
        try:
            column[i] = float(value)
        except (TypeError, ValueError):
            column[i] = np.nan
        if not np.isfinite(column[i]):
            raise ParameterError(
                f"{path}: {name} is {value!r} in row {i + 1}, must be a finite number"
            )
    return column
