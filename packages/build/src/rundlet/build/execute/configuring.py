"""Instructions that only change the config (Dockerfile reference; image-spec config.md)."""

from __future__ import annotations

import posixpath

from rundlet.build.containerfile.faults import at
from rundlet.build.containerfile.instructions import (
    Command,
    Healthcheck,
    Instruction,
    OnBuild,
    Pairs,
    Text,
    Words,
)
from rundlet.core.errors import InvalidArgument
from rundlet.core.format import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .draft import Draft

DEFAULT_SHELL = ("/bin/sh", "-c")


def apply(draft: Draft, item: Instruction, *, command_set: bool = False) -> None:
    """Change the draft's config. command_set: CMD was said in this stage, so that ENTRYPOINT
    leaves it. Raises InvalidArgument that names file and line."""
    config = draft.config
    if isinstance(item, Pairs):
        _pairs(config, item)
    elif isinstance(item, Command):
        _command(config, item, command_set)
    elif isinstance(item, Words):
        _words(config, item)
    elif isinstance(item, Healthcheck):
        config["Healthcheck"] = dict(item.check)
    elif isinstance(item, OnBuild):
        config["OnBuild"] = [*(config.get("OnBuild") or ()), _trigger(item)]
    elif isinstance(item, Text):
        _text(draft, item)


def environment(config: Mapping[str, Any]) -> dict[str, str]:
    """The config's variables by name."""
    return dict(entry.partition("=")[::2] for entry in config.get("Env") or ())


def set_environment(config: dict[str, Any], pairs: Iterable[tuple[str, str]]) -> None:
    """Add variables, in their order."""
    found = environment(config)
    found.update(pairs)
    config["Env"] = [f"{name}={value}" for name, value in found.items()]


def workdir(config: dict[str, Any], path: str) -> str:
    """An absolute path, from one that may be relative to the working directory."""
    joined = posixpath.join(config.get("WorkingDir") or "/", path)
    return posixpath.normpath(posixpath.join("/", joined)).replace("//", "/")


def shell(config: Mapping[str, Any]) -> tuple[str, ...]:
    """What the shell form is given to."""
    return tuple(config.get("Shell") or DEFAULT_SHELL)


def _pairs(config: dict[str, Any], item: Pairs) -> None:
    if item.name == "ENV":
        set_environment(config, item.pairs)
    else:
        config["Labels"] = {**(config.get("Labels") or {}), **dict(item.pairs)}


def _command(config: dict[str, Any], item: Command, command_set: bool) -> None:
    if item.name == "SHELL":
        config["Shell"] = list(item.words)
        return
    words = [*shell(config), *item.words] if item.shell else list(item.words)
    config["Cmd" if item.name == "CMD" else "Entrypoint"] = words
    if item.name == "ENTRYPOINT" and not command_set:
        config.pop("Cmd", None)


def _words(config: dict[str, Any], item: Words) -> None:
    if item.name == "VOLUME":
        config["Volumes"] = {**(config.get("Volumes") or {}), **{word: {} for word in item.words}}
        return
    ports: dict[str, dict[str, str]] = {
        port: {} for word in item.words for port in _ports(item, word)
    }
    config["ExposedPorts"] = {**(config.get("ExposedPorts") or {}), **ports}


def _ports(item: Words, word: str) -> list[str]:
    """`80`, `80/udp`, `8000-8010`: each port with its protocol."""
    numbers, _, protocol = word.partition("/")
    low, dash, high = numbers.partition("-")
    protocol = protocol.lower() or "tcp"
    valid = low.isdecimal() and (high.isdecimal() if dash else True)
    first, last = (int(low), int(high or low)) if valid else (0, 0)
    if not 0 < first <= last < 65536 or protocol not in ("tcp", "udp", "sctp"):
        raise at(item.file, item.line, f"EXPOSE: invalid port {word!r}")
    return [f"{port}/{protocol}" for port in range(first, last + 1)]


def _text(draft: Draft, item: Text) -> None:
    config = draft.config
    if item.name == "USER":
        config["User"] = item.value
    elif item.name == "WORKDIR":
        config["WorkingDir"] = workdir(config, item.value)
    elif item.name == "STOPSIGNAL":
        try:
            signals.number(item.value)
        except InvalidArgument as error:
            raise at(item.file, item.line, f"STOPSIGNAL: {error.message}") from None
        config["StopSignal"] = item.value
    elif item.name == "MAINTAINER":
        draft.author = item.value


def _trigger(item: OnBuild) -> str:
    """An instruction with its heredocs, as text to be parsed again."""
    return item.value + "".join(f"\n{doc.content}{doc.name}" for doc in item.heredocs)


def labelled(draft: Draft, labels: tuple[tuple[str, str], ...]) -> Draft:
    """A draft with more labels: another one, where there are any."""
    if not labels:
        return draft
    twin = draft.copied()
    twin.config["Labels"] = {**(twin.config.get("Labels") or {}), **dict(labels)}
    return twin
