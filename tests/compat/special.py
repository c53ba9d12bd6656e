"""Recorded calls that say something of their own, one function for each kind."""

from __future__ import annotations

import numpy as np
import pytest

import ddsp_ref.compat.magenta as ddsp
from ddsp_ref.compat.magenta import _crepe
from ddsp_ref.errors import ParameterError

from .calls import call_function, made, special

# --- rows of numbers, each a call -----------------------------------------------------------------


@special("crop_and_compensate_delay/get_fft_size")
def fft_size_of_rows(golden, inputs, weights, settings):
    sizes = [ddsp.core.get_fft_size(f, ir, bool(p)) for f, ir, p in inputs["q"]]
    return made("ddsp.core.get_fft_size", np.array(sizes), None)


@special("spectral_pad/get_framed_lengths")
def framed_lengths_of_rows(golden, inputs, weights, settings):
    lengths = ddsp.spectral_ops.get_framed_lengths
    result = {
        padding: np.array(
            [lengths(int(n), int(frame), int(hop), padding) for n, frame, hop in inputs["q"]]
        )
        for padding in ("valid", "center", "same")
    }
    return made("ddsp.spectral_ops.get_framed_lengths", result, None)


# --- functions whose call is only described -------------------------------------------------------


@special("compute_loudness/nfft_nonpow2", "compute_loudness/np_nfft_nonpow2")
def loudness_with_any_fft(golden, inputs, weights, settings):
    return call_function("ddsp.spectral_ops.compute_loudness", inputs, settings, True)


@special("spectral_pad/pad_or_trim_0", "spectral_pad/pad_or_trim_1", "spectral_pad/pad_or_trim_2")
@special("spectral_pad/pad_or_trim_3")
def pad_or_trim(golden, inputs, weights, settings):
    path = "ddsp.spectral_ops.pad_or_trim_to_expected_length"
    return call_function(path, inputs, settings | {"use_tf": True}, True)


@special("crepe_decoding/activations")
def crepe_activations(golden, inputs, weights, settings):
    path = "ddsp.spectral_ops.PretrainedCREPE.activations_to_f0_and_confidence"
    return call_function(path, inputs, settings, True)


@special("crepe_decoding/viterbi")
def crepe_viterbi(golden, inputs, weights, settings):
    path = "ddsp.spectral_ops.PretrainedCREPE.viterbi_decode"
    return made(path, ddsp.spectral_ops.PretrainedCREPE.viterbi_decode(inputs["acts"]), None)


# --- processors -----------------------------------------------------------------------------------


@special("effect_reverb/trainable", "effect_exp_decay_reverb/trainable")
@special("effect_filtered_noise_reverb/trainable")
def trained_reverb(golden, inputs, weights, settings):
    """The variables are weights; recorded with signal and controls, a cotangent for each."""
    path = golden.info["call"].split("(")[0]
    names = [name for name in inputs if name not in ("audio", "noise")]
    name = path.split(".")[-1]
    effect = getattr(ddsp.effects, name)(
        trainable=True, weights=[inputs[n] for n in names], **settings
    )
    given = {n: a for n, a in inputs.items() if n not in names}
    result, pullback = effect.vjp(**given, return_outputs_dict=True)

    def by_name(y_bar):
        found = pullback(y_bar)
        return found | dict(zip(names, found.pop("weights"), strict=True))

    return made(path, result, by_name)


@special("processors/mix")
def mix(golden, inputs, weights, settings):
    result = ddsp.processors.Mix().vjp(**inputs, return_outputs_dict=True)
    return made("ddsp.processors.Mix", *result)


@special("processors/crop", "processors/add")
def crop_and_add(golden, inputs, weights, settings):
    path = golden.info["call"].split("(")[0]
    processor = getattr(ddsp.processors, path.split(".")[-1])(**settings)
    return made(path, *processor.vjp(**inputs))


@special("processors/group")
def group(golden, inputs, weights, settings):
    """Recorded by keys of the group's nested dictionary of outputs."""
    group = ddsp.processors.ProcessorGroup(
        [
            (ddsp.synths.Harmonic(**settings), ["amps", "harmonic_distribution", "f0_hz"]),
            (ddsp.synths.FilteredNoise(window_size=0, **settings), ["noise_magnitudes"]),
            (ddsp.processors.Add(), ["filtered_noise/signal", "harmonic/signal"]),
            (ddsp.effects.Reverb(), ["add/signal", "ir"]),
        ],
        name="processor_group",
    )
    noise = inputs.pop("noise")
    result, pullback = group.vjp(inputs, return_outputs_dict=True, noise=noise)
    controls = result["controls"]
    recorded = {
        "harmonic": controls["harmonic"],
        "filtered_noise": controls["filtered_noise"],
        "add": controls["add"]["signal"],
        "signal": result["signal"],
    }

    def by_name(bars):
        bars = {"signal": bars["signal"], "controls": bars | {"add": {"signal": bars["add"]}}}
        del bars["controls"]["signal"]
        found = pullback(bars)
        return found["inputs"] | {"noise": found["noise"]}

    return made("ddsp.processors.ProcessorGroup", recorded, by_name)


# --- preprocessing --------------------------------------------------------------------------------


@special("preprocessing/f0loudness", "preprocessing/f0power", "preprocessing/online")
def preprocessor(golden, inputs, weights, settings):
    path = golden.info["call"].split("(")[0]
    layer = getattr(ddsp.training.preprocessing, path.split(".")[-1])(**settings)
    if "online" in golden.label or "power" in golden.label:
        return made(path, *layer.vjp(inputs))
    return made(path, *layer.vjp({"loudness_db": np.zeros_like(inputs["f0_hz"])} | inputs))


# --- layers ---------------------------------------------------------------------------------------


@special("nn_nonlinearity")
def nonlinearity(golden, inputs, weights, settings):
    function = ddsp.training.nn.get_nonlinearity(settings["name"])
    return made("ddsp.training.nn.get_nonlinearity", *function.vjp(inputs["x"]))


@special("nn_fc", "nn_rnn", "nn_dilated_conv", "nn_normalize/Normalize", "nn_misc/residual")
@special("nn_normalize/ConditionalNorm", "nn_misc/vq")
def layer(golden, inputs, weights, settings):
    """The weights are given in the original's order; x and z come as a list."""
    path = golden.info["call"].split("(")[0]
    built = getattr(ddsp.training.nn, path.split(".")[-1])(weights=weights, **settings)
    if "z" not in inputs:
        result, pullback = built.vjp(*inputs.values())
        names = dict(zip(inputs, built.arguments(tuple(inputs.values()), {})))
        return made(path, result, pullback, names)
    result, pullback = built.vjp(list(inputs.values()))
    return made(path, result, pullback, {"x": "inputs/0", "z": "inputs/1"})


@special("decoders", "encoders")
def dictionary_layer(golden, inputs, weights, settings):
    path = golden.info["call"].split("(")[0]
    _, module, name = path.rsplit(".", 2)
    built = getattr(getattr(ddsp.training, module), name)(weights=weights, **settings)
    return made(path, *built.vjp(inputs))


@special("nn_misc/note_pool")
def note_pool(golden, inputs, weights, settings):
    """Four functions of one x; the mask is a constant."""
    nn = ddsp.training.nn
    mask = nn.get_note_mask(inputs["q_pitch"], 9)
    calls = {
        "moments": nn.get_note_moments.vjp(inputs["x"], mask),
        "pooled": nn.pool_over_notes.vjp(inputs["x"], mask),
        "lengths": nn.get_note_lengths.vjp(mask),
    }

    def pullback(bars):
        return {"x": sum(calls[name][1](bars[name])["x"] for name in ("moments", "pooled"))}

    result = {name: value for name, (value, _) in calls.items()}
    names = ("get_note_moments", "pool_over_notes", "get_note_lengths")
    return made(", ".join(f"ddsp.training.nn.{name}" for name in names), result, pullback)


# --- notes, quantiles, statistics -----------------------------------------------------------------


@special("postprocessing/detect")
def detect_notes(golden, inputs, weights, settings):
    names = ("mask_on", "note_on_ratio")
    function = ddsp.training.postprocessing.detect_notes
    result = dict(zip(names, function(**inputs, **settings), strict=True))
    return made("ddsp.training.postprocessing.detect_notes", result, None)


@special("postprocessing/QuantileTransformer")
def quantile_transformer(golden, inputs, weights, settings):
    """The recorded z has a NaN, which the face refuses; all the others are compared."""
    q = ddsp.training.postprocessing.QuantileTransformer(**settings)
    result = {"fit_transform": q.fit_transform(inputs["x"])}
    for name, method in (("transform_z", q.transform), ("inverse_u", q.inverse_transform)):
        data = inputs[name[-1]]
        broken = np.isnan(data)
        if broken.any():
            with pytest.raises(ParameterError, match="must be finite"):
                method(data)
        mapped = method(np.where(broken, 0, data).astype(data.dtype))
        result[name] = np.where(broken, np.nan, mapped).astype(data.dtype)
    result |= {name: getattr(q, name) for name in ("quantiles_", "references_", "n_quantiles_")}
    return made("ddsp.training.postprocessing.QuantileTransformer", result, None)


@special("postprocessing/fit")
def fit_quantiles(golden, inputs, weights, settings):
    path = "ddsp.training.postprocessing.fit_quantile_transform"
    fit = ddsp.training.postprocessing.fit_quantile_transform
    loudness_db, mask_on = inputs["loudness_db"], inputs["mask_on"]
    if "other" not in inputs:
        return made(path, {"quantiles_": fit(loudness_db, mask_on).quantiles_}, None)
    wanted = fit(inputs["other"], np.ones(len(inputs["other"]), bool))
    q, loudness_norm = fit(loudness_db, mask_on, wanted)
    result = {"quantiles_": q.quantiles_, "loudness_norm": loudness_norm}
    return made(path, result | {"inv_quantiles_": wanted.quantiles_}, None)


class Provider:
    """The recorded examples, one batch for each."""

    def __init__(self, arrays):
        self.arrays = arrays

    def get_batch(self, batch_size, repeats):
        for i in range(0, len(self.arrays["audio"]), batch_size):
            yield {name: a[i : i + batch_size] for name, a in self.arrays.items()}


@special("postprocessing/compute")
def dataset_statistics(golden, inputs, weights, settings):
    path = "ddsp.training.postprocessing.compute_dataset_statistics"
    measure = ddsp.training.postprocessing.compute_dataset_statistics
    result = measure(Provider(inputs), **settings)
    q = result["quantile_transform"]
    quantiles = {"quantiles_": q.quantiles_, "references_": q.references_}
    return made(path, result | {"quantile_transform": quantiles}, None)


@special("colab_utils/auto")
def auto_tune(golden, inputs, weights, settings):
    path = "ddsp.colab.colab_utils.auto_tune"
    inputs = {name: inputs[name] for name in ("f0_midi", "mask_on")}
    return call_function(path, inputs, settings, True)


def controls_of(inputs):
    return {
        "f0_hz": inputs["f0_hz"],
        "harmonic": {"controls": {"amplitudes": inputs["amplitudes"]}},
    }


@special("heuristics/strided", "heuristics/amp", "heuristics/midi")
def heuristic(golden, inputs, weights, settings):
    path = golden.info["call"].split("(")[0]
    function = getattr(ddsp.training.heuristics, path.split(".")[-1])
    return made(path, function(controls_of(inputs)), None)


@special("heuristics/power")
def power_heuristic(golden, inputs, weights, settings):
    result = ddsp.training.heuristics.power_pooled_outliers(inputs)
    return made("ddsp.training.heuristics.power_pooled_outliers", result, None)


@special("heuristics/segment")
def segment_notes(golden, inputs, weights, settings):
    heuristics = ddsp.training.heuristics
    pick = {"mean": heuristics.mean_f0, "median": heuristics.median_f0}[settings["f"]]
    arguments = (heuristics.midi_heuristic, pick, heuristics.median_amps, controls_of(inputs))
    notes = heuristics.segment_notes(*arguments)
    return made("ddsp.training.heuristics.segment_notes", notes.rows(), None)


# --- metrics --------------------------------------------------------------------------------------


@special("metrics/compute")
def audio_features(golden, inputs, weights, settings):
    """Recorded with CREPE taken out: only the loudness is compared."""
    with pytest.MonkeyPatch.context() as patch:  # only loudness was recorded
        patch.setattr(_crepe, "full_network", lambda: lambda frames: np.zeros((len(frames), 360)))
        features = ddsp.training.metrics.compute_audio_features(inputs["audio"], **settings)
    return made("ddsp.training.metrics.compute_audio_features", features["loudness_db"], None)


@special("metrics/is")
def outliers(golden, inputs, weights, settings):
    rows = [ddsp.training.metrics.is_outlier(row) for row in inputs["conf"]]
    return made("ddsp.training.metrics.is_outlier", np.array(rows), None)


@special("metrics/eval")
def eval_counts(golden, inputs, weights, settings):
    counts = [ddsp.training.metrics.EvalCounts(*map(int, row)) for row in inputs["q"]]
    rows = np.array([(c.precision, c.recall, c.f1) for c in counts])
    return made("ddsp.training.metrics.EvalCounts", rows, None)


# --- losses ---------------------------------------------------------------------------------------


@special("spectral_loss", "losses_other/noise", "losses_other/param", "losses_other/harmonic")
@special("losses_other/twm")
def loss(golden, inputs, weights, settings):
    path = golden.info["call"].split("(")[0]
    built = getattr(ddsp.losses, path.split(".")[-1])(**settings)
    return made(path, *built.vjp(**inputs))


@special("losses_other/amp_loss", "losses_other/freq_loss", "losses_other/wasserstein_distance")
@special("losses_other/amp_loss_log")
def loss_function(golden, inputs, weights, settings):
    return call_function(golden.info["call"].split("(")[0], inputs, settings, True)


@special("mean_difference/V1COSINE")
def cosine(golden, inputs, weights, settings):
    """Recorded of TensorFlow 1's function, which the original meant."""
    settings = {"loss_type": "COSINE"}
    return call_function("ddsp.losses.mean_difference", inputs, settings, True)
