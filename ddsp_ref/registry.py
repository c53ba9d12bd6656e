"""All ops by name, found by importing every file under `ddsp_ref/ops`."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from ddsp_ref import ops as _ops
from ddsp_ref.errors import require
from ddsp_ref.op import Op


@functools.cache
def all_ops() -> dict[str, Op]:
    """Return every op of the library, sorted by name.

    Examples
    --------
    >>> all_ops()["exp_sigmoid"]
    <op exp_sigmoid ()->()>
    """
    found: dict[str, Op] = {}
    for info in pkgutil.walk_packages(_ops.__path__, _ops.__name__ + "."):
        module = importlib.import_module(info.name)
        for value in vars(module).values():
            if isinstance(value, Op) and value.__module__ == info.name:
                require(
                    found.setdefault(value.name, value) is value,
                    f"two ops are called {value.name!r}; the second stands in {info.name}",
                )
    return dict(sorted(found.items()))


def get_op(name: str) -> Op:
    """Return the op of that name.

    Raises
    ------
    ParameterError
        If there is no such op; the message lists names that come near.
    """
    import difflib

    known = all_ops()
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    require(name in known, f"no op is called {name!r}; {hint}")
    return known[name]
