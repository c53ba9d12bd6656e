"""`ddsp-ref conform`: judge a port of these ops, value and gradient, op by op."""

from __future__ import annotations

import argparse

HELP = "judge a port of these functions to another framework or language"
DESCRIPTION = """Judge a port. `ddsp-ref conform my_port:adapter` asks a port written in Python: a
module, or a dict of functions by name of op, on NumPy, PyTorch, JAX or TensorFlow arrays. The exit
code is 0 if all that the port has conforms, 1 if something does not, 2 after bad input."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add = parser.add_argument
    add("target", metavar="MODULE[:NAME]", help="the port")
    add("--ops", nargs="+", metavar="OP", help="only these ops")
    add("--dtype", nargs="+", default=["float32", "float64"], help="float32, float64, or both")
    add("--backend", help="numpy, autograd, torch, jax, tensorflow (default: look)")
    add("--device", help="where the port computes, as its framework calls it")
    add("--time-limit", type=float, default=60.0, metavar="S", help="for one call (default: 60)")
    add("--refusals", action="store_true", help="judge too whether wrong uses are refused")
    add("--vectors", metavar="PATH", help="folder or zip, instead of those that ship")
    add("--all", action="store_true", help="a row also for ops that the port does not have")


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    from ddsp_ref.conformance.adapters import load_adapter
    from ddsp_ref.conformance.report_table import as_table
    from ddsp_ref.conformance.runner import run as judge
    from ddsp_ref.conformance.vectors import load_vectors

    report = judge(
        load_adapter(arguments.target),
        load_vectors(arguments.vectors, ops=arguments.ops),
        dtypes=arguments.dtype,
        backend=arguments.backend,
        device=arguments.device,
        time_limit=arguments.time_limit,
        refusals=arguments.refusals,
        port=arguments.target,
    )
    print(as_table(report, everything=arguments.all))
    return report.exit_code
