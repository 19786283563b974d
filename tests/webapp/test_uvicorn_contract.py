"""Private parts of uvicorn that the web view uses.

A release of uvicorn that changes them fails here first.
"""

import inspect

import pytest
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import Server, ServerState

from sunspec_tui.webapp.http_protocol import TimedRequests
from sunspec_tui.webapp.websocket_protocol import ViewerSocket

# Methods that our classes override or call, with their parameters.
METHODS = {
    Server: {"startup": ["sockets"], "shutdown": ["sockets"], "serve": ["sockets"]},
    H11Protocol: {
        "__init__": ["config", "server_state", "app_state", "_loop"],
        "connection_made": ["transport"], "connection_lost": ["exc"], "data_received": ["data"], "handle_events": [],
        "send_400_response": ["msg"], "on_response_complete": [], "handle_websocket_upgrade": ["event"],
        "shutdown": [],
    },
    WebSocketsSansIOProtocol: {
        "connection_made": ["transport"], "connection_lost": ["exc"], "data_received": ["data"],
        "handle_cont": ["event"], "keepalive_timeout": [], "stop_keepalive": [], "shutdown": [],
    },
}  # fmt: skip
# Attributes that our classes read or set; the source of the class assigns them.
ATTRIBUTES = {
    Server: ("servers", "started", "server_state", "should_exit"),
    H11Protocol: ("transport", "client", "cycle", "loop"),
    WebSocketsSansIOProtocol: (
        "transport", "client", "loop", "conn", "frames", "read_paused", "handshake_initiated", "handshake_complete",
        "close_sent",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in METHODS.items() for name in names], ids=lambda each: str(each)
)
def test_a_method_has_the_parameters_that_we_pass(kind, name):
    parameters = list(inspect.signature(getattr(kind, name)).parameters)
    assert parameters[1:] == METHODS[kind][name]


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in ATTRIBUTES.items() for name in names], ids=lambda each: str(each)
)
def test_an_attribute_is_set_by_the_class(kind, name):
    assert f"self.{name}" in inspect.getsource(kind)


def test_the_servers_state_lists_connections_and_tasks():
    state = ServerState()
    assert state.connections == set()
    assert state.tasks == set()


def test_our_protocols_override_only_what_is_named_here():
    for ours, theirs in ((TimedRequests, H11Protocol), (ViewerSocket, WebSocketsSansIOProtocol)):
        overridden = {name for name in vars(ours) if name in vars(theirs)} - {"__module__", "__doc__"}
        assert overridden <= set(METHODS[theirs]) | {"__static_attributes__", "__firstlineno__"}


def test_the_configuration_has_the_limits_that_we_set():
    parameters = inspect.signature(uvicorn.Config).parameters
    for name in ("http", "ws", "ws_max_size", "ws_ping_interval", "ws_ping_timeout", "ws_per_message_deflate",
                 "h11_max_incomplete_event_size", "timeout_keep_alive"):  # fmt: skip
        assert name in parameters
