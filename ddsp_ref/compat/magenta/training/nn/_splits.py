"""A layer whose output is split into a dictionary."""

from __future__ import annotations

import inspect
from typing import Any

from ddsp_ref.compat.magenta.training._dict_layer import DictLayer
from ddsp_ref.compat.magenta.training.nn._functions import split_to_dict
from ddsp_ref.compat.magenta.training.nn._keras import Dense


class OutputSplitsLayer(DictLayer):
    """A `DictLayer` whose `compute_output` gives one array, mapped by a dense layer and split."""

    def __init__(
        self,
        input_keys=None,
        output_splits=(("amps", 1), ("harmonic_distribution", 40)),
        **kwargs: Any,
    ) -> None:
        names = list(inspect.signature(self.compute_output).parameters)
        super().__init__(input_keys or names, [name for name, _ in output_splits], **kwargs)
        self.output_splits = output_splits
        self.n_out = sum(size for _, size in output_splits)
        self.dense_out = Dense(self.n_out)

    def call(self, *inputs):
        return split_to_dict(self.dense_out(self.compute_output(*inputs)), self.output_splits)

    def compute_output(self, *inputs):
        """Return one array, (batch, time, channels)."""
        raise NotImplementedError(f"{type(self).__name__} defines no compute_output")
