"""Plots: what is in them, and that they are written as a whole or not at all."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from ddsp_ref.errors import MissingExtraError, ParameterError
from ddsp_ref.plots import (
    plot_adjustment,
    plot_features,
    plot_loss_curves,
    plot_spectrograms,
    plot_transfer,
    save_figure,
)
from ddsp_ref.plots.figure import new_figure, note_axis
from ddsp_ref.plots.spectrograms import spectrogram_db


def tone(f_hz=1000.0, seconds=0.5, sample_rate=16000, level=1.0):
    return level * np.sin(2 * np.pi * f_hz * np.arange(round(seconds * sample_rate)) / sample_rate)


def made_up_transfer(n_frames=200):
    times = np.arange(n_frames) / 250
    f0 = 440 * 2 ** (0.1 * np.sin(9 * times))
    voiced = times % 0.3 > 0.05
    heard = SimpleNamespace(
        audio=tone(440, 0.8),
        sample_rate=16000,
        f0_hz=f0,
        voiced=voiced,
        loudness_db=np.where(voiced, -20.0, -70.0),
        f0_confidence=0.9 * voiced,
        times=times,
        seconds=0.8,
    )
    played = SimpleNamespace(
        f0_hz=2 * f0,
        loudness_db=heard.loudness_db + 5,
        notes=voiced,
        likelihood=1.5 * voiced,
        threshold=1.2,
    )
    return SimpleNamespace(
        input=heard,
        adjusted=played,
        audio=tone(880, 0.8, 48000),
        sample_rate=48000,
        instrument="violin",
        seconds=0.8,
    )


@pytest.mark.parametrize("f_hz", [100, 1000, 1009, 4444, 7500])
def test_a_sine_of_full_scale_has_0_db_at_its_frequency(f_hz):
    levels, highest_hz = spectrogram_db(tone(f_hz), 16000)
    middle = levels[:, levels.shape[1] // 2]
    rows_hz = np.geomspace(60, highest_hz, len(middle))
    assert highest_hz == 8000
    assert rows_hz[middle.argmax()] == pytest.approx(f_hz, rel=0.05)
    assert middle.max() == pytest.approx(0, abs=1.1)


@pytest.mark.parametrize("n_samples", [1, 100, 1_000_000])
def test_pictures_of_long_sounds_are_not_larger(n_samples):
    levels, _ = spectrogram_db(np.zeros(n_samples), 16000)
    assert levels.shape[0] == 360
    assert 1 <= levels.shape[1] <= 1200
    assert np.isfinite(levels).all()


def test_spectrograms_share_their_colours():
    figure = plot_spectrograms({"a": (tone(), 16000), "b": (tone(level=0.01), 16000)})
    left, right = (axes.images[0].get_clim() for axes in figure.axes[:2])
    assert left == right
    assert left[1] - left[0] == 80


def lines_of(figure):
    """Return the labels of the lines in every panel of a figure."""
    return {
        axes.get_title(loc="left"): {line.get_label() for line in axes.lines}
        for axes in figure.axes
    }


def test_features_are_shown():
    heard = made_up_transfer().input
    lines = lines_of(plot_features(heard))
    assert list(lines) == ["loudness", "pitch", "confidence and voicing"]
    assert all("played" not in labels for labels in lines.values())
    heard.voiced = np.zeros(200, bool)
    assert len(plot_features(heard).axes) == 3


def test_an_adjustment_is_shown():
    transfer = made_up_transfer()
    figure = plot_adjustment(transfer.input, transfer.adjusted)
    lines = lines_of(figure)
    assert list(lines) == ["notes", "loudness", "pitch"]
    assert lines["notes"] == {"likelihood", "threshold"}
    assert {"input", "played"} <= lines["loudness"] & lines["pitch"]
    threshold = next(li for li in figure.axes[0].lines if li.get_label() == "threshold")
    assert set(threshold.get_ydata()) == {1.2}
    played = next(li for li in figure.axes[2].lines if li.get_label() == "played")
    drawn = np.isfinite(played.get_ydata())
    np.testing.assert_array_equal(drawn, transfer.adjusted.notes)
    transfer.adjusted.notes = np.zeros(200, bool)
    assert len(plot_adjustment(transfer.input, transfer.adjusted).axes) == 3


def test_a_transfer_shows_everything():
    figure = plot_transfer(made_up_transfer())
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    for title in ("input", "output: violin", "pitch", "loudness", "confidence and voicing"):
        assert title in titles
    pitch = figure.axes[titles.index("pitch")]
    assert {text.get_text() for text in pitch.get_legend().get_texts()} == {"input", "played"}
    assert "A4" in [label.get_text() for label in pitch.get_yticklabels()]


@pytest.mark.parametrize("span", [1, 11, 17, 30, 50, 80])
def test_names_of_notes_do_not_touch(span):
    axes = new_figure(8, 4).subplots()
    note_axis(axes, 50, 50 + span)
    assert 2 <= len(axes.get_yticks()) <= 16


def test_loss_curves():
    steps = np.arange(500)
    figure = plot_loss_curves(
        {"training": (steps, 5 + np.exp(-steps / 50)), "held out": (steps[::100], np.full(5, 6.0))}
    )
    (axes,) = figure.axes
    assert axes.get_yscale() == "log"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["training", "held out"]
    assert plot_loss_curves({"odd": ([0, 1], [0.0, -1.0])}).axes[0].get_yscale() == "linear"


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_figures_are_written(tmp_path, suffix):
    save_figure(plot_loss_curves({"a": ([0, 1], [2.0, 1.0])}), tmp_path / f"a.{suffix}")
    assert os.listdir(tmp_path) == [f"a.{suffix}"]
    assert (tmp_path / f"a.{suffix}").stat().st_size > 1000


def test_what_cannot_be_written(tmp_path):
    figure = new_figure(1, 1)
    with pytest.raises(ParameterError, match=r"a plot is a \.png, \.svg, \.pdf file"):
        save_figure(figure, tmp_path / "a.txt")
    with pytest.raises(ParameterError, match="does not exist"):
        save_figure(figure, tmp_path / "nowhere" / "a.png")


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r'pip install "ddsp_ref\[plot\]"'):
        plot_spectrograms({"a": (tone(), 16000)})


def test_pyplot_is_left_alone():
    import subprocess

    code = (
        "import sys, ddsp_ref.plots as p; p.plot_loss_curves({'a': ([0], [1.0])});"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_pictures_of_a_training(tmp_path):
    from ddsp_ref.plots.training import plot_losses
    from ddsp_ref.plots.training import plot_spectrograms as plot_pairs

    plot_losses(tmp_path / "losses.png", [(10, 9.0), (20, 8.0)], [])
    rows = [("a", tone(), 0.5 * tone()), ("b", tone(500), tone(501))]
    plot_pairs(tmp_path / "pairs.png", rows, 16000)
    assert sorted(os.listdir(tmp_path)) == ["losses.png", "pairs.png"]


def test_a_figure_shows_itself_in_notebooks_and_is_known_to_toolkits():
    # Gradio tells plotting libraries apart by the module of the class
    figure = new_figure(1, 1)
    assert "matplotlib" in type(figure).__module__
    assert figure._repr_png_().startswith(b"\x89PNG")
