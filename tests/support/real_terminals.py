"""Real terminals, kitty and xterm, on a virtual X screen."""

import os
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from terminals import NOT_INHERITED
from waiting import poll_until

NEEDED = ("Xvfb", "xdotool")
SCREEN_PX = (1440, 1000)
SCREEN_DIRECTORY = "SCREEN_DIRECTORY"
"""Variable of the environment with the directory of the screen's file."""
REPORTER = Path(__file__).with_name("picture_reporter.py")
# Variables of a running desktop or multiplexer, which would change the programs.
_FOREIGN = ("TMUX", "DISPLAY", "WAYLAND_DISPLAY", "KITTY_WINDOW_ID", "XTERM_VERSION", "TERM_PROGRAM")
_START_S, _END_S = 60, 15


class Kind(NamedTuple):
    """A terminal program.

    Attributes
    ----------
    program
        Name of the program.
    words
        Function from columns and lines to the command that runs the words after it.
    """

    program: str
    words: Callable[[int, int], list[str]]


def _kitty(columns: int, lines: int) -> list[str]:
    options = {
        "confirm_os_window_close": 0, "remember_window_size": "no", "initial_window_width": f"{columns}c",
        "initial_window_height": f"{lines}c", "window_padding_width": 0, "placement_strategy": "top-left",
        "font_size": 9, "sync_to_monitor": "no", "cursor_blink_interval": 0, "enable_audio_bell": "no",
        "update_check_interval": 0, "repaint_delay": 50, "linux_display_server": "x11",
    }  # fmt: skip
    return ["kitty", "--config", "NONE", *(word for each in options.items() for word in ("-o", "{}={}".format(*each)))]


def _xterm(columns: int, lines: int) -> list[str]:
    resources = {
        "decTerminalID": "vt340", "numColorRegisters": 256, "internalBorder": 0, "borderWidth": 0,
        "cursorBlink": "false", "allowWindowOps": "true", "faceName": "DejaVu Sans Mono", "faceSize": 9,
        "scrollBar": "false", "background": "black", "foreground": "white", "ptyInitialErase": "true", "utf8": 2,
    }  # fmt: skip
    given = (word for name, value in resources.items() for word in ("-xrm", f"XTerm*{name}: {value}"))
    return ["xterm", "-ti", "vt340", *given, "-geometry", f"{columns}x{lines}+0+0", "-e"]


KITTY, XTERM = Kind("kitty", _kitty), Kind("xterm", _xterm)


def missing_programs(*kinds: Kind) -> list[str]:
    """Return the names of programs that are not installed."""
    return [name for name in (*NEEDED, *(kind.program for kind in kinds)) if shutil.which(name) is None]


@contextmanager
def virtual_screen() -> Iterator[dict[str, str]]:
    """Start an X server; yield the environment of its programs.

    The server keeps its screen in a file of the directory `SCREEN_DIRECTORY`.
    """
    receiving, sending = os.pipe()
    with tempfile.TemporaryDirectory() as directory:
        size = "{}x{}x24".format(*SCREEN_PX)
        words = ["Xvfb", "-displayfd", str(sending), "-screen", "0", size, "-fbdir", directory, "-nolisten", "tcp"]
        with subprocess.Popen(
            [*words, "-noreset"], pass_fds=[sending], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as server:
            os.close(sending)
            try:
                yield _environment(receiving, directory)
            finally:
                server.terminate()


def _environment(display_descriptor: int, directory: str) -> dict[str, str]:
    """Wait for the server; return the environment of its programs."""
    with os.fdopen(display_descriptor) as pipe:
        display = pipe.readline().strip()
    assert display, "the X server did not start"
    kept = {name: value for name, value in os.environ.items() if name not in (*NOT_INHERITED, *_FOREIGN)}
    # One thread draws: others would take the cores from the rest of the tests.
    drawing = {"LIBGL_ALWAYS_SOFTWARE": "1", "LP_NUM_THREADS": "1"}
    return kept | drawing | {"DISPLAY": f":{display}", "LC_ALL": "C.UTF-8", SCREEN_DIRECTORY: directory}


def screen_pixels(data: bytes) -> NDArray[np.uint8]:
    """Return the pixels of an X window dump, as RGB.

    The screen has 24 bits and lies in memory as on this kind of machine: blue, green, red, nothing.
    """
    # The header is 25 numbers: its size, ..., width, height, ..., bytes of a line (12), ..., colours (19).
    header = struct.unpack_from(">25I", data)
    width, height, line_nbytes, colours = header[4], header[5], header[12], header[19]
    lines = np.frombuffer(data, np.uint8, height * line_nbytes, header[0] + 12 * colours)
    return lines.reshape(height, line_nbytes // 4, 4)[:, :width, 2::-1].copy()


class RealTerminal:
    """A program in a real terminal.

    Parameters
    ----------
    environment
        Environment of a `virtual_screen`.
    words
        Command of the terminal and of the program in it.
    home
        Directory that the program runs in and keeps its state in.
    """

    def __init__(self, environment: dict[str, str], words: list[str], home: Path) -> None:
        self._environment = environment | {"XDG_STATE_HOME": str(home / "state")}
        self.home = home
        self.log_path = home / "terminal.log"
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                words, cwd=home, env=self._environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def _run(self, *words: str) -> bytes:
        return subprocess.run(words, env=self._environment, capture_output=True, check=True, timeout=30).stdout

    def press(self, *keys: str) -> None:
        """Press keys, by xdotool's names."""
        self._run("xdotool", "key", "--delay", "30", *keys)

    def resize(self, width_px: int, height_px: int) -> None:
        """Change the size of the window."""
        window = self._run("xdotool", "search", "--onlyvisible", "--name", ".").split()[-1].decode()
        self._run("xdotool", "windowsize", window, str(width_px), str(height_px))

    def screenshot(self) -> NDArray[np.uint8]:
        """Return the screen as RGB, shape (height, width, 3)."""
        # The server's own memory: a program that takes screenshots needs more time than all that it shows.
        return screen_pixels(Path(self._environment[SCREEN_DIRECTORY], "Xvfb_screen0").read_bytes())

    def close(self) -> None:
        """End the terminal and its program."""
        with ExitStack() as finally_:
            finally_.callback(self.process.wait, _END_S)
            for number in (signal.SIGHUP, signal.SIGKILL):
                if self.process.poll() is None:
                    os.killpg(self.process.pid, number)
                    try:
                        self.process.wait(_END_S / 3)
                    except subprocess.TimeoutExpired:
                        continue


class Monitor(RealTerminal):
    """Monitor in a real terminal that reports its shown picture."""

    def __init__(
        self, environment: dict[str, str], kind: Kind, home: Path, *options: str, then_waits: bool = False
    ) -> None:
        self._reports = home / "reports"
        self._reports.mkdir()
        words = [sys.executable, str(REPORTER), str(self._reports), *options]
        if then_waits:
            # After the monitor the terminal shows an empty line, as a shell with no prompt.
            words = ["sh", "-c", f"{shlex.join(words)}; exec cat"]
        super().__init__(environment, [*kind.words(120, 40), *words], home)

    def wait_until_started(self) -> None:
        """Wait until the monitor runs."""
        process = self._reports / "process"
        poll_until(
            lambda: process.exists() and process.read_text(),
            _START_S,
            lambda: f"the monitor; {self.log_path.read_text()}",
        )

    def picture(self) -> dict[str, Any] | None:
        """Return the monitor's own picture; None if it shows no pixels.

        The keys are those of `picture_reporter.report`.
        """
        for path in self._reports.glob("*.npz"):
            path.unlink()
        os.kill(int((self._reports / "process").read_text()), signal.SIGUSR1)
        found = poll_until(lambda: list(self._reports.glob("*.npz")), 20, "the monitor's report")
        with np.load(found[0]) as arrays:
            return {name: arrays[name] for name in arrays.files} if len(arrays.files) else None
