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
from sunspec_tui.tui.terminal import driver
from sunspec_tui.tui.terminal.terminal_output import TerminalOutput

# An update is cut here, within the first sequence after its start.
CUT = "\x1b[?2026h"
_CUT_AFTER = len(CUT) + 6
_PAUSE_S = 0.02


class CutOutput(TerminalOutput):
    """Output that gives a terminal each synchronized update in two parts.

    On a busy machine that happens now and then.
    """

    def write(self, text: str) -> int:
        """Queue text, synchronized updates in two parts."""
        cut = text.find(CUT) + _CUT_AFTER if CUT in text else 0
        for part in (text[:cut], text[cut:]):
            if part:
                super().write(part)
        return len(text)

    def _next(self) -> bytes | None:
        data = super()._next()
        time.sleep(_PAUSE_S)
        return data


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

    driver.TerminalOutput = CutOutput  # type: ignore[misc]
    Monitor.on_mount = on_mount  # type: ignore[method-assign]
    return main.main(arguments)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]))
