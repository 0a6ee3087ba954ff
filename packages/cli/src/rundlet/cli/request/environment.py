"""`--env`, `--env-file`, `--env-host`, `--label`, `--label-file`, `--annotation`."""

from __future__ import annotations

import os

from rundlet.core.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rundlet.core.commands.context import Parsed

_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")


def environment(arguments: Parsed, host: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables asked for, later ones winning: host, proxies, files, --env."""
    found: dict[str, str] = {}
    if arguments.flag("env-host"):
        found.update(host)
    if arguments.flag("http-proxy"):
        names = [name for pair in _PROXIES for name in (pair, pair.upper())]
        found.update({name: host[name] for name in names if host.get(name)})
    return {**found, **given(arguments.texts("env"), arguments.texts("env-file"), host)}


def given(
    env: Iterable[str], files: Iterable[str], host: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The variables of --env-file and --env, later ones winning."""
    found: dict[str, str] = {}
    for file in files:
        found.update(pairs(_lines(file), host))
    found.update(pairs(env, host))
    return found


def pairs(lines: Iterable[str], host: Mapping[str, str]) -> dict[str, str]:
    """ "K=V" as it is; "K" the host's value, if it has one; "K*" all of the host's that fit."""
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if not name or (not equals and name.strip() != name):
            raise InvalidArgument(f"invalid environment variable {line!r}")
        if equals:
            found[name] = value
        elif name.endswith("*"):
            found.update({k: v for k, v in host.items() if k.startswith(name[:-1])})
        elif name in host:
            found[name] = host[name]
    return found


def labels(arguments: Parsed) -> dict[str, str]:
    """--label-file, then --label. A label without "=" is empty."""
    found = {}
    for file in arguments.texts("label-file"):
        found.update(key_values(_lines(file), bare=True))
    found.update(key_values(arguments.texts("label"), bare=True))
    return found


def key_values(texts: Iterable[str], what: str = "label", *, bare: bool = False) -> dict[str, str]:
    """ "k=v" and, if it may be `bare`, "k". `what` is named in the error."""
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not (bare or equals):
            raise InvalidArgument(f"invalid {what} {text!r}: must be key=value")
        found[key] = value
    return found


def _lines(path: str) -> list[str]:
    """Lines of an env or label file, without comments and blank ones."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.rstrip("\n").lstrip() for line in file]
    except OSError as error:
        raise InvalidArgument(f"{path}: {error.strerror}") from None
    return [line for line in lines if line.strip() and not line.startswith("#")]
