"""Load matplotlib without the user's ``matplotlibrc``.

Figures do not use its style, but matplotlib reads that file when it is imported, and an invalid file makes the import
fail. Only the program's processes use this module: in a script that uses the package, matplotlib keeps the user's
settings.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

_FILE_NAME, _VARIABLE = "matplotlibrc", "MATPLOTLIBRC"


def load_matplotlib() -> None:
    """Import matplotlib with its default settings.

    Without effect if it is imported already.
    """
    if "matplotlib" in sys.modules:
        return
    spec = importlib.util.find_spec("matplotlib")
    defaults = Path((spec and spec.origin) or ".").parent / "mpl-data"
    if not (defaults / _FILE_NAME).is_file():
        # Not installed, or installed in another way: importing the figure gives the reason.
        return
    with _settings_of(defaults):
        importlib.import_module("matplotlib")


@contextmanager
def _settings_of(directory: Path) -> Iterator[None]:
    """Make matplotlib read the settings file in a directory."""
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = str(directory / _FILE_NAME)
    try:
        # A file in the working directory has priority over the variable.
        with _inside(directory) if os.path.lexists(_FILE_NAME) else nullcontext():
            yield
    finally:
        del os.environ[_VARIABLE]
        if before is not None:
            os.environ[_VARIABLE] = before


@contextmanager
def _inside(directory: Path) -> Iterator[None]:
    """Change the working directory temporarily."""
    here = os.open(".", getattr(os, "O_PATH", os.O_RDONLY))
    try:
        os.chdir(directory)
        yield
    finally:
        os.fchdir(here)
        os.close(here)
