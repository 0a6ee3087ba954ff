"""The thread that reads calls, from the socket to the end of the server."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
from grpc._cython import cygrpc as core  # type: ignore[attr-defined]  # not in the stubs

from rundlet.core.errors import StoreError

from ..telemetry.observer import Observer
from .call import Call, refuse
from .methods import Method

LOG = logging.getLogger("rundlet.cri")


class Server:
    """Answers the methods ("/package.Service/Name") to who calls them at a socket.

    options: arguments of a gRPC channel (grpc_types.h). stopping: it takes no more calls. To be
    made and used within an event loop: what a method has to wait for is waited for there.
    """

    def __init__(
        self,
        methods: Mapping[str, Method],
        observer: Observer,
        options: Sequence[tuple[str, int]] = (),
    ) -> None:
        self._methods = {path.encode(): method for path, method in methods.items()}
        self._observer = observer
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._lock = threading.Lock()
        self.stopping = False
        self._core = core.Server(list(options), False)
        self._events = core.CompletionQueue()
        self._core.register_completion_queue(self._events)
        self._thread = threading.Thread(target=self._read, name="rpc", daemon=True)

    def start(self, path: str) -> None:
        """Listen at the socket `path`, which is root's alone. Raises StoreError."""
        before = os.umask(0o077)
        try:
            if not self._core.add_http2_port(f"unix:{path}".encode()):
                raise StoreError(f"cannot listen on {path}", remedy="see the lines above")
        finally:
            os.umask(before)
        self._core.start()
        self._request()
        self._thread.start()

    async def stop(self, grace: float) -> None:
        """Take no more calls, and give those under way so many seconds; then they are cancelled."""
        with self._lock:
            self.stopping = True
            self._core.shutdown(self._events, self._all_ended)
        try:
            await asyncio.wait_for(asyncio.shield(self._ended), grace)
        except TimeoutError:
            self._core.cancel_all_calls()
            await self._ended
        self._core.destroy()
        self._events.shutdown()
        await self._loop.run_in_executor(None, self._thread.join)

    # --- in the thread

    def _read(self) -> None:
        """Each event has as its tag the method that it is for."""
        while True:
            event = self._events.poll()
            if event.completion_type == core.CompletionType.queue_shutdown:
                return
            try:
                event.tag(event)
            except Exception:  # the thread must live: all calls come by it
                LOG.exception("a call went wrong")
            del event  # what refers to a call that has ended keeps gRPC from forgetting it

    def _request(self) -> None:
        with self._lock:
            if not self.stopping:
                self._core.request_call(self._events, self._events, self._called)

    def _called(self, event: Any) -> None:
        if not event.success:
            return  # the server stops
        self._request()
        path = event.call_details.method
        method = self._methods.get(path)
        if method is None:
            words = f"unknown method {path.decode(errors='replace')}"
            refuse(event.call, grpc.StatusCode.UNIMPLEMENTED, words)
        else:
            Call(method, event, self._loop, self._observer).begin()

    def _all_ended(self, _: Any) -> None:
        self._loop.call_soon_threadsafe(self._ended.set_result, None)
