"""Load matplotlib without the user's ``matplotlibrc``.

Figures have a style of their own, but matplotlib reads that file when it is imported, and a broken file ends the
import. For the program's own processes alone: in a script that uses the package, matplotlib keeps the user's settings.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

_NAME, _PLACE = "matplotlibrc", "MATPLOTLIBRC"


def load_matplotlib() -> None:
    """Import matplotlib with its default settings; without effect if it is imported already."""
    if "matplotlib" in sys.modules:
        return
    found = importlib.util.find_spec("matplotlib")
    defaults = Path((found and found.origin) or ".").parent / "mpl-data"
    if not (defaults / _NAME).is_file():
        # Not installed, or installed in another way: the import of the figure shows what is wrong.
        return
    with _settings_of(defaults):
        importlib.import_module("matplotlib")


@contextmanager
def _settings_of(directory: Path) -> Iterator[None]:
    """Make matplotlib read the settings of a directory."""
    before = os.environ.get(_PLACE)
    os.environ[_PLACE] = str(directory / _NAME)
    try:
        # A file in the working directory precedes the variable.
        with _inside(directory) if os.path.lexists(_NAME) else nullcontext():
            yield
    finally:
        del os.environ[_PLACE]
        if before is not None:
            os.environ[_PLACE] = before


@contextmanager
def _inside(directory: Path) -> Iterator[None]:
    """Work in a directory for a moment."""
    here = os.open(".", getattr(os, "O_PATH", os.O_RDONLY))
    try:
        os.chdir(directory)
        yield
    finally:
        os.fchdir(here)
        os.close(here)
