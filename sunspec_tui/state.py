"""The file in which the monitor keeps its look from run to run.

A file that cannot be read or written is no failure: it is logged once, and the monitor goes on.
"""

import json
import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

_MOST_BYTES = 65536


def default_path() -> Path:
    """The platform's place for such a file."""
    import platformdirs

    return platformdirs.user_state_path("sunspec-tui", appauthor=False) / "view.json"


def load(path: Path) -> Mapping[str, Any]:
    """What was kept; empty where there is nothing to be used."""
    try:
        with path.open("rb") as file:
            kept = json.loads(file.read(_MOST_BYTES))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        log.warning("cannot use %s: %s; the look begins anew", path, error)
        return {}
    return kept if isinstance(kept, dict) else {}


def save(path: Path, kept: Mapping[str, Any]) -> bool:
    """Replace what is kept, in one step; False where it could not be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(kept, file, indent=1)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        log.warning("cannot keep the look in %s: %s", path, error)
        return False
    return True
