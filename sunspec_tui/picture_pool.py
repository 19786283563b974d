"""Processes of this machine that make pictures: pipes to the parent, and no socket that others could reach.

Work that is sent to a process runs there, so nobody else may send any. The processes end with their parent, also when
it is killed.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any, TypeVar

from sunspec_tui.errors import ArchiveError

Key = TypeVar("Key")
Part = TypeVar("Part")
Made = TypeVar("Made")

Call = tuple[Callable[..., Part], tuple[Any, ...]]
"""A function and its arguments, both of which can be pickled."""


def made_in_processes(
    wanted: Iterable[tuple[Key, list[Call[Part]]]], finish: Callable[[list[Part]], Made], workers: int
) -> Generator[tuple[Key, Made | BaseException]]:
    """Make each thing of its parts, parts and things side by side in processes.

    Parameters
    ----------
    wanted
        A key of each thing, and the calls that make its parts.
    finish
        Makes the thing of its parts; a function that can be pickled.
    workers
        Processes.

    Yields
    ------
    tuple
        The key, and the thing or what went wrong with it, in the order of `wanted`.

    Raises
    ------
    ArchiveError
        If a process was killed.
    """
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begin)
    try:
        yield from _piped(pool, wanted, finish, workers)
    except BrokenProcessPool as error:
        raise ArchiveError(
            "a process that makes pictures was killed, perhaps because memory ran out; choose fewer --workers"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _piped(
    pool: ProcessPoolExecutor,
    wanted: Iterable[tuple[Key, list[Call[Part]]]],
    finish: Callable[[list[Part]], Made],
    workers: int,
) -> Iterator[tuple[Key, Made | BaseException]]:
    """Keep as many things begun as keep all processes at work."""
    begun: deque[tuple[Key, list[Future[Part]]]] = deque()
    finishing: deque[tuple[Key, Future[Made] | BaseException]] = deque()
    for key, calls in wanted:
        begun.append((key, [pool.submit(function, *arguments) for function, arguments in calls]))
        if len(begun) > workers:
            finishing.append(_finishing(pool, *begun.popleft(), finish))
        if len(finishing) > workers:
            yield _result(finishing.popleft())
    while begun:
        finishing.append(_finishing(pool, *begun.popleft(), finish))
    while finishing:
        yield _result(finishing.popleft())


def _finishing(
    pool: ProcessPoolExecutor, key: Key, parts: list[Future[Part]], finish: Callable[[list[Part]], Made]
) -> tuple[Key, Future[Made] | BaseException]:
    try:
        return key, pool.submit(finish, [part.result() for part in parts])
    except BrokenProcessPool:
        raise
    except Exception as error:  # noqa: BLE001 - one part that fails costs its own thing alone; it is handed on
        return key, error


def _result(finishing: tuple[Key, Any]) -> tuple[Key, Any]:
    """A key, and the result of its future or what went wrong."""
    key, made = finishing
    try:
        return key, made.result() if isinstance(made, Future) else made
    except BrokenProcessPool:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        return key, error


def _begin() -> None:
    """Prepare a process: a Ctrl-C is its parent's to handle, and it does not outlive its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
