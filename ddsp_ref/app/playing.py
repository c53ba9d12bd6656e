"""One recording through a transfer, and everything that is written of it."""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ddsp_ref.app.options import BITS, check_sound_output, controls_of

if TYPE_CHECKING:
    import numpy as np

    from ddsp_ref.models.instrument import Instrument
    from ddsp_ref.transfer.pipeline import Transfer

# matplotlib may be used by one thread at a time
_drawing = threading.Lock()


@dataclass(frozen=True)
class Outputs:
    """Where the sound goes, and what else is wanted."""

    sound: Path
    plot: Path | None = None
    figures: Path | None = None
    curves: Path | None = None

    def __str__(self) -> str:
        paths = (self.sound, self.plot, self.figures, self.curves)
        return ", ".join(str(path) for path in paths if path)

    @property
    def drawn(self) -> bool:
        """Whether there is anything to draw."""
        return bool(self.plot or self.figures)


def outputs_of(sound: Path, arguments: argparse.Namespace) -> Outputs:
    """Return what the arguments ask for besides the sound of one recording."""
    paths = {name: getattr(arguments, name) for name in ("plot", "figures", "curves")}
    return Outputs(sound, **{name: Path(path) for name, path in paths.items() if path})


def check_outputs(outputs: Outputs, arguments: argparse.Namespace) -> None:
    """Tell early, before any work is done, that something could not be written."""
    from ddsp_ref.io.columns import READ, check_columns_output
    from ddsp_ref.io.files import check_output_folder

    check_sound_output(outputs.sound, arguments)
    if outputs.figures:
        check_output_folder(outputs.figures)
    if outputs.drawn:
        from ddsp_ref.plots.figure import check_plot_output, new_figure

        if outputs.plot:
            check_plot_output(outputs.plot)
        new_figure(1, 1)  # or say that there is no matplotlib
    if outputs.curves:
        check_columns_output(outputs.curves, "curves", READ)


def same_file(a: Path, b: Path) -> bool:
    """Tell whether two paths are the same file or folder; False if one does not exist."""
    return a.exists() and b.exists() and os.path.samefile(a, b)


def play_sound(
    audio: np.ndarray,
    sample_rate: int,
    player: Instrument,
    outputs: Outputs,
    arguments: argparse.Namespace,
    stage: Callable[[str], None],
) -> Transfer:
    """Transfer a sound and write what is wanted."""
    from ddsp_ref.io.audio import write_audio
    from ddsp_ref.io.formats import nearest_rate
    from ddsp_ref.transfer.curves import write_curves
    from ddsp_ref.transfer.pipeline import timbre_transfer

    transfer = timbre_transfer(
        audio,
        sample_rate,
        player,
        controls_of(arguments),
        f0_tracker=arguments.tracker,
        f0_range_hz=tuple(arguments.f0_range),
        normalize=arguments.normalize,
        output_sample_rate=arguments.sample_rate or nearest_rate(outputs.sound, sample_rate),
        progress=stage,
    )
    stage("write")
    write_audio(outputs.sound, transfer.audio, transfer.sample_rate, bits=arguments.bits or BITS)
    if outputs.curves:
        write_curves(outputs.curves, transfer.adjusted, transfer.input)
    if outputs.drawn:
        stage("plot")
        with _drawing:
            _draw(transfer, outputs)
    return transfer


def _draw(transfer: Transfer, outputs: Outputs) -> None:
    from ddsp_ref import plots

    if outputs.plot:
        plots.save_figure(plots.plot_transfer(transfer), outputs.plot)
    if not outputs.figures:
        return
    heard = transfer.input
    before = {"input": (heard.audio, heard.sample_rate)}
    after = {f"output: {transfer.instrument}": (transfer.audio, transfer.sample_rate)}
    outputs.figures.mkdir(exist_ok=True)
    for name, figure in (
        ("1-input", plots.plot_spectrograms(before)),
        ("2-features", plots.plot_features(heard)),
        ("3-adjustment", plots.plot_adjustment(heard, transfer.adjusted)),
        ("4-spectrograms", plots.plot_spectrograms(before | after)),
    ):
        plots.save_figure(figure, outputs.figures / f"{name}.png")
