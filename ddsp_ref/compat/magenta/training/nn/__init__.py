"""The layers and functions of the original's ddsp/training/nn.py."""

from ddsp_ref.compat.magenta.training._dict_layer import DictLayer
from ddsp_ref.compat.magenta.training.nn._convolutions import (
    DilatedConvStack,
    NormReluConv,
    PolyphaseResample,
    ResidualLayer,
    ResidualStack,
    ResNet,
)
from ddsp_ref.compat.magenta.training.nn._functions import (
    ensure_4d,
    get_nonlinearity,
    inv_ensure_4d,
    polyphase_resample,
    split_to_dict,
)
from ddsp_ref.compat.magenta.training.nn._keras import (
    Dense,
)
from ddsp_ref.compat.magenta.training.nn._masks import (
    get_note_lengths,
    get_note_mask,
    get_note_mask_from_onset,
    get_note_moments,
    get_short_note_loss_mask,
    pool_over_notes,
    straight_through_choice,
    straight_through_int_quantization,
    straight_through_softmax,
)
from ddsp_ref.compat.magenta.training.nn._normalize import (
    normalize_op,
)
from ddsp_ref.compat.magenta.training.nn._quantization import (
    VectorQuantization,
    get_embedding,
)
from ddsp_ref.compat.magenta.training.nn._splits import (
    OutputSplitsLayer,
)
from ddsp_ref.compat.magenta.training.nn._stacks import (
    ConditionalNorm,
    ConditionalScaleAndShift,
    Fc,
    FcStack,
    FcStackOut,
    Identity,
    Normalize,
    Rnn,
    RnnFc,
    RnnSandwich,
    SingleGru,
    StatelessRnn,
    get_norm,
)

__all__ = [
    "ConditionalNorm",
    "ConditionalScaleAndShift",
    "Dense",
    "DictLayer",
    "DilatedConvStack",
    "Fc",
    "FcStack",
    "FcStackOut",
    "Identity",
    "NormReluConv",
    "Normalize",
    "OutputSplitsLayer",
    "PolyphaseResample",
    "ResNet",
    "ResidualLayer",
    "ResidualStack",
    "Rnn",
    "RnnFc",
    "RnnSandwich",
    "SingleGru",
    "StatelessRnn",
    "VectorQuantization",
    "ensure_4d",
    "get_embedding",
    "get_nonlinearity",
    "get_norm",
    "get_note_lengths",
    "get_note_mask",
    "get_note_mask_from_onset",
    "get_note_moments",
    "get_short_note_loss_mask",
    "inv_ensure_4d",
    "normalize_op",
    "polyphase_resample",
    "pool_over_notes",
    "split_to_dict",
    "straight_through_choice",
    "straight_through_int_quantization",
    "straight_through_softmax",
]
