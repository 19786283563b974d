"""Check that threads can start, and discard zarr's unstarted event loop."""

import sys
import threading


def check_threads(count: int) -> None:
    """Check that `count` threads can run at once.

    Raises
    ------
    RuntimeError
        If one of them cannot be started.
    """
    done, started = threading.Event(), list[threading.Thread]()
    try:
        for _ in range(count):
            thread = threading.Thread(target=done.wait, name="sunspec-check", daemon=True)
            thread.start()
            started.append(thread)
    finally:
        done.set()
        for thread in started:
            thread.join()


def forget_unstarted_threads() -> None:
    """Remove zarr's event loop if its thread was never started.

    Without this, zarr waits for that thread forever, and the interpreter cannot exit. zarr makes another event loop
    when it needs one.
    """
    module = sys.modules.get("zarr.core.sync")
    thread = None if module is None else module.iothread[0]
    if module is not None and thread is not None and thread.ident is None:
        module.loop[0].close()
        module.loop[0] = module.iothread[0] = None
