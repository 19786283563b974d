"""`Ending` raises `EndRequested` for a signal, wherever it interrupts the work."""

import signal
import sys
import threading
from importlib import import_module

import pytest
from commands import END_S

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


def wait_interrupted(number):
    """Interrupt a wait while it takes its lock again.

    The lock is not held afterwards.
    """
    condition = threading.Condition()
    condition._acquire_restore = lambda _: signal.raise_signal(number)
    with condition:
        condition.wait(1e-3)


def test_a_signal_ends_a_wait_that_is_taking_its_lock():
    with pytest.raises(EndRequested, match="SIGINT") as caught, Ending(raises=True):
        wait_interrupted(signal.SIGINT)
    assert "un-acquired lock" in str(caught.value.__cause__)
