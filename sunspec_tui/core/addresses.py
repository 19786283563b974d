"""Check, classify and format addresses that users give.

An address is a host name or an IP address, without a port. An IPv6 address may have brackets, as in a URL;
`parse_host` removes them, `host_and_port` and `endpoint` add them. This module does not use a name server.
"""

import ipaddress
import re

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.printable import quote_untrusted

MAX_NAME, MAX_PORT = 253, 65535
_NAME = re.compile(r"[^\s/:\[\]*?#@%\x00-\x1f\x7f]+")
_WITH_PORT = re.compile(r"\[?(?P<host>[^\[\]]*)\]?:(?P<port>[0-9]*)")


def parse_host(text: object, setting: str = "--addr") -> str:
    """Check a host name or an IP address to connect to.

    Parameters
    ----------
    text
        Value that the user gave.
    setting
        Name of the setting, for the message.

    Returns
    -------
    str
        The address without brackets and without surrounding spaces.

    Raises
    ------
    UsageError
        If it is empty, contains a port or a URL, or is neither a name nor an IP address.
    """
    if not isinstance(text, str):
        raise UsageError(f"{setting} is {text!r}, it must be a host name or an IP address as text")
    host = text.strip()
    if not host:
        raise UsageError(f"{setting} is empty, it must be a host name or an IP address such as 127.0.0.1")
    if is_ip(_without_brackets(host)):
        return _without_brackets(host)
    if "://" in host:
        raise UsageError(f"{setting} is {quote_untrusted(host)}, it must be the host alone: no tcp://, no port")
    found = _WITH_PORT.fullmatch(host)
    if found:
        raise UsageError(_port_inside(setting, host, found["port"]))
    if not _NAME.fullmatch(host) or len(host) > MAX_NAME:
        raise UsageError(f"{setting} is {quote_untrusted(host)}, it must be a host name or an IP address")
    return host


def parse_bind_host(text: object, setting: str = "--addr") -> str:
    """Check an address to listen on; ``*`` means all of IPv4."""
    return "0.0.0.0" if text == "*" else parse_host(text, setting)  # noqa: S104 - the user's choice


def parse_port(value: float, setting: str = "--port") -> int:
    """Check a port to connect to.

    Raises
    ------
    UsageError
        If it is not a whole number from 1 to 65535.
    """
    if not 1 <= value <= MAX_PORT or value != int(value):
        raise UsageError(f"{setting} is {value}, it must be a whole number from 1 to {MAX_PORT}")
    return int(value)


def is_ip(host: str) -> bool:
    """Return True if `host` is an IP address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_ipv6(host: str) -> bool:
    """Return True if `host` is an IPv6 address."""
    return is_ip(host) and ":" in host


def host_and_port(host: str, port: int) -> str:
    """Join host and port as in a URL, with brackets around IPv6."""
    return f"{bracketed(host)}:{port}"


def bracketed(host: str) -> str:
    """Add brackets to an IPv6 address; return other hosts unchanged."""
    return f"[{host}]" if ":" in host else host


def endpoint(host: str, port: int | str) -> str:
    """Return the ZeroMQ endpoint of a host and a port."""
    return f"tcp://{bracketed(host)}:{port}"


def _without_brackets(host: str) -> str:
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def _port_inside(setting: str, host: str, port: str) -> str:
    option = setting.replace("addr", "port").replace("host", "port")
    remedy = f"give {option} {port}" if port else f"give it with {option}"
    return f"{setting} is {quote_untrusted(host)}, an address with a port in it; leave the port out and {remedy}"
