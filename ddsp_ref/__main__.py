"""`python -m ddsp_ref` is the command line."""

import sys

from ddsp_ref.app.cli import main

if __name__ == "__main__":
    sys.exit(main())
