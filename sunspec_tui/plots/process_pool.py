"""Run tasks in parallel processes that end with their parent.

The processes end with their parent, also when it is killed. They use pipes to the parent and no sockets, because a
process runs any work that it receives, so other users must not be able to send work.
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

from sunspec_tui.core.errors import ArchiveError

Key = TypeVar("Key")
Piece = TypeVar("Piece")
Result = TypeVar("Result")

Call = tuple[Callable[..., Piece], tuple[Any, ...]]
"""A function and its arguments, both of which can be pickled."""


def run_in_processes(
    tasks: Iterable[tuple[Key, list[Call[Piece]]]], finish: Callable[[list[Piece]], Result], workers: int
) -> Generator[tuple[Key, Result | BaseException]]:
    """Compute results from their parts in parallel processes.

    Parameters
    ----------
    tasks
        Key of each result, and the calls that compute its parts.
    finish
        Function that combines the parts to a result; it can be pickled.
    workers
        Number of processes.

    Yields
    ------
    tuple
        The key, and the result or the exception, in the order of `tasks`.

    Raises
    ------
    ArchiveError
        If a process was killed.
    """
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_prepare_process)
    try:
        yield from _run_tasks(pool, tasks, finish, workers)
    except BrokenProcessPool as error:
        raise ArchiveError(
            "a process that makes pictures was killed, perhaps because memory ran out; choose fewer --workers"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _run_tasks(
    pool: ProcessPoolExecutor,
    tasks: Iterable[tuple[Key, list[Call[Piece]]]],
    finish: Callable[[list[Piece]], Result],
    workers: int,
) -> Iterator[tuple[Key, Result | BaseException]]:
    """Run the tasks, just enough at once for all processes."""
    started: deque[tuple[Key, list[Future[Piece]]]] = deque()
    finishing: deque[tuple[Key, Future[Result] | BaseException]] = deque()
    for key, calls in tasks:
        started.append((key, [pool.submit(function, *arguments) for function, arguments in calls]))
        if len(started) > workers:
            finishing.append(_submit_finish(pool, *started.popleft(), finish))
        if len(finishing) > workers:
            yield _result(finishing.popleft())
    while started:
        finishing.append(_submit_finish(pool, *started.popleft(), finish))
    while finishing:
        yield _result(finishing.popleft())


def _submit_finish(
    pool: ProcessPoolExecutor, key: Key, parts: list[Future[Piece]], finish: Callable[[list[Piece]], Result]
) -> tuple[Key, Future[Result] | BaseException]:
    try:
        return key, pool.submit(finish, [part.result() for part in parts])
    except BrokenProcessPool:
        raise
    except Exception as error:  # noqa: BLE001 - a part that fails only fails its own result, and is passed on
        return key, error


def _result(finishing: tuple[Key, Any]) -> tuple[Key, Any]:
    """Return a key, and the result of its future or the exception."""
    key, result = finishing
    try:
        return key, result.result() if isinstance(result, Future) else result
    except BrokenProcessPool:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        return key, error


def _prepare_process() -> None:
    """Prepare a process: ignore Ctrl-C, and end with the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
