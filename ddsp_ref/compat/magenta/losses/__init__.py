"""The losses of the original's ddsp/losses.py."""

from __future__ import annotations

from typing import Any

from ddsp_ref.compat.magenta.dags import DAGLayer
from ddsp_ref.compat.magenta.losses._consistency import (
    FilteredNoiseConsistencyLoss,
    HarmonicConsistencyLoss,
    KDEConsistencyLoss,
    Loss,
    TWMLoss,
    WassersteinConsistencyLoss,
    wasserstein_distance,
)
from ddsp_ref.compat.magenta.losses._differences import (
    amp_loss,
    by_rows,
    freq_loss,
    mean_difference,
)
from ddsp_ref.compat.magenta.losses._spectral import SpectralLoss
from ddsp_ref.compat.magenta.losses._transcriber import HmmTranscriber

__all__ = [
    "EmbeddingLoss",
    "FilteredNoiseConsistencyLoss",
    "HarmonicConsistencyLoss",
    "HmmTranscriber",
    "KDEConsistencyLoss",
    "Loss",
    "LossGroup",
    "ParamLoss",
    "SpectralLoss",
    "TWMLoss",
    "WassersteinConsistencyLoss",
    "amp_loss",
    "freq_loss",
    "mean_difference",
    "wasserstein_distance",
]


class LossGroup(DAGLayer):
    """Losses strung together; a call gives all of them by name."""

    def __init__(self, dag, **kwarg_losses):
        super().__init__(dag, **kwarg_losses)
        self.loss_names = self.module_names

    @property
    def losses(self):
        return [getattr(self, name) for name in self.loss_names]

    def call(self, outputs, **kwargs):
        found = self.run_dag(outputs, **kwargs)
        return {key: loss for name in self.loss_names for key, loss in found[name].items()}

    def get_losses_dict(self, outputs, **kwargs):
        """Return all losses by name."""
        return self(outputs, **kwargs)


class EmbeddingLoss(Loss):
    """Distance of what a model of the caller's makes of two signals."""

    def __init__(
        self, weight=1.0, loss_type="L1", pretrained_model=None, name="embedding_loss", **kwargs
    ) -> None:
        super().__init__(name, **kwargs)
        self.weight, self.loss_type, self.pretrained_model = weight, loss_type, pretrained_model

    def call(self, target_audio, audio):
        if self.weight <= 0:
            return 0.0
        target, value = self.pretrained_model(target_audio), self.pretrained_model(audio)
        return by_rows("mean_difference", target, value, None, self.loss_type) * self.weight


class ParamLoss(Loss):
    """Mean distance of any two arrays."""

    def __init__(self, weight=1.0, loss_type="L1", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight, self.loss_type = weight, loss_type

    def call(self, pred, target, weights=None):
        return by_rows("mean_difference", pred, target, weights, self.loss_type) * self.weight
