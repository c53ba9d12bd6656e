"""What of the original is not in the face, and why; a module by its name stands for all of it."""

from __future__ import annotations

_CREPE = "needs gradients of CREPE's network, which only listens here; see `crepe`"
_KERAS = "changes weights while Keras trains; the face has no training of its own"
_TF = "plumbing of TensorFlow"
_PLOT = "draws; see `ddsp_ref.plots`"

ABSENT = {
    "core.tf_float32": _TF + ": arrays keep their precision here",
    "core.copy_if_tf_function": _TF,
    "spectral_ops.PretrainedCREPE.create_hmm": "a model of TensorFlow Probability; its path is "
    "`viterbi_decode`",
    "losses.PretrainedCREPE": _CREPE,
    "losses.PretrainedCREPEEmbeddingLoss": _CREPE,
    "training.nn.gin_register_keras_layers": "plumbing of gin",
    "training.nn.SpectralNormalization": _KERAS,
    "colab.colab_utils.play": "sounds in a notebook's page",
    "colab.colab_utils.record": "records in a notebook's page",
    "colab.colab_utils.upload": "a form in a notebook's page; see `read_audio`",
    "colab.colab_utils.audio_bytes_to_np": "reads files; see `read_audio`",
    "colab.colab_utils.save_dataset_statistics": "writes a pickle; see "
    "`compute_dataset_statistics`",
    "training.cloud": "file input and output",
    "training.data": "file input and output, with TensorFlow's data sets",
    "training.data_preparation.ddsp_generate_synthetic_dataset": "command line",
    "training.data_preparation.ddsp_prepare_tfrecord": "command line",
    "training.data_preparation.prepare_tfrecord_lib": "file input and output, with Beam",
    "training.data_preparation.synthetic_data": "draws training data with TensorFlow",
    "training.ddsp_export": "command line, writes TensorFlow's formats",
    "training.ddsp_run": "command line",
    "training.eval_util": "loops over data sets and writes summaries; see "
    "`ddsp_ref.models.evaluation`",
    "training.evaluators": "loops over data sets and writes summaries; see "
    "`ddsp_ref.models.evaluation`",
    "training.inference": "reads checkpoints and writes TensorFlow's saved models",
    "training.models": "whole models, put together by gin; their parts are here, see also "
    "`ddsp_ref.models`",
    "training.plotting": _PLOT,
    "training.summaries": _PLOT,
    "training.train_util": "file input and output, TensorFlow's devices; see `train`",
    "training.trainers": "Keras' training loop; see `train`",
}
