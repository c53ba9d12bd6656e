"""Pickles as data: what a pickle would build is written down, and nothing is built.

A pickle is a program that may call anything. This machine carries out only the instructions that
build plain containers; a call becomes a `Call` that holds the name and the arguments, and only
names that the reader of the format admits may occur at all. What the names mean is decided later,
by the readers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Container
from dataclasses import dataclass, field

# Longer ones are no sizes, and slow to print.
_MAX_INT_BYTES = 32
# Whole numbers as keys: small ones, because large ones can be chosen to have one hash.
_MAX_KEY = 2**31
_MAX_STEPS = 300_000


class PickleError(ValueError):
    """The pickle is damaged or not admitted; `place` is the byte where."""

    def __init__(self, message: str, place: int) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True)
class Name:
    """A class or function that a pickle names."""

    text: str


@dataclass(eq=False)
class Call:
    """What a class or function would have made; `state` and `items` are what is set after."""

    name: str
    args: tuple
    state: object = None
    items: dict = field(default_factory=dict)


@dataclass(eq=False)
class Stored:
    """Something that stands outside of the pickle; `key` says which."""

    key: object


_MARK = object()

# What an instruction takes from the file: a struct format, or the format of a length before bytes.
_FIXED = {"K": "<B", "M": "<H", "J": "<i", "G": ">d", "\x80": "<B", "\x95": "<Q"}
_FIXED |= {"h": "<B", "j": "<I", "q": "<B", "r": "<I"}
_COUNTED = {"\x8c": "<B", "X": "<I", "\x8d": "<Q"}  # text
_COUNTED |= {"C": "<B", "B": "<I", "\x8e": "<Q", "\x96": "<Q"}  # bytes
_COUNTED |= {"\x8a": "<B", "\x8b": "<I"}  # long integers
_CONSTANTS = {"N": None, "\x88": True, "\x89": False}
_EMPTY = {"]": list, "}": dict, ")": tuple}
_TUPLES = {"\x85": 1, "\x86": 2, "\x87": 3}


def read_pickle(data: bytes, admitted: Container[str]) -> object:
    """Return what a pickle describes: plain values, `Name`, `Call` and `Stored`.

    `admitted` has the names "module.name" that may occur. Values may be shared, and even contain
    themselves: walk through them with a bound.
    """
    return _Machine(data, admitted).run()


class _Machine:
    """A stack, marks in it, and a memory of values that are used again."""

    def __init__(self, data: bytes, admitted: Container[str]) -> None:
        self._data, self._admitted = data, admitted
        self._place = self._at = 0
        self._stack: list = []
        self._memo: dict[int, object] = {}

    def run(self) -> object:
        if self._data[:1] != b"\x80":
            raise PickleError("it does not begin as a pickle of protocol 2 or newer does", 0)
        for _ in range(_MAX_STEPS):
            self._at = self._place
            code = chr(self._take(1)[0])
            if code == ".":
                if len(self._stack) != 1 or self._stack[0] is _MARK:
                    raise self._error("it ends with values left over")
                return self._stack[0]
            self._step(code)
        raise self._error(f"it has more than {_MAX_STEPS} instructions")

    def _step(self, code: str) -> None:
        if code in _CONSTANTS:
            self._stack.append(_CONSTANTS[code])
        elif code in _EMPTY:
            self._stack.append(_EMPTY[code]())
        elif code in _TUPLES:
            values = [self._pop() for _ in range(_TUPLES[code])]
            self._stack.append(tuple(reversed(values)))
        elif code in _FIXED:
            self._fixed(code, self._number(_FIXED[code]))
        elif code in _COUNTED:
            self._counted(code, self._take(self._number(_COUNTED[code])))
        elif code in _ACTIONS:
            _ACTIONS[code](self)
        else:
            raise self._error(f"the instruction {code!r} is not one that holds plain data")

    def _error(self, message: str) -> PickleError:
        return PickleError(message, self._at)

    def _take(self, n: int) -> bytes:
        if n > len(self._data) - self._place:
            raise self._error("it is truncated")
        self._place += n
        return self._data[self._place - n : self._place]

    def _number(self, kind: str) -> int:
        return struct.unpack(kind, self._take(struct.calcsize(kind)))[0]

    def _pop(self) -> object:
        if not self._stack or self._stack[-1] is _MARK:
            raise self._error("an instruction finds no value")
        return self._stack.pop()

    def _top(self) -> object:
        if not self._stack or self._stack[-1] is _MARK:
            raise self._error("an instruction finds no value")
        return self._stack[-1]

    def _pop_to_mark(self) -> list:
        values = []
        while self._stack:
            value = self._stack.pop()
            if value is _MARK:
                return values[::-1]
            values.append(value)
        raise self._error("an instruction finds no mark")

    def _fixed(self, code: str, value: int | float) -> None:
        if code in "KMJG":
            self._stack.append(value)
        elif code in "qr":
            self._memo[int(value)] = self._top()
        elif code in "hj":
            if value not in self._memo:
                raise self._error(f"there is no value number {value} to use again")
            self._stack.append(self._memo[int(value)])
        elif code == "\x80" and not 2 <= value <= 5:
            raise self._error(f"protocol {value} is not known; 2 to 5 are")

    def _counted(self, code: str, data: bytes) -> None:
        if code in "\x8cX\x8d":
            try:
                self._stack.append(data.decode("utf-8", "surrogatepass"))
            except UnicodeDecodeError:
                raise self._error("a text is not UTF-8") from None
        elif code in "\x8a\x8b":
            if len(data) > _MAX_INT_BYTES:
                raise self._error(f"a whole number of {len(data)} bytes")
            self._stack.append(int.from_bytes(data, "little", signed=True))
        else:
            self._stack.append(data)

    def _memoize(self) -> None:
        self._memo[len(self._memo)] = self._top()

    def _set_items(self, pairs: list) -> None:
        target = self._top()
        items = target.items if isinstance(target, Call) else target
        if not isinstance(items, dict) or len(pairs) % 2:
            raise self._error("items are set on what has no items")
        for key, value in zip(pairs[::2], pairs[1::2]):
            if not (isinstance(key, str) or (isinstance(key, int) and 0 <= key < _MAX_KEY)):
                raise self._error("a key that is neither text nor a small whole number")
            items[key] = value

    def _append(self, values: list) -> None:
        target = self._top()
        if not isinstance(target, list):
            raise self._error("values are appended to what is no list")
        target.extend(values)

    def _name(self, module: object, name: object) -> None:
        text = f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else ""
        if len(text) > 200 or text not in self._admitted:
            raise self._error(f"it names {text[:200]!r}, which is not plain data")
        self._stack.append(Name(text))

    def _global(self) -> None:
        lines = []
        for _ in range(2):
            end = self._data.find(b"\n", self._place, self._place + 200)
            if end < 0:
                raise self._error("it is truncated within a name")
            lines.append(self._take(end - self._place).decode("utf-8", "replace"))
            self._take(1)
        self._name(*lines)

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        self._name(module, name)

    def _call(self) -> None:
        args, callee = self._pop(), self._pop()
        if not isinstance(callee, Name) or not isinstance(args, tuple):
            raise self._error("it calls what is not a name")
        self._stack.append(Call(callee.text, args))

    def _build(self) -> None:
        state, target = self._pop(), self._top()
        if not isinstance(target, Call) or target.state is not None:
            raise self._error("a state is given to what has none, or has one already")
        target.state = state


_ACTIONS: dict[str, Callable[[_Machine], object]] = {
    "(": lambda self: self._stack.append(_MARK),
    "0": lambda self: self._pop(),
    "1": lambda self: self._pop_to_mark(),
    "a": lambda self: self._append([self._pop()]),
    "e": lambda self: self._append(self._pop_to_mark()),
    "t": lambda self: self._stack.append(tuple(self._pop_to_mark())),
    "s": lambda self: self._set_items([self._pop(), self._pop()][::-1]),
    "u": lambda self: self._set_items(self._pop_to_mark()),
    "c": _Machine._global,
    "\x93": _Machine._stack_global,
    "\x94": _Machine._memoize,
    "R": _Machine._call,
    "\x81": _Machine._call,
    "b": _Machine._build,
    "Q": lambda self: self._stack.append(Stored(self._pop())),
}
