"""The functions and layers of the original's ddsp/dags.py: modules strung together by names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ddsp_ref.compat.magenta import core
from ddsp_ref.compat.magenta._layer import Layer
from ddsp_ref.errors import require


def filter_by_value(d, cond):
    """Return the entries whose value meets a condition."""
    return {key: value for key, value in d.items() if cond(value)}


def is_module(v):
    """Whether something is a module of a graph: here any layer, processor or loss."""
    return isinstance(v, Layer)


def is_loss(v):
    """Whether something gives a dictionary of losses."""
    return hasattr(v, "get_losses_dict")


def is_processor(v):
    """Whether something has controls and a signal."""
    return hasattr(v, "get_signal") and hasattr(v, "get_controls")


def split_keras_kwargs(kwargs):
    """Return the keywords of Keras and the others."""
    keras = {k: kwargs[k] for k in ("training", "mask", "name") if kwargs.get(k) is not None}
    return keras, {k: v for k, v in kwargs.items() if k not in keras}


class DAGLayer(Layer):
    """Modules strung together: each node is (module or its name, input keys[, output keys]).

    Keys are paths into all that was computed before ("inputs/f0_hz", "f0_hz",
    "harmonic/controls/f0_hz"). See `Graph` for the same over our own processors. Noise for the
    modules that draw it: `noise={module name: array}`, or one array for all of them.
    """

    def __init__(self, dag: Sequence, *, weights=None, rng=None, **kwarg_modules: Any) -> None:
        keras, modules = split_keras_kwargs(kwarg_modules)
        super().__init__(keras.get("name"), weights=weights, rng=rng)
        modules = filter_by_value(modules, is_module)
        self.dag, more = self.format_dag(dag)
        modules.update(more)
        self.module_names = list(modules)
        for name, module in modules.items():
            setattr(self, name, module)

    @property
    def modules(self) -> list[Layer]:
        return [getattr(self, name) for name in self.module_names]

    @staticmethod
    def format_dag(dag: Sequence) -> tuple[list, dict[str, Layer]]:
        """Return the graph with names in place of its modules, and the modules by name."""
        modules, named = {}, []
        for module, *keys in dag:
            if is_module(module):
                modules[module.name] = module
                module = module.name
            named.append([module, *keys])
        return named, modules

    def call(self, inputs, noise=None, **kwargs):
        return self.run_dag(inputs, noise=noise, **kwargs)

    def run_dag(self, inputs, noise=None, **kwargs):
        """Return all that was computed, nested by name of module; "out" is the last of it."""
        require(len(self.dag) > 0, "DAGLayer: dag is empty, must hold at least one node")
        outputs = {"inputs": inputs, **inputs}
        for name, keys, *output_keys in self.dag:
            module = getattr(self, name)
            arrays = [core.nested_lookup(key, outputs) for key in keys]
            own = noise.get(name) if isinstance(noise, dict) else noise
            drawn = {} if own is None or not getattr(module, "draws", False) else {"noise": own}
            if is_processor(module):
                result = module(*arrays, return_outputs_dict=True, **drawn, **kwargs)
            elif is_loss(module):
                result = module.get_losses_dict(*arrays, **kwargs)
            else:
                result = module(*arrays, **kwargs)
            outputs[name] = core.to_dict(result, *output_keys) if output_keys else result
        outputs["out"] = outputs[self.dag[-1][0]]
        return outputs
