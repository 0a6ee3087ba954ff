"""Instructions that change an image's config: `--change` of import and commit.

The subset of Containerfile instructions that only touch the config (podman-import(1),
podman-commit(1)): as "CMD value" or "CMD=value".
"""

from __future__ import annotations

import json
import shlex

from ..errors import InvalidArgument
from ..format import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Apply = Callable[[dict[str, Any], str], None]


def apply(config: dict[str, Any], changes: Iterable[str]) -> None:
    """Change the `config` object of an image config in place. Raises InvalidArgument."""
    for text in changes:
        name, value = _split(text)
        change = _CHANGES.get(name)
        if change is None:
            raise InvalidArgument(
                f'invalid change "{text}"', remedy=f"Known are {', '.join(sorted(_CHANGES))}."
            )
        change(config, value)


def _split(text: str) -> tuple[str, str]:
    stripped = text.strip()
    end = min((stripped.find(mark) for mark in " =\t" if mark in stripped), default=-1)
    if end <= 0 or not stripped[end + 1 :].strip():
        raise InvalidArgument(f'invalid change "{text}" - must be formatted as KEY VALUE')
    return stripped[:end].upper(), stripped[end + 1 :].strip()


def _command(key: str) -> Apply:
    """A JSON list is taken as it is, anything else goes to a shell."""

    def set_command(config: dict[str, Any], value: str) -> None:
        config[key] = _json_list(value) or ["/bin/sh", "-c", value]

    return set_command


def _text(key: str) -> Apply:
    def set_text(config: dict[str, Any], value: str) -> None:
        config[key] = value

    return set_text


def _names(key: str, complete: Callable[[str], str] = str) -> Apply:
    """Words or a JSON list that become keys of an object."""

    def add(config: dict[str, Any], value: str) -> None:
        words = _json_list(value) or value.split()
        config[key] = {**(config.get(key) or {}), **{complete(word): {} for word in words}}

    return add


def _port(word: str) -> str:
    number, _, protocol = word.partition("/")
    if not number.replace("-", "", 1).isdecimal() or protocol not in ("", "tcp", "udp", "sctp"):
        raise InvalidArgument(f"invalid port {word!r} in EXPOSE")
    return f"{number}/{protocol or 'tcp'}"


def _environment(config: dict[str, Any], value: str) -> None:
    found = dict(entry.partition("=")[::2] for entry in config.get("Env") or ())
    found.update(_pairs(value))
    config["Env"] = [f"{name}={content}" for name, content in found.items()]


def _labels(config: dict[str, Any], value: str) -> None:
    config["Labels"] = {**(config.get("Labels") or {}), **_pairs(value)}


def _pairs(value: str) -> dict[str, str]:
    """ "k=v k2='v 2'", or the old form "k v"."""
    if "=" not in value.split()[0]:
        name, _, content = value.partition(" ")
        return {name: content.strip()}
    try:
        return dict(word.partition("=")[::2] for word in shlex.split(value))
    except ValueError as error:
        raise InvalidArgument(f"{value}: {error}") from None


def _stop_signal(config: dict[str, Any], value: str) -> None:
    """As a number, whatever it was said as: so podman writes it."""
    config["StopSignal"] = str(signals.number(value))


def _on_build(config: dict[str, Any], value: str) -> None:
    config["OnBuild"] = [*(config.get("OnBuild") or ()), value]


def _json_list(value: str) -> list[str]:
    if not value.startswith("["):
        return []
    try:
        found = json.loads(value)
    except ValueError:
        return []
    return found if all(isinstance(word, str) for word in found) else []


_CHANGES: dict[str, Apply] = {
    "CMD": _command("Cmd"),
    "ENTRYPOINT": _command("Entrypoint"),
    "ENV": _environment,
    "EXPOSE": _names("ExposedPorts", _port),
    "LABEL": _labels,
    "ONBUILD": _on_build,
    "STOPSIGNAL": _stop_signal,
    "USER": _text("User"),
    "VOLUME": _names("Volumes"),
    "WORKDIR": _text("WorkingDir"),
}
