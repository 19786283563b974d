"""Measure one subject of the tree in the working directory.

Print its figures as JSON.

    cd TREE && PYTHONPATH=TREE python bench/probe.py redraw [--quick]

The subject is a module of this directory with ``measure(quick=...)``; the package that it imports is that of the tree.
"""

import importlib
import json
import sys
from pathlib import Path

import sunspec_tui


def main() -> None:
    """Print the figures of the subject that is named."""
    subject, quick = sys.argv[1], "--quick" in sys.argv
    where = Path(sunspec_tui.__file__).parents[1]
    if where != Path.cwd():
        raise SystemExit(f"the package of {where} would be measured, not that of {Path.cwd()}")
    print(json.dumps(importlib.import_module(subject).measure(quick=quick)))


if __name__ == "__main__":
    main()
