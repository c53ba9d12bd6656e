"""How Sphinx builds the pages: `python -m sphinx -W -b html docs docs/_build`."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from reference_pages import write_pages  # noqa: E402

import ddsp_ref  # noqa: E402

project = "ddsp_ref"
version = release = ddsp_ref.__version__
extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_parser"]
exclude_patterns = ["_build", "changes"]  # changes are notes to be collected, without titles
html_theme = "furo"
html_title = f"ddsp_ref {version}"
default_role = "py:obj"  # `name` is a link where that name has a page
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # types stand in the docstrings
numpydoc_class_members_toctree = False
numpydoc_show_class_members = False
myst_heading_anchors = 2


def setup(app):
    app.connect("builder-inited", lambda app: write_pages(HERE / "reference"))
