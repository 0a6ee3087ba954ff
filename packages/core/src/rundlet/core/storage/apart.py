"""Unpacking a layer in a process of its own, while it is being made in this one.

Whoever makes a layer (commit, a step of a build) hashes and compresses what another process
unpacks meanwhile: two cores instead of one, and nothing is read back. Which layer it is, its
digest tells at the end; until then it has an id of chance, which a lease holds.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import threading

from ..contracts.storage import LayerUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from ..contracts.storage import StorageDriver
    from ..engine import Engine

_PIPE = 1 << 20
_PIECE = 1 << 18
_PR_SET_PDEATHSIG = 1  # prctl(2)


class Apart:
    """A layer being unpacked. `begin` it, `write` its tar, then `finish` or `abandon` it.

    Nothing of it is an error: where it does not work, the layer is unpacked as any other is,
    by `Layers.apply`, and what is wrong shows there.
    """

    def __init__(self, engine: Engine, name: str, parent: str, process: int, ends: tuple[int, int]):
        self._engine = engine
        self._name = name
        self._parent = parent
        self._process = process
        self._out, self._answer = ends

    @classmethod
    def begin(cls, engine: Engine, parent: str) -> Apart | None:
        """For a layer over `parent`, a chain ID, "" for none.

        None where it cannot be: in a process with several threads, which should not fork, over
        a layer that is not in the store, with a driver that does not rename layers.
        """
        driver = engine.layers.driver
        if not driver.renames or threading.active_count() > 1:
            return None
        if parent and engine.layers.get(parent) is None:
            return None
        parents = engine.layers.chain(parent)
        name = os.urandom(32).hex()
        engine.leases.hold("layer", (name,))
        home = engine.layers.homes.of_new(parents)
        (tar, out), (answer, tell) = os.pipe(), os.pipe()
        process = os.fork()
        if not process:
            os.close(out)
            os.close(answer)
            _unpack(home, name, parents, tar, tell)
        os.close(tar)
        os.close(tell)
        try:
            fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, _PIPE)
        except OSError:
            pass  # above the user's limit: a smaller pipe is only slower
        return cls(engine, name, parent, process, (out, answer))

    def write(self, data: bytes) -> None:
        """The next piece of the tar."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._out, view) :]
        except BrokenPipeError:
            return  # it has failed; `finish` finds out

    def finish(self, diff_id: str) -> None:
        """All is written, and this is its digest: make it the layer that it is, if it is right."""
        usage = self._ended()
        layers = self._engine.layers
        if usage is None or not layers.adopt(self._name, self._parent, diff_id, usage):
            layers.homes.erase(self._name)
        self._engine.leases.drop("layer", self._name)

    def abandon(self) -> None:
        """It is not to be."""
        os.kill(self._process, signal.SIGKILL)
        self._ended()
        self._engine.layers.homes.erase(self._name)
        self._engine.leases.drop("layer", self._name)

    def _ended(self) -> LayerUsage | None:
        """Wait for the process; what it says of the layer, None when it has failed."""
        os.close(self._out)
        with open(self._answer, "rb") as file:
            said = file.read()
        _, status = os.waitpid(self._process, 0)
        if status or not said:
            return None
        return LayerUsage(*json.loads(said))


def _unpack(
    driver: StorageDriver, name: str, parents: Sequence[str], tar: int, tell: int
) -> NoReturn:
    """The other process: never returns. It leaves the database and all locks alone."""
    code = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        with open(tar, "rb", buffering=_PIECE) as archive:
            usage = driver.apply(name, parents, archive)
            while archive.read(_PIECE):
                pass  # a driver may stop at the archive's end mark
        os.write(tell, json.dumps([usage.size, usage.inodes]).encode())
        code = 0
    except BaseException:  # it is told by who unpacks it next
        code = 1
    finally:
        os._exit(code)
