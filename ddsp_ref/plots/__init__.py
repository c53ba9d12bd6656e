"""Pictures of sounds, features and training; matplotlib is an optional extra: `[plot]`.

Every function returns a `matplotlib.figure.Figure` that belongs to nobody else: pyplot and its
global state are not used. `save_figure` writes it.
"""

from ddsp_ref.plots.curves import plot_loss_curves
from ddsp_ref.plots.figure import new_figure, save_figure
from ddsp_ref.plots.spectrograms import plot_spectrograms
from ddsp_ref.plots.transfer import plot_adjustment, plot_features, plot_transfer

__all__ = [
    "new_figure",
    "plot_adjustment",
    "plot_features",
    "plot_loss_curves",
    "plot_spectrograms",
    "plot_transfer",
    "save_figure",
]
