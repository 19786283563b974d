"""Run a monitor that writes its shown pixels on SIGUSR1.

``picture_reporter.py DIRECTORY ARGUMENT...``: the arguments are those of ``sunspec-tui``.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from sunspec_tui.app import Monitor
from sunspec_tui.cli import main


def report(app: Any, directory: Path) -> None:
    """Write the picture's region, cell, pixels and state to a file.

    ``covered`` are the cells with text. The file has no arrays if no picture in pixels is shown.
    """
    layer = app.pixel_layer
    image = layer._image
    arrays = {}
    if image is not None:
        arrays = {
            "region": image.region,
            "cell": image.cell,
            "pixels": image.palette[image.pixels],
            "covered": layer._covered(app.canvas),
            "finished": layer.finished and app.canvas.finished,
        }
    path = directory / f"{time.monotonic_ns()}.part"
    with path.open("wb") as file:
        np.savez(file, **arrays)
    path.rename(path.with_suffix(".npz"))


def run(directory: Path, arguments: list[str]) -> int:
    """Run the monitor with the reporter."""
    begin = Monitor.on_mount

    def on_mount(app: Any) -> None:
        begin(app)
        import asyncio

        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, report, app, directory)
        (directory / "process").write_text(str(os.getpid()))

    Monitor.on_mount = on_mount  # type: ignore[method-assign]
    return main.main(arguments)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]))
