"""The files that all tools of containers/image read: the user's, the administrator's, the vendor's.

containers-registries.conf(5), containers-registries.d(5), containers-policy.json(5). Of whole
files the first counts, in that order; drop-ins of all directories are read by the order of their
names, and of those of one name the first counts.
"""

from __future__ import annotations

import os

from . import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def whole(name: str, environment: Mapping[str, str]) -> str:
    """The file of this name that counts; the administrator's where there is none."""
    system = f"{places.SYSTEM}/containers/{name}"
    found = (
        f"{_user(environment)}/{name}",
        system,
        f"{places.VENDOR}/containers/{name}",
    )
    return next((path for path in found if os.path.exists(path)), system)


def drop_ins(stem: str, kind: str, suffix: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The files of the directories `stem` + `kind`, as ("registries", ".conf.d"), in their order.

    Those of `stem.rootful` + `kind`, or `stem.rootless` + `kind`, come before the plain one.
    """
    files: dict[str, str] = {}
    for directory in _directories(stem, kind, environment):
        for name in within(directory, suffix):
            files.setdefault(name, f"{directory}/{name}")
    return tuple(files[name] for name in sorted(files))


def within(directory: str, suffix: str) -> list[str]:
    """The names of the files of a directory that count, in their order; none where it is not."""
    try:
        return sorted(name for name in os.listdir(directory) if name.endswith(suffix))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _directories(stem: str, kind: str, environment: Mapping[str, str]) -> Iterator[str]:
    yield f"{_user(environment)}/{stem}{kind}"
    user = os.geteuid()
    for base in (places.SYSTEM, places.VENDOR):
        path = f"{base}/containers/{stem}"
        if user:
            yield f"{path}.rootless{kind}/{user}"
        yield f"{path}.{'rootless' if user else 'rootful'}{kind}"
        yield f"{path}{kind}"


def _user(environment: Mapping[str, str]) -> str:
    """The user's own directory: root has one, too."""
    config = environment.get("XDG_CONFIG_HOME") or f"{environment.get('HOME', '')}/.config"
    return f"{config}/containers"
