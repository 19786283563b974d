"""What the tests share: deadlines instead of sleeps, and a publisher on a free port."""

import logging
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings
from publishers import Publisher

from sunspec_tui.cli.producer_setup import make_faults, make_producer, make_source
from sunspec_tui.core.settings import StreamSettings

DATA = Path(__file__).parents[2] / "shared" / "data"
EVENT = DATA / "BIR_20110607_062400_10.fit"
# Every run tries the same cases on every machine; `make test-seeds` tries others. A busy machine causes no failure.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("seeded", deadline=None, database=None, print_blob=True)


def pytest_configure(config: pytest.Config) -> None:
    """Choose the cases of the property tests, and undo what nohup and background jobs do to signals.

    The cases are fixed ones, or those of ``--hypothesis-seed``. A program keeps ignoring a signal that is ignored when
    it starts, so the programs under test must not inherit that.
    """
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    settings.load_profile("fixed" if config.getoption("--hypothesis-seed") is None else "seeded")


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


@contextmanager
def producing(**options: Any) -> Iterator[int]:
    """A producer in this process, with settings of ``sunspec-tui stream``; gives its port."""
    given = StreamSettings(port=0, **options)
    with ExitStack() as started:
        op, _ = make_producer(started, make_source(given), given, make_faults(given))
        port = op.bind()
        thread = threading.Thread(target=op.main)
        thread.start()
        started.callback(thread.join)
        started.callback(op.shutdown)
        yield port


def header_of(data: np.ndarray, **keys: Any) -> dict[str, Any]:
    """A header as the newest producer writes it; a key set to None is left out."""
    nbeam, nchan, npol = data.shape[-3:]
    header = {
        "time_tag": 344176543210000000,
        "nbeam": nbeam,
        "nchan": nchan,
        "npol": npol,
        "timestamp": f"{time.time():.6f}",
        "last_block_time": "2025-08-18 21:34:54.787341",
        "data_shape": list(data.shape),
        "data_type": "<f4",
    } | keys
    return {key: value for key, value in header.items() if value is not None}


def block_time(n: int, cadence_s: float = 0.25) -> str:
    """``last_block_time`` of the n-th frame of a test."""
    return str(np.datetime64("2025-08-18T21:34:54.000000") + np.timedelta64(round(n * cadence_s * 1e6), "us"))


def message(data: np.ndarray, **keys: Any) -> list[bytes]:
    """A message with the payload `data`, shape (nbeam, nchan, npol)."""
    return [b"data", json.dumps(header_of(data, **keys)).encode(), data.astype("<f4").tobytes()]


class Publisher:
    """A producer under a test's control, on a free loopback port."""

    def __init__(self, port: int = 0) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._socket.bind(f"tcp://127.0.0.1:{port or '*'}")
        self.port = int(self._socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])

    def wait_for_subscriber(self) -> None:
        assert self._socket.poll(10_000), "nobody has subscribed"
        self._socket.recv()

    def send(self, parts: list[bytes]) -> None:
        self._socket.send_multipart(parts)

    def close(self) -> None:
        self._context.destroy(linger=1000)


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Logging as the monitor has it in each test, whatever commands earlier ones have run in this process."""
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
