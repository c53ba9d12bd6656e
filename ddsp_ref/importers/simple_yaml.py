"""The little of YAML that configurations are written in: nested mappings and lists of scalars.

A reader of our own, because the whole language is a dependency, needs a bound on aliases that
stand for very much, and is not needed: a config.yaml of ddsp_pytorch has some twenty lines.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ddsp_ref.importers._input import read_bytes, refusal, show

Scalar = None | bool | int | float | str

_MAX_FILE = 256 << 10
_MAX_DEPTH = 20
_WORDS = {"": None, "~": None, "null": None, "true": True, "yes": True, "on": True}
_WORDS |= {"false": False, "no": False, "off": False}
_INT = re.compile(r"[-+]?(?:0|[1-9]\d{0,30})", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d{1,4})?", re.ASCII)
_FLOAT_WORDS = re.compile(r"[-+]?\.inf|\.nan", re.IGNORECASE)
_UNCLEAR = re.compile(r"[-+]?\d[\d_]*|0[xob]\w+|\d+(?::[0-5]?\d)+", re.ASCII)
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\["\\/nt])*\"""")
_KEY = re.compile(
    r"""([^\s\[\]{},&*!|>%@`"'#:?-][^:#"'\s]*(?:[ ]+[^:#"'\s]+)*
    |'(?:[^']|'')*'|"[^"\\]*")[ ]*:(?=[ ]|$)""",
    re.VERBOSE,
)
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "n": "\n", "t": "\t"}


@dataclass
class _Line:
    number: int
    indent: int
    text: str


class _YamlError(ValueError):
    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def read_simple_yaml(path: str | os.PathLike[str]) -> dict[str, object]:
    """Read a configuration in YAML: mappings within mappings, lists of scalars.

    Parameters
    ----------
    path : str or PathLike
        Such as the config.yaml of ddsp_pytorch.

    Returns
    -------
    dict of str to object
        Values are None, bool, int, float, str, list of these, and dict.

    Raises
    ------
    ImportFormatError
        With the line, for anything else: anchors and aliases, tags, texts over several lines,
        several documents, mappings in braces, a key twice, numbers that the versions of YAML
        read differently (010, 0x10, 1_000, 1:30), tabs.

    Notes
    -----
    Words for true and false are those of YAML 1.1, as PyYAML reads them. "1e-3" is a number, as
    in YAML 1.2; PyYAML reads it as text.
    """
    path = Path(path)
    try:
        lines = _split(read_bytes(path, _MAX_FILE).decode("utf-8-sig"))
        if not lines:
            return {}
        value, rest = _block(lines, 0, 0)
        if rest < len(lines):
            raise _YamlError("indented as no line before it", lines[rest].number)
        if not isinstance(value, dict):
            raise _YamlError("a list where names with values should stand", lines[0].number)
    except _YamlError as error:
        raise refusal(path, str(error), f"line {error.line}") from None
    except UnicodeDecodeError as error:
        raise refusal(path, "is not text in UTF-8", f"byte {error.start}") from None
    return value


def _split(text: str) -> list[_Line]:
    lines = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        stripped = line.strip(" ")
        if not stripped or stripped.startswith("#") or (line.rstrip() == "---" and not lines):
            continue
        if "\t" in line:
            raise _YamlError("a tab, where YAML wants spaces", number)
        lines.append(_Line(number, len(line) - len(line.lstrip(" ")), stripped))
    return lines


def _block(lines: list[_Line], place: int, depth: int) -> tuple[object, int]:
    """Return the mapping or list that begins at a line, and the line after it."""
    if depth > _MAX_DEPTH:
        raise _YamlError(f"nested deeper than {_MAX_DEPTH}", lines[place].number)
    if lines[place].text == "-" or lines[place].text.startswith("- "):
        return _list(lines, place)
    indent = lines[place].indent
    values: dict[str, object] = {}
    while place < len(lines) and lines[place].indent == indent:
        line = lines[place]
        found = _KEY.match(line.text)
        if found is None:
            raise _YamlError(f"not 'name: value': {show(line.text)}", line.number)
        key = found[1]
        key = str(_scalar(key, line.number)) if key[0] in "'\"" else key
        if key in values:
            raise _YamlError(f"{show(key)} stands here twice", line.number)
        rest = _without_comment(line.text[found.end() :].strip(), line.number)
        place += 1
        nested = place < len(lines) and (
            lines[place].indent > indent
            or (lines[place].indent == indent and re.match(r"-( |$)", lines[place].text))
        )
        if not rest and nested:
            values[key], place = _block(lines, place, depth + 1)
        else:
            values[key] = _value(rest, line.number)
    return values, place


def _list(lines: list[_Line], place: int) -> tuple[list[object], int]:
    indent, values = lines[place].indent, []
    while place < len(lines) and lines[place].indent == indent:
        line = lines[place]
        if not re.match(r"-( |$)", line.text):
            break
        text = _without_comment(line.text[1:].strip(), line.number)
        if text == "-" or text.startswith("- ") or _KEY.match(text):
            raise _YamlError(f"lists hold single values only: {show(text)}", line.number)
        values.append(_value(text, line.number))
        place += 1
    return values, place


def _without_comment(text: str, line: int) -> str:
    """Return a value without the comment behind it; in quotes a # is a letter."""
    quoted = _QUOTED.match(text)
    if quoted is None:
        return "" if text.startswith("#") else text.split(" #")[0].rstrip()
    rest = text[quoted.end() :].strip()
    if rest and not rest.startswith("#"):
        raise _YamlError(f"{show(rest)} after a text in quotes", line)
    return quoted[0]


def _value(text: str, line: int) -> object:
    if not text.startswith("["):
        return _scalar(text, line)
    if not text.endswith("]") or text[1:-1].strip() == "":
        if text.endswith("]"):
            return []
        raise _YamlError("a list in brackets that does not end on its line", line)
    parts = text[1:-1].removesuffix(",").split(",")
    if any(not part.strip() or part.strip()[0] in "[" for part in parts):
        raise _YamlError(f"not a list of single values: {show(text)}", line)
    return [_scalar(part.strip(), line) for part in parts]


def _scalar(text: str, line: int) -> Scalar:
    if text[:1] in ("'", '"'):
        if not _QUOTED.fullmatch(text):
            raise _YamlError(f"a text in quotes that is not understood: {show(text)}", line)
        if text[0] == "'":
            return text[1:-1].replace("''", "'")
        return re.sub(r"\\(.)", lambda found: _ESCAPES[found[1]], text[1:-1])
    if (text[:1] and text[0] in "&*!|>%@`[]{}?,#") or text.startswith("- ") or ": " in text:
        raise _YamlError(f"only single values and lists of them are read: {show(text)}", line)
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _FLOAT_WORDS.fullmatch(text):
        return float(text.lower().replace(".", ""))
    if _UNCLEAR.fullmatch(text):
        raise _YamlError(f"{text} means different numbers in different versions of YAML", line)
    return text
