"""The keeper's side of the pipes that its starter has made (launch.py)."""

from __future__ import annotations

import json
import os


class Pipes:
    """Descriptors by the environment, which is cleared of them: the shim gets none."""

    def __init__(self) -> None:
        self._sync = _taken("_OCI_SYNCPIPE")
        self._start = _taken("_OCI_STARTPIPE")
        self._attach = _taken("_OCI_ATTACHPIPE")

    def wait(self) -> None:
        """Until the starter says go, or is gone."""
        os.read(self._start, 1)

    def listening(self) -> None:
        """The attach socket is there. Waits until a client is connected, if one is to be."""
        if self._attach >= 0:
            os.write(self._attach, b"\0")
            self.wait()

    def answer(self, data: int, message: str = "") -> None:
        """A process id, an exit code, or -1 with a reason. A starter that is gone is no error."""
        try:
            os.write(self._sync, json.dumps({"data": data, "message": message}).encode() + b"\n")
        except OSError:
            return

    def close(self) -> None:
        for descriptor in (self._sync, self._start, self._attach):
            if descriptor >= 0:
                os.close(descriptor)
        self._sync = self._start = self._attach = -1


def _taken(name: str) -> int:
    descriptor = int(os.environ.pop(name, "-1"))
    if descriptor >= 0:
        os.set_inheritable(descriptor, False)
    return descriptor
