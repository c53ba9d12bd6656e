"""The benchmarks cover the registry, run on our side, and their tables are well-formed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from ddsp_ref.registry import all_ops

ROOT = Path(__file__).parents[1]

if not (ROOT / "benchmarks").exists():
    pytest.skip("benchmarks are not part of an installed package", allow_module_level=True)

sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks/peers")]
try:
    import peer_ddsp_ref
    import protocol

    from benchmarks import report, run, scaling, startup
    from benchmarks.__main__ import SECTIONS, TITLES, make_options, parse
    from benchmarks.lines import FULL, LINES, TINY, original_config
    from benchmarks.workloads import WORKLOADS
    from ddsp_ref.models.model import Model
    from ddsp_ref.models.parameters import count
finally:
    del sys.path[:2]

QUICK = run.Options(seconds=0.0, at_least=1)


def check_table(text: str) -> list[list[str]]:
    """Check that every row of a Markdown table has the cells of its head, and return the rows."""
    rows = [line.strip("|").split("|") for line in text.splitlines()]
    assert len(rows) >= 3, "no rows"
    assert re.fullmatch(r"\|(---\|)+", text.splitlines()[1])
    assert {len(row) for row in rows} == {len(rows[0])}
    return [[cell.strip() for cell in row] for row in rows]


def test_every_op_has_a_workload():
    assert set(WORKLOADS) == set(all_ops())


def test_every_line_is_ours():
    assert set(LINES) == peer_ddsp_ref.LINES


@pytest.mark.parametrize("name", sorted(LINES))
def test_every_line_runs_on_our_side(name):
    line = LINES[name]
    inputs, settings = line.make(TINY, np.random.default_rng(0))
    job = {"line": name, "wrt": line.wrt, "settings": settings, "seconds": 0.0, "at_least": 1}
    facts, arrays = protocol.measure(job, peer_ddsp_ref.prepare, inputs)
    for key, value in arrays.items():
        assert np.isfinite(value).all(), key
    assert {f"both/{key}" for key in line.wrt} <= set(arrays)
    assert ("forward_ms" in facts) == (not line.step)
    assert ("both_ms" in facts) == bool(line.step or line.wrt)
    for target in set(line.targets) & {"forward", "both"}:
        assert f"{target}_ms" in facts, "a target for what is not measured"
    results = {run.OURS: facts}
    check_table(report.detail_table({name: results}, {name: line.title}))
    check_table(report.verdict_table(report.judge(line, TINY, results)))


def test_a_line_in_a_process_of_its_own():
    options = run.Options(seconds=0.0, at_least=1, n_threads=1)
    facts = run.run_line(LINES["reverb"], TINY, [run.OURS], options)[run.OURS]
    assert facts["forward_ms"] > 0
    assert facts["both_db"] < -300


@pytest.mark.parametrize("name", LINES)
def test_lines_are_the_same_in_every_run(name):
    pairs = [LINES[name].make(TINY, np.random.default_rng(0))[0] for _ in range(2)]
    for key, value in pairs[0].items():
        assert value.dtype == np.float32, key
        assert np.isfinite(value).all(), key
        np.testing.assert_array_equal(value, pairs[1][key])
    assert set(LINES[name].wrt) <= set(pairs[0])


def test_the_original_model_has_its_size():
    model = Model(original_config(FULL))
    assert count(model.init(np.random.default_rng(0))) == 4_849_150


def test_peers_that_are_not_there_are_a_hint_not_a_failure(tmp_path):
    options = run.Options({"torch": tmp_path / "python"}, 0.0, 1)
    job = {"inputs": str(tmp_path / "inputs.npz")}
    facts = run.run_job("torch", LINES["harmonic"], job, options)
    assert facts == {"missing": "benchmarks/peers/install.sh torch"}
    results = {run.OURS: {"forward_ms": 1.0}, "torch": facts}
    rows = check_table(report.detail_table({"harmonic": results}, {"harmonic": "a line"}))
    assert [row[1] for row in rows[2:]] == [run.OURS]
    forward, _ = report.judge(LINES["harmonic"], FULL, results)
    assert (forward["peer"], forward["met"]) == ("-", None)
    words = parse(["--quick", "--lines", "reverb", "--peers", "torch"])
    text, _ = TITLES["peers"][1](words, options)
    assert "`benchmarks/peers/install.sh torch` makes it" in text


def test_a_line_that_is_unknown_to_one_shows_the_others():
    results = {run.OURS: {"unknown": True}, "jax": {"forward_ms": 2.0, "both_ms": 3.0}}
    rows = report.judge(LINES["all_pole"], FULL, results)
    assert [(row["own"], row["peer"], row["ratio"]) for row in rows] == [(None, "jax", None)] * 2
    check_table(report.verdict_table(rows))
    rows = check_table(report.detail_table({"all_pole": results}, {"all_pole": "a line"}))
    assert rows[2][-1] == "there is no such op"


def test_a_peer_that_fails_says_why(tmp_path):
    path = tmp_path / "inputs.npz"
    path.write_bytes(b"no arrays")
    job = {"line": "reverb", "inputs": str(path), "settings": {}, "wrt": [], **vars(QUICK)}
    job.pop("interpreters")
    facts = run.run_job(run.OURS, LINES["reverb"], job, QUICK)
    assert "Error" in facts["failed"]


def test_verdicts_are_against_the_best_peer():
    line = LINES["train_original"]
    results = {
        run.OURS: {"both_ms": 10.0, "both_mb": 100.0},
        "torch": {"both_ms": 50.0, "both_mb": 450.0},
        "jax": {"both_ms": 70.0, "both_mb": 900.0},
        "scipy": {"unknown": True, "version": "1"},
    }
    time, memory = report.judge(line, FULL, results)
    assert (time["peer"], time["ratio"], time["target"], time["met"]) == ("torch", 5.0, 6, False)
    assert (memory["peer"], memory["ratio"], memory["met"]) == ("torch", 4.5, True)
    rows = check_table(report.verdict_table([time, memory]))
    assert [row[-1] for row in rows[2:]] == ["MISSED", "met"]


def test_real_time_and_missing_figures():
    line = LINES["render_shipped"]
    forward, real_time = report.judge(line, FULL, {run.OURS: {"forward_ms": 10.0}})
    assert (forward["ratio"], forward["met"]) == (None, None)
    assert (real_time["ratio"], real_time["met"]) == (400.0, True)
    rows = report.judge(LINES["pitch"], FULL, {run.OURS: {"failed": "so"}})
    assert check_table(report.verdict_table(rows))[-1][-1] == "not measured"


def test_differences_in_decibels():
    wanted = np.array([0.0, 2.0])
    assert run.decibels(np.array([0.0, 2.2]), wanted) == pytest.approx(-20.0)
    assert run.decibels(np.array([[0.0, 2.2]]), wanted) == pytest.approx(-20.0)
    assert run.decibels(wanted, wanted) < -300
    assert run.decibels(np.zeros(3), wanted) is None
    assert run.decibels(wanted, np.zeros(2)) is None


def test_scaling_tables():
    records = [
        {"line": "harmonic", "grows": "seconds", "value": value, "column": run.OURS,
         "forward_ms": 1.0 * value, "forward_mb": 2.0}
        for value in (4, 1)
    ]  # fmt: skip
    records.append({"line": "reverb", "grows": "threads", "value": 1, "column": run.OURS,
                    "both_ms": 3.0, "both_mb": 1.0, "unknown": False})  # fmt: skip
    first, second = scaling.tables(records).split("\n\n### ")
    assert check_table(first.split("\n\n")[1])[2][3:] == ["1.00 ms, 2.00 MB", "4.00 ms, 2.00 MB"]
    assert check_table(second.split("\n\n")[1])[0][3:] == ["1"]
    for values, names in scaling.GROWTH.values():
        assert values
        assert set(names) <= set(LINES)


def test_startup_tables():
    records = [
        {"what": "a", "value": 0.1, "unit": "s", "target": 0.3},
        {"what": "b", "value": 0.4, "unit": "s", "target": 0.3},
        {"what": "c", "value": 1.0, "unit": "MB", "target": None},
    ]
    rows = check_table(startup.tables(records))
    assert [row[-1] for row in rows[2:]] == ["met", "MISSED", "-"]


def test_small_calls_of_the_table_work():
    assert all(value > 0 for value in startup.overheads().values())


def test_command_line():
    words = parse(["--quick", "--lines", "reverb", "--peers", "--interpreter", "jax=/x/python"])
    options = make_options(words)
    assert (words.lines, words.peers, options.at_least) == (["reverb"], [], 1)
    assert options.interpreters == {"jax": Path("/x/python")}
    assert set(SECTIONS) == set(TITLES)
    assert set(parse([]).lines) == set(LINES)


def test_every_peer_has_a_program():
    for environment, _ in run.COLUMNS.values():
        assert (run.PEERS / f"peer_{environment}.py").exists()
        if environment != run.OURS:
            assert f" {environment}) " in (run.PEERS / "install.sh").read_text()
