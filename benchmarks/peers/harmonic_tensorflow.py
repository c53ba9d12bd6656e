"""Harmonic synthesis as a plain TensorFlow port writes it; prints its medians in ms as JSON."""

import json
import sys
import time

import numpy as np
import tensorflow as tf


def upsample_linear(x, n_samples):
    n_frames = x.shape[0]
    position = np.arange(n_samples) * (n_frames / n_samples)
    left = position.astype(np.int32)
    right = np.minimum(left + 1, n_frames - 1)
    share = (position - left)[:, None].astype(np.float32)
    return tf.gather(x, left) * (1 - share) + tf.gather(x, right) * share


def upsample_window(x, n_samples):
    n_frames = x.shape[0]
    hop = n_samples // n_frames
    held = tf.concat([x, x[-1:]], 0)
    window = tf.signal.hann_window(2 * hop, periodic=True)
    pieces = tf.transpose(held)[:, :, None] * window
    return tf.transpose(tf.signal.overlap_and_add(pieces, hop)[:, hop:-hop])


def synthesize(f0, amplitudes, distribution, n_samples, sample_rate=16000):
    k = np.arange(1, distribution.shape[1] + 1, dtype=np.float32)
    frequencies = upsample_linear(f0[:, None] * k, n_samples)
    envelopes = upsample_window(amplitudes[:, None] * distribution, n_samples)
    envelopes = tf.where(frequencies >= sample_rate / 2, 0.0, envelopes)
    phases = tf.cumsum(frequencies * (2 * np.pi / sample_rate), 0)
    return tf.reduce_sum(envelopes * tf.sin(phases), 1)


def median_ms(function, n=15):
    function()
    times = []
    for _ in range(n):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def main(path):
    data = np.load(path)
    arrays = [tf.constant(data[name]) for name in ("f0", "amplitudes", "distribution")]
    n_samples = int(data["n_samples"])
    forward = tf.function(lambda: synthesize(*arrays, n_samples))

    @tf.function
    def both():
        with tf.GradientTape() as tape:
            tape.watch(arrays)
            y = synthesize(*arrays, n_samples)
        return tape.gradient(y, arrays)

    np.save(path.replace(".npz", ".tensorflow.npy"), forward().numpy())
    facts = {"version": tf.__version__, "forward": median_ms(forward), "both": median_ms(both)}
    print(json.dumps(facts))


main(sys.argv[1])
