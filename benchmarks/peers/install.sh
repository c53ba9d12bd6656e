#!/usr/bin/env bash
# Make one virtual environment for each peer under benchmarks/peers/.venv-NAME.
set -euo pipefail
cd "$(dirname "$0")"
python3 -m venv --clear .venv-torch
.venv-torch/bin/pip install --quiet numpy torch
python3 -m venv --clear .venv-tensorflow
.venv-tensorflow/bin/pip install --quiet numpy tensorflow-cpu
