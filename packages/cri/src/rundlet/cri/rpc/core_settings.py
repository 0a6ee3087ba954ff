"""How gRPC's C core runs in a server. It reads variables once, so before it is imported."""

from __future__ import annotations

from collections.abc import MutableMapping

_SETTINGS = {
    # The thread that waits for events reads the sockets too. By default threads of the "event
    # engine" do, and hand over twice more.
    # A release that knows this word no longer says so in the log, and goes on.
    "GRPC_EXPERIMENTS": "-event_engine_listener",
    # Children of a fork use no gRPC. Its handlers stop all its threads first, up to 5 ms.
    "GRPC_ENABLE_FORK_SUPPORT": "0",
}


def apply(environment: MutableMapping[str, str]) -> None:
    """Set what is not set already: an operator may know better."""
    for name, value in _SETTINGS.items():
        environment.setdefault(name, value)
