"""Options of the web view: address, token, names and limits.

This module opens no socket.
"""

import ipaddress
import re
from dataclasses import dataclass, field

from sunspec_tui.core.addresses import MAX_PORT, parse_bind_host
from sunspec_tui.core.errors import UsageError

DEFAULT_WEB_PORT = 9527
MIN_TOKEN_LENGTH = 8
_PATH = re.compile(r"(/(?!\.)[A-Za-z0-9._~-]+)*/?")
_NAME = re.compile(r"[A-Za-z0-9.-]+(:[1-9][0-9]{0,4})?")
_TOKEN = re.compile(r"[A-Za-z0-9._~-]*")


@dataclass(frozen=True, slots=True)
class WebOptions:
    """Options of the web view.

    Attributes
    ----------
    host, port
        Address to listen on: a name or an IP address, with or without brackets; port 0 takes a free port.
    root_path
        Path under which a reverse proxy shows it, such as ``/sun``.
    token
        Token that visitors must send; if empty, one is made if other machines can reach the web view.
    names
        Other names of the web view, as behind a reverse proxy; with a port if visitors use a port other than 80, 443
        or `port`.
    max_clients
        Largest number of viewers at once.

    Raises
    ------
    UsageError
        If a path, a name or a token is not valid in an address.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_WEB_PORT
    root_path: str = ""
    token: str = field(default="", repr=False)
    names: tuple[str, ...] = ()
    max_clients: int = 200

    def __post_init__(self) -> None:
        object.__setattr__(self, "host", parse_bind_host(self.host, "--web-host"))
        if not _PATH.fullmatch(self.root_path):
            raise UsageError(f"--web-root-path is {self.root_path!r}, it must be a path such as /sun")
        for name in self.names:
            if not _NAME.fullmatch(name) or int(name.partition(":")[2] or 0) > MAX_PORT:
                raise UsageError(
                    f"--web-name has {name!r}, it must be names such as obs.example.org or obs.example.org:8443"
                )
        if not _TOKEN.fullmatch(self.token) or 0 < len(self.token) < MIN_TOKEN_LENGTH:
            raise UsageError(
                f"--web-token must be at least {MIN_TOKEN_LENGTH} letters, digits and any of . _ ~ -, to fit an address"
            )

    @property
    def is_local(self) -> bool:
        """True if only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
