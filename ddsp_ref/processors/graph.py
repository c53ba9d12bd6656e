"""A list of processors read in order, and its reverse walk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.processors.processor import Processor

Node = tuple[Processor, Sequence[str]]


class Graph:
    """A list of processors read in order; the last one gives the signal.

    Each node names its inputs: keys of the dictionary that the graph is called with, or results of
    nodes before it ("add/signal", "harmonic/controls/f0_hz"). A whole model has a gradient by
    walking the list backwards.

    Parameters
    ----------
    nodes : list of (Processor, list of str)
        What is computed from what, in order.

    Raises
    ------
    ParameterError
        If two nodes have one name, or a node reads the result of a later one.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/processors.py, ProcessorGroup, and ddsp/dags.py.

    Examples
    --------
    >>> import numpy as np
    >>> from ddsp_ref.processors.effects import Add, Reverb
    >>> graph = Graph([(Add(), ["a", "b"]), (Reverb(), ["add/signal", "ir"])])
    >>> graph({"a": np.array([1.0, 0.0]), "b": np.array([1.0, 1.0]), "ir": np.array([0.0, 1.0])})
    array([2., 3.])
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        require(len(nodes) > 0, "Graph: nodes is empty, must hold at least one processor")
        self.nodes = [(processor, tuple(keys)) for processor, keys in nodes]
        names = [processor.name for processor, _ in self.nodes]
        for place, (processor, keys) in enumerate(self.nodes):
            require(
                names.count(processor.name) == 1,
                f"Graph: two processors are called {processor.name!r}, give one another name=...",
            )
            later = [key for key in keys if key.split("/")[0] in names[place:] and "/" in key]
            require(
                not later,
                f"Graph: {processor.name} reads {', '.join(later)}, which comes later; "
                "put it behind what it reads",
            )
        made = {
            f"{processor.name}/{part}"
            for processor, _ in self.nodes
            for part in ("signal", *(f"controls/{c}" for c in processor.controls))
        }
        self.input_keys = tuple(
            dict.fromkeys(key for _, keys in self.nodes for key in keys if key not in made)
        )

    def __call__(self, inputs: Mapping[str, Any]) -> np.ndarray:
        """Return the signal of the last node."""
        return self.run(inputs)[f"{self.nodes[-1][0].name}/signal"]

    def run(self, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return the inputs and all that was computed: every control and every signal by key."""
        values = self._start(inputs)
        for processor, keys in self.nodes:
            controls = processor.get_controls(*[values[key] for key in keys])
            for name, value in controls.items():
                values[f"{processor.name}/controls/{name}"] = value
            values[f"{processor.name}/signal"] = processor.get_signal(**controls)
        return values

    def vjp(
        self, inputs: Mapping[str, Any]
    ) -> tuple[np.ndarray, Callable[[np.ndarray], dict[str, np.ndarray]]]:
        """Return the signal and `pullback(signal_bar)`: cotangents of the inputs by key."""
        values = self._start(inputs)
        pulls = []
        for processor, keys in self.nodes:
            controls, pull_controls = processor.controls_vjp(*[values[key] for key in keys])
            signal, pull_signal = processor.signal_vjp(*controls)
            for name, value in zip(processor.controls, controls, strict=True):
                values[f"{processor.name}/controls/{name}"] = value
            values[f"{processor.name}/signal"] = signal
            pulls.append((pull_controls, pull_signal, signal))
        last = f"{self.nodes[-1][0].name}/signal"

        def pullback(signal_bar: np.ndarray) -> dict[str, np.ndarray]:
            bars: dict[str, np.ndarray] = {last: signal_bar}
            for (processor, keys), pull in zip(reversed(self.nodes), reversed(pulls), strict=True):
                for key, bar in zip(keys, _pull_node(processor, pull, bars), strict=True):
                    bars[key] = bars[key] + bar if key in bars else bar
            return {key: bars[key] for key in self.input_keys}

        return values[last], pullback

    def _start(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        missing = [key for key in self.input_keys if key not in inputs]
        require(
            not missing,
            f"Graph: inputs lack {', '.join(missing)}; they hold {', '.join(inputs) or 'nothing'}",
        )
        return dict(inputs)


def _pull_node(processor: Processor, pull: tuple, bars: dict[str, np.ndarray]) -> tuple:
    """Pull what later nodes sent back to one node on to its inputs."""
    pull_controls, pull_signal, signal = pull
    signal_bar = bars.get(f"{processor.name}/signal")
    if signal_bar is None:  # nobody read it
        signal_bar = np.zeros_like(signal)
    controls_bar = list(pull_signal(signal_bar))
    for i, name in enumerate(processor.controls):
        key = f"{processor.name}/controls/{name}"
        if key in bars:
            controls_bar[i] = controls_bar[i] + bars[key]
    return pull_controls(*controls_bar)
