"""Print all plausible readings of a stream's times, as ``sunspec-tui doctor``.

python tests/debug_time_tag.py [--addr ADDRESS] [--port PORT] [--frames N]
"""

import sys

from sunspec_tui.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["doctor", *sys.argv[1:]]))
