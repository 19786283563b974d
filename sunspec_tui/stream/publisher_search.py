"""Search for a publisher: resolve names, probe addresses in turn, report attempts.

The search returns the address of a publisher and ends; if the connection is lost, the caller starts it again with
`begin`. It opens no ZeroMQ socket.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from sunspec_tui.core.addresses import quote_untrusted
from sunspec_tui.stream.backoff import Backoff
from sunspec_tui.stream.health_reading import LinkState
from sunspec_tui.stream.port_probe import REFUSED, Found, Probe, Verdict
from sunspec_tui.stream.resolver import Resolver, SocketAddress

_LINKS = {
    Found.REFUSED: LinkState.REFUSED,
    Found.UNREACHABLE: LinkState.UNREACHABLE,
    Found.OTHER_SOCKET: LinkState.NO_PUBLISHER,
    Found.FOREIGN: LinkState.FOREIGN,
}
# Interval at which the answer of the name server is looked for.
_NAME_CHECK_S = 0.1
_WORST = (Found.PUBLISHER, Found.OTHER_SOCKET, Found.FOREIGN, Found.UNREACHABLE, Found.REFUSED)


@dataclass(frozen=True, slots=True)
class SearchTimes:
    """Intervals of the search, in seconds.

    Attributes
    ----------
    refused_s, longest_refused_s
        Interval between probes of a closed port: it doubles from the first to the longest, which is short, so that a
        producer is found soon.
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
        self._verdicts: list[Verdict] = []
        self._noted: Verdict | None = None

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
        self._left, self._verdicts = [], []

    def advance(self, now_s: float, *, ready: bool) -> SocketAddress | None:
        """Do the next step of the search.

        Parameters
        ----------
        now_s
            A clock that never goes back.
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
        if probe.verdict is None or ready:
            probe.advance(now_s, ready=ready)
        if probe.verdict is None:
            return None
        if probe.verdict.found is Found.PUBLISHER and not probe.ended:
            return self._found(probe, now_s)
        self._note(probe, probe.verdict, now_s)
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

    def _note(self, probe: Probe, verdict: Verdict, now_s: float) -> None:
        """Report a verdict, and plan the next probe."""
        if probe.ended:
            self._close_probe()
            self._verdicts.append(verdict)
            if not self._left:
                self._plan(probe, now_s)
        elif self._left:
            self._close_probe()
            self._verdicts.append(verdict)
        elif verdict is not self._noted:
            self._noted = verdict
            self._say_worst([*self._verdicts, verdict], now_s)
        elif self.backoff.is_due(now_s):
            # The peer keeps this connection open, but it may answer another connection differently.
            self._close_probe()
            self._verdicts, self._next_s = [], now_s

    def _plan(self, probe: Probe, now_s: float) -> None:
        """Set the time of the next round, after all addresses were tried."""
        verdicts, self._verdicts = self._verdicts, []
        if all(verdict.found is Found.REFUSED for verdict in verdicts):
            self.backoff.reset()
            self._quick.reset()
            self._closed.attempt(now_s)
            self._next_s = now_s + self._closed.interval_s
        else:
            self._closed.reset()
            self._plan_after(probe, now_s)
        self._say_worst(verdicts, now_s)

    def _plan_after(self, probe: Probe, now_s: float) -> None:
        """Set the time of the next round, after a peer has answered and ended."""
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

    def _say_worst(self, verdicts: list[Verdict], now_s: float) -> None:
        """Report the most informative verdict, and number the attempts."""
        verdict = min(verdicts, key=lambda each: _WORST.index(each.found))
        if verdict.found is Found.PUBLISHER:
            return
        if verdict.found is Found.REFUSED:
            self._report(LinkState.REFUSED, f"{REFUSED.words}, retrying")
            return
        if self.backoff.is_due(now_s):
            self.backoff.attempt(now_s)
        number = f" (attempt {self.backoff.attempts})" if self.backoff.attempts > 1 else ""
        self._report(_LINKS[verdict.found], f"{verdict.words}, retrying{number}")

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
        self._is_held, self._noted = False, None
        try:
            self.probe = Probe(address, now_s)
        except OSError as error:
            self.postpone(now_s, f"no connection can be opened here ({error.strerror or error})")

    def postpone(self, now_s: float, why: str) -> None:
        """Try again later, because this machine cannot connect; report why."""
        self._close_probe()
        self._left, self._verdicts = [], []
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
