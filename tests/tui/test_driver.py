"""The driver fits Textual's driver, and a blocked terminal delays nothing."""

import errno
import inspect
import os
import pty
import termios
import threading
import time

import pytest
from textual.driver import Driver as TextualDriver
from textual.drivers.linux_driver import LinuxDriver
from waiting import poll_until

from sunspec_tui.tui.terminal.terminal_output import MAX_PENDING_BYTES, TerminalOutput


def test_textual_still_has_the_private_parts_that_the_driver_uses():
    source = inspect.getsource(LinuxDriver)
    for used in (
        "self._writer_thread = WriterThread(self._file)",
        "target=self._run_input_thread",
        "self._get_terminal_size()",
        "self._query_in_band_window_resize()",
        "self._key_thread.join()",
        "self.attrs_before",
        "self.exit_event",
        "self._must_signal_resume",
        "self.fileno",
        "signal.signal(signal.SIGCONT, self._sigcont_application)",
    ):
        assert used in source, used
    for name in ("start_application_mode", "stop_application_mode", "close", "write", "process_message"):
        assert callable(getattr(LinuxDriver, name)), name
    base = inspect.getsource(TextualDriver.__init__)
    assert [name for name in ("self._app", "self._loop", "self._size") if f"{name} = " not in base] == []


@pytest.fixture
def ends():
    master, slave = pty.openpty()
    yield master, slave
    for end in (master, slave):
        try:
            os.close(end)
        except OSError as error:
            assert error.errno == errno.EBADF  # noqa: PT017 - closed by the test


def read_all(master, count):
    found = b""
    while len(found) < count:
        found += os.read(master, 65536)
    return found


def test_all_output_arrives_in_order(ends):
    master, slave = ends
    output = TerminalOutput(slave)
    output.start()
    texts = [f"{n:05d}é" for n in range(3000)]
    for text in texts:
        output.write(text)
    wanted = "".join(texts).encode()
    assert read_all(master, len(wanted)) == wanted
    assert output.stop("last words", 5.0)
    assert not output.is_busy


def test_a_character_that_the_terminals_encoding_lacks_is_written_with_a_backslash(ends):
    master, slave = ends
    output = TerminalOutput(slave, "ascii")
    output.start()
    output.write("a▀")
    assert read_all(master, 7) == b"a\\u2580"
    output.stop("", 5.0)


def test_a_blocked_terminal_blocks_no_writer_and_costs_little_memory(ends):
    _, slave = ends
    output = TerminalOutput(slave)
    output.start()
    for _ in range(200):
        output.write("x" * 65536)
    assert output.queued_bytes <= MAX_PENDING_BYTES
    begun_s = time.monotonic()
    assert not output.stop("last words", 0.2)
    # It takes a fifth of a second on an idle machine.
    assert time.monotonic() - begun_s < 10
    assert not [thread for thread in threading.enumerate() if thread.name == "sunspec-terminal"]


def test_the_restoring_text_replaces_output_that_was_not_accepted(ends):
    master, slave = ends
    output = TerminalOutput(slave)
    output.start()
    output.write("x" * 1_000_000)
    assert not output.stop("\x1b[?1049l", 0.2)
    os.set_blocking(master, False)
    found = b""
    try:
        while True:
            found += os.read(master, 65536)
    except BlockingIOError:
        pass
    assert found.endswith(b"\x18\x1b\\\x1b[?1049l")
    assert len(found) < 500_000


def test_dropping_queued_output_completes_the_item_in_progress(ends):
    master, slave = ends
    output = TerminalOutput(slave)
    output.start()
    output.write("a" * 200_000)
    poll_until(lambda: output.queued_bytes < 200_000, what="the first bytes taken")
    output.write("b" * 200_000)
    output.drop_queued()
    output.write("the end")
    assert read_all(master, 200_007) == b"a" * 200_000 + b"the end"
    assert output.stop("", 5.0)


def test_later_writes_fail_after_the_terminal_has_gone_away(ends):
    master, slave = ends
    output = TerminalOutput(slave)
    output.start()
    os.close(master)
    output.write("into nothing")
    poll_until(lambda: output.is_gone, what="the loss of the terminal")
    with pytest.raises(OSError, match="gone away"):
        output.write("more")
    output.stop("", 1.0)


def test_a_stopped_output_can_be_started_again(ends):
    master, slave = ends
    output = TerminalOutput(slave)
    for word in ("first", "second"):
        output.start()
        output.write(word)
        assert read_all(master, len(word)) == word.encode()
        assert output.stop("", 5.0)


def test_writing_does_not_change_how_others_write_to_the_terminal(ends):
    master, slave = ends
    before = termios.tcgetattr(slave)
    output = TerminalOutput(slave)
    output.start()
    output.write("x")
    assert read_all(master, 1) == b"x"
    assert os.get_blocking(slave)
    output.stop("", 5.0)
    assert termios.tcgetattr(slave) == before
