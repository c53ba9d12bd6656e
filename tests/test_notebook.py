"""The notebook runs from top to bottom, in a kernel, without a network, and shows its pictures."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parents[1] / "docs/notebooks"
NOTEBOOK = FOLDER / "timbre_transfer.py"
MISSING = [m for m in ("jupytext", "nbclient", "ipykernel") if importlib.util.find_spec(m) is None]

# A cell before the first one: whoever opens a connection to another computer fails.
OFFLINE = """
import socket
_connect = socket.socket.connect
def connect(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "localhost", "::1"):
        raise AssertionError(f"a connection to {address}")
    return _connect(self, address)
socket.socket.connect = connect
"""


def run(text, folder):
    """Run the text of a notebook in a folder; return its cells of code."""
    import jupytext
    import nbclient
    import nbformat

    notebook = jupytext.reads(text, "py:percent")
    notebook.cells.insert(0, nbformat.v4.new_code_cell(OFFLINE))
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}
    )
    client.execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run_notebook(text, folder):
    """Run the notebook of timbre transfer; what it promises has to be there."""
    code = run(text, folder)
    for function in ("plot_features", "plot_adjustment", "plot_spectrograms"):
        cells = [cell for cell in code if cell.source.startswith(function)]
        assert cells
        assert all("image/png" in cell.outputs[-1]["data"] for cell in cells), function
    assert sum("<audio" in str(output) for cell in code for output in cell.outputs) == 3
    written = {path.name for path in (folder / "transfer").iterdir()}
    assert written == {"sound.wav", "curves.csv", "curves.json"}


@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
@pytest.mark.filterwarnings("ignore")  # of the machinery of notebooks, in this process
def test_notebook(tmp_path):
    run_notebook(NOTEBOOK.read_text(encoding="utf-8"), tmp_path)


@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
@pytest.mark.filterwarnings("ignore")
def test_ddsp_by_hand(tmp_path):
    """Its cells check themselves; three pictures are shown."""
    code = run((FOLDER / "ddsp_by_hand.py").read_text(encoding="utf-8"), tmp_path)
    outputs = [output for cell in code for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
