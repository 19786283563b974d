"""Check host, origin and token of each request, and add security headers.

Three kinds of requests get only a short error: from a page of another site, to a foreign name that was rebound to this
address, and without the token. No answer repeats any part of a request.
"""

import ipaddress
import secrets
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sunspec_tui.core.web_options import WebOptions
from sunspec_tui.webapp.visitor_errors import VisitorErrorLog

OPEN_PATHS = frozenset({"/healthz"})
"""Paths that need no token: their answer only shows that the server runs."""
MAX_TARGET_BYTES = 2048
POLICY_VIOLATION = 1008
_USUAL_PORTS = {"http": 80, "https": 443}

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Names:
    """Names by which the web view may be addressed.

    An IP address is always allowed, because a rebinding attack needs a name.
    """

    own: frozenset[str]
    extra: dict[str, frozenset[int]]
    """Allowed ports of each name: the port given with the name, else the default ports and the server's own."""

    @classmethod
    def of(cls, options: WebOptions) -> "Names":
        """Return the names of this machine and those that the user gave."""
        own = {"localhost", options.host} | ({socket.gethostname()} if not options.is_local else set())
        extra: dict[str, frozenset[int]] = {}
        for each in options.names:
            name, _, port = each.lower().partition(":")
            ports = {int(port)} if port else {*_USUAL_PORTS.values(), options.port}
            extra[name.rstrip(".")] = extra.get(name.rstrip("."), frozenset()) | ports
        return cls(frozenset(_plain_name(name) for name in own), extra)

    def is_own_host(self, header: str) -> bool:
        """Return True if a request's ``Host`` names this server."""
        name, port, _ = _split(f"//{header}")
        if not name:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            # A tunnel may use any local port; a name that the user gave has known ports.
            known = self.extra.get(_plain_name(name), frozenset())
            return _plain_name(name) in self.own or (bool(known) and (port is None or port in known))
        return True

    def is_own_origin(self, origin: str, host: str) -> bool:
        """Return True if `origin` is this server.

        The server is known by the request's ``Host`` and by the names that the user gave.
        """
        name, port, scheme = _split(origin)
        if scheme not in _USUAL_PORTS or name is None:
            return False
        host_name, host_port, _ = _split(f"//{host}")
        default = _USUAL_PORTS[scheme]
        same = name == host_name and (port or default) == (host_port or default)
        # The user gives the name of a proxy. The proxy may send another name in ``Host`` than its visitors use.
        return same or (port or default) in self.extra.get(_plain_name(name), frozenset())


def _plain_name(name: str) -> str:
    return name.lower().rstrip(".")


def _split(address: str) -> tuple[str | None, int | None, str]:
    """Return name, port and scheme of an address.

    The name is None if the address is invalid.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None, None, ""
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return None, None, ""
    return parts.hostname, port, parts.scheme


class Guard:
    """Pass on allowed requests and refuse all others.

    Parameters
    ----------
    app
        The application that answers.
    options
        Allowed names, and the root path.
    token
        Token that a request must carry; if empty, no token is needed.
    on_refusal
        Called for each refused request.
    error_log
        Logs errors.
    """

    def __init__(
        self,
        app: ASGIApp,
        options: WebOptions,
        token: str,
        on_refusal: Callable[[], None],
        error_log: VisitorErrorLog,
    ) -> None:
        self._app, self._token, self._on_refusal, self._error_log = app, token, on_refusal, error_log
        self._names = Names.of(options)
        # Cookies do not depend on the port, so two monitors on one machine need different names.
        self._cookie = f"sunspec_token_{options.port}"
        self._root = options.root_path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path, scope = str(scope["path"]), self._below_root(scope)
        refusal = self._refusal(scope)
        if refusal is None and self._root and path == self._root and scope["type"] == "http":
            # The page loads its files by relative addresses, so its own address must end with a slash.
            refusal = RedirectResponse(f"{self._root}/", 308)
        if refusal is None:
            await self._answer(scope, receive, _with_headers(send, closes=_has_body(scope)))
            return
        if refusal.status_code >= 400:
            self._on_refusal()
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        await refusal(scope, receive, _with_headers(send))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer; log a failure in one line.

        The visitor sees no details of a failure.
        """
        has_started = False

        async def sending(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            # uvicorn does not log errors: its lines would contain the visitor's address.
            self._error_log.log("an answer of the web view failed", repr(error))
            if scope["type"] == "http" and not has_started:
                await _plain("the request failed; see the monitor's log for the reason", 500)(scope, receive, send)
            elif scope["type"] == "http":
                # An incomplete answer must not look complete.
                raise

    def _below_root(self, scope: Scope) -> Scope:
        """Remove the root path, if the proxy has not done so."""
        path = str(scope["path"])
        if self._root and (path == self._root or path.startswith(self._root + "/")):
            return {**scope, "path": path[len(self._root) :] or "/"}
        return scope

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the error answer for a request; None if it is allowed."""
        headers = Headers(scope=scope)
        if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > MAX_TARGET_BYTES:
            return _plain("the address is too long", 414)
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and _has_body(scope):
            return _plain("requests must not have a body", 400)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._names.is_own_host(hosts[0]):
            return _plain("this server is not known by that name; --web-name adds one", 421)
        origins = headers.getlist("origin")
        foreign = any(not self._names.is_own_origin(each, hosts[0]) for each in origins)
        if foreign or (headers.get("sec-fetch-site") == "cross-site" and scope["path"] != "/"):
            return _plain("pages of other sites or ports are refused; --web-name allows a NAME or NAME:PORT", 403)
        if scope["type"] == "websocket" and len(origins) > 1:
            return _plain("a request must have one origin, not several", 403)
        return None if not self._token or scope["path"] in OPEN_PATHS else self._check_token(scope, headers)

    def _check_token(self, scope: Scope, headers: Headers) -> Response | None:
        """Check the token; None if it is right.

        A token in the page's address is moved to a cookie by a redirect.
        """
        try:
            extra = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=20).get("token", [])
        except ValueError:
            return _plain("the address has too many parts", 400)
        has_token = any(self._is_token(each) for each in extra)
        if has_token and scope["type"] == "http" and scope["path"] == "/" and scope["method"] == "GET":
            answer = RedirectResponse(f"{self._root}/" if self._root else "./", 303)
            secure = headers.get("x-forwarded-proto", scope["scheme"]) in ("https", "wss")
            answer.set_cookie(
                self._cookie, self._token, httponly=True, samesite="strict", secure=secure, path=f"{self._root}/"
            )
            return answer
        if has_token or any(self._is_token(each) for each in _request_tokens(scope, headers, self._cookie)):
            return None
        return _plain("a token is needed: open the address that the monitor shows", 401)

    def _is_token(self, token: str) -> bool:
        return secrets.compare_digest(token.encode("utf-8", "replace"), self._token.encode())


def _request_tokens(scope: Scope, headers: Headers, name: str) -> Iterable[str]:
    """Yield the tokens in a request's headers."""
    kind, _, bearer = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        yield bearer.strip()
    cookie = HTTPConnection(scope).cookies.get(name)
    if cookie is not None:
        yield cookie


def _plain(text: str, status: int) -> Response:
    return PlainTextResponse(text + "\n", status, headers={"connection": "close"})


def _has_body(scope: Scope) -> bool:
    """Return True if a request has a body."""
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _with_headers(send: Send, *, closes: bool = False) -> Send:
    """Add the headers common to all answers.

    `closes` ends the connection after the answer.
    """

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
            if closes:
                headers["connection"] = "close"
        await send(message)

    return sending
