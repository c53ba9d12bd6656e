"""The example ports conform, and mistakes in them are caught and named."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from ddsp_ref.conformance.runner import run

FOLDER = Path(__file__).parent / "ports"
# JAX compiles anew for every case: what takes it longest is judged by the short ones.
SHORT = ("exp_sigmoid", "resample_linear", "normalize_harmonics", "layer_norm", "gru", "dense")


def port(framework):
    pytest.importorskip(framework)
    return importlib.import_module(f"tests.conformance.ports.port_{framework}").OPS


@pytest.mark.parametrize("path", sorted(FOLDER.glob("port_*.py")), ids=lambda path: path.stem)
def test_ports_are_short_and_independent(path):
    text = path.read_text()
    assert text.count("\n") < 300
    assert "import ddsp_ref" not in text
    assert "from ddsp_ref" not in text


def test_the_torch_port_conforms():
    ops = port("torch")
    report = run(ops, ops=list(ops))
    assert [v.text for v in report.verdicts if v.status != "passed"] == []


def test_the_jax_port_conforms():
    ops = port("jax")
    import jax

    with jax.enable_x64(True):
        report = run(ops, ops=SHORT, dtypes=["float64"])
    assert [v.text for v in report.verdicts if v.status != "passed"] == []


@pytest.mark.slow
def test_mistakes_in_the_torch_port_are_caught_and_named():
    pytest.importorskip("torch")
    from .mutants import MUTANTS, outcome

    assert len(MUTANTS) >= 60
    for mutant in MUTANTS[::6]:  # all of them: python -m tests.conformance.mutants
        found = outcome(mutant)
        assert found.caught, mutant.name
        assert found.verdict in ("named", "among"), (mutant.name, found.said)
