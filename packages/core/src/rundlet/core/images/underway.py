"""Transfers under way: told of as they pass, and ended at once when one of them fails."""

from __future__ import annotations

import threading

from ..errors import RundletError
from ..streams import RawStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..streams import Readable
    from .descriptor import Descriptor
    from .progress import Progress


class Running:
    """The transfers that are under way, to be ended at once when one of them fails."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._streams: list[Readable] = []

    def watch(self, stream: Readable) -> _Watch:
        """A context manager in which `stop` reaches this stream."""
        return _Watch(self._streams, stream)

    def check(self) -> None:
        """Raise Cancelled once `stop` was called."""
        if self._stopped.is_set():
            raise Cancelled("cancelled: another layer failed")

    def sleep(self, seconds: float) -> None:
        """Wait, unless `stop` is called. Raises Cancelled then."""
        self._stopped.wait(seconds)
        self.check()

    def stop(self) -> None:
        """End all; a stream that waits for a server is told not to."""
        self._stopped.set()
        for stream in list(self._streams):
            interrupt = getattr(stream, "interrupt", None)
            if interrupt is not None:
                interrupt()


class _Watch:
    def __init__(self, streams: list[Readable], stream: Readable) -> None:
        self._streams = streams
        self._stream = stream

    def __enter__(self) -> None:
        self._streams.append(self._stream)

    def __exit__(self, *_: object) -> None:
        self._streams.remove(self._stream)


class Passing(RawStream):
    """A blob's bytes on their way: progress is told, and a failed sibling ends it.

    Who opened the stream closes it.
    """

    def __init__(
        self, stream: Readable, blob: Descriptor, progress: Progress, running: Running
    ) -> None:
        self._read = stream.read
        self._blob = blob
        self._progress = progress
        self._running = running

    def read(self, size: int = -1, /) -> bytes:
        self._running.check()
        data = self._read(size)
        self._progress.advance("blob", self._blob, len(data))
        return data


class Cancelled(RundletError):
    """A layer's copy was ended because another one failed; never shown: that one's error is."""
