"""A word to the user when kernels are being compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

NOTICE = "compiling kernels (once per machine) ..."


@contextmanager
def compile_notice(say: Callable[[str], None]) -> Iterator[None]:
    """Call `say` once, with `NOTICE`, when the first kernel is compiled inside of the block.

    Kernels that are found in the cache on the disk are loaded, not compiled, and say nothing.

    Parameters
    ----------
    say : function
        Gets the text.
    """
    from numba.core import event

    class Listener(event.Listener):
        said = False

        def on_start(self, event: object) -> None:
            if not self.said:
                self.said = True
                say(NOTICE)

        def on_end(self, event: object) -> None:
            pass

    with event.install_listener("numba:compile", Listener()):
        yield
