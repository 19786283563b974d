"""`Ending` raises `EndRequested` for a signal, wherever it interrupts the work."""

import signal
import subprocess
import sys
import threading
from importlib import import_module

import pytest
from commands import END_S, running

from sunspec_tui.cli.signals import Ending, EndRequested


def interrupted_by(number, clean_up):
    try:
        signal.raise_signal(number)
    finally:
        clean_up()


def fail():
    # An interrupted wait on a condition fails like this.
    raise RuntimeError("release unlocked lock")


def test_an_error_after_the_signal_is_reported_as_the_end():
    with pytest.raises(EndRequested, match="SIGTERM") as caught, Ending(raises=True):
        interrupted_by(signal.SIGTERM, fail)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_an_error_without_a_signal_is_left_as_it_is():
    with pytest.raises(RuntimeError, match="as it is"), Ending(raises=True):
        raise RuntimeError("as it is")


def import_and_wait(name):
    import_module(name)
    threading.Event().wait(END_S)


def test_a_signal_during_an_import_is_raised_after_it(tmp_path, monkeypatch):
    (tmp_path / "interrupted_module.py").write_text("import signal\nsignal.raise_signal(15)\ndone = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EndRequested, match="SIGTERM"), Ending(raises=True):
        import_and_wait("interrupted_module")
    assert sys.modules["interrupted_module"].done


def test_a_second_signal_does_not_interrupt_the_clean_up():
    cleaned = threading.Event()

    def clean_up():
        signal.raise_signal(signal.SIGTERM)
        cleaned.set()

    with pytest.raises(EndRequested, match="SIGINT"), Ending(raises=True):
        interrupted_by(signal.SIGINT, clean_up)
    assert cleaned.is_set()


WAITING = """
import sys, threading
from sunspec_tui.cli.signals import Ending, EndRequested
condition = threading.Condition()
try:
    with Ending(raises=True):
        print("ready", flush=True)
        while True:
            with condition:
                condition.wait(1e-5)
except EndRequested as ended:
    sys.exit(ended.status)
"""


def test_a_signal_at_any_moment_of_a_wait_ends_the_command(tmp_path):
    for _ in range(10):
        with running([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(END_S) == 130
