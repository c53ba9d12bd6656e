"""magenta/ddsp 3.7.0: its names, argument order, defaults and shapes, over the ops of ddsp_ref.

Code written for the original runs after changing the import, with NumPy arrays in and out:
float32 in gives float32 out, float64 in gives float64 out. Every differentiable function `f` has
`f.vjp(**arguments)`, objects have `vjp`, `get_controls_vjp` and `get_signal_vjp`: each returns the
value and a pullback, which turns the cotangent of the value into a dictionary of cotangents by
name of argument, and of `weights` where there are any. Random numbers can be given as `noise=`.

Modules stand where they stand in the original (`training.nn`, `colab.colab_utils`), and beside
`core` as well: `from ddsp_ref.compat.magenta import nn`.

Examples
--------
>>> import numpy as np
>>> import ddsp_ref.compat.magenta as ddsp
>>> ddsp.core.resample(np.array([0.0, 1.0]), 4)
array([0. , 0.5, 1. , 1. ])
>>> synth = ddsp.synths.Harmonic(n_samples=640, sample_rate=16000)
>>> amplitudes, distribution = np.zeros((1, 10, 1)), np.zeros((1, 10, 5))
>>> f0_hz = np.full((1, 10, 1), 440.0)
>>> synth(amplitudes, distribution, f0_hz).shape
(1, 640)
>>> audio, pullback = synth.vjp(amplitudes, distribution, f0_hz=f0_hz)
>>> sorted(pullback(np.ones_like(audio)))
['amplitudes', 'f0_hz', 'harmonic_distribution']
"""

import sys

from ddsp_ref.compat.magenta import (
    colab,
    core,
    dags,
    effects,
    losses,
    processors,
    spectral_ops,
    synths,
    training,
)
from ddsp_ref.compat.magenta.colab import colab_utils
from ddsp_ref.compat.magenta.training import (
    decoders,
    encoders,
    heuristics,
    metrics,
    nn,
    postprocessing,
    preprocessing,
)

__all__ = [
    "colab",
    "colab_utils",
    "core",
    "dags",
    "decoders",
    "effects",
    "encoders",
    "heuristics",
    "losses",
    "metrics",
    "nn",
    "postprocessing",
    "preprocessing",
    "processors",
    "spectral_ops",
    "synths",
    "training",
]

for _module in (*[vars(training)[_name] for _name in training.__all__], colab_utils):
    sys.modules[f"{__name__}.{_module.__name__.rpartition('.')[2]}"] = _module
