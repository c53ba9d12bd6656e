"""The page itself: where things stand, and what happens when one of them changes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

# Before the toolkit is imported: nothing is reported to anybody, nothing is asked of a server.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

import gradio as gr

from ddsp_ref.app.page import steps
from ddsp_ref.app.page.wiring import OWN, connect
from ddsp_ref.models.features import F0_RANGE_HZ
from ddsp_ref.models.recordings import SUFFIXES
from ddsp_ref.transfer.trackers import TRACKERS

_TITLE = "ddsp_ref · timbre transfer"
_INTRO = """# Play it on another instrument
Sing, hum, whistle or play one voice at a time; choose who plays it. Everything is computed on this
computer, nothing leaves it."""
_CSS = """
.gradio-container {max-width: 1180px !important; margin: 0 auto !important;}
#intro h1 {margin-bottom: 0.1em; font-size: 2em;}
.text {
  padding: 8px 14px !important; border: none !important;
  background: var(--block-background-fill) !important;
}
#sound, #original {border: none !important;}
.text h3 {margin: 4px 0 0 0;}
.text p {margin: 4px 0;}
#result {border-left: 4px solid var(--color-accent) !important;}
footer {display: none !important;}
"""


def build(folder: str | None = None) -> gr.Blocks:
    """Return the page.

    Parameters
    ----------
    folder : str, optional
        Where downloads are written; a temporary folder if not given.

    Returns
    -------
    gradio.Blocks
        Its state is that of each visitor alone.
    """
    names = steps.instrument_names()
    room = Path(folder or tempfile.mkdtemp(prefix="ddsp-ref-page-"))
    with gr.Blocks(title=_TITLE, analytics_enabled=False, delete_cache=(3600, 7200)) as page:
        hearing, made = gr.State(None), gr.State(None)
        gr.Markdown(_INTRO, elem_id="intro")
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=360):
                source = _source_part()
                player = _instrument_part(list(names))
                controls = _control_part()
            with gr.Column(scale=6, min_width=420):
                shown = _result_part()
        connect(room, names, hearing, made, source, player, controls, shown)
    return page


def launch(page: gr.Blocks, *, port: int | None, open_browser: bool, block: bool = True) -> Any:
    """Serve the page to this computer only.

    Parameters
    ----------
    page : gradio.Blocks
        Of `build`.
    port : int or None
        None: the first free one from 7860 on.
    open_browser : bool
        Whether to open it.
    block : bool
        Whether to serve until Ctrl-C.

    Returns
    -------
    tuple
        What `gradio.Blocks.launch` returns: the app, its local address, and no other.
    """
    page.queue(default_concurrency_limit=2)
    return page.launch(
        server_name="127.0.0.1",
        server_port=port,
        inbrowser=open_browser,
        share=False,
        quiet=True,
        show_error=True,
        max_file_size=steps.LARGEST_BYTES,
        prevent_thread_lock=not block,
        theme=_theme(),
        css=_CSS,
    )


def _theme() -> gr.themes.Base:
    # fonts of the system: no request leaves this computer
    return gr.themes.Soft(
        primary_hue="teal",
        neutral_hue="slate",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        block_title_background_fill="transparent",
        block_title_padding="0",
        block_title_text_color="*neutral_600",
        block_label_background_fill="transparent",
        block_label_text_color="*neutral_600",
        block_border_width="0px",
    )


def _source_part() -> dict[str, Any]:
    with gr.Group():
        gr.Markdown("### 1 · Recording", elem_classes="text")
        with gr.Tabs():
            with gr.Tab("Upload"):
                files = gr.File(
                    label="One or several files: WAV, MP3, FLAC, OGG",
                    file_count="multiple",
                    file_types=list(SUFFIXES),
                    height=120,
                    elem_id="files",
                )
            with gr.Tab("Record"):
                microphone = gr.Audio(
                    label="1 to 20 seconds",
                    sources=["microphone"],
                    type="filepath",
                    elem_id="microphone",
                )
            with gr.Tab("Demo"):
                gr.Markdown(
                    "A melody of seven seconds that this project made.", elem_classes="text"
                )
                demo = gr.Button("Take the demo", elem_id="demo")
        chosen = gr.Dropdown([], label="Which one", visible=False, elem_id="chosen")
        with gr.Row():
            normalize = gr.Checkbox(False, label="Normalise", elem_id="normalize")
            tracker = gr.Dropdown(list(TRACKERS), value=TRACKERS[0], label="Pitch by")
        with gr.Row():
            lowest, highest = (
                gr.Number(hz, label=f"{which} pitch (Hz)", elem_id=which.lower())
                for which, hz in zip(("Lowest", "Highest"), F0_RANGE_HZ)
            )
        heard = gr.Markdown("", elem_id="heard", elem_classes="text")
    parts = {"files": files, "microphone": microphone, "demo": demo, "chosen": chosen}
    how = {"normalize": normalize, "tracker": tracker, "lowest": lowest, "highest": highest}
    return parts | how | {"heard": heard}


def _instrument_part(names: list[str]) -> dict[str, Any]:
    with gr.Group():
        gr.Markdown("### 2 · Instrument", elem_classes="text")
        first = "Violin" if "Violin" in names else names[0]
        name = gr.Radio([*names, OWN], value=first, show_label=False, elem_id="instrument")
        own = gr.File(
            label="The folder of an instrument, zipped",
            file_types=[".zip"],
            visible=False,
            height=100,
            elem_id="own",
        )
        with gr.Accordion("About this instrument", open=False):
            card = gr.Markdown(steps.tell_instrument(steps.instrument_names()[first]))
    return {"name": name, "own": own, "card": card}


def _slider(*numbers: float, **looks: Any) -> gr.Slider:
    """Return a slider whose number counts as the first one while its field is empty.

    Who types a number empties the field before: that is sent, too, and refused by the toolkit, and
    what is typed after it may be lost.
    """
    slider = gr.Slider(*numbers, **looks)
    first, preprocess = slider.value, slider.preprocess
    slider.preprocess = lambda number: preprocess(first if number is None else number)
    return slider


def _control_part() -> dict[str, Any]:
    with gr.Group():
        gr.Markdown("### 3 · How to play it", elem_classes="text")
        with gr.Row():
            octaves = _slider(-2, 2, 0, step=1, label="Octaves", elem_id="octaves")
            semitones = _slider(-12, 12, 0, step=1, label="Semitones", elem_id="semitones")
        loudness = _slider(-20, 20, 0, step=1, label="Louder or softer, dB", elem_id="loudness")
        with gr.Accordion("Automatic adjustment", open=True):
            adjust = gr.Checkbox(True, label="Fit melody and loudness to the instrument")
            threshold = _slider(0, 2, 1, step=0.05, label="Threshold of a note")
            quiet = _slider(0, 60, 20, step=1, label="Turn down what is no note, dB")
            autotune = _slider(0, 1, 0, step=0.05, label="Autotune", elem_id="autotune")
            tuning = gr.Radio(["key", "chromatic"], value="key", label="Tune to")
        reverb = _slider(0, 2, 1, step=0.05, label="Room")
    return {
        "pitch_shift": octaves, "semitones": semitones, "loudness_shift": loudness,
        "adjust": adjust, "threshold": threshold, "quiet": quiet, "autotune": autotune,
        "tuning": tuning, "reverb": reverb,
    }  # fmt: skip


def _result_part() -> dict[str, Any]:
    wave = gr.WaveformOptions(waveform_progress_color="#0d9488", show_recording_waveform=True)
    looks = {"interactive": False, "buttons": ["download"], "waveform_options": wave}
    with gr.Group():
        gr.Markdown("### Result", elem_classes="text")
        sound = gr.Audio(label="Result", elem_id="sound", type="filepath", **looks)
        original = gr.Audio(label="Recording", elem_id="original", **looks)
        played = gr.Markdown("", elem_id="result", elem_classes="text")
    with gr.Tabs():
        with gr.Tab("Spectrograms"):
            spectrograms = gr.Plot(show_label=False, elem_id="spectrograms")
        with gr.Tab("Adjustment"):
            adjustment = gr.Plot(show_label=False, elem_id="adjustment")
        with gr.Tab("What was heard"):
            features = gr.Plot(show_label=False, elem_id="features")
    with gr.Row():
        curves = gr.File(label="Curves, to edit and play again", elem_id="curves", height=150)
        pictures = gr.File(label="Pictures", elem_id="pictures", height=150)
    plots = {"spectrograms": spectrograms, "adjustment": adjustment, "features": features}
    return plots | {
        "sound": sound, "original": original, "played": played,
        "curves": curves, "pictures": pictures,
    }  # fmt: skip
