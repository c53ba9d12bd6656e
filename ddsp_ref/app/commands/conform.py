"""`ddsp-ref conform`: judge a port of these ops, value and gradient, op by op."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddsp_ref.errors import require

if TYPE_CHECKING:
    from ddsp_ref.conformance.verdicts import Report

HELP = "judge a port of these functions to another framework or language"
DESCRIPTION = """Judge a port. `ddsp-ref conform my_port:adapter` asks a port written in Python: a
module, or a dict of functions by name of op, on NumPy, PyTorch, JAX or TensorFlow arrays. For one
in another language, `ddsp-ref conform export DIR` writes questions, the port writes its answers
beside them, and `ddsp-ref conform score DIR` judges. The exit code is 0 if all that the port has
conforms, 1 if something does not, 2 after bad input."""
_FILES = ("export", "score")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add = parser.add_argument
    add("target", metavar="MODULE[:NAME] | export | score", help="the port, or what to do with DIR")
    add("folder", nargs="?", metavar="DIR", help="of questions and answers")
    add("--ops", nargs="+", metavar="OP", help="only these ops")
    add("--dtype", nargs="+", default=["float32", "float64"], help="float32, float64, or both")
    add("--backend", help="numpy, autograd, torch, jax, tensorflow (default: look)")
    add("--device", help="where the port computes, as its framework calls it")
    add("--time-limit", type=float, default=60.0, metavar="S", help="for one call (default: 60)")
    add("--refusals", action="store_true", help="judge too whether wrong uses are refused")
    add("--profile", metavar="NAME", help="the conventions of another library; `list` names them")
    add("--vectors", metavar="PATH", help="folder or zip, instead of those that ship")
    add("--expected", metavar="FILE", help="failures that are known, a line each")
    add("--no-diagnosis", action="store_true", help="do not look for the mistake behind a failure")
    add("--all", action="store_true", help="a row also for ops that the port does not have")
    for name in ("json", "junit", "html", "badge"):
        add(f"--{name}", metavar="FILE", help=f"write the report as {name} too")


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    from ddsp_ref.conformance.diagnose import diagnose
    from ddsp_ref.conformance.expected import read_expected
    from ddsp_ref.conformance.report_table import as_table
    from ddsp_ref.io.files import check_output_path

    if arguments.profile == "list":
        return _list_profiles()
    needs_folder = arguments.target in _FILES
    require(
        needs_folder == (arguments.folder is not None),
        f"conform {arguments.target}: "
        + ("name a folder" if needs_folder else f"{arguments.folder} is one word too many"),
    )
    for name in ("json", "junit", "html", "badge"):
        if getattr(arguments, name):
            check_output_path(getattr(arguments, name))
    if arguments.target == "export":
        return _export(arguments)
    expected = read_expected(arguments.expected) if arguments.expected else None
    shared = {
        "diagnose": None if arguments.no_diagnosis else diagnose,
        "dtypes": arguments.dtype,
        "refusals": arguments.refusals,
        "expected": expected,
        "ops": arguments.ops,
    }
    report = (_score if arguments.target == "score" else _ask)(arguments, shared)
    print(as_table(report, everything=arguments.all))
    _write(report, arguments)
    return report.exit_code


def _ask(arguments: argparse.Namespace, shared: dict[str, Any]) -> Report:
    from ddsp_ref.conformance.adapters import load_adapter
    from ddsp_ref.conformance.runner import run as judge

    report = judge(
        load_adapter(arguments.target),
        _vectors(arguments, strict=False),
        backend=arguments.backend,
        device=arguments.device,
        time_limit=arguments.time_limit,
        port=arguments.target,
        **shared,
    )
    return _with_profile(report, arguments)


def _score(arguments: argparse.Namespace, shared: dict[str, Any]) -> Report:
    from ddsp_ref.conformance.files import score

    for name in ("vectors", "profile"):
        require(getattr(arguments, name) is None, f"--{name} belongs to export; score reads DIR")
    return score(arguments.folder, **shared)


def _export(arguments: argparse.Namespace) -> int:
    from ddsp_ref.conformance.files import export_vectors

    cases = _vectors(arguments, strict=True)
    about = {"profile": arguments.profile} if arguments.profile else {}
    n_cases = export_vectors(arguments.folder, cases, about)
    print(f"{n_cases} cases written to {arguments.folder}; answer them, then")
    print(f"ddsp-ref conform score {arguments.folder}")
    return 0


def _vectors(arguments: argparse.Namespace, *, strict: bool) -> Any:
    from ddsp_ref.conformance.profiles import profile_vectors
    from ddsp_ref.conformance.vectors import load_vectors

    if arguments.profile is None:
        return load_vectors(arguments.vectors, ops=arguments.ops, strict=strict)
    require(arguments.vectors is None, "--profile makes vectors of its own, leave --vectors out")
    return profile_vectors(arguments.profile, ops=arguments.ops)


def _with_profile(report: Report, arguments: argparse.Namespace) -> Report:
    if arguments.profile:
        report.about["profile"] = arguments.profile
    return report


def _list_profiles() -> int:
    from ddsp_ref.conformance.profiles import PROFILES

    for profile in PROFILES.values():
        print(f"{profile.name:<18}{profile.text}")
    return 0


def _write(report: Report, arguments: argparse.Namespace) -> None:
    from ddsp_ref.conformance.report_html import as_html
    from ddsp_ref.conformance.report_json import as_json, as_junit, badge
    from ddsp_ref.io.files import atomic_path

    makers = {
        "json": as_json,
        "junit": as_junit,
        "html": as_html,
        "badge": lambda one: badge(one) + "\n",
    }
    for name, make in makers.items():
        path = getattr(arguments, name)
        if path:
            with atomic_path(path) as temporary:
                Path(temporary).write_text(make(report), encoding="utf-8")
