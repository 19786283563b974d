"""Import optional libraries on demand.

If one is missing, the error names the extra that installs it.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from sunspec_tui.core.errors import MissingExtraError, resource_shortage

_EXTRAS = {
    "h5py": "hdf5",
    "starlette": "web",
    "uvicorn": "web",
    "websockets": "web",
    "prometheus_client": "web",
    "zarr": "archive",
    "numcodecs": "archive",
    "xarray": "archive",
    "dask": "archive",
    "distributed": "archive",
}


def require_extra(module: str, purpose: str) -> Any:
    """Import an optional library, or a module of it.

    Parameters
    ----------
    module
        Name of the library or of its module.
    purpose
        Use of the library, as the subject of the error message.

    Raises
    ------
    MissingExtraError
        If the library is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        if resource_shortage(error):
            # It is installed, but there is not enough memory to load it.
            raise
        raise _missing(module, purpose) from error


def check_installed(module: str, purpose: str) -> None:
    """Check that a library is installed, without loading it.

    Another process loads it.

    Raises
    ------
    MissingExtraError
        If the library is not installed.
    """
    # A test or a user may have blocked the import with None in sys.modules.
    if sys.modules.get(module, module) is None or not (module in sys.modules or find_spec(module)):
        raise _missing(module, purpose)


def _missing(module: str, purpose: str) -> MissingExtraError:
    library = module.partition(".")[0]
    return MissingExtraError(
        f"{purpose} needs {library}, which is not installed: pip install 'sunspec-tui[{_EXTRAS[library]}]'"
    )
