"""Which configuration files are in force: containers.conf(5), containers-storage.conf(5), ours.

Found by name only, for every command: a few system calls and no import. Reading them is
for when one has changed (`load`).
"""

from __future__ import annotations

import os

from ..errors import SettingsError
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VENDOR = "/usr/share"
SYSTEM = "/etc"


class Places(Value):
    """Files that exist, weakest first. Several of a kind are merged key by key."""

    containers: tuple[str, ...]
    storage: tuple[str, ...]
    rundlet: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.containers, *self.storage, *self.rundlet)


def find(environment: Mapping[str, str], modules: Sequence[str] = ()) -> Places:
    """The files of this user. modules: of containers.conf, as `--module` names them.

    Raises SettingsError for a module, or the file that a variable names, that is not there.
    """
    user = _user(environment)
    return Places(
        containers=(
            *_containers(environment, user),
            *(_module(name, user) for name in modules),
            *_named(environment, "CONTAINERS_CONF_OVERRIDE"),
        ),
        storage=_storage(environment, user),
        rundlet=_rundlet(environment, user),
    )


def _user(environment: Mapping[str, str]) -> str:
    """The configuration directory of the user; "" for root, who has that of the system."""
    if os.geteuid() == 0:
        return ""
    return environment.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")


def _containers(environment: Mapping[str, str], user: str) -> tuple[str, ...]:
    named = _named(environment, "CONTAINERS_CONF")
    if named:
        return named
    found = _there(f"{VENDOR}/containers/containers.conf")
    found += _with_drop_ins(f"{SYSTEM}/containers/containers.conf", ".conf")
    return (*found, *_with_drop_ins(f"{user}/containers/containers.conf", ".conf", user))


def _storage(environment: Mapping[str, str], user: str) -> tuple[str, ...]:
    """Unlike the others, the strongest whole file counts alone; then the drop-ins."""
    named = _named(environment, "CONTAINERS_STORAGE_CONF")
    if named:
        return named
    found: tuple[str, ...] = ()
    drop_ins: tuple[str, ...] = ()
    for base in (VENDOR, SYSTEM, user):
        if base:
            path = f"{base}/containers/storage.conf"
            found = _there(path) or found
            drop_ins += _drop_ins(f"{path}.d", ".conf")
    return (*found, *drop_ins)


def _rundlet(environment: Mapping[str, str], user: str) -> tuple[str, ...]:
    named = _named(environment, "RUNDLET_CONF")
    if named:
        return named
    found: tuple[str, ...] = ()
    for base in (VENDOR, SYSTEM, user):
        found += _with_drop_ins(f"{base}/rundlet/rundlet.toml", ".toml", base)
    return found


def _module(name: str, user: str) -> str:
    """The file of a module: a path, or a name in one of three directories."""
    if name.startswith(("/", "./", "../")):
        places = [name]
    else:
        bases = [base for base in (user, SYSTEM, VENDOR) if base]
        places = [f"{base}/containers/containers.conf.modules/{name}" for base in bases]
    for path in places:
        if os.path.isfile(path):
            return path
    raise SettingsError(
        f"could not resolve module {name!r}", remedy=f"Looked for: {', '.join(places)}."
    )


def _named(environment: Mapping[str, str], variable: str) -> tuple[str, ...]:
    path = environment.get(variable)
    if not path:
        return ()
    if not os.path.exists(path):
        raise SettingsError(f"{variable}: {path}: no such file")
    return (path,)


def _there(path: str) -> tuple[str, ...]:
    return (path,) if os.path.exists(path) else ()


def _with_drop_ins(path: str, suffix: str, base: str = SYSTEM) -> tuple[str, ...]:
    """A file and those of its `.d` directory; nothing without a base."""
    return (*_there(path), *_drop_ins(f"{path}.d", suffix)) if base else ()


def _drop_ins(directory: str, suffix: str) -> tuple[str, ...]:
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return ()
    return tuple(f"{directory}/{name}" for name in names if name.endswith(suffix))
