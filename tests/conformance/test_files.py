"""Questions and answers in files: whole, halves, and what a careless port leaves behind."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.conformance.files import export_vectors, score
from ddsp_ref.conformance.vectors import load_vectors
from ddsp_ref.errors import ConformanceError, ParameterError
from ddsp_ref.registry import get_op

OPS = ("exp_sigmoid", "stft")


def answer(folder, op_names=OPS, dtype="float32"):
    """Answer as a port in another language would, from the files alone."""
    for line in (folder / "cases.txt").read_text().split():
        words = (folder / line / "question.txt").read_text().splitlines()
        place = folder / line / f"answer_{dtype}"
        if words[0].removeprefix("op ") not in op_names:
            continue
        place.mkdir()
        if "must refuse" in words:
            (place / "refused").touch()
            continue
        case = next(c for c in load_vectors(folder) if c.folder == line)
        arrays = [
            np.load(folder / line / f"array_{i}.npy").astype(dtype) for i in range(len(case.arrays))
        ]
        y, pullback = get_op(case.op).vjp(*arrays, **case.settings)
        y = y if isinstance(y, tuple) else (y,)
        for i, part in enumerate(y):
            np.save(place / f"value_{i}.npy", part)
        if "gradient" in words:
            bars = tuple(bar.astype(dtype) for bar in case.cotangents)
            for i, x_bar in enumerate(pullback(bars if len(bars) > 1 else bars[0])):
                np.save(place / f"gradient_{i}.npy", x_bar)


@pytest.fixture
def folder(tmp_path):
    cases = [
        case for case in load_vectors(ops=OPS) if case.must_refuse or case.outputs[0].size < 99
    ]
    export_vectors(tmp_path / "set", cases)
    return tmp_path / "set"


def statuses(report):
    return {v.key: v.status for v in report.verdicts}


def test_right_answers_pass(folder):
    answer(folder)
    report = score(folder, refusals=True)
    assert report.exit_code == 0
    assert {v.dtype for v in report.verdicts} == {"float32"}, "float64 was not answered"
    assert set(statuses(report).values()) == {"passed"}
    assert report.count("passed") == 6


def test_what_was_not_answered_is_not_implemented(folder):
    answer(folder, ["stft"])
    report = score(folder)
    assert statuses(report)["exp_sigmoid", "value", "float32"] == "not implemented"
    assert statuses(report)["stft", "value", "float32"] == "passed"


CARELESS = {
    "is missing in": lambda place: (place / "value_1.npy").unlink(),
    "the port says: out of memory": lambda place: (place / "error.txt").write_text("out of memory"),
    "is no .npy file of numbers": lambda place: (place / "value_0.npy").write_bytes(b"\x93NUMPY"),
    "shape is": lambda place: np.save(place / "value_0.npy", np.zeros(3, np.float32)),
    "dtype is float64": lambda place: np.save(
        place / "value_0.npy", np.load(place / "value_0.npy").astype(float)
    ),
}


@pytest.mark.parametrize("text", CARELESS)
def test_careless_answers_are_named_and_others_still_judged(text, folder):
    answer(folder)
    CARELESS[text](folder / "stft" / "by-hand" / "answer_float32")
    report = score(folder)
    found = next(v for v in report.verdicts if v.key == ("stft", "value", "float32"))
    assert found.status == "error"
    assert text in found.text
    assert found.n_failed == 1
    assert statuses(report)["exp_sigmoid", "value", "float32"] == "passed"
    assert report.exit_code == 1


def test_pickles_are_not_opened(folder):
    answer(folder)
    place = folder / "stft" / "by-hand" / "answer_float32" / "value_0.npy"
    np.save(place, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    report = score(folder)
    assert statuses(report)["stft", "value", "float32"] == "error"


@pytest.mark.parametrize("harm", ["altered", "missing"])
def test_questions_that_were_harmed_are_named_and_others_still_judged(harm, folder):
    answer(folder)
    path = folder / "stft" / "by-hand" / "output_0.npy"
    if harm == "altered":
        np.save(path, np.load(path) + 1)
    else:
        path.unlink()
    report = score(folder)
    found = next(v for v in report.verdicts if v.key == ("stft", "value", "float32"))
    assert found.status == "error"
    assert harm in found.text
    assert statuses(report)["exp_sigmoid", "value", "float32"] == "passed"
    assert report.exit_code == 1


def test_a_manifest_that_was_edited_is_refused(folder):
    answer(folder)
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"peak": ', '"peak": 1'))
    with pytest.raises(ConformanceError, match="was altered"):
        score(folder)


def test_a_folder_without_answers_or_questions_is_named(folder, tmp_path):
    with pytest.raises(ConformanceError, match="holds no answers"):
        score(folder)
    with pytest.raises(ConformanceError, match="is no folder"):
        score(tmp_path / "nothing")
    with pytest.raises(ParameterError, match="not empty"):
        export_vectors(folder)
    with pytest.raises(ParameterError, match="does not exist"):
        export_vectors(tmp_path / "no" / "where")


def test_another_version_is_noted(folder, monkeypatch):
    answer(folder)
    monkeypatch.setattr("ddsp_ref.__version__", "9.9")
    assert "this is 9.9" in score(folder).notes[0]
