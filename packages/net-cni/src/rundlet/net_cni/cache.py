"""What is attached, on disk: the network and result of each interface, for DEL and CHECK.

One file per interface, below a directory per container. It is written before the first
plugin runs, so that what a killed process leaves half attached can be undone, and with
the network as it was at that time: the file in the config directory may have changed.
It lives beside the leases of host-local, which outlive a reboot too.
"""

from __future__ import annotations

import os

from rundlet.core.errors import NetworkError
from rundlet.core.json import dumps, loads
from rundlet.core.linux.processes import partial_name
from rundlet.core.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_ENDING = ".json"
_WORDS = {"container", "interface", "namespace", "network"}
_LISTS = ("names", "dns")


class Record(Value):
    """One interface of one container.

    inode: of the namespace, by which another one at the same path is known; 0 for unknown.
    document: the conflist of its network. capabilities: runtimeConfig, as it was given to the
    plugins. arguments: CNI_ARGS. result: the last plugin's answer, empty before there is one.
    complete: whether all plugins have been called. names: by which others on the network find
    the container. dns: the nameservers that the container was given.
    """

    container: str
    interface: str
    namespace: str
    network: str
    inode: int = 0
    document: Mapping[str, Any] = EMPTY
    capabilities: Mapping[str, Any] = EMPTY
    arguments: str = ""
    result: Mapping[str, Any] = EMPTY
    complete: bool = False
    names: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()

    def attached_to(self) -> str:
        """The path of its namespace; "" when that is gone, or another one took its place.

        All namespaces are files of one file system, nsfs, and so of one device; a plain
        file is what is left when a namespace is unmounted.
        """
        try:
            there = os.stat(self.namespace)
            if there.st_dev != os.stat("/proc/thread-self/ns/net").st_dev:
                return ""
        except OSError:
            return ""
        return self.namespace if self.inode in (0, there.st_ino) else ""


class Cache:
    """The records below a directory."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def write(self, record: Record) -> None:
        """Store a record, whole or not at all. Raises NetworkError."""
        path = self._path(record.container, record.interface)
        temporary = partial_name(path)
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(temporary, "w", encoding="utf-8") as file:
                file.write(dumps(record.as_dict(), default=dict, separators=(",", ":")))
            os.replace(temporary, path)
        except OSError as error:
            _unlink(temporary)
            raise NetworkError(f"cannot write {path}: {error.strerror}") from error

    def of(self, container: str) -> list[Record]:
        """The records of a container by interface. Damaged ones are as if they were not there."""
        directory = os.path.join(self.directory, container)
        try:
            names = sorted(name for name in os.listdir(directory) if name.endswith(_ENDING))
        except FileNotFoundError:
            return []
        found = (_read(os.path.join(directory, name)) for name in names)
        return [record for record in found if record is not None]

    def remove(self, container: str, interface: str) -> None:
        """Forget an interface, and the container with its last one."""
        _unlink(self._path(container, interface))
        directory = os.path.join(self.directory, container)
        try:
            for name in os.listdir(directory):  # of writers that were killed
                if not name.endswith(_ENDING):
                    _unlink(os.path.join(directory, name))
            os.rmdir(directory)
        except OSError:  # not empty, or gone
            return

    def containers(self) -> list[str]:
        """Ids of all containers with records."""
        try:
            return sorted(os.listdir(self.directory))
        except FileNotFoundError:
            return []

    def all(self) -> Iterator[Record]:
        """All records that can be read."""
        for container in self.containers():
            yield from self.of(container)

    def _path(self, container: str, interface: str) -> str:
        return os.path.join(self.directory, container, interface + _ENDING)


def _read(path: str) -> Record | None:
    try:
        with open(path, "rb") as file:
            found = loads(file.read())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    lists = {key: found.setdefault(key, []) for key in _LISTS}  # of earlier releases: without
    if set(found) != set(Record.__fields__) or not all(map(_is_words, lists.values())):
        return None
    found |= {key: tuple(words) for key, words in lists.items()}
    if not all(isinstance(found[key], str) and found[key] for key in _WORDS):
        return None
    if not isinstance(found["inode"], int) or not isinstance(found["arguments"], str):
        return None
    if not all(isinstance(found[key], dict) for key in ("document", "capabilities", "result")):
        return None
    return Record(**found)


def _is_words(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(word, str) for word in found)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return
