"""Run the web view's server in a separate thread.

The server never delays the receiver. It binds its socket before it starts, so that a port in use is reported at once.
It stops within a second, even with connected visitors. The web libraries are loaded at the start and not earlier.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from sunspec_tui.core.active_time import join_within
from sunspec_tui.core.addresses import host_and_port
from sunspec_tui.core.errors import LIMITS_REMEDY, MissingExtraError, WebError, resource_shortage
from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.web_options import WebOptions
from sunspec_tui.monitoring.web_status import WebCounts, WebState, WebStatus

if TYPE_CHECKING:
    import uvicorn

    from sunspec_tui.webapp.context import Source

log = logging.getLogger(__name__)

BACKLOG = 1024
_SILENT_MS = 30_000
STOP_S = 3.0
_LIBRARIES = ("starlette", "uvicorn", "websockets", "prometheus_client")


class WebServer:
    """Server of a receiver's web view.

    Parameters
    ----------
    source
        The receiver.
    options
        Options of the user.
    buffer_length
        Number of rows that the receiver keeps.
    on_failure
        Called with one sentence when the server fails; runs on the server's thread.
    """

    def __init__(
        self, source: "Source", options: WebOptions, buffer_length: int, on_failure: Callable[[str], None]
    ) -> None:
        self._source, self._options, self._buffer_length, self._on_failure = source, options, buffer_length, on_failure
        self._status = WebStatus()
        # The counts continue when the web view is served again.
        self._counts = WebCounts()
        self._start_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._running: _Running | None = None
        self._token = options.token

    def start(self) -> WebStatus:
        """Start the server if it does not run, and return the status.

        If the start fails, the status contains the reason.
        """
        with self._start_lock:
            if self._thread is None or not self._thread.is_alive():
                try:
                    self._begin()
                except (WebError, MissingExtraError) as error:
                    self._status = WebStatus(state=WebState.FAILED, problem=str(error))
                except Exception as error:
                    if not resource_shortage(error):
                        raise
                    text = f"the web view lacks memory or threads ({resource_shortage(error)})"
                    text += f"; {LIMITS_REMEDY}, or start it again later"
                    self._status = WebStatus(state=WebState.FAILED, problem=text)
            return self._status

    def stop(self) -> None:
        """Stop the server, even with connected visitors; safe to call again."""
        with self._start_lock:
            thread, self._thread = self._thread, None
            running, self._running = self._running, None
            if thread is None or running is None:
                self._status = WebStatus()
                return
            running.end()
            if not join_within(thread, STOP_S):
                log.warning("the web view does not end; its thread keeps running")
            self._status = WebStatus()

    def status(self) -> WebStatus:
        """Return the state of the web view."""
        running, counts = self._running, self._counts
        return replace(
            self._status,
            viewers=0 if running is None else running.broadcaster.viewers,
            rows_sent=counts.rows_sent,
            rows_skipped=counts.rows_skipped,
            dropped=counts.dropped,
            refused=counts.refused,
        )

    @property
    def child_pids(self) -> tuple[int, ...]:
        """Process ids of the plot process of the web view."""
        running = self._running
        return () if running is None else running.child_pids

    def wake(self) -> None:
        """Announce new rows, from any thread; does nothing without viewers."""
        running = self._running
        if running is not None and running.broadcaster.viewers and not running.broadcaster.is_awake:
            running.wake()

    def _begin(self) -> None:
        for library in _LIBRARIES:
            require_extra(library, "the web view")
        options = self._options
        listening = _bound(options.host, options.port)
        if not options.is_local and not self._token:
            import secrets

            self._token = secrets.token_urlsafe(16)
        url = _url(options, listening.getsockname()[1], self._token)
        started = threading.Event()
        try:
            running = _Running(self, listening, self._token, started)
            thread = threading.Thread(target=self._run, args=(running,), name="sunspec-web", daemon=True)
            self._running, self._status = running, WebStatus(state=WebState.SERVING, url=url)
            thread.start()
            self._thread = thread
        except BaseException:
            listening.close()
            self._running = None
            raise
        started.wait()

    def _run(self, running: "_Running") -> None:
        try:
            asyncio.run(running.main())
        except (Exception, SystemExit) as error:  # noqa: BLE001 - reported; receiving continues without the web view
            text = f"the web view has ended on an error: {error!r}"
            self._status = WebStatus(state=WebState.FAILED, problem=text)
            self._on_failure(text)
        finally:
            running.close()
            running.started.set()

    @property
    def counts(self) -> WebCounts:
        """Counts of rows and viewers since the program's start."""
        return self._counts

    def refuse(self) -> None:
        """Count a refused request."""
        self._counts.refused += 1

    @property
    def settings(self) -> tuple["Source", WebOptions, int]:
        """Receiver, options, and number of rows that the receiver keeps."""
        return self._source, self._options, self._buffer_length


class _Running:
    """One run of the server, from its socket to its end."""

    def __init__(self, owner: WebServer, listening: socket.socket, token: str, started: threading.Event) -> None:
        from sunspec_tui.webapp.answer_budget import ByteBudget
        from sunspec_tui.webapp.application import application
        from sunspec_tui.webapp.broadcaster import Broadcaster
        from sunspec_tui.webapp.burst_feed import BurstFeed
        from sunspec_tui.webapp.connection_limits import Connections
        from sunspec_tui.webapp.context import AppContext
        from sunspec_tui.webapp.figure_cache import FigureCache
        from sunspec_tui.webapp.uvicorn_server import server
        from sunspec_tui.webapp.visitor_errors import VisitorErrorLog

        source, options, buffer_length = owner.settings
        self.started = started
        self._listening = listening
        self._error_log = VisitorErrorLog(log)
        self.broadcaster: Broadcaster = Broadcaster(source, counts=owner.counts, error_log=self._error_log)
        self._figures = FigureCache(source.plot_job)
        self._bursts: BurstFeed = BurstFeed(source.bursts.board)
        self.broadcaster.status.more_fields = self._bursts.live_fields
        max_connections, max_viewers = _connection_limits(options.max_clients)
        self._connections: Connections = Connections(max_connections, owner.refuse, is_local=options.is_local)
        context = AppContext(
            source,
            self.broadcaster,
            self._figures,
            owner.status,
            owner.refuse,
            self._connections,
            buffer_length,
            max_viewers,
            self._error_log,
            ByteBudget(),
            self._bursts,
        )
        port = listening.getsockname()[1]
        app = application(context, replace(options, port=port), token, owner.refuse)
        self._server: uvicorn.Server = server(app, self._connections, self._error_log, self.broadcaster.count_dropped)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._background_tasks: list[asyncio.Task[None]] = []

    async def main(self) -> None:
        """Serve until asked to end."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._error_log.unhandled)
        tasks = [asyncio.create_task(each.run()) for each in (self.broadcaster, self._figures, self._bursts)]
        self._background_tasks = tasks
        serving = asyncio.create_task(self._server.serve(sockets=[self._listening]))
        self.started.set()
        try:
            await asyncio.wait((serving, *tasks), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            self._figures.refuse()
            self._server.should_exit = True
            await serving
        for each in ended:
            if isinstance(each, Exception):
                raise each

    def wake(self) -> None:
        """Make the broadcaster check for new rows, on the server's thread."""
        self._in_loop(self.broadcaster.wake)

    def end(self) -> None:
        """Ask the server to end."""
        self._in_loop(self._end)

    def _in_loop(self, call: Callable[[], None]) -> None:
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(call)
            except RuntimeError:
                log.debug("the web view ended just now")

    @property
    def child_pids(self) -> tuple[int, ...]:
        """Process ids of the plot process."""
        return self._figures.child_pids

    def _end(self) -> None:
        self._server.should_exit = True
        self._bursts.close()
        self._figures.refuse()
        for task in self._background_tasks:
            task.cancel()

    def close(self) -> None:
        """Close the socket and the figures, after the loop has ended."""
        self._listening.close()
        self._figures.close()


def _connection_limits(max_clients: int) -> tuple[int, int]:
    """Return the numbers of connections and viewers that open files allow."""
    from sunspec_tui.webapp.connection_limits import SPARE_CONNECTIONS
    from sunspec_tui.webapp.limits import connections_for, file_limit, open_files

    wanted = max_clients + SPARE_CONNECTIONS
    allowed = connections_for(wanted, file_limit(), open_files())
    if allowed < wanted:
        text = "the limit of %d open files leaves the web view room for %d connections, not %d; ulimit -n allows more"
        log.warning(text, file_limit(), allowed, wanted)
    return allowed, max(1, min(max_clients, allowed - min(SPARE_CONNECTIONS, allowed // 4)))


def _bound(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises
    ------
    WebError
        If this machine does not have the address, or another program uses the port.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "that is no name"
        raise WebError(f"cannot serve the web view on {host}: {why}; choose another --web-host") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # A visitor that vanished without closing is detected by missing TCP acknowledgements.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT_MS)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise WebError(
            f"cannot serve the web view on {host_and_port(host, port)}: {error.strerror}; choose another --web-port"
        ) from error
    listening.setblocking(False)
    return listening


def _url(options: WebOptions, port: int, token: str) -> str:
    """Return the address that the user opens in a browser."""
    host = socket.gethostname() if options.host in ("0.0.0.0", "::") else options.host  # noqa: S104 - compared
    return f"http://{host_and_port(host, port)}{options.root_path.rstrip('/')}/" + (f"?token={token}" if token else "")
