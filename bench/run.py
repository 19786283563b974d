"""Measures what docs/performance.md states: ratios within one run on one machine.

``make bench`` prints a table; nothing is asserted, because an absolute time belongs to its machine.
"""

import platform
import sys

import display
import files
import hot_path
import numpy as np
import web
import zmq

PARTS = {"hot-path": hot_path.main, "display": display.main, "files": files.main, "web": web.main}


def main() -> None:
    """Run the parts that are named, or all."""
    print(
        f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}, libzmq {zmq.zmq_version()}"
    )
    for name in [name for name in sys.argv[1:] if name in PARTS] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
