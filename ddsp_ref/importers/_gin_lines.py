"""Gin files as lines of tokens, and the values in them: literals, and names kept as names.

Written out rather than left to `ast.literal_eval`, which can end the process on deep nesting and
knows neither references nor macros.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_DEPTH = 30
MAX_DIGITS = 400
SCOPED = r"(?:[A-Za-z_][\w.]*/)*[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"

_TOKEN = re.compile(
    rf"""(?P<space>[ \t\f]+|\#[^\n]*|\\\n)
    |(?P<newline>\n)
    |(?P<reference>@{SCOPED}(?P<call>[ ]*\([ ]*\))?)
    |(?P<macro>%{SCOPED})
    |(?P<text>[uUrR]?(?:'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"
        |'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"))
    |(?P<number>[-+]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][-+]?\d+)?(?![\w.]))
    |(?P<word>{SCOPED})
    |(?P<mark>[\[\](){{}},:=])""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_WORDS = {"True": True, "False": False, "None": None}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPES = {
    "\n": "",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_CLOSING = {"[": "]", "(": ")", "{": "}"}


class GinError(ValueError):
    """The text is not gin; `line` is where."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Reference:
    """A class or function that a value names: "@name", or "@name()" if the value is its result."""

    name: str
    scope: str = ""
    call: bool = False

    def __str__(self) -> str:
        return f"@{self.scope}{'/' if self.scope else ''}{self.name}{'()' if self.call else ''}"


@dataclass(frozen=True)
class Macro:
    """A value that stands elsewhere: "%name"."""

    name: str

    def __str__(self) -> str:
        return f"%{self.name}"


@dataclass(frozen=True)
class Token:
    """A piece of a line: reference, macro, text, number, word, mark, or the end."""

    kind: str
    text: str
    line: int
    column: int

    def is_mark(self, text: str) -> bool:
        return self.kind == "mark" and self.text == text


def split_lines(text: str) -> list[list[Token]]:
    """Return the logical lines: one goes on while a bracket is open or after a backslash."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines: list[list[Token]] = []
    tokens: list[Token] = []
    open_brackets: list[Token] = []
    place, line, line_start = 0, 1, 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise GinError(f"not understood: {text[place : place + 40].splitlines()[0]!r}", line)
        kind, piece = str(found.lastgroup), found[0]
        kind = "reference" if kind == "call" else kind
        if kind == "newline" and not open_brackets:
            lines.append(tokens)
            tokens = []
        elif kind not in ("space", "newline"):
            token = Token(kind, piece, line, place - line_start)
            tokens.append(token)
            _count_brackets(token, open_brackets)
        if "\n" in piece:
            line += piece.count("\n")
            line_start = place + piece.rindex("\n") + 1
        place = found.end()
    if open_brackets:
        raise GinError(f"{open_brackets[-1].text!r} is never closed", open_brackets[-1].line)
    lines.append(tokens)
    return [tokens for tokens in lines if tokens]


def _count_brackets(token: Token, open_brackets: list[Token]) -> None:
    if token.kind != "mark":
        return
    if token.text in _CLOSING:
        open_brackets.append(token)
        if len(open_brackets) > MAX_DEPTH:
            raise GinError(f"brackets nested deeper than {MAX_DEPTH}", token.line)
    elif token.text in _CLOSING.values() and (
        not open_brackets or _CLOSING[open_brackets.pop().text] != token.text
    ):
        raise GinError(f"{token.text!r} closes nothing", token.line)


def parse_value(tokens: list[Token]) -> object:
    """Return the one value that tokens are."""
    parser = _Values(tokens)
    value = parser.value()
    parser.expect_end()
    return value


class _Values:
    """Reads values from the tokens of a line whose brackets match."""

    def __init__(self, tokens: list[Token]) -> None:
        last = tokens[-1]
        self._tokens = [*tokens, Token("end", "the end of the line", last.line, last.column)]
        self._place = 0

    def _next(self) -> Token:
        token = self._tokens[self._place]
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return token

    def _skip(self, mark: str) -> bool:
        if self._tokens[self._place].is_mark(mark):
            self._place += 1
            return True
        return False

    def expect_end(self) -> None:
        token = self._next()
        if token.kind != "end":
            raise GinError(f"{token.text!r} after the value, where nothing may follow", token.line)

    def value(self) -> object:
        token = self._next()
        if token.kind == "text":
            return self._joined_text(token)
        if token.kind == "number":
            return _number(token)
        if token.kind == "word" and token.text in _WORDS:
            return _WORDS[token.text]
        if token.kind == "reference":
            name = token.text[1:].split("(")[0].strip()
            scope, _, name = name.rpartition("/")
            return Reference(name, scope, token.text.endswith(")"))
        if token.kind == "macro":
            return Macro(token.text[1:])
        if token.is_mark("{"):
            return self._mapping()
        if token.is_mark("[") or token.is_mark("("):
            return self._sequence(token)
        hint = "; calls and names of Python are not values" if token.kind == "word" else ""
        raise GinError(f"{token.text!r} where a value should stand{hint}", token.line)

    def _joined_text(self, token: Token) -> str:
        """Return a text; texts that stand side by side are one."""
        parts = [_text(token)]
        while self._tokens[self._place].kind == "text":
            parts.append(_text(self._next()))
        return "".join(parts)

    def _sequence(self, opening: Token) -> object:
        closing = _CLOSING[opening.text]
        values: list[object] = []
        comma = False
        while not self._skip(closing):
            if values and not comma:
                token = self._next()
                raise GinError(f"{token.text!r} where ',' or {closing!r} should stand", token.line)
            values.append(self.value())
            comma = self._skip(",")
        if closing == "]":
            return values
        return values[0] if len(values) == 1 and not comma else tuple(values)

    def _mapping(self) -> dict[object, object]:
        values: dict[object, object] = {}
        comma = True
        while not self._skip("}"):
            token = self._tokens[self._place]
            key = self.value()
            if not isinstance(key, str | int | float | None) or not self._skip(":"):
                raise GinError("a mapping needs a text or number, ':' and a value", token.line)
            if not comma:
                raise GinError(f"{token.text!r} where ',' or '}}' should stand", token.line)
            values[key] = self.value()
            comma = self._skip(",")
        return values


def _text(token: Token) -> str:
    """Return what a quoted text stands for."""
    prefix, body = ("", token.text) if token.text[0] in "'\"" else (token.text[0], token.text[1:])
    n_quotes = 3 if body[:3] in ("'''", '"""') else 1
    body = body[n_quotes:-n_quotes]
    if prefix in ("r", "R"):
        return body
    try:
        return _ESCAPE.sub(_unescape, body)
    except (ValueError, OverflowError):
        raise GinError(
            f"an escape that is no character in {token.text[:60]!r}", token.line
        ) from None


def _unescape(found: re.Match[str]) -> str:
    code = found[1]
    if code in _ESCAPES:
        return _ESCAPES[code]
    if code[0] in "xuU":
        return chr(int(code[1:], 16))
    return chr(int(code, 8)) if code[0] in "01234567" else found[0]


def _number(token: Token) -> int | float:
    if len(token.text) > MAX_DIGITS:
        raise GinError(f"a number of more than {MAX_DIGITS} digits", token.line)
    try:
        return int(token.text)
    except ValueError:
        pass
    try:
        return float(token.text)
    except ValueError:
        raise GinError(f"{token.text!r} is not a number", token.line) from None
