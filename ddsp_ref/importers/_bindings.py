"""Looking up the bindings of a configuration, and refusing by their name."""

from __future__ import annotations

from typing import Any

from ddsp_ref.importers._gin_lines import Reference
from ddsp_ref.importers._input import refusal, show
from ddsp_ref.importers.gin_config import GinConfig

LARGEST = 1 << 20


class Bindings:
    """Looks bindings up, and refuses by their name."""

    def __init__(self, gin: GinConfig) -> None:
        self.gin = gin

    def refuse(self, binding: str, value: object, wanted: str) -> Any:
        told = value if isinstance(value, (int, float)) else show(value)
        raise refusal(self.gin.path, f"{binding} is {told}", remedy=f"understood is {wanted}")

    def demand(self, binding: str, *wanted: object) -> None:
        """Refuse a parameter that is bound to anything but its default."""
        self.one_of(binding, wanted[0], wanted)

    def one_of(self, binding: str, default: object, choices: tuple) -> Any:
        """Return a value, or refuse one that is none of the choices."""
        value = self.gin.get(binding, default)
        if not any(value == one and type(value) is type(one) for one in choices):
            self.refuse(binding, value, " or ".join(map(repr, choices)))
        return value

    def choose(self, binding: str, names: tuple[str, ...]) -> str:
        """Return the name of a class, without its modules."""
        value = self.gin.get(binding)
        name = value.name.rpartition(".")[2] if isinstance(value, Reference) else ""
        if name not in names:
            self.refuse(binding, getattr(value, "name", value), " or ".join(names))
        return name

    def whole(self, binding: str, default: int | None = None, lowest: int = 1) -> int:
        """Return a whole number, or refuse what is none."""
        value = self.gin.get(binding) if default is None else self.gin.get(binding, default)
        is_whole = not isinstance(value, bool) and (
            isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        )
        if not is_whole or not lowest <= value <= LARGEST:
            self.refuse(binding, value, f"a whole number from {lowest} to {LARGEST}")
        return int(value)

    def is_exp_sigmoid(self, binding: str) -> None:
        """Refuse another function."""
        value = self.gin.get(binding, Reference("core.exp_sigmoid", False))
        if not (isinstance(value, Reference) and value.name.rpartition(".")[2] == "exp_sigmoid"):
            self.refuse(binding, getattr(value, "name", value), "exp_sigmoid")
