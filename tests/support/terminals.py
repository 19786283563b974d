"""A terminal for tests and benches: a pseudo-terminal whose screen pyte keeps.

It answers as an xterm does, and it can hang on a slow link: what the program writes then goes into a buffer, as sshd
and TCP have one, and comes to the screen at the link's rate.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections import deque
from pathlib import Path

import pyte
from waiting import poll_until

PROGRAM = [sys.executable, "-m", "sunspec_tui"]
LINK_BUFFER = 1 << 18
# What pyte would print as text, because it does not know it.
UNKNOWN_TO_PYTE = re.compile(
    rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1b\[\?[0-9;]*[a-gi-km-z]|\x1b_G.*?\x1b\\|\x1bP.*?\x1b\\", re.S
)
# The beginning of a sequence whose end comes with the next bytes.
UNFINISHED = re.compile(rb"\x1b(?:\[[<>=?$0-9;]*|[_P](?:(?!\x1b\\).)*)?\Z", re.S)
CURSOR_QUESTION = b"\x1b[6n"
# A test runner's own terminal must not show through.
NOT_INHERITED = ("COLUMNS", "LINES", "NO_COLOR", "COLORTERM", "TERM")
_LOOK_S = 0.005


class Terminal:
    """A program in a pseudo-terminal.

    Parameters
    ----------
    words
        Command and arguments.
    home
        Directory that the program runs in and keeps its state in.
    columns, lines
        Size of the terminal.
    answers
        True if the terminal answers queries.
    rate_bytes_s
        Rate of the link; may be changed at any time.
    environment
        Variables that override those of the test runner.
    replies
        Replies to other queries than that of the cursor's position, by the query.
    delay_s
        Time from a query to its reply.
    """

    def __init__(
        self,
        words: list[str],
        home: Path,
        *,
        columns: int = 120,
        lines: int = 40,
        answers: bool = True,
        rate_bytes_s: float = float("inf"),
        environment: dict[str, str] | None = None,
        replies: dict[bytes, bytes] | None = None,
        delay_s: float = 0.0,
    ) -> None:
        self.master, self.slave = pty.openpty()
        self.screen = pyte.Screen(columns, lines)
        self._set_size(columns, lines)
        self.before = termios.tcgetattr(self.slave)
        self._stream = pyte.ByteStream(self.screen)
        self._lock = threading.Lock()
        self._display: list[str] | None = None
        self.raw = bytearray()
        self._unfinished = b""
        self.answers = answers
        self.replies = replies or {}
        self.delay_s = delay_s
        self._late_replies: deque[tuple[float, bytes]] = deque()
        self._unsent = bytearray()
        self.rate_bytes_s = rate_bytes_s
        self.stale_s = 0.0
        """Age of the oldest bytes that have reached the screen so far, when they did."""
        self._under_way: deque[tuple[float, bytes]] = deque()
        kept = {key: value for key, value in os.environ.items() if key not in NOT_INHERITED}
        given = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "XDG_STATE_HOME": str(home / "state")}
        self.process = subprocess.Popen(
            words, stdin=self.slave, stdout=self.slave, stderr=self.slave, cwd=home,
            env=kept | given | (environment or {}), start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._carry)
        self._reader.start()

    # The link

    def _carry(self) -> None:
        """Bring bytes from the program to the screen until the end."""
        budget, before_s = 0.0, time.monotonic()
        while not self._ended.is_set():
            room = LINK_BUFFER - sum(len(data) for _, data in self._under_way)
            wait_s = 0.0 if self._unsent else _LOOK_S if self._under_way else 0.05
            try:
                if room > 0 and select.select([self.master], [], [], wait_s)[0]:
                    self._under_way.append((time.monotonic(), os.read(self.master, min(room, 65536))))
                elif room <= 0:
                    self._ended.wait(_LOOK_S)
                now_s = time.monotonic()
                budget = min(budget + (now_s - before_s) * self.rate_bytes_s, max(1.0, self.rate_bytes_s * 0.1))
                before_s = now_s
                budget -= self._deliver(budget, now_s)
                self._send_late_replies(now_s)
            except OSError:
                return

    def _deliver(self, budget: float, now_s: float) -> int:
        delivered = 0
        while self._under_way and budget - delivered >= 1:
            at_s, data = self._under_way.popleft()
            part = data[: int(min(len(data), budget - delivered))]
            if len(part) < len(data):
                self._under_way.appendleft((at_s, data[len(part) :]))
            delivered += len(part)
            self.stale_s = max(self.stale_s, now_s - at_s)
            self._take(part)
        return delivered if self.rate_bytes_s < float("inf") else 0

    def _take(self, data: bytes) -> None:
        with self._lock:
            asked = (bytes(self.raw[-3:]) + data).count(CURSOR_QUESTION)
            self._note_queries(data)
            self.raw += data
            self._display = None
            self._stream.feed(UNKNOWN_TO_PYTE.sub(b"", self._whole_sequences(data).replace(CURSOR_QUESTION, b"")))
        if self.answers and asked:
            self._unsent += asked * (b"\x1b[%d;%dR" % (self.screen.cursor.y + 1, self.screen.cursor.x + 1))

    def _whole_sequences(self, data: bytes) -> bytes:
        """Return bytes up to the last whole sequence.

        The rest is returned with the next bytes.
        """
        data = self._unfinished + data
        unfinished = UNFINISHED.search(data)
        end = unfinished.start() if unfinished else len(data)
        self._unfinished = data[end:]
        return data[:end]

    def _note_queries(self, data: bytes) -> None:
        """Note the replies to the queries that these bytes complete."""
        for query, reply in self.replies.items():
            before = bytes(self.raw[-len(query) + 1 :])
            for _ in range((before + data).count(query)):
                self._late_replies.append((time.monotonic() + self.delay_s, reply))

    def _send_late_replies(self, now_s: float) -> None:
        while self._late_replies and self._late_replies[0][0] <= now_s:
            self._unsent += self._late_replies.popleft()[1]
        # A long reply is sent in parts, and the program's output is read between them.
        if self._unsent and select.select([], [self.master], [], 0)[1]:
            del self._unsent[: os.write(self.master, self._unsent[:1024])]

    # What a user does and sees

    def _set_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size, and tell the program."""
        with self._lock:
            self._set_size(columns, lines)
            self.screen.resize(lines, columns)
            self._display = None
        os.kill(self.process.pid, signal.SIGWINCH)

    def press(self, keys: str) -> None:
        """Type keys."""
        os.write(self.master, keys.encode())

    @property
    def text(self) -> str:
        """The screen as lines of text."""
        with self._lock:
            # pyte needs a hundredth of a second for it, and tests ask again and again.
            if self._display is None:
                self._display = self.screen.display
            return "\n".join(self._display)

    def clear(self) -> None:
        """Lose the text on the screen, as a terminal may."""
        with self._lock:
            self.screen.erase_in_display(2)
            self._display = None

    def shows(self, *words: str, timeout_s: float = 20) -> None:
        """Wait until all words are on the screen."""
        poll_until(lambda: all(word in self.text for word in words), timeout_s, lambda: f"{words} on\n{self.text}\n")

    def hides(self, *words: str, timeout_s: float = 20) -> None:
        """Wait until none of the words is on the screen."""
        poll_until(
            lambda: not any(word in self.text for word in words), timeout_s, lambda: f"no {words} on\n{self.text}\n"
        )

    def hang_up(self) -> None:
        """Close both ends, as a dropped connection does."""
        self._ended.set()
        self._reader.join()
        os.close(self.slave)
        os.close(self.master)

    def end(self) -> None:
        """Kill processes that still run, and close all files."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if not self._ended.is_set():
            self.hang_up()
