"""Deadlines instead of sleeps, and a publisher on a free port."""

import gc
import logging
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from extent import extent
from hypothesis import settings
from publishers import Publisher

if TYPE_CHECKING:
    from sunspec_tui.receiver import StreamReceiver

# Every run tries the same cases on every machine; `make test-seeds` tries others. A busy machine causes no failure.
settings.register_profile("fixed", derandomize=True, deadline=None, max_examples=extent(40, 100))
settings.register_profile("seeded", deadline=None, database=None, print_blob=True)


def pytest_configure(config: pytest.Config) -> None:
    """Choose the property tests' cases, and reset signals.

    The cases are fixed, or those of ``--hypothesis-seed``. Under nohup and in background jobs signals may be ignored.
    Programs under test would inherit this, and would ignore the signals too.
    """
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    settings.load_profile("fixed" if config.getoption("--hypothesis-seed") is None else "seeded")


def pytest_collection_finish() -> None:
    """Take thousands of collected tests out of all later collections of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def warnings_logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Warnings that the program has logged so far."""
    monkeypatch.setattr(logging.getLogger("sunspec_tui"), "propagate", True)
    caplog.set_level(logging.WARNING, "sunspec_tui")
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.fixture
def notes(warnings_logged: Callable[[], list[str]]) -> Callable[[], list[str]]:
    """Notes on a file that were logged so far, without its name."""
    return lambda: [text.partition(": ")[2] for text in warnings_logged()]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium for the tests of a file."""
    from browsers import chromium

    with chromium() as opened:
        yield opened


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open pages, which must not complain, and close them at the end."""
    from browsers import Visit

    opened: list[Visit] = []

    def go(url: str, settings: str = "", **options: Any) -> Visit:
        opened.append(Visit(browser, url, settings, **options))
        return opened[-1]

    yield go
    for each in opened:
        each.close()
    complaints = [text for each in opened for text in each.complaints if "WebSocket" not in text and "ERR_" not in text]
    assert complaints == []


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Give each test the monitor's own logging.

    Commands of earlier tests in this process may have changed it.
    """
    logger = logging.getLogger("sunspec_tui")
    handlers = list(logger.handlers)
    logger.setLevel(logging.INFO)
    yield
    logger.handlers[:] = handlers
    logger.propagate = True


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    made = Publisher()
    yield made
    made.close()


@pytest.fixture
def fed_web(publisher: Publisher) -> "Iterator[tuple[Publisher, StreamReceiver, str]]":
    """Web view whose frames are sent by the test."""
    from webs import served

    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        yield publisher, receiver, url
