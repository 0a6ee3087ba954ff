"""Where the files of a sandbox are, all below the run root."""

from __future__ import annotations

from rundlet.core import Engine


class Paths:
    """Nothing here touches the disk. ipc, uts, pid, user, netns: files that pin a namespace.

    machine: the root of the container that holds a machine (machine.py).
    mounts: what containers have of volumes with owners of their own (containers/shifted.py).
    """

    def __init__(self, engine: Engine, pod: str) -> None:
        run = engine.settings.run_root
        self.directory = f"{run}/pods/{pod}"
        self.ipc = f"{self.directory}/ipc"
        self.uts = f"{self.directory}/uts"
        self.pid = f"{self.directory}/pid"
        self.user = f"{self.directory}/user"
        self.mounts = f"{self.directory}/mounts"
        self.machine = f"{self.directory}/machine"
        self.shm = f"{self.directory}/shm"
        self.netns = f"{run}/netns/{pod}"
