"""Secrets in a container: their values are copied when it is made (podman-secret-create(1)).

A copy is GRAPH/containers/ID/secrets/NUMBER, for root only; the number is the place in
the request. Changing or removing the secret later does not touch the container.
"""

from __future__ import annotations

import os

from ..errors import InvalidArgument
from .ownership import host_id
from .paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest

_DIRECTORY = "/run/secrets"


def prepare(engine: Engine, row: Container, request: ContainerRequest) -> None:
    """Copy the values; their owners are users of the container. Raises NoSuchSecret,
    InvalidArgument.
    """
    if not request.secrets:
        return
    uids, gids = request.uid_map or request.gid_map, request.gid_map or request.uid_map
    directory = f"{Paths(engine, row.id).bundle}/secrets"
    os.mkdir(directory, 0o700)
    for number, secret in enumerate(request.secrets):
        value = engine.secrets.lookup(secret["name"])
        mode, uid, gid = _ownership(secret)
        descriptor = os.open(
            f"{directory}/{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        with open(descriptor, "wb") as file:
            file.write(value)
            if secret.get("type", "mount") == "mount":
                os.fchown(descriptor, host_id(uid, uids), host_id(gid, gids))
                os.fchmod(descriptor, mode)


def _ownership(secret: Mapping[str, str]) -> tuple[int, int, int]:
    try:
        return (
            int(secret.get("mode") or "444", 8),
            int(secret.get("uid") or 0),
            int(secret.get("gid") or 0),
        )
    except ValueError:
        raise InvalidArgument(
            f"secret {secret['name']}: mode must be octal, uid and gid must be numbers"
        ) from None


def files(engine: Engine, row: Container, request: ContainerRequest) -> dict[str, str]:
    """Where each secret of type mount appears in the container, and its copy on the host."""
    directory = f"{Paths(engine, row.id).bundle}/secrets"
    return {
        _target(secret): f"{directory}/{number}"
        for number, secret in enumerate(request.secrets)
        if secret.get("type", "mount") == "mount"
    }


def _target(secret: Mapping[str, str]) -> str:
    return os.path.join(_DIRECTORY, secret.get("target") or secret["name"])


def environment(engine: Engine, row: Container, request: ContainerRequest) -> dict[str, str]:
    """The variables of secrets of type env."""
    directory = f"{Paths(engine, row.id).bundle}/secrets"
    found = {}
    for number, secret in enumerate(request.secrets):
        if secret.get("type") == "env":
            with open(f"{directory}/{number}", "rb") as file:
                value = file.read().decode("utf-8", "surrogateescape")
            found[secret.get("target") or secret["name"]] = value
    return found
