"""Ops in other frameworks: `bridges.autograd`, `bridges.torch`, `bridges.jax`.

Each is generic over the registry and names no op: what one op can, all can, and an op that is added
is there at once. A framework is imported when its bridge is, and only then; each is an extra, e.g.
`pip install "ddsp_ref[torch]"`.

    from ddsp_ref.bridges.torch import harmonic_synthesis   # any op, by name
    from ddsp_ref.bridges.torch import bridge               # bridge(op), also for an op of your own

What the bridges agree on: arrays are positional and differentiated, settings are keywords and
constants; first derivatives, in reverse; results and gradients are those of `op` and `op.vjp`, bit
for bit.
"""
