"""``python -m sunspec_tui`` is ``sunspec-tui``."""

import sys

from sunspec_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
