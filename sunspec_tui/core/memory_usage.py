"""Measure the memory of this process, and run garbage collections.

Readings come from psutil and gc. A reading that fails, for example without free file descriptors, is NaN and never
raises. Memory is freed only when the owner of a `Collector` calls it.
"""

import ctypes
import gc
import logging
import math
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

from sunspec_tui.core.errors import error_text

if TYPE_CHECKING:
    import psutil

log = logging.getLogger(__name__)

_YOUNG = 1  # the generations 0 and 1


class MemoryReading(NamedTuple):
    """Memory at one moment.

    Values whose names end with mb are in MiB; the names come from the older receiver.

    Attributes
    ----------
    rss_mb
        Resident memory of this process; NaN if it cannot be read.
    ring_mb
        The ring's share of it.
    gc_runs
        Number of collections that the receiver started.
    gc_collected
        Number of objects that they freed.
    gc_interval
        Frames from one collection to the next; 0 is off.
    pss_mb
        Proportional set size of this process and all processes that it has started: a shared page is divided among
        its processes. NaN if the system does not report it.
    """

    rss_mb: float = 0.0
    ring_mb: float = 0.0
    gc_runs: int = 0
    gc_collected: int = 0
    gc_interval: int = 0
    pss_mb: float = math.nan


NOT_READ = MemoryReading()
"""Memory of a snapshot that did not measure it, because a reading takes as long as a hundred frames."""


@lru_cache(maxsize=1)
def _process() -> "psutil.Process":
    """Return this process.

    The library psutil is loaded at the first reading, not before the first screen.
    """
    import psutil

    return psutil.Process()


def rss_mb() -> float:
    """Return the resident memory in MiB; NaN if it cannot be read."""
    return _read(lambda: float(_process().memory_info().rss)) / 2**20


def vms_mb() -> float:
    """Return the virtual memory in MiB; NaN if it cannot be read."""
    return _read(lambda: float(_process().memory_info().vms)) / 2**20


def pss_mb(child_pids: Iterable[int] = ()) -> float:
    """Return the proportional set size of several processes, in MiB.

    They are this process and `child_pids`. The result is NaN if the system does not report it. The caller passes the
    ids of the started processes, because a search would read each process of the machine.
    """
    return math.fsum(_read(partial(_pss, number)) for number in (None, *child_pids)) / 2**20


def _pss(number: int | None) -> float:
    """Return the proportional set size of a process in bytes.

    None means this process. The size of an ended process is 0.
    """
    import psutil

    try:
        process = _process() if number is None else psutil.Process(number)
        return float(getattr(process.memory_full_info(), "pss", math.nan))
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        # The process has ended, and uses no memory any more.
        return 0.0


def _read(reading: Callable[[], float]) -> float:
    """Return a reading, or NaN if it raises."""
    try:
        return reading()
    except Exception as error:  # noqa: BLE001 - psutil, files and imports raise many errors; NaN shows the failure
        log.debug("memory cannot be read: %s", error_text(error))
        return math.nan


def object_count() -> int:
    """Return the number of objects that the collector tracks.

    It takes milliseconds, so call it only on request.
    """
    return len(gc.get_objects())


def release_to_system() -> bool:
    """Return free memory of the C library's heap to the system.

    The result is False if this is not possible (without glibc).
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return False
    return bool(trim(0))


def resume_collection() -> None:
    """Enable the garbage collector again.

    The command line disables it until the first screen. Objects from before are excluded from collections, because
    loaded modules are never freed.
    """
    gc.freeze()
    gc.enable()


class Collector:
    """Run garbage collections on demand, and count them and the freed objects.

    Parameters
    ----------
    interval
        Frames from one collection to the next; 0 is off.
    """

    def __init__(self, interval: int) -> None:
        self.interval = interval
        self._runs = self._collected = 0

    def collect(self) -> int:
        """Collect all garbage now; return the number of freed objects."""
        return self._count(gc.collect())

    def collect_young(self) -> int:
        """Collect garbage among new objects; return the number of freed objects.

        It takes microseconds, because it ignores the hundred thousand objects that have survived two collections.
        `collect` and Python itself examine those.
        """
        return self._count(gc.collect(_YOUNG))

    def _count(self, collected: int) -> int:
        self._runs += 1
        self._collected += collected
        return collected

    def optimise(self, child_pids: Iterable[int]) -> dict[str, float]:
        """Free memory, and return the readings before and after.

        `child_pids` are the processes to include.
        """
        child_pids = tuple(child_pids)
        before_mb, all_before_mb = rss_mb(), pss_mb(child_pids)
        collected = self.collect()
        release_to_system()
        return {
            "rss_before_mb": before_mb,
            "rss_after_mb": rss_mb(),
            "pss_before_mb": all_before_mb,
            "pss_after_mb": pss_mb(child_pids),
            "collected": collected,
        }

    def reading(self, ring_nbytes: int, child_pids: Iterable[int]) -> MemoryReading:
        """Measure the memory now."""
        ring_mb = ring_nbytes / 2**20
        return MemoryReading(rss_mb(), ring_mb, self._runs, self._collected, self.interval, pss_mb(child_pids))
