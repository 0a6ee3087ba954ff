"""What all containers of a build, or of a working container, have; secrets."""

from __future__ import annotations

import os

from rundlet.build.execute.options import Secret
from rundlet.core.containers.request import ContainerRequest, Device, Mount, Resources
from rundlet.core.contracts.storage import IdMap
from rundlet.core.errors import InvalidArgument, NotFound, UsageError
from rundlet.core.format.units import parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core import Engine
    from rundlet.core.commands.context import Context, Parsed

_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")


def template(arguments: Parsed, program: Parsed) -> ContainerRequest:
    """What all of RUN's containers have. program: its global options."""
    proxies: dict[str, str] = {}
    if arguments.flag("http-proxy"):
        for name in (*_PROXIES, *(name.upper() for name in _PROXIES)):
            if name in os.environ:
                proxies[name] = os.environ[name]
    return ContainerRequest(
        env=proxies,
        network=arguments.text("network") or arguments.text("net"),
        add_hosts=arguments.texts("add-host"),
        no_hosts=arguments.flag("no-hosts"),
        dns=arguments.texts("dns"),
        dns_search=arguments.texts("dns-search"),
        dns_options=arguments.texts("dns-option"),
        cap_add=arguments.texts("cap-add"),
        cap_drop=arguments.texts("cap-drop"),
        cgroup=arguments.text("cgroupns"),
        cgroup_parent=arguments.text("cgroup-parent"),
        uts=_namespace(arguments, "uts"),
        ipc=_namespace(arguments, "ipc"),
        pid=_namespace(arguments, "pid"),
        **_user_namespace(arguments, program),
        runtime=arguments.text("runtime") or os.environ.get("BUILDAH_RUNTIME", ""),
        hooks_dirs=arguments.texts("hooks-dir"),
        no_hostname="no-hostname" in arguments.values and arguments.flag("no-hostname"),
        group_add=_texts(arguments, "group-add"),
        security_options=arguments.texts("security-opt"),
        ulimits=arguments.texts("ulimit"),
        shm_size=_size(arguments, "shm-size"),
        devices=tuple(device(text) for text in arguments.texts("device")),
        mounts=tuple(volume(text) for text in arguments.texts("volume")),
        resources=Resources(
            memory=_size(arguments, "memory"),
            memory_swap=_size(arguments, "memory-swap"),
            cpu_period=arguments.number("cpu-period"),
            cpu_quota=arguments.number("cpu-quota"),
            cpu_shares=arguments.number("cpu-shares"),
            cpuset_cpus=arguments.text("cpuset-cpus"),
            cpuset_mems=arguments.text("cpuset-mems"),
        ),
    )


def _texts(arguments: Parsed, name: str) -> tuple[str, ...]:
    """Of an option that not every verb has."""
    return arguments.texts(name) if name in arguments.values else ()


def _namespace(arguments: Parsed, name: str) -> str:
    """A namespace as the engine says it: buildah takes a path as it is."""
    text = arguments.text(name)
    if text == "container":
        return "private"
    return f"ns:{text}" if text.startswith("/") else text


def _user_namespace(arguments: Parsed, program: Parsed) -> dict[str, Any]:
    """--userns and its maps; those of the program where the verb has none.

    Raises UsageError, InvalidArgument.
    """
    uids, gids = (
        tuple(_map(text) for text in arguments.texts(name) or program.values.get(name, ()))
        for name in ("userns-uid-map", "userns-gid-map")
    )
    names = arguments.text("userns-uid-map-user"), arguments.text("userns-gid-map-group")
    mode = _namespace(arguments, "userns")
    if mode == "host" and (uids or gids or any(names)):
        raise UsageError("--userns host and maps of ids cannot be used together")
    return {
        "userns": mode,
        "uid_map": uids,
        "gid_map": gids,
        "sub_uid_name": names[0],
        "sub_gid_name": names[1],
    }


def _map(text: str) -> IdMap:
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise InvalidArgument(f"invalid id map {text!r}: it must be CONTAINER:HOST:SIZE")
    return IdMap(*map(int, parts))


def engine_with_flags(context: Context, arguments: Parsed) -> Engine:
    """The engine, made with the --runtime-flag of a verb besides the program's."""
    values = context.options.values
    before = values.get("runtime-flag")
    flags = (*(before if isinstance(before, tuple) else ()), *arguments.texts("runtime-flag"))
    if flags:
        values["runtime-flag"] = flags
    return context.engine


def _size(arguments: Parsed, name: str) -> int | None:
    text = arguments.text(name)
    if not text:
        return None
    return -1 if text == "-1" else parse_size(text)


def device(text: str) -> Device:
    """`HOST[:CONTAINER[:rwm]]`. Raises InvalidArgument."""
    parts = text.split(":")
    if not parts[0] or len(parts) > 3:
        raise InvalidArgument(f"invalid device specification: {text}")
    if len(parts) == 2 and set(parts[1]) <= set("rwm"):
        return Device(parts[0], "", parts[1])
    source, destination, permissions = (*parts, *("", "rwm")[len(parts) - 1 :])
    return Device(source, destination, permissions)


def volume(text: str) -> Mount:
    """`HOST-DIR:CONTAINER-DIR[:OPTIONS]`. Raises InvalidArgument."""
    source, _, rest = text.partition(":")
    destination, _, words = rest.partition(":")
    if not source.startswith(("/", ".")) or not destination.startswith("/"):
        raise InvalidArgument(
            f"incorrect volume format {text!r}", remedy="HOST-DIR:CONTAINER-DIR[:OPTIONS]"
        )
    given = tuple(word for word in words.split(",") if word)
    return Mount("bind", os.path.normpath(destination), os.path.abspath(source), given)


def secret(text: str) -> Secret:
    """`id=ID[,src=FILE|,env=NAME][,type=file|env]`. Raises InvalidArgument, NotFound."""
    found = dict(word.partition("=")[::2] for word in text.split(","))
    identity = found.pop("id", "")
    kind = found.pop("type", "")
    path = found.pop("src", found.pop("source", ""))
    name = found.pop("env", "")
    if not identity or found or kind not in ("", "file", "env"):
        raise InvalidArgument(
            f"incorrect secret {text!r}", remedy="As in --secret id=ID,src=FILE or id=ID,env=NAME"
        )
    if kind == "env" or (not path and not kind and (name or identity in os.environ)):
        variable = name or path or identity
        if variable not in os.environ:
            raise NotFound(f"--secret id={identity}: {variable} is not in the environment")
        return Secret(identity, os.environb[os.fsencode(variable)])
    try:
        with open(path or identity, "rb") as file:
            return Secret(identity, file.read())
    except OSError as error:
        raise NotFound(f"--secret id={identity}: {path or identity}: {error.strerror}") from None
