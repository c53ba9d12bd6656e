"""Judge instruments by what they have not heard: `python -m benchmarks.instruments RECORDINGS`.

Every instrument that ships, or each of the folders that are named, plays the recordings that were
held out when it was trained; they are looked for under RECORDINGS by the names in its card. Printed
are Markdown tables. With `--update` the figures go into the cards, and the table of what ships into
docs/instruments.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_ref.io.files import atomic_path
from ddsp_ref.io.notes import note_name
from ddsp_ref.models.dataset import Dataset, load_dataset
from ddsp_ref.models.evaluation import evaluate
from ddsp_ref.models.instrument import Instrument, load_instrument, save_instrument
from ddsp_ref.models.parameters import count
from ddsp_ref.models.voices import join
from ddsp_ref.processors.synths import uniform_noise
from ddsp_ref.transfer.instruments import instrument_folders

PAGE = Path(__file__).parents[1] / "docs" / "instruments.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"

Columns = dict[str, Callable[[Instrument], str]]


def _card(*keys: str, form: str) -> Callable[[Instrument], str]:
    """Return a column: what the card has under these keys, a dash where it has nothing."""

    def cell(instrument: Instrument) -> str:
        value: Any = instrument.card
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return "-" if value is None else form.format(value)

    return cell


def _quantiles(instrument: Instrument, name: str, form: Callable[[float], str]) -> str:
    """Return the range of a feature but for 2 % at either end."""
    quantiles = instrument.statistics[name]["quantiles"]
    return f"{form(quantiles[2])} to {form(quantiles[-3])}"


def render_milliseconds(instrument: Instrument, repeats: int = 5) -> float:
    """Return the processor time, in ms, in which ten seconds of sound are rendered; the least."""
    config = instrument.config
    n_frames = 10 * config.frame_rate
    f0_hz, loudness_db = (np.full(n_frames, x, np.float32) for x in (300.0, -10.0))
    noise = uniform_noise((n_frames * config.hop_size,), np.random.default_rng(0))
    times = []
    for _ in range(repeats + 1):  # the first loads kernels
        start = time.process_time()
        instrument.render(f0_hz, loudness_db, noise)
        times.append(time.process_time() - start)
    return 1e3 * min(times[1:])


QUALITY: Columns = {
    "spectral loss": _card("held_out", "overall", "spectral_loss", form="{:.2f}"),
    "loudness off (dB)": _card("held_out", "overall", "loudness_l1_db", form="{:.2f}"),
    "pitch off (cents)": _card("held_out", "overall", "f0_l1_cents", form="{:.1f}"),
    "off by more than 50": _card("held_out", "overall", "f0_outlier_rate", form="{:.2%}"),
    "largest flux (dB)": _card("held_out", "overall", "click_flux_db", form="{:.1f}"),
    "silence (dBFS)": _card("held_out", "overall", "silence_dbfs", form="{:.0f}"),
}
SHIPPED: Columns = {
    "instrument": lambda i: i.name,
    "minutes": lambda i: f"{i.statistics['seconds'] / 60:.1f}",
    "pitch": lambda i: _quantiles(i, "f0_midi", note_name),
    "loudness (dB)": lambda i: _quantiles(i, "loudness_db", "{:.0f}".format),
    "step": _card("training", "chosen_step", form="{}"),
    **QUALITY,
}
DECODERS: Columns = {
    "decoder": lambda i: i.config.decoder,
    "parameters": lambda i: f"{count(i.parameters):,}",
    "size (kB)": lambda i: f"{4e-3 * count(i.parameters):.0f}",
    "steps": _card("training", "steps", form="{}"),
    **QUALITY,
    "10 s rendered in (ms)": lambda i: f"{render_milliseconds(i):.0f}",
}


def table(instruments: Sequence[Instrument], columns: Columns) -> str:
    """Return a Markdown table with a row per instrument."""
    rows = [list(columns), ["---"] + ["--:"] * (len(columns) - 1)]
    rows += [[cell(instrument) for cell in columns.values()] for instrument in instruments]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def recordings_of(instrument: Instrument, recordings: Path, cache: Path) -> Dataset:
    """Return what an instrument was trained on, split as it was then.

    Raises
    ------
    FileNotFoundError
        If the first of the held-out recordings is nowhere under `recordings`.
    """
    training, config = instrument.card["training"], instrument.config
    names = [row["name"] for row in instrument.card["held_out"]["recordings"]]
    found = next(recordings.rglob(names[0]), None)
    if found is None:
        raise FileNotFoundError(f"{instrument.name}: {names[0]} is not under {recordings}")
    return load_dataset(
        found.parents[names[0].count("/")],
        cache,
        sample_rate=config.sample_rate,
        frame_rate=config.frame_rate,
        held_out=names,
        level_groups=training["level_groups"],
        voices=training.get("voices"),
        f0_range_hz=tuple(training["f0_range_hz"]),
    )


def judge(instrument: Instrument, recordings: Path, cache: Path) -> Instrument:
    """Return an instrument with new figures in its card."""
    dataset, training = recordings_of(instrument, recordings, cache), instrument.card["training"]
    report = evaluate(
        instrument.model,
        join(instrument.parameters, instrument.voices),
        dataset.held_out,
        n_frames=round(training["example_seconds"] * dataset.frame_rate),
        seed=training["seed"],
        f0_range_hz=dataset.f0_range_hz,
    )
    return dataclasses.replace(instrument, card={**instrument.card, "held_out": report})


def update_page(text: str, instruments: Sequence[Instrument]) -> str:
    """Return the text of docs/instruments.md with a new table."""
    head, rest = text.split(BEGIN)
    return head + BEGIN + table(instruments, SHIPPED) + END + rest.split(END)[1]


def main() -> None:
    """Judge, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("folders", nargs="*", type=Path, help="instruments; default: what ships")
    parser.add_argument("--cache", type=Path, default=Path("features"), help="for features")
    parser.add_argument("--update", action="store_true", help="write cards, and the page")
    arguments = parser.parse_args()
    judged = []
    for folder in arguments.folders or instrument_folders().values():
        judged.append(judge(load_instrument(folder), arguments.recordings, arguments.cache))
        if arguments.update:
            save_instrument(folder, judged[-1])
    if arguments.folders:
        print(table(judged, DECODERS))
        return
    print(table(judged, SHIPPED))
    if arguments.update:
        with atomic_path(PAGE) as temporary:
            temporary.write_text(update_page(PAGE.read_text(encoding="utf-8"), judged))


if __name__ == "__main__":
    main()
