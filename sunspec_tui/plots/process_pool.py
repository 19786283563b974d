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
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any, Generic, TypeVar

from sunspec_tui.core.errors import ArchiveError

Key = TypeVar("Key")
Piece = TypeVar("Piece")

Call = tuple[Callable[..., Piece], tuple[Any, ...]]
"""A function and its arguments, both of which can be pickled."""


@dataclass(frozen=True, slots=True)
class Task(Generic[Key]):
    """Work whose parts can be computed in parallel.

    Attributes
    ----------
    key
        Key of the result.
    calls
        Calls that compute the parts.
    finish
        Function that combines the parts to the result; it can be pickled.
    """

    key: Key
    calls: list[Call[Any]]
    finish: Callable[[list[Any]], Any]


def run_here(tasks: Iterable[Task[Key]]) -> Generator[tuple[Key, Any]]:
    """Compute results in this process, one after another.

    Yields
    ------
    tuple
        As `run_in_processes`.
    """
    for task in tasks:
        try:
            result = task.finish([function(*arguments) for function, arguments in task.calls])
        except Exception as error:  # noqa: BLE001 - a task that fails only fails its own result, and is passed on
            result = error
        yield task.key, result


def run_in_processes(tasks: Iterable[Task[Key]], workers: int) -> Generator[tuple[Key, Any]]:
    """Compute results from their parts in parallel processes.

    Parameters
    ----------
    tasks
        The tasks.
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
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_prepare_process)
    try:
        yield from _run_tasks(pool, tasks, workers)
    except BrokenProcessPool as error:
        raise ArchiveError(
            "a worker process was killed, perhaps because memory ran out; choose fewer --workers"
        ) from error
    except BaseException:
        # A signal or the caller ends the work: nobody waits for its results.
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _run_tasks(pool: ProcessPoolExecutor, tasks: Iterable[Task[Key]], workers: int) -> Iterator[tuple[Key, Any]]:
    """Run the tasks, just enough at once for all processes."""
    started: deque[tuple[Task[Key], list[Future[Any]]]] = deque()
    finishing: deque[tuple[Key, Future[Any] | BaseException]] = deque()
    for task in tasks:
        started.append((task, [pool.submit(function, *arguments) for function, arguments in task.calls]))
        if len(started) > workers:
            finishing.append(_submit_finish(pool, *started.popleft()))
        if len(finishing) > workers:
            yield _result(finishing.popleft())
    while started:
        finishing.append(_submit_finish(pool, *started.popleft()))
    while finishing:
        yield _result(finishing.popleft())


def _submit_finish(
    pool: ProcessPoolExecutor, task: Task[Key], parts: list[Future[Any]]
) -> tuple[Key, Future[Any] | BaseException]:
    try:
        return task.key, pool.submit(task.finish, [part.result() for part in parts])
    except BrokenProcessPool:
        raise
    except Exception as error:  # noqa: BLE001 - a part that fails only fails its own result, and is passed on
        return task.key, error


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
