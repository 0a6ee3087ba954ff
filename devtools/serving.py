"""Servers of tests: each answers in a thread of its own while its `with` lasts."""

from __future__ import annotations

import socketserver
import threading
from types import TracebackType
from typing import Self


class InThread:
    """The base of what serves: `with Thing(...) as thing` runs its server."""

    def __init__(self, server: socketserver.BaseServer) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
