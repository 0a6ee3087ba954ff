"""The directory that a shim works in: ROOT/ID, below the runtime's root.

config.json   the spec, with the annotations that the shim reads
task.json     what we know of the task (`Task`)
address       of the shim's socket; the shim writes it
log           a fifo with the shim's own words; stdin, stdout, stderr: of the process
events        the socket on which the shim tells its events
oom           exists when the kernel has killed a process for want of memory
exited        exists when the shim has told of the end, and so of its reason before
"""

from __future__ import annotations

import json
import os

from ...errors import Corrupt
from ...value import Value


class Shim(Value):
    """How one runtime's shims are started; made by its driver.

    program: absolute path. root: directory of the homes. namespace: containerd's word for whose
    containers they are. options, options_type: the runtime's own, encoded, and their type URL.
    environment: variables for the shim beside those that it inherits. args: before the action.
    """

    name: str
    program: str
    root: str
    namespace: str
    options_type: str = ""
    options: str = ""  # hexadecimal: it travels as JSON
    environment: tuple[tuple[str, str], ...] = ()
    args: tuple[str, ...] = ()


class Task(Value):
    """bundle: the engine's. pid, pid_start: of the process. shim_pid, shim_start: of its shim.

    version: of the shim's API.
    """

    bundle: str
    pid: int = 0
    pid_start: int = 0
    shim_pid: int = 0
    shim_start: int = 0
    version: int = 2


class Home:
    """The paths of one container's directory, and what is noted there."""

    def __init__(self, root: str, container: str) -> None:
        self.path = f"{root}/{container}"
        self.container = container
        self.config = f"{self.path}/config.json"
        self.task_file = f"{self.path}/task.json"
        self.address_file = f"{self.path}/address"
        self.log = f"{self.path}/log"
        self.events = f"{self.path}/events"
        self.oom = f"{self.path}/oom"
        self.exited = f"{self.path}/exited"

    def exists(self) -> bool:
        return os.path.isdir(self.path)

    def address(self) -> str:
        """The address of the shim; "" when none was started."""
        try:
            with open(self.address_file, encoding="utf-8") as file:
                return file.read().strip()
        except FileNotFoundError:
            return ""

    def note(self, task: Task) -> None:
        """Write what is known, whole or not at all."""
        self._write(self.task_file, json.dumps(task.as_dict()))

    def note_address(self, address: str) -> None:
        """For shims that leave it to us."""
        self._write(self.address_file, address)

    def _write(self, path: str, text: str) -> None:
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(f"{path}.new", path)

    def task(self) -> Task:
        """What was noted. Raises Corrupt."""
        try:
            with open(self.task_file, encoding="utf-8") as file:
                return Task(**json.load(file))
        except FileNotFoundError:
            return Task("")
        except (OSError, ValueError, TypeError) as error:
            raise Corrupt(f"{self.task_file}: {error}", remedy="rundlet rm -f") from error

    def remove(self) -> None:
        """Remove the directory with what is in it."""
        try:
            names = os.listdir(self.path)
        except FileNotFoundError:
            return
        for name in names:
            path = f"{self.path}/{name}"
            if os.path.isdir(path) and not os.path.islink(path):
                Home(self.path, name).remove()
            else:
                _unlink(path)
        try:
            os.rmdir(self.path)
        except FileNotFoundError:
            pass


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def homes(root: str) -> list[Home]:
    """All of a runtime's root, by id."""
    try:
        return [Home(root, entry.name) for entry in sorted(os.scandir(root), key=_name)
                if entry.is_dir(follow_symlinks=False)]  # fmt: skip
    except FileNotFoundError:
        return []


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name
