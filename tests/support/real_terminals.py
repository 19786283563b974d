"""Real terminals, kitty and xterm, on a virtual X screen."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from terminals import NOT_INHERITED
from waiting import poll_until

NEEDED = ("Xvfb", "xdotool", "import")
SCREEN_PX = (1440, 1000)
REPORTER = Path(__file__).with_name("picture_reporter.py")
# Variables of a running desktop or multiplexer, which would change the programs.
_FOREIGN = ("TMUX", "DISPLAY", "WAYLAND_DISPLAY", "KITTY_WINDOW_ID", "XTERM_VERSION", "TERM_PROGRAM")
_END_S = 15


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
        "update_check_interval": 0, "repaint_delay": 5, "linux_display_server": "x11",
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
    """Start an X server; yield the environment of its programs."""
    receiving, sending = os.pipe()
    size = "{}x{}x24".format(*SCREEN_PX)
    words = ["Xvfb", "-displayfd", str(sending), "-screen", "0", size, "-nolisten", "tcp", "-noreset"]
    with subprocess.Popen(words, pass_fds=[sending], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        os.close(sending)
        try:
            with os.fdopen(receiving) as pipe:
                display = pipe.readline().strip()
            assert display, "the X server did not start"
            kept = {name: value for name, value in os.environ.items() if name not in (*NOT_INHERITED, *_FOREIGN)}
            yield kept | {"DISPLAY": f":{display}", "LIBGL_ALWAYS_SOFTWARE": "1", "LC_ALL": "C.UTF-8"}
        finally:
            server.terminate()


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
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "screen.png")
            self._run("import", "-window", "root", "-depth", "8", str(path))
            with Image.open(path) as image:
                return np.array(image.convert("RGB"))

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

    def picture(self) -> dict[str, Any] | None:
        """Return the monitor's own picture; None if it shows no pixels.

        The keys are those of `picture_reporter.report`.
        """
        for path in self._reports.glob("*.npz"):
            path.unlink()
        process = self._reports / "process"
        poll_until(process.exists, 60, lambda: f"the monitor; {self.log_path.read_text()}")
        os.kill(int(process.read_text()), signal.SIGUSR1)
        found = poll_until(lambda: list(self._reports.glob("*.npz")), 20, "the monitor's report")
        with np.load(found[0]) as arrays:
            return {name: arrays[name] for name in arrays.files} if len(arrays.files) else None
