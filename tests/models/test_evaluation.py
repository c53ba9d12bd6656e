"""The report on held-out recordings."""

from __future__ import annotations

import numpy as np

from ddsp_ref.models.evaluation import compare, evaluate, excerpts, held_out_loss, report_text
from ddsp_ref.models.features import extract_features
from ddsp_ref.models.model import Model

from .synthetic import FRAME_RATE, RATE, Recording, dataset, recording, tiny_config, tone


def measured(name, f0_hz, **settings):
    audio = tone(f0_hz, 1.0, **settings)
    return Recording(name, audio, extract_features(audio, RATE, FRAME_RATE))


def test_a_copy_is_perfect():
    one = measured("a", 200.0)
    row = compare(one, one.audio, Model(tiny_config()))
    assert row["loudness_l1_db"] == row["f0_l1_cents"] == row["f0_outlier_rate"] == 0.0
    assert row["n_voiced"] == one.features.voiced.sum()


def test_louder_and_higher():
    one = measured("a", 200.0)
    row = compare(one, tone(212.0, 1.0), Model(tiny_config()))  # 100.9 cents
    assert abs(row["f0_l1_cents"] - 100.9) < 5
    assert row["f0_outlier_rate"] > 0.95
    row = compare(one, one.audio / 2, Model(tiny_config()))
    assert abs(row["loudness_l1_db"] - 6.02) < 0.05


def test_excerpts_cover_recordings_and_nothing_else():
    found = excerpts([recording("a", 200.0, 1.1), recording("b", 200.0, 0.2)], 50)
    hop = RATE // FRAME_RATE
    lengths = [batch.audio.shape[-1] / hop for batch in found]
    assert lengths == [50, int(1.1 * FRAME_RATE) - 50, 0.2 * FRAME_RATE]
    assert all(batch.loudness_db.min() > -80 for batch in found)


def test_silence_has_no_pitch():
    one = measured("a", 200.0)
    row = compare(one, np.zeros_like(one.audio), Model(tiny_config()))
    assert row["f0_l1_cents"] is None
    assert row["n_voiced"] == 0


def test_report(rng):
    model = Model(tiny_config())
    params = model.init(rng)
    recordings = [*dataset().held_out, recording("d.wav", 200.0, 0.4)]
    report = evaluate(model, params, recordings, n_frames=50, seed=3)
    rows = report["recordings"]
    weighted = sum(r["spectral_loss"] * r["seconds"] for r in rows) / 1.4
    assert abs(report["overall"]["spectral_loss"] - weighted) < 1e-9
    assert rows[0]["spectral_loss"] == held_out_loss(model, params, excerpts(recordings[:1], 50), 3)
    lines = report_text(report).splitlines()
    assert [line.split()[0] for line in lines] == [
        "recording",
        "c.wav",
        "d.wav",
        "overall",
        "asked",
    ]
    assert report["overall"]["silence_dbfs"] > -200
    assert report["overall"]["click_flux_db"] == max(r["click_flux_db"] for r in rows)
    assert report_text(evaluate(model, params, [], n_frames=50)).startswith("no recordings")
