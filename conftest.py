"""Examples of a bridge are only collected where its framework is installed."""

import importlib.util

collect_ignore = [
    f"ddsp_ref/bridges/{framework}.py"
    for framework in ("autograd", "torch", "jax")
    if importlib.util.find_spec(framework) is None
]
