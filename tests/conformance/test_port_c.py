"""A port in C answers through files: it passes, and mistakes that are put into it are named."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ddsp_ref.conformance.diagnose import diagnose
from ddsp_ref.conformance.files import export_vectors, score
from ddsp_ref.conformance.vectors import load_vectors

SOURCE = Path(__file__).parent / "ports" / "port_c.c"
OPS = ("exp_sigmoid", "fft_convolve", "oscillator_bank")
COMPILER = shutil.which("cc")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler, `cc`")


def judge(folder, text):
    """Compile the port for both precisions, let it answer, return the report."""
    export_vectors(folder / "set", load_vectors(ops=OPS))
    (folder / "port.c").write_text(text)
    for real in ("float", "double"):
        program = folder / real
        flags = ["-O2", "-std=c99", "-Wall", "-Wextra", "-Werror", f"-DREAL={real}"]
        subprocess.run(
            [COMPILER, *flags, folder / "port.c", "-o", program, "-lm"], check=True, timeout=60
        )
        subprocess.run([program, folder / "set"], check=True, timeout=60)
    return score(folder / "set", refusals=True, diagnose=diagnose)


def test_passes(tmp_path):
    report = judge(tmp_path, SOURCE.read_text())
    assert report.exit_code == 0
    assert report.count("passed") == len(report.verdicts) == 3 * 3 * 2


# text, what a careless port has instead, op and part that fail, name of the mistake
MISTAKES = [
    ("phase += f->data[t * m + k] / rate;", "phase += t ? f->data[(t - 1) * m + k] / rate : 0;",
     "oscillator_bank", "value", "phase = exclusive"),
    ("int on = f->data[t * m + k] < rate / 2;", "int on = 1;", "oscillator_bank", "value",
     "mask = missing"),
    ("later += bars[0].data[t * m + k];", "later = bars[0].data[t * m + k];", "oscillator_bank",
     "gradient", "phase_gradient = own_sample"),
    ("(taps - 1) / 2 - 1", "(taps - 1) / 2", "fft_convolve", "value", "delay = one_more"),
    ("power * amplitude / (1 + exp(v))", "2 * power * amplitude / (1 + exp(v))", "exp_sigmoid",
     "gradient", "x_gradient = doubled"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("right", "wrong", "op", "part", "name"), MISTAKES)
def test_mistakes_are_named(tmp_path, right, wrong, op, part, name):
    text = SOURCE.read_text()
    assert text.count(right) == 1
    report = judge(tmp_path, text.replace(right, wrong))
    failed = {(v.op, v.what) for v in report.verdicts if v.status == "failed"}
    assert (op, part) in failed
    assert all(which == op for which, _ in failed)
    found = [v.diagnosis for v in report.verdicts if v.status == "failed" and v.what == part]
    assert found
    assert all(name in diagnosis.name for diagnosis in found)


def test_what_it_does_not_know_is_not_named(tmp_path):
    wrong = SOURCE.read_text().replace("amplitude / (1 + exp(v))", "amplitude")
    report = judge(tmp_path, wrong)
    failed = [v for v in report.verdicts if v.status == "failed"]
    assert {(v.op, v.what) for v in failed} == {("exp_sigmoid", "gradient")}
    assert all(v.diagnosis is None for v in failed)
