"""The conformance kit: a port of these ops checks itself, value and gradient, op by op.

>>> from ddsp_ref.conformance.runner import run
>>> from ddsp_ref.registry import get_op
>>> report = run({"exp_sigmoid": get_op("exp_sigmoid")})
>>> [verdict.status for verdict in report.verdicts if verdict.op == "exp_sigmoid"]
['passed', 'passed', 'passed', 'passed']

On the command line: ``ddsp-ref conform my_port:adapter``. Ports in other languages answer in
files: ``ddsp-ref conform export DIR``, then ``ddsp-ref conform score DIR``.
"""
