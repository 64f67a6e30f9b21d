"""`python -m antiphon.testing.compliance`."""

from __future__ import annotations

import sys

from antiphon.testing.compliance.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
