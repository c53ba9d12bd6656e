"""What happens on the page when something is changed: hear, then play, then draw."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from ddsp_ref.app.page import steps
from ddsp_ref.errors import DdspRefError

OWN = "my own …"
_NO_ZIP = "Upload the zip of an instrument."
_KEPT_SECONDS = 3600  # of results that can be downloaded
_UPLOADED = re.compile(r"\S*/gradio/\w+/")  # where the toolkit puts what is uploaded


def connect(room, names, hearing, made, source, player, controls, shown) -> None:
    """Say what follows on what; a control only plays and draws, from what was heard.

    Parameters
    ----------
    room : Path
        Where downloads are written.
    names : dict of str to str
        Instruments that ship, by the names that people read.
    hearing, made : gradio.State
        Of one visitor: what was heard and what was played.
    source, player, controls, shown : dict of str to component
        The parts of the page.
    """
    order = list(controls)

    def hear(before, path, normalize, tracker, lowest, highest, name, own):
        who = _who(names, name, own)
        if not (path and who):
            return None, "", None
        found = _polite(steps.hear)(path, who, tracker, normalize, before, (lowest, highest))
        return found, steps.tell_heard(found), str(path)

    def play(found, path, normalize, tracker, lowest, highest, name, own, *values):
        who = _who(names, name, own)
        if not (path and who):
            return None, None, None, "" if who else _NO_ZIP
        found = _polite(steps.hear)(path, who, tracker, normalize, found, (lowest, highest))
        asked = _polite(steps.make_controls)(**dict(zip(order, values, strict=True)))
        result = _polite(steps.perform)(found, who, asked)
        told = steps.tell_played(found, result)
        return found, result, str(steps.write_sound(_fresh(room), found, result)), told

    def draw(found, result):
        if result is None:
            return [None] * 5
        drawn, target = steps.figures(found, result), _fresh(room)
        files = [str(path) for path in steps.write_curves_files(target, found, result)]
        return [*drawn.values(), files, str(steps.write_figures(target, found, drawn))]

    def tell(name, own):
        who = _who(names, name, own)
        return _polite(steps.tell_instrument)(who) if who else _NO_ZIP

    path = gr.State(None)
    of_hearing = [source[key] for key in ("normalize", "tracker", "lowest", "highest")]
    how = [path, *of_hearing, player["name"], player["own"]]
    heard = [hearing, source["heard"], shown["original"]]
    outputs = [hearing, made, shown["sound"], shown["played"]]
    pictures = [shown[key] for key in ("spectrograms", "adjustment", "features")]
    pictures += [shown["curves"], shown["pictures"]]
    inputs = [hearing, *how, *controls.values()]

    def then_play(event):
        event = event.then(play, inputs, outputs, show_progress="minimal")
        event.then(draw, [hearing, made], pictures, show_progress="hidden")

    def then_hear(event):
        then_play(event.success(hear, [hearing, *how], heard, show_progress="minimal"))

    choice = source["chosen"]
    then_hear(source["files"].change(_choose, source["files"], [path, choice]))
    then_hear(choice.input(lambda chosen: chosen, choice, path))
    then_hear(
        source["microphone"].change(_polite(steps.check_recorded), source["microphone"], path)
    )
    then_hear(source["demo"].click(lambda: str(steps.DEMO), None, path))
    for key in ("normalize", "tracker"):
        then_hear(source[key].input(lambda: None, None, None))
    for key in ("lowest", "highest"):  # not at every digit
        bound = source[key]
        then_hear(gr.on([bound.submit, bound.blur], lambda: None, None, None))
    own, card = player["own"], player["card"]
    player["name"].change(lambda name: gr.update(visible=name == OWN), player["name"], own)
    for part in (player["name"], own):
        then_play(part.change(tell, [player["name"], own], card, show_progress="hidden"))
    # one event for all controls: while one moves, or another after it, the newest values count
    event = gr.on(
        [part.input for part in controls.values()],
        play,
        inputs,
        outputs,
        show_progress="minimal",
        trigger_mode="always_last",
    )
    event.then(draw, [hearing, made], pictures, show_progress="hidden")


def _fresh(room: Path) -> Path:
    """Return a new folder for results, and take away those that are old."""
    for folder in room.iterdir():
        if time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=room))


def _choose(files: list[str] | None) -> tuple[str | None, Any]:
    """Return the first file, and the list to choose another from if there are several."""
    files, seen, choices = files or [], Counter(), []
    for file in files:
        name = Path(file).name
        seen[name] += 1
        choices.append((name if seen[name] == 1 else f"{name} ({seen[name]})", file))
    update = gr.update(choices=choices, value=files[0] if files else None, visible=len(files) > 1)
    return (files[0] if files else None), update


def _who(names: dict[str, str], name: str, own: str | None) -> str | None:
    return own if name == OWN else names[name]


def _polite(function: Callable) -> Callable:
    """Return the function with errors of ours as messages on the page."""

    def wrapped(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except DdspRefError as error:
            told = _UPLOADED.sub("", str(error))
            raise gr.Error(told, title="That did not work", duration=12) from None

    return wrapped
