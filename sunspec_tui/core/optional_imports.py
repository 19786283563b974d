"""Libraries that only some need: loaded when first asked for, and missed in one sentence.

It knows names of libraries and of the extras that bring them, and nothing of what they do.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from sunspec_tui.core.errors import MissingExtraError, lacking

_EXTRAS = {
    "h5py": "hdf5",
    "starlette": "web",
    "uvicorn": "web",
    "websockets": "web",
    "prometheus_client": "web",
    "zarr": "archive",
    "xarray": "archive",
    "dask": "archive",
    "distributed": "archive",
}


def require_extra(module: str, purpose: str) -> Any:
    """A library of an extra.

    Parameters
    ----------
    module
        Its name, or that of a part of it.
    purpose
        What it is for, as the beginning of a sentence.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        if lacking(error):
            # It is installed, but there is no room for it.
            raise
        raise _missing(module, purpose) from error


def check_installed(module: str, purpose: str) -> None:
    """Check for a library without loading it; another process loads it.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    # A test or a user may have blocked the import with None in sys.modules.
    if sys.modules.get(module, module) is None or not (module in sys.modules or find_spec(module)):
        raise _missing(module, purpose)


def _missing(module: str, purpose: str) -> MissingExtraError:
    library = module.partition(".")[0]
    return MissingExtraError(
        f"{purpose} needs {library}, which is not installed: pip install 'sunspec-tui[{_EXTRAS[library]}]'"
    )
