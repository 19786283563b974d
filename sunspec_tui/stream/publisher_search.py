"""Search for a publisher: resolve names, probe addresses in turn, report attempts.

The search returns the address of a publisher and ends; if the connection is lost, the caller starts it again with
`begin`. It opens no ZeroMQ socket.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from sunspec_tui.core.printable import quote_untrusted
from sunspec_tui.stream.backoff import Backoff
from sunspec_tui.stream.health_reading import LinkState
from sunspec_tui.stream.port_probe import REFUSED, PeerKind, Probe, ProbeResult
from sunspec_tui.stream.resolver import Resolver, SocketAddress

_LINKS = {
    PeerKind.REFUSED: LinkState.REFUSED,
    PeerKind.UNREACHABLE: LinkState.UNREACHABLE,
    PeerKind.OTHER_SOCKET: LinkState.NO_PUBLISHER,
    PeerKind.FOREIGN: LinkState.FOREIGN,
}
# Interval between checks for the name server's answer.
_NAME_CHECK_S = 0.1
_REPORT_ORDER = (PeerKind.PUBLISHER, PeerKind.OTHER_SOCKET, PeerKind.FOREIGN, PeerKind.UNREACHABLE, PeerKind.REFUSED)


@dataclass(frozen=True, slots=True)
class SearchTimes:
    """Intervals of the search, in seconds.

    Attributes
    ----------
    refused_s, longest_refused_s
        Interval between probes of a closed port: it doubles from the first to the longest, which is short, so that a
        new producer is found soon.
    longest_probe_s
        Longest interval between probes of a peer that closes each connection.
    kept_s
        A peer that closes a connection after this time counts as stopped, so that its port is probed at once.
    first_s, longest_s
        Interval between attempts while something else answers: it doubles from the first to the longest. When a peer
        that had kept the connection open closes it, the next attempt follows at once.
    slow_name_s
        Time after which a slow resolution of the name is reported.
    resolve_again_s
        Interval at which a name is resolved again while nothing is found.
    """

    refused_s: float = 0.2
    longest_refused_s: float = 2.0
    longest_probe_s: float = 3.0
    kept_s: float = 10.0
    first_s: float = 1.0
    longest_s: float = 600.0
    slow_name_s: float = 1.0
    resolve_again_s: float = 5.0


class Search:
    """Search for a publisher that continues until one is found.

    Parameters
    ----------
    host
        Name or IP address.
    resolver
        Resolver of the name.
    times
        Intervals of the search.
    report
        Called with the link's state and its description for users, whenever one of them may have changed.
    """

    def __init__(
        self, host: str, resolver: Resolver, times: SearchTimes, report: Callable[[LinkState, str], None]
    ) -> None:
        self._host, self._resolver, self._times, self._report = host, resolver, times, report
        self.backoff = Backoff(times.first_s, times.longest_s)
        self._quick = Backoff(times.refused_s, times.longest_probe_s)
        self._closed = Backoff(times.refused_s, times.longest_refused_s)
        self.probe: Probe | None = None
        self._is_on = self._is_held = False
        self._next_s = self._asked_s = self._resolved_s = 0.0
        self._left: list[SocketAddress] = []
        self._results: list[ProbeResult] = []
        self._reported_result: ProbeResult | None = None

    @property
    def is_on(self) -> bool:
        """True while the search continues."""
        return self._is_on

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until the next step; infinite if only sockets matter."""
        if not self._is_on or self.probe is not None:
            return math.inf
        return max(0.0, self._next_s - now_s)

    def begin(self, now_s: float) -> None:
        """Start the search, and resolve the name again.

        The addresses of the last answer are used meanwhile.
        """
        self.end()
        self._closed.reset()
        self._is_on, self._next_s = True, now_s
        self._ask(now_s)

    def end(self) -> None:
        """Stop searching and close the probe."""
        self._close_probe()
        self._is_on = False
        self._left, self._results = [], []

    def advance(self, now_s: float, *, ready: bool) -> SocketAddress | None:
        """Do the next step of the search.

        Parameters
        ----------
        now_s
            Time of a monotonic clock.
        ready
            True if the probe's socket is ready.

        Returns
        -------
        tuple or None
            Address of a publisher, when a connection to it may be made; the search has then ended.
        """
        if not self._is_on:
            return None
        probe = self.probe
        if probe is None:
            if now_s >= self._next_s:
                self._probe_next(now_s)
            return None
        if probe.result is None or ready:
            probe.advance(now_s, ready=ready)
        if probe.result is None:
            return None
        if probe.result.kind is PeerKind.PUBLISHER and not probe.ended:
            return self._found(probe, now_s)
        self._handle_result(probe, probe.result, now_s)
        return None

    def _found(self, probe: Probe, now_s: float) -> SocketAddress | None:
        """Return the publisher's address if an attempt is due.

        Otherwise keep the probe open, to notice when the publisher ends.
        """
        if not self.backoff.is_due(now_s):
            if not self._is_held:
                probe.hold()
                self._is_held = True
            return None
        self.end()
        return probe.address

    def _handle_result(self, probe: Probe, result: ProbeResult, now_s: float) -> None:
        """Report the result of a probe, and plan the next one."""
        if probe.ended:
            self._close_probe()
            self._results.append(result)
            if not self._left:
                self._plan(probe, now_s)
        elif self._left:
            self._close_probe()
            self._results.append(result)
        elif result is not self._reported_result:
            self._reported_result = result
            self._report_most_informative([*self._results, result], now_s)
        elif self.backoff.is_due(now_s):
            # The peer keeps this connection open, but it may answer another connection differently.
            self._close_probe()
            self._results, self._next_s = [], now_s

    def _plan(self, probe: Probe, now_s: float) -> None:
        """Set the time of the next round, after all addresses were tried."""
        results, self._results = self._results, []
        if all(result.kind is PeerKind.REFUSED for result in results):
            self.backoff.reset()
            self._quick.reset()
            self._closed.attempt(now_s)
            self._next_s = now_s + self._closed.interval_s
        else:
            self._closed.reset()
            self._plan_after(probe, now_s)
        self._report_most_informative(results, now_s)

    def _plan_after(self, probe: Probe, now_s: float) -> None:
        """Set the time of the next round after a peer has ended."""
        was_kept = probe.connected and now_s - probe.begun_s > self._times.kept_s
        if self._is_held or was_kept:
            # A peer that had kept the connection has ended: another program may use the port now.
            self.backoff.reset()
        if was_kept:
            self._next_s = now_s
        else:
            # A peer that ends each connection at once must not keep this machine busy.
            self._quick.attempt(now_s)
            self._next_s = now_s + self._quick.interval_s

    def _report_most_informative(self, results: list[ProbeResult], now_s: float) -> None:
        """Report the most informative result, with the attempt's number."""
        result = min(results, key=lambda each: _REPORT_ORDER.index(each.kind))
        if result.kind is PeerKind.PUBLISHER:
            return
        if result.kind is PeerKind.REFUSED:
            self._report(LinkState.REFUSED, f"{REFUSED.words}, retrying")
            return
        if self.backoff.is_due(now_s):
            self.backoff.attempt(now_s)
        number = f" (attempt {self.backoff.attempts})" if self.backoff.attempts > 1 else ""
        self._report(_LINKS[result.kind], f"{result.words}, retrying{number}")

    # Names

    def _ask(self, now_s: float) -> None:
        if not self._resolver.is_asking:
            self._asked_s = now_s
            self._resolver.ask()

    def _probe_next(self, now_s: float) -> None:
        """Start a probe of the next address, if the name has resolved."""
        if not self._left and not self._refill(now_s):
            self._next_s = now_s + _NAME_CHECK_S
            return
        address = self._left.pop(0)
        self._is_held, self._reported_result = False, None
        try:
            self.probe = Probe(address, now_s)
        except OSError as error:
            self.postpone(now_s, f"no connection can be opened here ({error.strerror or error})")

    def postpone(self, now_s: float, why: str) -> None:
        """Try again later, because this machine cannot connect; report why."""
        self._close_probe()
        self._left, self._results = [], []
        self._is_on, self._next_s = True, now_s + self._times.first_s
        self._report(LinkState.UNREACHABLE, f"{why}, retrying")

    def _refill(self, now_s: float) -> bool:
        """Start a round over all addresses; return False if there are none."""
        resolver, times = self._resolver, self._times
        if not resolver.is_asking and now_s - self._asked_s >= times.resolve_again_s:
            self._ask(now_s)
        if resolver.addresses:
            self._left = list(resolver.addresses)
            return True
        name = f"the name {quote_untrusted(self._host)}"
        if not resolver.is_asking:
            self._report(LinkState.UNRESOLVED, f"{name} does not resolve ({resolver.problem}), retrying")
        elif now_s - self._asked_s >= times.slow_name_s:
            self._report(LinkState.UNRESOLVED, f"{name} has not resolved yet, the name server does not answer")
        return False

    def _close_probe(self) -> None:
        probe, self.probe = self.probe, None
        if probe is not None:
            probe.close()
