"""Where the files of a container are (docs/architecture.md, "On disk")."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine


class Paths:
    """All paths of one container; nothing here touches the disk.

    bundle: what outlives a reboot: config.json and the log (and conmon's socket and fifos).
    run: what does not. live: exists from the first step of a start to the last of a cleanup.
    known: `live`, renamed, while the runtime still knows a container that ended (cleanup.py).
    attended: locked by the process that starts or watches the container in the foreground;
    the exit command waits for it (exit_command.py).
    overlays: of mounts with the option O (overlays.py). shm: another's /dev/shm (shm.py).
    root: how a `--rootfs` is seen that is not used as it is (root_directory.py).
    stopped: exists when a container was stopped by hand (restart.py).
    stopping: locked, shared, by who waits for it to end after a stop signal (stop.py).
    mounted: exists while the user wants the root mounted; using: locked by who reads it
    (mounting.py).
    """

    def __init__(self, engine: Engine, container: str) -> None:
        settings = engine.settings
        self.container = container
        self.bundle = f"{settings.graph_root}/containers/{container}"
        self.run = f"{settings.run_root}/containers/{container}"
        self.exits = f"{settings.run_root}/exits"
        self.config = f"{self.bundle}/config.json"
        self.log = f"{self.bundle}/ctr.log"
        self.overlays = f"{self.bundle}/overlays"
        self.root = f"{settings.graph_root}/rootfs/{container}"
        self.stopped = f"{self.bundle}/stopped"
        self.pid_file = f"{self.run}/pidfile"
        self.live = f"{self.run}/live"
        self.known = f"{self.run}/known"
        self.attended = f"{self.run}/attended"
        self.mounted = f"{self.run}/mounted"
        self.shm = f"{self.run}/shm"
        self.stopping = f"{self.run}/stopping"
        self.using = f"{self.run}/using"
        self.oom = f"{self.run}/oom"
        self.exit_file = f"{self.exits}/{container}"
        self.netns = f"{settings.run_root}/netns/{container}"
