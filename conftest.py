"""Examples are only collected where what their module imports is installed."""

import importlib.util

collect_ignore = [
    f"ddsp_ref/bridges/{framework}.py"
    for framework in ("autograd", "torch", "jax")
    if importlib.util.find_spec(framework) is None
]
# The toolkit of the page warns when it is imported; there are no examples in it.
collect_ignore += ["ddsp_ref/app/page/layout.py", "ddsp_ref/app/page/wiring.py"]
