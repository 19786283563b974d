"""The worker shows only a prepared receiver and stops each started one."""

import pytest

from sunspec_tui.cli.view import Opening
from sunspec_tui.core.errors import UsageError
from sunspec_tui.tui.receiver_worker import ReceiverWorker


class Recorded:
    """Receiver that records its calls."""

    def __init__(self):
        self.calls = []

    def start(self):
        self.calls.append("start")

    def stop(self, *, deadline_s):
        self.calls.append("stop")


def test_a_receiver_is_prepared_before_others_see_it_and_is_stopped():
    receiver = Recorded()
    seen = []
    worker = ReceiverWorker(
        lambda: receiver, prepare=lambda _: seen.append(worker.receiver), on_ready=lambda: seen.append(worker.receiver)
    )
    worker.end()
    worker.run()
    assert seen == [None, receiver]
    assert receiver.calls == ["start", "stop"]


@pytest.mark.parametrize("error", [UsageError("no such product"), RuntimeError("unforeseen")])
def test_a_receiver_that_cannot_be_prepared_is_stopped_and_not_shown(error):
    def fails(_):
        raise error

    receiver = Recorded()
    worker = ReceiverWorker(lambda: receiver, prepare=fails, on_ready=lambda: pytest.fail("it is not ready"))
    worker.run()
    assert worker.receiver is None
    assert receiver.calls == ["start", "stop"]


def test_a_receiver_that_cannot_be_made_sets_the_failure():
    def fails():
        raise UsageError("a wrong port")

    worker = ReceiverWorker(fails, prepare=lambda _: None, on_ready=lambda: None)
    worker.run()
    assert str(worker.failure) == "a wrong port"


def test_files_that_are_still_being_opened_do_not_delay_the_end():
    opening, opened = Opening(), []

    def open_files():
        for number in range(1, 10_001):
            opened.append(number)
            opening.progress(number, 10_000)
            if number == 3:
                worker.end()

    worker = ReceiverWorker(open_files, prepare=lambda _: None, on_ready=lambda: None, on_end=opening.end)
    worker.run()
    assert opened == [1, 2, 3, 4]
    # Whoever ends the program needs no reason.
    assert worker.failure is None
