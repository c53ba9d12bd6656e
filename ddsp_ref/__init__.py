"""ddsp_ref: differentiable digital signal processing with hand-written gradients.

Every name is loaded when it is first used, so that `import ddsp_ref` costs almost nothing.
Ops are found through the registry; the other public names are listed here.
"""

from __future__ import annotations

import importlib
import importlib.util

__version__ = "0.1.0"

_HOME = {
    "Case": "ddsp_ref.op",
    "Op": "ddsp_ref.op",
    "all_ops": "ddsp_ref.registry",
    "get_op": "ddsp_ref.registry",
    "get_num_threads": "ddsp_ref.jit",
    "set_num_threads": "ddsp_ref.jit",
    "DdspRefError": "ddsp_ref.errors",
    "ParameterError": "ddsp_ref.errors",
    "AudioFileError": "ddsp_ref.errors",
    "CheckpointError": "ddsp_ref.errors",
    "ImportFormatError": "ddsp_ref.errors",
    "DerivativeError": "ddsp_ref.errors",
    "InstrumentError": "ddsp_ref.errors",
    "MissingExtraError": "ddsp_ref.errors",
    "MicrophoneError": "ddsp_ref.errors",
    "NoPitchError": "ddsp_ref.errors",
    "TrainingError": "ddsp_ref.errors",
    "Add": "ddsp_ref.processors.effects",
    "Crop": "ddsp_ref.processors.mixing",
    "ExpDecayReverb": "ddsp_ref.processors.reverbs",
    "FIRFilter": "ddsp_ref.processors.filters",
    "FilteredNoise": "ddsp_ref.processors.synths",
    "Graph": "ddsp_ref.processors.graph",
    "Harmonic": "ddsp_ref.processors.synths",
    "FilteredNoiseReverb": "ddsp_ref.processors.reverbs",
    "Mix": "ddsp_ref.processors.mixing",
    "ModDelay": "ddsp_ref.processors.filters",
    "Sinusoidal": "ddsp_ref.processors.oscillators",
    "TensorToAudio": "ddsp_ref.processors.oscillators",
    "Wavetable": "ddsp_ref.processors.oscillators",
    "Processor": "ddsp_ref.processors.processor",
    "Reverb": "ddsp_ref.processors.effects",
    "uniform_noise": "ddsp_ref.processors.synths",
    "AdamSettings": "ddsp_ref.models.optimizer",
    "ConvSettings": "ddsp_ref.models.convolution",
    "MlpSettings": "ddsp_ref.models.decoders",
    "RnnSettings": "ddsp_ref.models.decoders",
    "Instrument": "ddsp_ref.models.instrument",
    "Model": "ddsp_ref.models.model",
    "ModelConfig": "ddsp_ref.models.config",
    "load_instrument": "ddsp_ref.models.instrument",
    "F0LoudnessPreprocessor": "ddsp_ref.analysis.preprocessors",
    "F0PowerPreprocessor": "ddsp_ref.analysis.preprocessors",
    "OnlineF0PowerPreprocessor": "ddsp_ref.analysis.preprocessors",
    "CrepeNetwork": "ddsp_ref.analysis.crepe_network",
    "crepe": "ddsp_ref.analysis.crepe_pitch",
    "decode_activations": "ddsp_ref.analysis.crepe",
    "detect_notes": "ddsp_ref.analysis.detection",
    "QuantileTransformer": "ddsp_ref.analysis.quantiles",
    "fit_quantile_transform": "ddsp_ref.analysis.quantiles",
    "compute_dataset_statistics": "ddsp_ref.analysis.statistics",
    "auto_tune": "ddsp_ref.analysis.tuning",
    "get_tuning_factor": "ddsp_ref.analysis.tuning",
    "Notes": "ddsp_ref.analysis.notes",
    "segment_notes": "ddsp_ref.analysis.notes",
    "decode_notes": "ddsp_ref.analysis.note_hmm",
    "f0_distance": "ddsp_ref.analysis.metrics",
    "is_outlier": "ddsp_ref.analysis.metrics",
    "l1_distance": "ddsp_ref.analysis.metrics",
    "raw_pitch_accuracy": "ddsp_ref.analysis.metrics",
    "F0Metrics": "ddsp_ref.analysis.running",
    "LoudnessMetrics": "ddsp_ref.analysis.running",
    "EvalCounts": "ddsp_ref.analysis.scores",
    "MidiMetrics": "ddsp_ref.analysis.scores",
    "compute_frame_metrics": "ddsp_ref.analysis.scores",
    "compute_note_metrics": "ddsp_ref.analysis.scores",
    "Fc": "ddsp_ref.models.networks.basic",
    "FcStack": "ddsp_ref.models.networks.basic",
    "Network": "ddsp_ref.models.networks.network",
    "Rnn": "ddsp_ref.models.networks.recurrent",
    "RnnFc": "ddsp_ref.models.networks.recurrent",
    "RnnSandwich": "ddsp_ref.models.networks.recurrent",
    "StatelessRnn": "ddsp_ref.models.networks.recurrent",
    "Normalize": "ddsp_ref.models.networks.normalization",
    "DilatedConvStack": "ddsp_ref.models.networks.convolutional",
    "DilatedConvDecoder": "ddsp_ref.models.networks.decoders",
    "RnnFcDecoder": "ddsp_ref.models.networks.decoders",
    "MfccTimeDistributedRnnEncoder": "ddsp_ref.models.networks.encoders",
    "pyin": "ddsp_ref.analysis.pyin",
    "read_audio": "ddsp_ref.io.audio",
    "save_instrument": "ddsp_ref.models.instrument",
    "Controls": "ddsp_ref.transfer.controls",
    "Curves": "ddsp_ref.transfer.curves",
    "read_curves": "ddsp_ref.transfer.curves",
    "write_curves": "ddsp_ref.transfer.curves",
    "adjust": "ddsp_ref.transfer.adjust",
    "find_instrument": "ddsp_ref.transfer.instruments",
    "LiveTransfer": "ddsp_ref.transfer.live",
    "Listener": "ddsp_ref.streaming.listener",
    "Player": "ddsp_ref.streaming.player",
    "Resampler": "ddsp_ref.streaming.resampling",
    "import_model": "ddsp_ref.importers.foreign",
    "read_crepe": "ddsp_ref.importers.crepe",
    "export_c": "ddsp_ref.exporters.flat",
    "export_flat": "ddsp_ref.exporters.flat",
    "export_onnx": "ddsp_ref.exporters.onnx_decoder",
    "listen": "ddsp_ref.transfer.features",
    "render": "ddsp_ref.transfer.render",
    "timbre_transfer": "ddsp_ref.transfer.pipeline",
    "train": "ddsp_ref.models.training",
    "write_audio": "ddsp_ref.io.audio",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    elif name.startswith("_"):
        raise AttributeError(name)
    elif importlib.util.find_spec(f"{__name__}.{name}"):
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        from ddsp_ref.registry import all_ops

        value = all_ops().get(name)
        if value is None:
            raise AttributeError(f"ddsp_ref has no {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    from ddsp_ref.registry import all_ops

    return sorted({*_HOME, *all_ops(), "__version__"})
