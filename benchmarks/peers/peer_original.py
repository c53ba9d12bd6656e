"""magenta/ddsp 3.7.0 itself, in tf.function, on a TensorFlow of today."""

from __future__ import annotations

# First: what the next ones import has to find the stubs.
import original_stubs  # noqa: F401  # isort: skip

import ddsp
import ddsp.training
import protocol
import tensorflow as tf
from ddsp import core, effects, processors, spectral_ops, synths
from ddsp.training import decoders, models, trainers


def harmonic(x, s):
    return core.harmonic_synthesis(
        x["f0_hz"][..., None], x["amplitudes"][..., None],
        harmonic_distribution=x["harmonic_distribution"], **s,
    )  # fmt: skip


def sinusoidal(x, s):
    synth = synths.Sinusoidal(**s, amp_scale_fn=None, freq_scale_fn=None)
    return synth.get_signal(x["amplitudes"], x["frequencies_hz"])


def spectral_loss(x, s):
    return ddsp.losses.SpectralLoss(**s)(x["target_audio"], x["audio"])[None]


FUNCTIONS = {
    "harmonic": harmonic,
    "sinusoidal": sinusoidal,
    "filtered_noise": lambda x, s: core.frequency_filter(x["audio"], x["magnitudes"]),
    "reverb": lambda x, s: core.fft_convolve(x["audio"], x["impulse_response"], **s),
    "fir": lambda x, s: core.fft_convolve(x["audio"], x["impulse_responses"]),
    "spectral_loss": spectral_loss,
    "stft": lambda x, s: spectral_ops.compute_mag(x["audio"]),
    "loudness": lambda x, s: spectral_ops.compute_loudness(x["audio"]),
}
RENDERS = ("render_shipped", "render_original")
STEPS = ("train_shipped", "train_original")


class GivenNoise(synths.FilteredNoise):
    """The original's synthesizer with noise that is given, so that all filter the same."""

    def get_signal(self, magnitudes):
        return core.frequency_filter(self.noise, magnitudes, window_size=self.window_size)


def make_model(config, x):
    """Return what solo_instrument.gin makes, in the sizes of the configuration.

    A decoder without memory is the original's without its recurrent layer.
    """
    sizes, n_samples = config["decoder_settings"], x["noise"].shape[-1]
    outputs = (
        ("amps", 1), ("harmonic_distribution", config["n_harmonics"]),
        ("noise_magnitudes", config["n_bands"]),
    )  # fmt: skip
    decoder = decoders.RnnFcDecoder(
        rnn_channels=sizes.get("n_hidden", 1), ch=sizes["n_channels"],
        layers_per_stack=sizes["n_layers"], input_keys=("ld_scaled", "f0_scaled"),
        output_splits=outputs,
    )  # fmt: skip
    if config["decoder"] == "mlp":
        decoder.rnn = lambda inputs: inputs[..., :0]
    noise = GivenNoise(n_samples, window_size=0)
    noise.noise = x["noise"]
    n_taps = round(config["reverb_seconds"] * config["sample_rate"])
    group = processors.ProcessorGroup(
        dag=[
            (
                synths.Harmonic(n_samples, config["sample_rate"]),
                ["amps", "harmonic_distribution", "f0_hz"],
            ),
            (noise, ["noise_magnitudes"]),
            (processors.Add(name="add"), ["filtered_noise/signal", "harmonic/signal"]),
            (effects.Reverb(trainable=True, reverb_length=n_taps), ["add/signal"]),
        ]
    )
    loss = ddsp.losses.SpectralLoss(mag_weight=1.0, logmag_weight=1.0)
    return models.Autoencoder(decoder=decoder, processor_group=group, losses=[loss])


def set_parameters(model, p, envelope):
    """Give the model the parameters that all peers have; its reverb has no envelope."""
    decoder = model.decoder
    stacks = {
        "decoder/loudness_stack": decoder.input_stacks[0],
        "decoder/f0_stack": decoder.input_stacks[1],
        "decoder/out_stack": decoder.out_stack,
    }
    for stack, layers in stacks.items():
        for i, layer in enumerate(layers.layers):
            for name, variable in zip(("kernel", "bias", "gamma", "beta"), layer.trainable_weights):
                variable.assign(p[f"{stack}/{i}/{name}"])
    for name, variable in zip(("kernel", "bias"), decoder.dense_out.trainable_weights):
        variable.assign(p[f"decoder/controls/{name}"])
    if "decoder/gru/kernel" in p:
        kernel, recurrent, bias = decoder.rnn.trainable_weights
        kernel.assign(p["decoder/gru/kernel"])
        recurrent.assign(p["decoder/gru/recurrent_kernel"])
        bias.assign(tf.stack([p["decoder/gru/bias"], p["decoder/gru/recurrent_bias"]]))
    (taps,) = model.processor_group.reverb.trainable_weights
    taps.assign(p["reverb/impulse_response"] * envelope)


def prepare_model(line, p, x, s):
    names = {"ld_scaled": "loudness_scaled", "f0_scaled": "f0_scaled", "f0_hz": "f0_hz"}
    features = {own: x[name][..., None] for own, name in names.items()}
    model = make_model(s["config"], x)
    if line in RENDERS:
        model(dict(features), training=False)
        set_parameters(model, p, x["envelope"])
        render = tf.function(lambda: model(dict(features), training=False)["audio_synth"])
        return render, None
    features["audio"] = x["audio"]
    trainer = trainers.Trainer(model, tf.distribute.get_strategy(), learning_rate=1e-3)
    model(dict(features), return_losses=True)
    set_parameters(model, p, x["envelope"])
    return None, lambda: trainer.train_step(features)["total_loss"]


def prepare(job, inputs):
    p, x = protocol.split_parameters({k: tf.constant(v) for k, v in inputs.items()})
    s, line = job["settings"], job["line"]
    if line not in FUNCTIONS:
        return prepare_model(line, p, x, s)
    function = FUNCTIONS[line]
    forward = tf.function(lambda x: function(x, s))
    y_bar = tf.ones_like(forward(x))

    @tf.function
    def both(x):
        leaves = {name: x[name] for name in job["wrt"]}
        with tf.GradientTape() as tape:
            tape.watch(leaves)
            y = function({**x, **leaves}, s)
        return y, tape.gradient(y, leaves, output_gradients=y_bar)

    return lambda: forward(x), (lambda: both(x)[1]) if job["wrt"] else None


version = f"{ddsp.__version__}, TensorFlow {tf.__version__}"
protocol.run(version, {*FUNCTIONS, *RENDERS, *STEPS}, prepare)
