"""The page of conventions and mistakes: `python -m tests.conformance.conventions` writes it."""

from __future__ import annotations

from pathlib import Path

from ddsp_ref.conformance.variants import ops_with_variants, variants_of

PAGE = Path(__file__).parents[2] / "docs/conventions-of-ports.md"
_HEAD = """# Conventions of other implementations, and mistakes of ports

What the conformance kit can name, op by op: one choice made otherwise than the definition makes it.
A choice whose name ends in `_gradient` leaves the value alone. Written by
`python -m tests.conformance.conventions` from `ddsp_ref/conformance/variants`.
"""


def page_text() -> str:
    """Return the page."""
    parts = [_HEAD]
    for op in ops_with_variants():
        rows = [
            f"| `{v.name}` | {v.meaning.replace('|', chr(92) + '|')} |" for v in variants_of(op)
        ]
        parts.append("\n".join([f"## {op}\n", "| variant | what it means |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page_text())
