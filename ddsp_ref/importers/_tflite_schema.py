"""Numbers of the TFLite schema, version 3: operators, types, and the options that matter.

Source: TensorFlow, tensorflow/lite/schema/schema.fbs.
"""

from __future__ import annotations

# In the order of their codes, from 0 on; the numbers without a name are reserved.
_NAMES = """
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE
EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D
LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6
RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM
EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND
TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN
EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX
MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV
SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT
REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV
REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU
SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU
REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE
NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL
RESERVED_127 CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS HASHTABLE
HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE
ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU
DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM
ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT
"""
OPERATORS = _NAMES.split()

TYPES = {
    0: "<f4",
    1: "<f2",
    2: "<i4",
    3: "u1",
    4: "<i8",
    6: "?",
    7: "<i2",
    8: "<c8",
    9: "i1",
    10: "<f8",
    11: "<c16",
    12: "<u8",
    15: "<u4",
    16: "<u2",
}

ACTIVATIONS = ["none", "relu", "relu_n1_to_1", "relu6", "tanh", "sign_bit"]

_ACTIVATION = {"activation": (0, "<b")}
# Of each operator: the name of an option, its field, the struct code of the number.
OPTIONS = {
    "ADD": _ACTIVATION,
    "SUB": _ACTIVATION,
    "MUL": _ACTIVATION,
    "DIV": _ACTIVATION,
    "FULLY_CONNECTED": {
        "activation": (0, "<b"),
        "weights_format": (1, "<b"),
        "keep_num_dims": (2, "<?"),
        "asymmetric_quantize_inputs": (3, "<?"),
    },
    "CONCATENATION": {"axis": (0, "<i"), "activation": (1, "<b")},
    "SPLIT": {"num_splits": (0, "<i")},
    "SPLIT_V": {"num_splits": (0, "<i")},
    "MEAN": {"keep_dims": (0, "<?")},
    "SUM": {"keep_dims": (0, "<?")},
    "PACK": {"values_count": (0, "<i"), "axis": (1, "<i")},
    "UNPACK": {"num": (0, "<i"), "axis": (1, "<i")},
    "GATHER": {"axis": (0, "<i"), "batch_dims": (1, "<i")},
    "LEAKY_RELU": {"alpha": (0, "<f")},
    "BATCH_MATMUL": {"adj_x": (0, "<?"), "adj_y": (1, "<?")},
    "STRIDED_SLICE": {
        "begin_mask": (0, "<i"),
        "end_mask": (1, "<i"),
        "ellipsis_mask": (2, "<i"),
        "new_axis_mask": (3, "<i"),
        "shrink_axis_mask": (4, "<i"),
    },
    "WHILE": {"cond_subgraph": (0, "<i"), "body_subgraph": (1, "<i")},
    "IF": {"then_subgraph": (0, "<i"), "else_subgraph": (1, "<i")},
}
