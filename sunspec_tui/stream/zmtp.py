"""Build a ZeroMQ greeting (ZMTP), and identify the sender of an answer.

ZMTP 3 begins with a greeting of 64 bytes, followed by a READY command that names the type of the socket; ZMTP 2
names the type in the greeting. Pure functions of bytes: see https://rfc.zeromq.org/spec/23/ and /spec/15/.
"""

from dataclasses import dataclass
from enum import Enum

from sunspec_tui.core.printable import quote_untrusted

PUBLISHERS = ("PUB", "XPUB")
"""Socket types that a subscriber can connect to."""

MAX_ANSWER_BYTES = 1024
"""Greeting and READY command are shorter; later bytes are ignored."""

_SIGNATURE, _GREETING, _READY = 10, 64, b"\x05READY"
_NULL = b"NULL".ljust(20, b"\0")
GREETING = b"\xff" + b"\0" * 8 + b"\x7f\x03\x00" + _NULL + b"\0" * 32
"""Our greeting: ZMTP 3.0, no authentication, as a client."""

_SUB = b"\x0bSocket-Type\x00\x00\x00\x03SUB"
READY = bytes((4, len(_READY) + len(_SUB))) + _READY + _SUB
"""Command that completes the handshake, as a subscriber without subscriptions."""

_TYPES_OF_2 = ("PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB")
_BANNERS = (
    (b"SSH-", "an SSH server"),
    (b"HTTP/", "an HTTP server"),
    (b"<!doctype", "an HTTP server"),
    (b"<html", "an HTTP server"),
    (b"\x15\x03", "a TLS server"),
)


class SenderKind(Enum):
    """Kind of the sender of an answer."""

    UNKNOWN = "not enough bytes yet"
    PUBLISHER = "a ZeroMQ publisher"
    OTHER_SOCKET = "a ZeroMQ socket of another type"
    OTHER_PROTOCOL = "no ZeroMQ"


@dataclass(frozen=True, slots=True)
class Answer:
    """Kind of a sender, and its name with article (``a REP socket``)."""

    kind: SenderKind
    name: str = ""


UNKNOWN = Answer(SenderKind.UNKNOWN)


def read_answer(received: bytes) -> Answer:
    """Identify the sender from the first bytes that it sent.

    Parameters
    ----------
    received
        All bytes so far.
    """
    if not received:
        return UNKNOWN
    if received[0] != 0xFF or (len(received) >= _SIGNATURE and not received[9] & 1):
        return Answer(SenderKind.OTHER_PROTOCOL, _named(received))
    if len(received) <= _SIGNATURE:
        return UNKNOWN
    return _read_version_3(received) if received[_SIGNATURE] >= 3 else _read_version_2(received)


def _read_version_2(received: bytes) -> Answer:
    if received[_SIGNATURE] == 0:
        # ZMTP 1 does not name the type: only a connection attempt shows it.
        return Answer(SenderKind.PUBLISHER, "a ZeroMQ socket")
    if len(received) < _SIGNATURE + 2:
        return UNKNOWN
    number = received[_SIGNATURE + 1]
    return _typed(_TYPES_OF_2[number] if number < len(_TYPES_OF_2) else f"type {number}")


def _read_version_3(received: bytes) -> Answer:
    if len(received) < _GREETING:
        return UNKNOWN
    mechanism = received[12:32].rstrip(b"\0")
    if mechanism != b"NULL":
        name = quote_untrusted(mechanism.decode("ascii", "replace"))
        return Answer(SenderKind.OTHER_SOCKET, f"a ZeroMQ socket that asks for authentication ({name})")
    command = received[_GREETING:]
    if len(command) < 2:
        return UNKNOWN
    length_bytes = {4: 1, 6: 8}.get(command[0], 0)
    if not length_bytes:
        return _malformed()
    begin = 1 + length_bytes
    if len(command) < begin:
        return UNKNOWN
    length = int.from_bytes(command[1:begin], "big")
    body = command[begin : begin + length]
    if not _READY.startswith(body[: len(_READY)]) or length > MAX_ANSWER_BYTES:
        return _malformed()
    return UNKNOWN if len(body) < length else _read_ready(body[len(_READY) :])


def _read_ready(properties: bytes) -> Answer:
    """Find the socket's type in a READY command.

    Each property is a name and a value, both preceded by their length.
    """
    at = 0
    while at < len(properties):
        name_end = at + 1 + properties[at]
        value_at = name_end + 4
        value_end = value_at + int.from_bytes(properties[name_end:value_at], "big")
        if value_end > len(properties):
            break
        if properties[at + 1 : name_end].lower() == b"socket-type":
            return _typed(properties[value_at:value_end].decode("ascii", "replace"))
        at = value_end
    return _malformed()


def _typed(kind: str) -> Answer:
    if kind in PUBLISHERS:
        return Answer(SenderKind.PUBLISHER, f"a {kind} socket")
    known = kind if kind in _TYPES_OF_2 else quote_untrusted(kind, 20)
    return Answer(SenderKind.OTHER_SOCKET, f"a {known} socket")


def _malformed() -> Answer:
    return Answer(SenderKind.OTHER_PROTOCOL, "something whose ZeroMQ handshake is malformed")


def _named(received: bytes) -> str:
    """Describe a program by the first bytes that it sent."""
    for banner, name in _BANNERS:
        if received[: len(banner)].lower() == banner.lower():
            return name
    return f"something that begins with {quote_untrusted(received[:16].decode('latin-1'), 40)}"
