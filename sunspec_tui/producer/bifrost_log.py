"""What bifrost's own tools show of a running operation, and the pinning to a core.

bifrost is no dependency, and without it the first is nothing: where a recorder has it, its process log
(``like_ps.py``, ``like_top.py``) lists the producer like any other of the recorder's operations.
"""

import importlib
import logging
import os
import threading
from typing import Any


class ProcessLog:
    """The process log of one operation.

    Parameters
    ----------
    name
        Of the operation.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._make = getattr(_bifrost("proclog"), "ProcLog", None)
        self._logs: dict[str, Any] = {}

    def update(self, part: str, **values: object) -> None:
        """Show values under a part of the operation: ``in``, ``bind``, ``sequence0`` or ``perf``."""
        if self._make is None:
            return
        if part not in self._logs:
            self._logs[part] = self._make(f"{self._name}/{part}")
        self._logs[part].update(values)


def pin(core: int, log: logging.Logger) -> None:
    """Pin the calling thread to a core, as bifrost does it where it is there; a warning where that cannot be."""
    set_core = getattr(_bifrost("affinity"), "set_core", None)
    try:
        if set_core is not None:
            set_core(core)
        elif hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(threading.get_native_id(), {core})
        else:
            log.warning("this system cannot pin a thread to core %d", core)
    except (OSError, RuntimeError) as error:
        # Averages from the wrong core are worth more than none.
        log.warning("cannot pin the producer to core %d: %s", core, error)


def _bifrost(module: str) -> Any:
    """A module of bifrost, or None where it is not installed."""
    try:
        return importlib.import_module(f"bifrost.{module}")
    except ImportError:
        return None
