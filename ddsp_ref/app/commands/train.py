"""`ddsp-ref train`: a folder of recordings in, an instrument out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ddsp_ref.app.options import add_range_argument

if TYPE_CHECKING:
    from ddsp_ref.models.config import ModelConfig

HELP = "learn an instrument from a folder of recordings"
DESCRIPTION = """Learn an instrument from a folder of recordings, one note at a time in each. A run
that was interrupted goes on exactly where it was when the same command is given again. The
instrument, its report and pictures are in the output folder at the end; play it with
`ddsp-ref transfer INPUT OUTPUT --instrument FOLDER/instrument`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add = parser.add_argument
    add("audio_dir", metavar="AUDIO_DIR", help="recordings; any format and rate, subfolders too")
    add("--out", required=True, metavar="FOLDER", help="where everything goes")
    add("--name", help="of the instrument (default: that of AUDIO_DIR)")
    add("--description", default="", metavar="TEXT", help="one sentence about it")
    add("--licence", default="", metavar="TEXT", help="of the recordings, kept in the card")
    add("--source", default="", metavar="TEXT", help="of the recordings, kept in the card")
    add("--quiet", action="store_true", help="print nothing but errors")
    _add_training_arguments(parser.add_argument_group("training"))
    _add_model_arguments(parser.add_argument_group("model"))


def _add_training_arguments(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--steps", type=int, default=6000, metavar="N", help="in all (default: 6000)")
    add("--minutes", type=float, metavar="M", help="finish after this time even if steps are left")
    add("--batch-size", type=int, default=8, metavar="N", help="excerpts per step (default: 8)")
    add("--seconds", type=float, default=2.0, metavar="S", help="per excerpt (default: 2)")
    add(
        "--silence",
        type=float,
        default=0.25,
        metavar="S",
        help="excerpts reach so far over the ends of a recording (default: 0.25)",
    )
    add(
        "--vary-level",
        type=float,
        default=0.0,
        metavar="DB",
        help="excerpts are made louder or softer by up to so much (default: 0)",
    )
    add(
        "--pitch-copies",
        type=float,
        nargs="+",
        default=(),
        metavar="SEMITONES",
        help="learn from every recording also at pitches moved by so much, such as 1 2",
    )
    add("--learning-rate", type=float, default=1e-3, metavar="R", help="at first (default: 0.001)")
    add(
        "--halve-every",
        type=int,
        metavar="N",
        help="steps in which the learning rate halves, gradually (default: a quarter of --steps)",
    )
    add_range_argument(add, "that the instrument can play; a narrow range")
    add(
        "--held-out",
        action="append",
        metavar="SHARE",
        help="share of the time kept from training, or a pattern of file names; patterns may be "
        "given several times (default: 0.1)",
    )
    add(
        "--level-groups",
        metavar="REGEX",
        help="finds the source in a file's name; sources are brought to the same loudness",
    )
    add(
        "--voices",
        metavar="REGEX",
        help="finds the player or room in a file's name; each gets a voice of its own",
    )
    add(
        "--evaluate-every",
        type=int,
        default=250,
        metavar="N",
        help="steps between looks at what is held out (default: 250)",
    )
    add("--cache", metavar="FOLDER", help="for features (default: FOLDER/features)")
    add("--seed", type=int, default=0, metavar="N", help="of everything random (default: 0)")


def _add_model_arguments(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--decoder", default="mlp", choices=("mlp", "rnn", "conv"), help="(default: mlp)")
    add("--channels", type=int, metavar="N", help="width of its layers")
    add("--layers", type=int, metavar="N", help="layers per stack")
    add("--hidden", type=int, metavar="N", help="width of what remembers, rnn and conv")
    add("--sample-rate", type=int, default=16000, metavar="HZ", help="(default: 16000)")
    add("--frame-rate", type=int, metavar="HZ", help="must divide it (default: near 250)")
    add("--harmonics", type=int, metavar="N", help="partials (default: 60 at 16 kHz)")
    add("--bands", type=int, metavar="N", help="of the noise (default: 65 at 16 kHz)")
    add("--reverb-seconds", type=float, default=1.0, metavar="S", help="0 for none (default: 1)")


def run(arguments: argparse.Namespace) -> None:
    """Do it."""
    from ddsp_ref.app.compiling import compile_notice
    from ddsp_ref.errors import require
    from ddsp_ref.models.optimizer import AdamSettings
    from ddsp_ref.models.recordings import find_audio_files
    from ddsp_ref.models.training import train

    def say(text: str) -> None:
        if not arguments.quiet:
            print(text, file=sys.stderr)

    find_audio_files(Path(arguments.audio_dir))  # before a folder is made
    minutes = arguments.minutes
    require(minutes is None or 0 < minutes < 1e6, f"--minutes is {minutes}, must be above 0")
    card = {"licence": arguments.licence, "source": arguments.source}
    with compile_notice(say):
        instrument = train(
            arguments.audio_dir,
            arguments.out,
            make_config(arguments),
            n_steps=arguments.steps,
            max_seconds=None if arguments.minutes is None else 60.0 * arguments.minutes,
            batch_size=arguments.batch_size,
            example_seconds=arguments.seconds,
            silence_seconds=arguments.silence,
            vary_level_db=arguments.vary_level,
            pitch_copies=arguments.pitch_copies,
            optimizer=AdamSettings(
                learning_rate=arguments.learning_rate,
                decay_rate=0.5,
                decay_steps=(
                    max(1, arguments.steps // 4)
                    if arguments.halve_every is None
                    else arguments.halve_every
                ),
            ),
            f0_range_hz=tuple(arguments.f0_range),
            held_out=read_held_out(arguments.held_out),
            level_groups=arguments.level_groups,
            voices=arguments.voices,
            seed=arguments.seed,
            evaluate_every=arguments.evaluate_every,
            cache_dir=arguments.cache,
            name=arguments.name,
            description=arguments.description,
            card={key: text for key, text in card.items() if text},
            progress=not arguments.quiet,
        )
    if not arguments.quiet:
        folder = Path(arguments.out) / "instrument"
        print(f"{instrument.name} is in {folder}; play it with")
        print(f"ddsp-ref transfer INPUT OUTPUT --instrument {folder}")


def read_held_out(words: list[str] | None) -> float | list[str]:
    """Return a share if there is one word and it is a number; patterns otherwise.

    Examples
    --------
    >>> read_held_out(None), read_held_out(["0.2"]), read_held_out(["*_mov8_*", "*.mp3"])
    (0.1, 0.2, ['*_mov8_*', '*.mp3'])
    """
    if words is None:
        return 0.1
    try:
        (share,) = map(float, words)
    except ValueError:
        return words
    return share


def make_config(arguments: argparse.Namespace) -> ModelConfig:
    """Return the configuration that the arguments ask for."""
    from ddsp_ref.errors import require
    from ddsp_ref.models.config import ModelConfig
    from ddsp_ref.models.decoders import DECODERS

    sizes = {
        "n_channels": arguments.channels,
        "n_layers": arguments.layers,
        "n_hidden": arguments.hidden,
    }
    given = {name: size for name, size in sizes.items() if size is not None}
    require(
        arguments.decoder != "mlp" or "n_hidden" not in given,
        f"--hidden {arguments.hidden} is for --decoder rnn and conv only",
    )
    return ModelConfig(
        sample_rate=arguments.sample_rate,
        frame_rate=arguments.frame_rate,
        n_harmonics=arguments.harmonics,
        n_bands=arguments.bands,
        reverb_seconds=arguments.reverb_seconds,
        decoder=arguments.decoder,
        decoder_settings=DECODERS[arguments.decoder][1](**given),
    )
