"""Trainings of magenta/ddsp, made, restored and timed by itself on TensorFlow.

`python trainings_original.py make KIND FOLDER [IO.npz]` builds a model of a published
configuration, gives its variables random values, writes a checkpoint with its configuration and,
if asked for, what the model computes from one second of sound. `python trainings_original.py time
FOLDER SECONDS` restores a checkpoint and prints how long that and a rendering take, as JSON. For
the interpreter that install.sh makes; earlier versions by PYTHONPATH=original-0.10.0, see there.
"""

from __future__ import annotations

# First: what the next ones import has to find the stubs.
import original_stubs  # noqa: F401  # isort: skip

import json
import statistics
import sys
import time
from pathlib import Path

import ddsp
import gin
import numpy as np
import tensorflow as tf
from ddsp.spectral_ops import compute_loudness
from ddsp.training import models, train_util

RATE, FRAMES = 16000, 250
IS_OLD = not hasattr(ddsp.spectral_ops, "DB_RANGE")  # before version 2, which has another loudness
_SPLITS = "(('amps', 1), ('harmonic_distribution', 12), ('noise_magnitudes', 9))"
_SHORT = [  # names of version 0 among them; those that are not there are passed over
    f"F0LoudnessPreprocessor.time_steps = {FRAMES}",
    f"DefaultPreprocessor.time_steps = {FRAMES}",
    f"Harmonic.n_samples = {RATE}",
    f"Additive.n_samples = {RATE}",
    f"FilteredNoise.n_samples = {RATE}",
]
_RNN = ["RnnFcDecoder.ch = 16", f"RnnFcDecoder.output_splits = {_SPLITS}"]
_ROOM = ["Reverb.reverb_length = 500"]
_CONV = [
    "Autoencoder.decoder = @decoders.DilatedConvDecoder()",
    "DilatedConvDecoder.ch = 16",
    "DilatedConvDecoder.layers_per_stack = 3",
    f"DilatedConvDecoder.output_splits = {_SPLITS}",
]
# published configuration, and what is changed in it
KINDS = {
    "ae": (
        "models/ae.gin",
        [*_RNN, "RnnFcDecoder.rnn_channels = 24", "RnnFcDecoder.layers_per_stack = 2",
         "MfccTimeDistributedRnnEncoder.rnn_channels = 20"],
    ),
    "solo": (
        "models/solo_instrument.gin",
        [*_RNN, *_ROOM, "RnnFcDecoder.rnn_channels = 24", "RnnFcDecoder.layers_per_stack = 2"],
    ),
    "tiny": (
        "papers/iclr2020/tiny_instrument.gin",
        [*_RNN, *_ROOM, "RnnFcDecoder.rnn_channels = 40"],
    ),
    "lstm": (
        "models/solo_instrument.gin",
        [*_RNN, *_ROOM, "RnnFcDecoder.rnn_channels = 24", "RnnFcDecoder.layers_per_stack = 1",
         "RnnFcDecoder.rnn_type = 'lstm'"],
    ),
    "conv": (
        "models/solo_instrument.gin",
        [*_CONV, *_ROOM, "DilatedConvDecoder.conditioning_keys = None"],
    ),
    "conv_z": (
        "models/ae.gin",
        [*_CONV, "DilatedConvDecoder.conditioning_keys = ('z',)",
         "DilatedConvDecoder.norm_type = 'instance'", "DilatedConvDecoder.dilation = -2",
         "Autoencoder.encoder = @encoders.MfccRnnEncoder()", "MfccRnnEncoder.rnn_type = 'lstm'",
         "MfccRnnEncoder.rnn_channels = 12", "MfccRnnEncoder.z_dims = 5",
         "MfccRnnEncoder.mean_aggregate = True"],
    ),
}  # fmt: skip
# as they were published
WHOLE = {
    "solo_instrument": "models/solo_instrument.gin",
    "tiny_instrument": "papers/iclr2020/tiny_instrument.gin",
    "ae": "models/ae.gin",
    "vst": "models/vst/vst.gin",
}


class Noise:
    """Stands for tf.random.uniform, and keeps what it gave."""

    def __init__(self) -> None:
        self.uniform, self.given = ddsp.synths.tf.random.uniform, []

    def __call__(self, *args, **settings):
        self.given.append(self.uniform(*args, **settings))
        return self.given[-1]


def voice(is_vst: bool, seconds: float) -> dict[str, tf.Tensor]:
    """Return a voice that glides, swells and breathes, and its pitch."""
    rng, n_samples = np.random.default_rng(7), int(RATE * seconds)
    at = np.arange(n_samples) / RATE
    f0_hz = 220 * 2 ** (0.5 * np.sin(2 * np.pi * 0.7 * at))
    phase = 2 * np.pi * np.cumsum(f0_hz) / RATE
    partials = sum(np.sin(k * phase) / k**1.2 for k in range(1, 9))
    audio = 0.2 * (0.3 + np.sin(np.pi * at / at[-1]) ** 2) * partials
    audio = (audio + 0.01 * rng.standard_normal(n_samples)).astype(np.float32)[None]
    f0_hz = f0_hz[:: RATE // frame_rate(is_vst)].astype(np.float32)
    if is_vst:  # one frame more than ours
        f0_hz = np.append(f0_hz, f0_hz[-1:])
    features = {"audio": audio, "f0_hz": f0_hz[None, :, None]}
    features["loudness_db"] = np.full_like(features["f0_hz"], -30.0)
    features["f0_confidence"] = np.ones_like(features["f0_hz"])
    return {k: tf.constant(v) for k, v in features.items()}


def frame_rate(is_vst: bool) -> int:
    return 50 if is_vst else 250


def parse(config: str, changes: list[str]) -> None:
    """Read a configuration as the original's training does."""
    gin.add_config_file_search_path(str(Path(ddsp.__file__).parent / "training/gin"))
    with gin.unlock_config():
        gin.parse_config_files_and_bindings([config], changes, skip_unknown=True)


def make(kind: str, folder: str, io_path: str | None) -> None:
    """Write a small training, and what its model computes."""
    name = kind.removeprefix("whole:")
    config, changes = KINDS[kind] if name == kind else (WHOLE[name], [])
    parse(config, [*changes, *(_SHORT if name == kind else [])])
    tf.random.set_seed(1)
    model = models.get_model()
    features = voice(name == "vst", 1.0 if name == kind else 4.0)
    model(dict(features), training=False)
    rng = np.random.default_rng(3)
    for variable in model.trainable_variables:
        scale = 0.1 if len(variable.shape) < 2 or "rnn" in variable.name else 0.0
        variable.assign_add(scale * rng.standard_normal(variable.shape).astype(np.float32))
    # without the optimizer, which makes it three times as large
    tf.train.CheckpointManager(tf.train.Checkpoint(model=model), folder, 1).save(1)
    (Path(folder) / "operative_config-0.gin").write_text(gin.operative_config_str())
    if io_path:
        found = record(model, features)
        if kind != "ae":  # one sound is enough
            found = {k: v for k, v in found.items() if not k.startswith(("audio/", "noise/"))}
        if model.encoder is None and not IS_OLD:
            del found["in/audio"]
        np.savez_compressed(io_path, **found)


def record(model, features) -> dict[str, np.ndarray]:
    """Return everything that the model computes, by name."""
    noise = Noise()
    ddsp.synths.tf.random.uniform = noise
    encoded = model.encode(dict(features), training=False)
    raw = model.decoder(dict(encoded), training=False)
    raw = {key: raw[key] for key, _ in model.decoder.output_splits}
    outputs = model.processor_group.get_controls({**encoded, **raw})
    ddsp.synths.tf.random.uniform = noise.uniform
    keys = ("f0_hz", "loudness_db", "f0_scaled", "ld_scaled", "z")
    found = {f"pre/{key}": encoded[key] for key in keys if key in encoded}
    found["in/audio"] = features["audio"]
    found |= {f"dec/{key}": value for key, value in raw.items()}
    if IS_OLD:  # loudness comes with the training material
        found["in/loudness_v1"] = compute_loudness(features["audio"].numpy(), RATE, RATE // 64)
        outputs["harmonic"] = outputs.get("harmonic", outputs.get("additive"))
    for key in ("amplitudes", "harmonic_distribution"):
        found[f"ctl/{key}"] = outputs["harmonic"]["controls"][key]
    found["ctl/magnitudes"] = outputs["filtered_noise"]["controls"]["magnitudes"]
    stages = [name for name in ("harmonic", "filtered_noise", "add", "reverb") if name in outputs]
    found |= {f"audio/{name}": outputs[name]["signal"] for name in stages}
    found["noise/filtered_noise"] = noise.given[0]
    if "reverb" in outputs:
        found["ctl/reverb_ir"] = outputs["reverb"]["controls"]["ir"]
    return {key: np.asarray(value)[0] for key, value in found.items()}


def timed(folder: str, seconds: float, repeats: int = 5) -> None:
    """Restore a training for another duration, and time restoring and rendering."""
    config = next(Path(folder).glob("operative_config-*.gin"))
    is_vst = "OnlineF0PowerPreprocessor" in config.read_text()
    n_samples = int(seconds * RATE) + (RATE // frame_rate(is_vst) if is_vst else 0)
    changes = [f"Harmonic.n_samples = {n_samples}", f"FilteredNoise.n_samples = {n_samples}"]
    if not is_vst:
        changes.append(f"F0LoudnessPreprocessor.time_steps = {int(seconds * 250)}")
    start = time.perf_counter()
    parse(str(config), changes)
    model = models.get_model()
    features = voice(is_vst, seconds)
    model(dict(features), training=False)
    model.restore(train_util.get_latest_checkpoint(folder), verbose=False)
    restored = time.perf_counter() - start
    render = tf.function(lambda given: model(dict(given), training=False)["audio_synth"])
    render(features)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        render(features).numpy()
        times.append(time.perf_counter() - start)
    version = f"magenta/ddsp {ddsp.__version__}, TensorFlow {tf.__version__}"
    print(json.dumps({"restore": restored, "render": statistics.median(times), "by": version}))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(*sys.argv[2:4], sys.argv[4] if len(sys.argv) > 4 else None)
    else:
        timed(sys.argv[2], float(sys.argv[3]))
