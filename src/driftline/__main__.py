"""`python -m driftline` is the command `driftline`."""

from __future__ import annotations

import sys

from driftline.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
