"""What a server needs to know beside the engine's settings, with defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rundlet.core.settings.snapshot import Settings
from rundlet.core.value import EMPTY, Value


class Options(Value):
    """Of one server; replaced as a whole when the configuration is read again.

    listen: path of the unix socket. default_runtime: a handler's name, "" for the engine's choice.
    handlers: tables of the OCI runtimes by handler name, as the engine's settings have them
    ({"path": .., "kind": .., "root": ..}); the engine's own drivers are handlers too.
    stream_address, stream_port: where exec, attach and port-forward are served (port 0: any);
    stream_certificate, stream_key: paths of PEM files where that is to be TLS.
    shutdown_timeout: seconds that calls have to end.
    """

    listen: str = "/run/rundlet/cri.sock"
    default_runtime: str = ""
    handlers: Mapping[str, Mapping[str, Any]] = EMPTY
    stream_address: str = "127.0.0.1"
    stream_port: int = 0
    stream_certificate: str = ""
    stream_key: str = ""
    shutdown_timeout: float = 10.0


def combined(settings: Settings, options: Options) -> Settings:
    """The engine's settings with the handlers as its runtimes.

    Pods pull only when kubelet says so, and nothing is added to what kubelet says of DNS.
    """
    return settings.replace(
        runtimes={**settings.runtimes, **options.handlers},
        runtime=options.default_runtime or settings.runtime,
        dns_servers=(),
        dns_searches=(),
        dns_options=(),
        pull_policy="never",
    )
