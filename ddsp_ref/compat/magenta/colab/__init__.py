"""The modules of the original's ddsp/colab that compute."""

from ddsp_ref.compat.magenta.colab import colab_utils

__all__ = ["colab_utils"]
