"""Environment variables with which child processes find this package."""

import os
from collections.abc import Mapping
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def child_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with changes, for a child process.

    The child imports the package from the same directory as this process, even if the package is not installed.
    """
    paths = [str(_PACKAGE.parent), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **changes}
