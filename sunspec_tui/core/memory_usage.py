"""What the program takes of the machine's memory, as values.

It reads this process through psutil and the collector through gc. A reading that fails, for example without free file
descriptors, is NaN and never raises. It frees nothing by itself: the owner of a `Collector` decides when.
"""

import ctypes
import gc
import logging
import math
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

from sunspec_tui.core.errors import named_error

if TYPE_CHECKING:
    import psutil

log = logging.getLogger(__name__)

_YOUNG = 1  # the generations 0 and 1


class MemoryReading(NamedTuple):
    """Memory at one moment, in MiB where the name says mb as the older receiver did.

    Attributes
    ----------
    rss_mb
        Resident memory of this process; NaN if it cannot be read.
    ring_mb
        The ring's share of it.
    gc_runs
        Collections that the receiver asked for.
    gc_collected
        Objects that they freed in all.
    gc_interval
        Frames from one to the next; 0 is off.
    pss_mb
        Proportional set size of this process and all that it has started: shared pages count once among those who
        share them. NaN where the system does not tell it.
    """

    rss_mb: float = 0.0
    ring_mb: float = 0.0
    gc_runs: int = 0
    gc_collected: int = 0
    gc_interval: int = 0
    pss_mb: float = math.nan


NOT_READ = MemoryReading()
"""Memory of a snapshot that did not read it: a reading takes as long as a hundred frames."""


@lru_cache(maxsize=1)
def _process() -> "psutil.Process":
    """Our own process; psutil loads with the first reading, after the first screen."""
    import psutil

    return psutil.Process()


def rss_mb() -> float:
    """Return the resident memory in MiB; NaN if it cannot be read."""
    return _read(lambda: float(_process().memory_info().rss)) / 2**20


def vms_mb() -> float:
    """Return the virtual memory in MiB; NaN if it cannot be read."""
    return _read(lambda: float(_process().memory_info().vms)) / 2**20


def pss_mb(started: Iterable[int] = ()) -> float:
    """Proportional set size of this process and those it has started, by their ids, in MiB; NaN where nobody tells it.

    They are named, because to look for them takes a look at every process of the machine.
    """
    return math.fsum(_read(partial(_pss, number)) for number in (None, *started)) / 2**20


def _pss(number: int | None) -> float:
    """Return the proportional set size of a process in bytes.

    None means this process. The size of an ended process is 0.
    """
    import psutil

    try:
        process = _process() if number is None else psutil.Process(number)
        return float(getattr(process.memory_full_info(), "pss", math.nan))
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        # The process has ended meanwhile, and uses no memory any more.
        return 0.0


def _read(reading: Callable[[], float]) -> float:
    """Return a reading, or NaN if it raises."""
    try:
        return reading()
    except Exception as error:  # noqa: BLE001 - psutil, files and imports raise many errors; NaN shows the failure
        log.debug("memory cannot be read: %s", named_error(error))
        return math.nan


def object_count() -> int:
    """Objects that the collector follows; takes milliseconds, so only on request."""
    return len(gc.get_objects())


def release_to_system() -> bool:
    """Hand free memory of the C library's heap back to the system; False where it cannot (not glibc)."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return False
    return bool(trim(0))


def collect_again() -> None:
    """Let the collector work again, which the command line stops until the first screen is there.

    What was loaded until then stays for good: it need not be looked at.
    """
    gc.freeze()
    gc.enable()


class Collector:
    """Frees memory on demand and counts what it brought.

    Parameters
    ----------
    interval
        Frames from one collection to the next; 0 is off.
    """

    def __init__(self, interval: int) -> None:
        self.interval = interval
        self._runs = self._collected = 0

    def collect(self) -> int:
        """Collect all garbage now; how many objects were freed."""
        return self._count(gc.collect())

    def collect_young(self) -> int:
        """Collect garbage among new objects; how many were freed.

        It takes microseconds: those that have survived two collections, some hundred thousand, are left to `collect`
        and to Python itself.
        """
        return self._count(gc.collect(_YOUNG))

    def _count(self, collected: int) -> int:
        self._runs += 1
        self._collected += collected
        return collected

    def optimise(self, started: Iterable[int]) -> dict[str, float]:
        """Free what can be freed, and say what it brought; `started` are the processes that count."""
        started = tuple(started)
        before_mb, all_before_mb = rss_mb(), pss_mb(started)
        collected = self.collect()
        release_to_system()
        return {
            "rss_before_mb": before_mb,
            "rss_after_mb": rss_mb(),
            "pss_before_mb": all_before_mb,
            "pss_after_mb": pss_mb(started),
            "collected": collected,
        }

    def reading(self, ring_nbytes: int, started: Iterable[int]) -> MemoryReading:
        """Memory now."""
        ring_mb = ring_nbytes / 2**20
        return MemoryReading(rss_mb(), ring_mb, self._runs, self._collected, self.interval, pss_mb(started))
