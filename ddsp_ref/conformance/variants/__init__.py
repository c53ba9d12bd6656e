"""The conventions and the common mistakes of ports, as named variants of the definitions.

A *wide definition* is that of an op with more settings: one for everything that ports do in
different ways. With the defaults it is the definition, which a test holds. A *variant* is one
such choice made otherwise, and the text of what that means; where the choice is a setting of the
op already, the setting is used. Choices whose names end in `_gradient` leave values alone, those
that end in `_precision` all but the last digits.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ddsp_ref.errors import MissingExtraError
from ddsp_ref.op import Op
from ddsp_ref.registry import get_op

_THEMES = ("filters", "layers", "oscillators", "scaling", "spectral")


class Variant(NamedTuple):
    """One choice made otherwise than the definition makes it."""

    op: str
    choice: str
    value: Any
    meaning: str
    theme: str

    @property
    def name(self) -> str:
        """Name the variant as `choice = value`."""
        return f"{self.choice} = {self.value}"

    @property
    def of_gradient(self) -> bool:
        """Tell whether values are those of the definition."""
        return self.choice.endswith("_gradient")

    @property
    def of_rounding(self) -> bool:
        """Tell whether it is the definition, but for digits that the order of sums decides on."""
        return self.choice.endswith("_precision")


@functools.cache
def _wide() -> dict[str, tuple[Op, tuple[Variant, ...]]]:
    found = {}
    for theme in _THEMES:
        module = importlib.import_module(f"{__name__}.{theme}")
        for define, choices in module.CHOICES.items():
            name = define.__name__
            variants = (
                Variant(name, choice, value, meaning, module.SEE)
                for choice, values in choices.items()
                for value, meaning in values.items()
            )
            found[name] = _as_op(define), tuple(variants)
    return found


def _as_op(define) -> Op:
    """Return an op without a fast path: shapes and batches are those of the op of that name."""
    narrow = get_op(define.__name__)
    return Op(
        define.__name__, define, vjp=narrow._vjp, cases=narrow.cases,
        signature=narrow.signature, source=narrow.source,
        may_be_none=tuple(k for k, kind in narrow._kinds.items() if kind.none),
    )  # fmt: skip


def ops_with_variants() -> list[str]:
    """Return the names of the ops that have a wide definition."""
    return sorted(_wide())


def variants_of(op: str) -> tuple[Variant, ...]:
    """Return the variants of an op; none if it has no wide definition."""
    return _wide()[op][1] if op in _wide() else ()


def _settings(op: Op, settings: dict[str, Any], variants: Sequence[Variant]) -> dict[str, Any]:
    known = inspect.signature(op._define).parameters
    own = {k: v for k, v in settings.items() if k in known}
    return own | {v.choice: v.value for v in variants}


def value_of(
    name: str, arrays: Sequence[Any], settings: dict[str, Any], variants: Sequence[Variant] = ()
) -> tuple[np.ndarray, ...]:
    """Return the outputs of an op with some choices made otherwise, float64."""
    op = _wide()[name][0]
    with np.errstate(all="ignore"):
        y = op.define(*arrays, **_settings(op, settings, variants))
    return tuple(map(np.asarray, y if isinstance(y, tuple) else (y,)))


def gradients_of(
    name: str,
    arrays: Sequence[Any],
    settings: dict[str, Any],
    cotangents: Sequence[Any],
    variants: Sequence[Variant] = (),
) -> tuple[np.ndarray, ...]:
    """Return one cotangent per array of an op with some choices made otherwise, by autograd.

    Raises
    ------
    MissingExtraError
        If autograd is not installed.
    """
    try:
        import autograd
        import autograd.numpy as anp
    except ImportError:
        raise MissingExtraError(
            "gradients of variants need autograd: pip install ddsp_ref[autograd]"
        ) from None
    import warnings

    op = _wide()[name][0]
    chosen = _settings(op, settings, variants)
    arrays = tuple(np.asarray(a, float) for a in arrays)

    def weighed(*args):
        y = op.define(*args, xp=anp, **chosen)
        parts = y if isinstance(y, tuple) else (y,)
        return sum(anp.sum(p * np.asarray(c, float)) for p, c in zip(parts, cotangents))

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # an output that an input does not reach: autograd warns, the cotangent is zero
        warnings.filterwarnings("ignore", message="Output seems independent of input")
        return autograd.grad(weighed, argnum=tuple(range(len(arrays))))(*arrays)
