"""The base and the routing of the original's ddsp/processors.py."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from ddsp_ref.compat.magenta import core
from ddsp_ref.compat.magenta._layer import Layer
from ddsp_ref.compat.magenta._record import Traced, apply
from ddsp_ref.compat.magenta.dags import DAGLayer
from ddsp_ref.errors import require
from ddsp_ref.processors import effects as ours
from ddsp_ref.processors import mixing


class Processor(Layer):
    """Turn network outputs into controls and controls into a signal.

    A subclass defines `get_controls` and `get_signal`. `vjp(**arguments)`,
    `get_controls_vjp(**arguments)` and `get_signal_vjp(**controls)` return what is computed and a
    pullback to a dictionary by name; weights of a trainable one are there under "weights".
    Where the original draws numbers, `noise=` takes them; without it they come from `rng`.
    """

    def __init__(self, name: str, trainable: bool = False, *, weights=None, rng=None) -> None:
        super().__init__(name, weights=weights, rng=rng)
        self.trainable = trainable

    @property
    def draws(self) -> bool:
        """Whether `noise=` is taken."""
        return any("noise" in _parameters(f) for f in (self.get_controls, self.get_signal))

    def get_controls(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the controls by name."""
        raise NotImplementedError(f"{type(self).__name__} defines no controls")

    def get_signal(self, *args: Any, **kwargs: Any) -> Any:
        """Return the signal that belongs to controls given by name."""
        raise NotImplementedError(f"{type(self).__name__} defines no signal")

    def call(self, *args: Any, return_outputs_dict: bool = False, **kwargs: Any) -> Any:
        """Return the signal, or a dictionary of the signal and the controls."""
        later = {}
        if "noise" in kwargs and "noise" not in _parameters(self.get_controls):
            later["noise"] = kwargs.pop("noise")
        controls = self.get_controls(*args, **kwargs)
        signal = self.get_signal(**controls, **later)
        return {"signal": signal, "controls": controls} if return_outputs_dict else signal

    def vjp(self, *args: Any, return_outputs_dict: bool = False, **kwargs: Any):
        """Return the signal (or signal and controls) and a pullback to the arguments by name."""
        later = {}
        if "noise" in kwargs and "noise" not in _parameters(self.get_controls):
            later["noise"] = kwargs.pop("noise")
        arguments = self.arguments(args, kwargs, self.get_controls) | later

        def body(**given):
            return self(**given, return_outputs_dict=return_outputs_dict)

        return self.trace(body, arguments)

    def get_controls_vjp(self, *args: Any, **kwargs: Any):
        """Return the controls and a pullback from a dictionary of their cotangents."""
        return self.trace(self.get_controls, self.arguments(args, kwargs, self.get_controls))

    def get_signal_vjp(self, *args: Any, **kwargs: Any):
        """Return the signal and a pullback to the controls by name."""
        return self.trace(self.get_signal, self.arguments(args, kwargs, self.get_signal))

    def noise_or_draw(self, noise: Any, shape: tuple[int, ...], like: Any) -> Any:
        """Return the noise given, or uniform numbers in [-1, 1) of the dtype of `like`."""
        if noise is None:
            self.rng = self.rng or np.random.default_rng()
            return self.rng.uniform(-1.0, 1.0, shape).astype(like.dtype)
        require(
            np.shape(noise) == shape,
            f"{type(self).__name__}: noise has shape {np.shape(noise)}, must be {shape}",
        )
        return noise


def _parameters(function):
    return inspect.signature(function).parameters


def as_array(value: Any) -> Any:
    return value if isinstance(value, Traced) else np.asarray(value)


class ProcessorGroup(DAGLayer):
    """Processors strung together; the last one gives the signal. See `Graph`."""

    def __init__(self, dag, **kwarg_processors):
        super().__init__(dag, **kwarg_processors)
        self.processor_names = self.module_names

    @property
    def processors(self):
        return [getattr(self, name) for name in self.processor_names]

    def call(self, inputs, return_outputs_dict=False, noise=None, **kwargs):
        controls = self.get_controls(inputs, noise=noise, **kwargs)
        signal = self.get_signal(controls)
        return {"signal": signal, "controls": controls} if return_outputs_dict else signal

    def get_controls(self, inputs, noise=None, **kwargs):
        """Return all that was computed, nested by name of processor."""
        return self.run_dag(inputs, noise=noise, **kwargs)

    def get_signal(self, outputs):
        """Return the signal out of all that was computed."""
        return outputs["out"]["signal"]

    def get_controls_vjp(self, inputs, noise=None):
        """Return all that was computed and a pullback to `inputs` and `noise`."""
        arguments = {"inputs": inputs} if noise is None else {"inputs": inputs, "noise": noise}
        return self.trace(self.get_controls, arguments)

    def get_signal_vjp(self, outputs):
        """Return the signal and a pullback to all that was computed."""
        return self.trace(self.get_signal, {"outputs": outputs})


class Add(Processor):
    """Sum of two signals; see `Add`."""

    def __init__(self, name="add", **kwargs):
        super().__init__(name, **kwargs)

    def get_controls(self, signal_one, signal_two):
        return {"signal_one": signal_one, "signal_two": signal_two}

    def get_signal(self, signal_one, signal_two):
        return apply(ours.Add(), as_array(signal_one), as_array(signal_two))


class Mix(Processor):
    """Crossfade of two signals; see `Mix` and `crossfade`.

    Signals of two axes work too; the original spreads them over a third one by mistake.
    """

    def __init__(self, name="mix", **kwargs):
        super().__init__(name, **kwargs)

    def get_controls(self, signal_one, signal_two, nn_out_mix_level):
        n_one, n_two = np.shape(signal_one)[1], np.shape(signal_two)[1]
        require(
            n_one == n_two,
            f"Mix: signal_one has {n_one} samples and signal_two {n_two}, must have as many",
        )
        level = core.resample(apply("sigmoid", nn_out_mix_level), n_one)
        return {"signal_one": signal_one, "signal_two": signal_two, "mix_level": level}

    def get_signal(self, signal_one, signal_two, mix_level):
        signal_one, mix_level = as_array(signal_one), as_array(mix_level)
        if mix_level.ndim > signal_one.ndim:
            mix_level = mix_level[..., 0]
        return apply("crossfade", signal_one, signal_two, mix_level)


class Crop(Processor):
    """Cut off what stems from padding; see `Crop`, which refuses to leave nothing."""

    def __init__(self, frame_size, crop_location="back", name="crop", **kwargs):
        super().__init__(name, **kwargs)
        self.frame_size, self.crop_location = frame_size, crop_location

    def get_controls(self, audio):
        return {"audio": audio}

    def get_signal(self, audio):
        return apply(mixing.Crop(self.frame_size, self.crop_location), as_array(audio))
