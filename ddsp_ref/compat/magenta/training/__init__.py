"""The modules of the original's ddsp/training that compute."""

from ddsp_ref.compat.magenta.training import (
    decoders,
    encoders,
    heuristics,
    metrics,
    nn,
    postprocessing,
    preprocessing,
)

__all__ = ["decoders", "encoders", "heuristics", "metrics", "nn", "postprocessing", "preprocessing"]
