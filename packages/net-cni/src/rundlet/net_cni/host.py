"""What plugins share on a host: its rules and bridges, and who may change them when."""

from __future__ import annotations

import os

from .locks import FileLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .cache import Record

SHARED_DIRECTORY = "/run/cni"
"""Of the plugins themselves (tuning keeps things here): one for all engines of a machine."""

_TIMEOUT = 120.0  # seconds


class Host:
    """The network namespace that plugins are called in.

    run_dir: of the engine, for what need not be shared or, without root, cannot be.
    """

    def __init__(self, run_dir: str) -> None:
        self._run_dir = run_dir

    def rules(self, record: Record | None = None, *, alone: bool = False) -> FileLock:
        """The lock on rules and bridges: shared, but for the first attachment of its kind.

        record: what is about to be attached, None for what is not. alone: for what is done in
        this process, which takes a tenth of the time, and removes what nobody uses any more.
        """
        directory = SHARED_DIRECTORY if os.geteuid() == 0 else self._run_dir
        path = os.path.join(directory, "rundlet.lock")

        def shared() -> bool:
            return not alone and (record is None or self._is_prepared(record))

        return FileLock(path, _TIMEOUT, shared=shared, gate=f"{path}.gate")

    def attachment(self, container: str, timeout: float) -> FileLock:
        """The lock on all networks of a container. Nobody waits longer than `timeout`.

        A plugin that leaves a daemon behind keeps it for ever; DEL must be possible still.
        """
        path = os.path.join(self._run_dir, "locks", container)
        return FileLock(path, timeout, passing=True, patient=False)

    def ports(self) -> FileLock:
        """The lock on the published ports of this engine."""
        return FileLock(os.path.join(self._run_dir, "ports.lock"), _TIMEOUT)

    def names(self) -> FileLock:
        """The lock on what the server of names reads."""
        return FileLock(os.path.join(self._run_dir, "names.lock"), _TIMEOUT)

    def definitions(self) -> FileLock:
        """The lock on the configuration files that this engine writes."""
        return FileLock(os.path.join(self._run_dir, "definitions.lock"), _TIMEOUT)

    # --- what was made before

    def _is_prepared(self, record: Record) -> bool:
        """Whether one like this was attached here before: shared things are there."""
        return os.path.exists(self._mark(record))

    def forget(self, record: Record) -> None:
        """Shared things turned out not to be there (a firewall was flushed)."""
        try:
            os.unlink(self._mark(record))
        except FileNotFoundError:
            return

    def forget_network(self, name: str) -> None:
        """A network was removed, with all that was shared."""
        directory = os.path.join(self._run_dir, "prepared")
        try:
            marks = os.listdir(directory)
        except FileNotFoundError:
            return
        for mark in marks:
            if mark.removesuffix("-ports").rpartition("-")[0] == name:
                os.unlink(os.path.join(directory, mark))

    def prepared(self, record: Record) -> None:
        """Note that one like this was attached."""
        path = self._mark(record)
        if os.path.exists(path):
            return
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))

    def _mark(self, record: Record) -> str:
        """A file in the run directory, which a reboot empties as it empties the kernel."""
        namespace = os.stat("/proc/thread-self/ns/net").st_ino
        ports = "-ports" if record.capabilities.get("portMappings") else ""
        return os.path.join(self._run_dir, "prepared", f"{record.network}-{namespace}{ports}")
