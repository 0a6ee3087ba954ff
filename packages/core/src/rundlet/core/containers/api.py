"""`engine.containers`: one method per step of a container's life, each in its own module."""

from __future__ import annotations

from ..errors import WrongState
from ..state import containers as rows
from ..state.containers import Container, ContainerRow
from .state import derive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ..contracts.monitor import Streams
    from ..contracts.network import NetworkRequest
    from ..contracts.storage import Change
    from ..engine import Engine
    from ..state.images import Image
    from ..streams import Writable
    from .checkpoint.dump import Options as Dump
    from .checkpoint.restore import Options as Restore
    from .checkpoint.statistics import Statistics
    from .commit import CommitOptions
    from .exec import ExecRequest, ExecResult
    from .logs import LogLine, LogOptions
    from .places import Place
    from .request import ContainerRequest
    from .run import RunResult
    from .source import Pulling
    from .stats import Stats


class Containers:
    """Containers of one graph root. Names may be names, ids and unique beginnings of ids."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        if engine.settings.transient_store:
            from .unfinished import collect

            collect(engine)

    def create(
        self, request: ContainerRequest, *, pulling: Pulling | None = None, identity: str = ""
    ) -> Container:
        """Make a container (containers/create.py)."""
        from .create import create
        from .unfinished import collect

        collect(self._engine)
        return create(self._engine, request, pulling, identity)

    def start(self, name: str, *, restarts: int = 0) -> Container:
        """Start a container in the background; one that runs already stays as it is.

        restarts: how often it was started for its policy or its health (`RestartCount`).
        """
        from .start import start

        row = self.get(name)
        if row.status == "running":
            return row
        try:
            started = start(self._engine, row, restarts=restarts)
        except WrongState:
            row = self.get(row.id)
            if row.status == "running":
                return row  # another was faster
            raise
        started.close()
        return started.row

    def init(self, name: str) -> Container:
        """Create a container in its runtime, so that a start only starts it."""
        from .initialize import initialize

        return initialize(self._engine, self.get(name))

    def checkpoint(self, name: str, options: Dump) -> Statistics:
        """Write a running container to files (containers/checkpoint/dump.py)."""
        from .checkpoint.dump import checkpoint

        return checkpoint(self._engine, self.get(name), options)

    def restore(self, name: str, options: Restore) -> Statistics:
        """Let a container go on from its checkpoint (containers/checkpoint/restore.py)."""
        from .checkpoint.restore import restore

        return restore(self._engine, self.get(name), options)

    def start_attached(self, name: str, streams: Streams, *, sig_proxy: bool = True) -> RunResult:
        """Start a container and stay attached to it until it ends (`start --attach`)."""
        from .run import foreground

        return foreground(self._engine, self.get(name), streams, sig_proxy=sig_proxy)

    def run(
        self,
        request: ContainerRequest,
        streams: Streams | None = None,
        *,
        detach: bool = False,
        sig_proxy: bool = True,
        pulling: Pulling | None = None,
    ) -> RunResult:
        """Create, start and, unless detached, wait for the end (containers/run.py)."""
        from .run import run
        from .unfinished import collect

        collect(self._engine)
        return run(
            self._engine, request, streams, detach=detach, sig_proxy=sig_proxy, pulling=pulling
        )

    def get(self, name: str) -> Container:
        """The container of a name, in its true state. Raises NoSuchContainer, AmbiguousName.

        Where its process has ended a moment ago, the exit code is waited for, as podman does.
        """
        row = rows.find(self._engine.database, name)
        true = derive(self._engine, row)
        if true.status == row.status or true.status != "exited":
            return true
        from .ending import wait_exit_file

        wait_exit_file(self._engine, row)
        return derive(self._engine, rows.find(self._engine.database, row.id))

    def list(self) -> list[ContainerRow]:
        """All containers in their true state, oldest first."""
        return [derive(self._engine, row) for row in rows.everything(self._engine.database)]

    def attach(self, name: str, streams: Streams, *, sig_proxy: bool = True) -> tuple[str, int]:
        """Attach to a running container: ("exited", exit code) or ("detached", 0)."""
        from .attach import attach

        return attach(self._engine, self.get(name), streams, sig_proxy=sig_proxy)

    def exec(self, name: str, request: ExecRequest, streams: Streams | None = None) -> ExecResult:
        """Run one more command in a running container (containers/exec.py)."""
        from .exec import execute

        return execute(self._engine, rows.find(self._engine.database, name), request, streams)

    def logs(self, name: str, options: LogOptions | None = None) -> Iterator[LogLine]:
        """The lines of a container's log (containers/logs.py)."""
        from .logs import LogOptions, logs

        return logs(self._engine, self.get(name), options or LogOptions())

    def inspect(self, name: str, *, size: bool = False) -> dict[str, Any]:
        """podman container inspect's document."""
        from .inspect import inspect

        return inspect(self._engine, self.get(name), size=size)

    def commit(self, name: str, options: CommitOptions) -> Image:
        """Make an image of a container's changes (containers/commit.py)."""
        from .commit import commit

        return commit(self._engine, self.get(name), options)

    def export(self, name: str, out: Writable) -> tuple[str, ...]:
        """Write the root file system as a tar; warnings (containers/export.py)."""
        from .export import export

        return export(self._engine, self.get(name), out)

    def changes(self, name: str) -> Iterator[Change]:
        """What differs from the image (`diff`)."""
        from .export import changes

        return changes(self._engine, self.get(name))

    def copy(
        self, source: Place, target: Place, *, chown: bool = True, overwrite: bool = False
    ) -> None:
        """Copy between the host and containers (containers/copy.py, also for tar streams)."""
        from .copy import copy

        copy(self._engine, source, target, chown=chown, overwrite=overwrite)

    def request(self, name: str) -> ContainerRequest:
        """What a container was asked to be."""
        from .stored import request_of

        return request_of(self.get(name).request)

    def check_health(self, name: str) -> str:
        """Run the healthcheck now; "healthy", "unhealthy" or "starting" (containers/health)."""
        from .health.check import check

        return check(self._engine, self.get(name))

    def top(self, name: str, columns: Sequence[str] = ()) -> Sequence[Sequence[str]]:
        """The processes of a running container: a heading, then rows (containers/top.py)."""
        from .top import top

        return top(self._engine, self.get(name), columns)

    def mount(self, name: str) -> str:
        """Mount the root file system until `unmount`; where (containers/mounting.py)."""
        from .mounting import mount

        return mount(self._engine, self.get(name))

    def unmount(self, name: str, *, force: bool = False) -> None:
        """Undo `mount`."""
        from .mounting import unmount

        unmount(self._engine, self.get(name), force=force)

    def mounted(self) -> Sequence[tuple[Container, str]]:
        """The containers that `mount` mounted, and where."""
        from .mounting import listed

        return listed(self._engine)

    def rename(self, name: str, new: str) -> Container:
        """Give a container another name."""
        from .rename import rename

        return rename(self._engine, self.get(name), new)

    def connect(self, name: str, network: NetworkRequest) -> None:
        """Join one more network (containers/connect.py)."""
        from .connect import connect

        connect(self._engine, self.get(name), network)

    def disconnect(self, name: str, network: str, *, force: bool = False) -> None:
        """Leave a network."""
        from .connect import disconnect

        disconnect(self._engine, self.get(name), network, force=force)

    def reload_network(self, name: str) -> Container:
        """Make a running container's interfaces and rules anew."""
        from .connect import reload

        row = self.get(name)
        reload(self._engine, row)
        return row

    def stats(self, name: str, before: Stats | None = None) -> Stats:
        """What a running container uses (containers/stats.py)."""
        from .stats import stats

        return stats(self._engine, self.get(name), before)

    def update(self, name: str, *, restart: str = "", **changes: Any) -> Container:
        """Change limits (fields of Resources), and other things (containers/update.py)."""
        from .update import update

        return update(self._engine, self.get(name), restart, **changes)

    def wait(self, name: str, conditions: Sequence[str] = ("stopped",)) -> int:
        """Wait for one of podman's conditions; the exit code then (-1 while it runs)."""
        from .wait import wait

        return wait(self._engine, rows.find(self._engine.database, name), tuple(conditions))

    def stop(self, name: str, timeout: float | None = None) -> Container:
        """Stop signal, then SIGKILL after `timeout` seconds (None: the container's own)."""
        from .stop import stop

        return stop(self._engine, self.get(name), timeout)

    def restart(self, name: str, timeout: float | None = None) -> Container:
        """`stop` and `start`."""
        from .notify import event

        row = self.get(name)
        event(self._engine, row, "restart")
        self.stop(row.id, timeout)
        return self.start(row.id)

    def kill(self, name: str, signal: str = "KILL") -> Container:
        """Send a signal by name or number."""
        from .stop import kill

        return kill(self._engine, self.get(name), signal)

    def pause(self, name: str) -> Container:
        """Freeze all processes."""
        from .stop import pause

        return pause(self._engine, self.get(name))

    def unpause(self, name: str) -> Container:
        """Let a paused container go on."""
        from .stop import unpause

        return unpause(self._engine, self.get(name))

    def remove(
        self,
        name: str,
        *,
        force: bool = False,
        volumes: bool = False,
        timeout: float | None = None,
        needed: bool = False,
        waiting: bool = False,
        pruning: bool = False,
    ) -> str:
        """Remove a container (containers/remove.py); its id. pruning: an event tells why."""
        from .remove import remove

        row = rows.find(self._engine.database, name)
        remove(
            self._engine,
            row,
            force=force,
            volumes=volumes,
            timeout=timeout,
            needed=needed,
            waiting=waiting,
        )
        if pruning:
            from .notify import event

            event(self._engine, row, "prune")
        return row.id

    def with_dependents(self, names: Sequence[str]) -> Sequence[str]:
        """Ids of containers and of all that need them, these before those.

        First the names of containers that are not there, as they are.
        """
        from .joined import with_dependents

        return with_dependents(self._engine, names)

    def dependents_first(self, names: Sequence[str]) -> Sequence[str]:
        """The same names, each after those of them that need it."""
        from .joined import dependents_first

        return dependents_first(self._engine, names)

    def cleanup(self, name: str, *, remove: bool = False) -> None:
        """Clean up after a container that ended (the exit command); nothing if that is done."""
        from .cleanup import cleanup

        row = rows.find(self._engine.database, name)
        cleanup(self._engine, row.id, remove=remove)
