"""Gin files as data: bindings and macros are read, nothing is imported or called."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from ddsp_ref.errors import ImportFormatError
from ddsp_ref.importers._gin_lines import (
    GinError,
    Macro,
    Reference,
    Token,
    parse_value,
    split_lines,
)
from ddsp_ref.importers._input import read_bytes, refusal, show

__all__ = ["GinConfig", "Macro", "Reference", "find_operative_config", "read_gin"]

_MAX_FILE = 256 << 10
_MAX_FILES = 100
_MAX_RESOLVED = 100_000
_MAX_DEPTH = 100
_REQUIRED = object()
_MACRO_BINDING = re.compile(r"^(.+)/(?:gin\.)?macro\.value$")


@dataclass
class GinConfig:
    """What gin files say.

    Parameters
    ----------
    path : Path
        The file that was read.
    bindings : dict of str to object
        By the whole left side, "scope/module.Class.parameter", in the order of the file; of two
        with the same left side the later one counts.
    macros : dict of str to object
        By name.
    imports : list of str
        The import lines, which are not carried out.

    Notes
    -----
    Values are None, bool, int, float, str, list, tuple, dict, `Reference` and `Macro`.
    """

    path: Path
    bindings: dict[str, object] = field(default_factory=dict)
    macros: dict[str, object] = field(default_factory=dict)
    imports: list[str] = field(default_factory=list)

    def find(self, binding: str, scope: str = "") -> str | None:
        """Find the left side that gives a parameter its value.

        Parameters
        ----------
        binding : str
            "Class.parameter", with as much of the module before it as is wanted.
        scope : str
            Scopes in which the class is called, "outer/inner": a binding of an inner scope
            counts more than one of an outer scope, and that more than one without a scope.

        Returns
        -------
        str or None
            A key of `bindings`; None if nothing is bound.
        """
        wanted = binding.split(".")
        scopes = scope.split("/") if scope else []
        found, depth = None, -1
        for key in self.bindings:
            at, _, selector = key.rpartition("/")
            parts = selector.split(".")
            n = min(len(parts), len(wanted))
            outer = at.split("/") if at else []
            inside = scopes[: len(outer)] == outer
            if n >= 2 and parts[-n:] == wanted[-n:] and inside and len(outer) >= depth:
                found, depth = key, len(outer)
        return found

    def get(self, binding: str, default: object = _REQUIRED, scope: str = "") -> object:
        """Look up a parameter, macros replaced by their values.

        Parameters
        ----------
        binding : str
            As for `find`.
        default : object
            The value if nothing is bound.
        scope : str
            As for `find`.

        Returns
        -------
        object
            The value; references stay `Reference`.

        Raises
        ------
        ImportFormatError
            If nothing is bound and there is no default, or a macro is missing or circular.
        """
        key = self.find(binding, scope)
        if key is not None:
            return self.resolve(self.bindings[key], key)
        if default is _REQUIRED:
            raise refusal(self.path, f"{binding} is not bound")
        return default

    def resolve(self, value: object, name: str = "a value") -> object:
        """Replace macros by their values, also inside lists, tuples and mappings."""
        return _Resolver(self, name).resolve(value, (), 0)


class _Resolver:
    """Replaces macros; counts, because macros of macros can stand for very much."""

    def __init__(self, config: GinConfig, name: str) -> None:
        self._config, self._name, self._left = config, name, _MAX_RESOLVED

    def resolve(self, value: object, inside: tuple[str, ...], depth: int) -> object:
        self._left -= 1
        if self._left < 0 or depth > _MAX_DEPTH:
            raise refusal(self._config.path, f"{self._name} stands for too many values")
        if isinstance(value, Macro):
            if value.name in inside or value.name not in self._config.macros:
                what = "refers to itself" if value.name in inside else "is not defined"
                raise refusal(self._config.path, f"{self._name}: the macro {value} {what}")
            return self.resolve(self._config.macros[value.name], (*inside, value.name), depth + 1)
        if isinstance(value, list | tuple):
            return type(value)(self.resolve(v, inside, depth + 1) for v in value)
        if isinstance(value, dict):
            return {k: self.resolve(v, inside, depth + 1) for k, v in value.items()}
        return value


def find_operative_config(folder: str | os.PathLike[str]) -> Path:
    """Find the newest configuration in the folder of a training.

    Parameters
    ----------
    folder : str or PathLike
        With a file like operative_config-300.gin.

    Returns
    -------
    Path
        Of the one with the highest number.

    Raises
    ------
    ImportFormatError
        If there is none.
    """
    found = {}
    for path in Path(folder).glob("operative_config-*.gin"):
        number = re.fullmatch(r"operative_config-(\d{1,18})\.gin", path.name, re.ASCII)
        if number:
            found[int(number[1])] = path
    if not found:
        raise refusal(folder, "no operative_config-N.gin in it", remedy="copy it from the training")
    return found[max(found)]


def read_gin(path: str | os.PathLike[str]) -> GinConfig:
    """Read a gin file, and the files that it includes.

    Parameters
    ----------
    path : str or PathLike
        Such as operative_config-300.gin.

    Returns
    -------
    GinConfig
        Bindings, macros and import lines, as data.

    Raises
    ------
    ImportFormatError
        With file and line, if a statement is anything but a binding, a block of bindings, a
        macro, an include of a file in the same folder or below, or an import; if a value is
        anything but a literal, a reference or a macro.

    Notes
    -----
    Operative configurations begin with lines such as "import ddsp". They are kept in `imports`
    and never carried out; whether a name exists is for the reader of the bindings to say.
    """
    config = GinConfig(Path(path))
    _Reader(config).read(Path(path), ())
    return config


class _Reader:
    """Reads files into one configuration."""

    def __init__(self, config: GinConfig) -> None:
        self._config = config
        self._root = config.path.parent.resolve()
        self._n_files = 0

    def read(self, path: Path, inside: tuple[Path, ...]) -> None:
        self._n_files += 1
        if self._n_files > _MAX_FILES:
            raise refusal(self._config.path, f"includes more than {_MAX_FILES} files")
        text = read_bytes(path, _MAX_FILE)
        try:
            block: Token | None = None
            for tokens in split_lines(text.decode("utf-8-sig")):
                block = self._read_line(path, tokens, block, (*inside, path.resolve()))
        except GinError as error:
            raise refusal(path, str(error), f"line {error.line}") from None
        except UnicodeDecodeError as error:
            raise refusal(path, "is not text in UTF-8", f"byte {error.start}") from None

    def _read_line(
        self, path: Path, tokens: list[Token], block: Token | None, inside: tuple[Path, ...]
    ) -> Token | None:
        """Read a line; return the name of the block that the next lines may belong to."""
        first = tokens[0]
        if first.kind == "word" and len(tokens) > 1:
            if tokens[1].is_mark("="):
                prefix = f"{block.text}." if block is not None and first.column else ""
                self._bind(prefix + first.text, tokens)
                return block if prefix else None
            if len(tokens) == 2 and tokens[1].is_mark(":") and first.column == 0:
                return first
            if first.text == "include" and len(tokens) == 2 and tokens[1].kind == "text":
                self._include(path, parse_value(tokens[1:]), first.line, inside)
                return None
            if first.text in ("import", "from") and all(t.kind == "word" for t in tokens):
                self._config.imports.append(" ".join(token.text for token in tokens))
                return None
        shown = " ".join(token.text for token in tokens[:6])
        raise GinError(
            f"neither a binding, a macro, an include nor an import: {show(shown)}", first.line
        )

    def _bind(self, name: str, tokens: list[Token]) -> None:
        if len(tokens) < 3:
            raise GinError(f"{show(name)} has no value", tokens[0].line)
        try:
            value = parse_value(tokens[2:])
        except GinError as error:
            raise GinError(f"{show(name)}: {error}", error.line) from None
        macro = _MACRO_BINDING.match(name)
        if macro or "." not in name.rpartition("/")[2]:
            self._config.macros[macro[1] if macro else name] = value
        else:
            self._config.bindings.pop(name, None)  # the later one also takes the later place
            self._config.bindings[name] = value

    def _include(self, path: Path, name: object, line: int, inside: tuple[Path, ...]) -> None:
        where = f"line {line}"
        shown = show(name)
        if not isinstance(name, str) or "\0" in name:
            raise refusal(path, f"includes {shown}, which is no file name", where)
        try:
            target = (self._root / name).resolve()
        except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
            raise refusal(path, f"includes {shown}, which cannot be found", where) from None
        if not target.is_relative_to(self._root):
            raise refusal(path, f"includes {shown}, which is outside of its folder", where)
        if target in inside:
            raise refusal(path, f"includes {shown}, which includes it in turn", where)
        try:
            self.read(target, inside)
        except ImportFormatError as error:
            if target.is_file():
                raise
            raise refusal(path, f"includes {shown}: {error}", where) from None
