"""What `config` changes in a record (buildah-config(1))."""

from __future__ import annotations

import json
import shlex

from rundlet.core.errors import InvalidArgument
from rundlet.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .record import Record

DOCKER_ONLY = {
    "Shell": "SHELL",
    "OnBuild": "ONBUILD",
    "Healthcheck": "HEALTHCHECK",
    "Hostname": "HOSTNAME",
    "Domainname": "DOMAINNAME",
}
"""What the OCI format does not have, and the word for it in a warning."""
_TEXTS = {
    "user": "User",
    "workingdir": "WorkingDir",
    "stop-signal": "StopSignal",
    "hostname": "Hostname",
    "domainname": "Domainname",
}
_RECORD = {
    "author": "author",
    "os": "os",
    "arch": "architecture",
    "variant": "variant",
    "os-version": "os_version",
    "comment": "comment",
    "created-by": "created_by",
    "history-comment": "history_comment",
}
_CHECKS = {
    "healthcheck-interval": ("Interval", 30),
    "healthcheck-timeout": ("Timeout", 30),
    "healthcheck-start-period": ("StartPeriod", 0),
}
_RETRIES = 3


class Changes(Value):
    """What was said: one text of each kind by its flag's name, and lists of those that repeat.

    environment: of the calling process, for names without a value.
    """

    texts: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]
    environment: Mapping[str, str]


def apply(record: Record, changes: Changes) -> list[str]:
    """Change a record; the steps for the history. Raises InvalidArgument."""
    config = record.config
    for flag, name in _RECORD.items():
        if flag in changes.texts:
            setattr(record, name, changes.texts[flag])
    for flag, name in _TEXTS.items():
        if flag in changes.texts:
            config[name] = changes.texts[flag]
    for flag, name in (("cmd", "Cmd"), ("shell", "Shell")):
        if flag in changes.texts:
            config[name] = command(changes.texts[flag])
    if "entrypoint" in changes.texts:
        config["Entrypoint"] = entrypoint(changes.texts["entrypoint"])
    if changes.lists.get("onbuild"):
        config["OnBuild"] = [*(config.get("OnBuild") or ()), *changes.lists["onbuild"]]
    _environment(config, changes)
    _pairs(record, config, changes)
    _sets(record, config, changes)
    _healthcheck(config, changes)
    return _steps(changes)


def command(text: str) -> list[str]:
    """A JSON list, or words as a shell splits them. Raises InvalidArgument."""
    found = _json_list(text)
    if found is not None:
        return found
    try:
        return shlex.split(text)
    except ValueError as error:
        raise InvalidArgument(f"parsing {text!r}: {error}") from None


def entrypoint(text: str) -> list[str]:
    """A JSON list, or a text for a shell (buildah-config(1), --entrypoint); "" is none."""
    found = _json_list(text)
    if found is not None:
        return found
    return ["/bin/sh", "-c", text] if text else []


def _json_list(text: str) -> list[str] | None:
    if not text.lstrip().startswith("["):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if all(isinstance(word, str) for word in found) else None


def _environment(config: dict[str, Any], changes: Changes) -> None:
    if not changes.lists.get("env"):
        return
    found = dict(entry.partition("=")[::2] for entry in config.get("Env") or ())
    for text in changes.lists["env"]:
        name, equals, value = text.partition("=")
        if text == "-":
            found.clear()
        elif equals:
            found[name] = _expanded(value, {**changes.environment, **found})
        elif text.endswith("-"):
            found.pop(text[:-1], None)
        elif text in changes.environment:
            found[text] = changes.environment[text]
    config["Env"] = [f"{name}={value}" for name, value in found.items()]


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """`$NAME` and `${NAME}` replaced, "" where there is none (Go's os.Expand)."""
    import re

    return re.sub(
        r"\$(?:\{(\w+)\}|(\w+))", lambda m: variables.get(m.group(1) or m.group(2), ""), text
    )


def _pairs(record: Record, config: dict[str, Any], changes: Changes) -> None:
    """Labels and annotations: `name=value`, `name-` takes one away, `-` all."""
    if changes.lists.get("annotation"):
        record.annotations = _paired(record.annotations, changes.lists["annotation"])
    if changes.lists.get("label"):
        config["Labels"] = _paired(config.get("Labels") or {}, changes.lists["label"])


def _paired(before: Mapping[str, str], texts: Iterable[str]) -> dict[str, str]:
    found = dict(before)
    for text in texts:
        name, equals, value = text.partition("=")
        if text == "-":
            found.clear()
        elif not equals and text.endswith("-"):
            found.pop(text[:-1], None)
        else:
            found[name] = value
    return found


def _sets(record: Record, config: dict[str, Any], changes: Changes) -> None:
    """Ports, volumes and features: added, taken away with `-` at the end, all with `-` alone."""
    for flag, key in (("port", "ExposedPorts"), ("volume", "Volumes")):
        if changes.lists.get(flag):
            names = _named(config.get(key) or {}, changes.lists[flag])
            config[key] = {name: {} for name in names}
    if changes.lists.get("os-feature"):
        record.os_features = _named(record.os_features, changes.lists["os-feature"])


def _named(before: Iterable[str], texts: Iterable[str]) -> list[str]:
    found = dict.fromkeys(before)
    for text in texts:
        if text == "-":
            found.clear()
        elif text.endswith("-"):
            found.pop(text[:-1], None)
        else:
            found[text] = None
    return list(found)


def _healthcheck(config: dict[str, Any], changes: Changes) -> None:
    texts = changes.texts
    if not any(flag in texts for flag in ("healthcheck", *_CHECKS, "healthcheck-retries")):
        return
    check = dict(config.get("Healthcheck") or {})
    if "healthcheck" in texts:
        test = _test(texts["healthcheck"])
        if not test:
            config.pop("Healthcheck", None)
            return
        if test == ["NONE"]:
            config["Healthcheck"] = {"Test": test}
            return
        check["Test"] = test
    for flag, (key, seconds) in _CHECKS.items():
        if flag in texts:
            check[key] = int(float(texts[flag]) * 1_000_000_000)
        elif "healthcheck" in texts and seconds:
            check.setdefault(key, seconds * 1_000_000_000)
    if "healthcheck-retries" in texts:
        check["Retries"] = int(texts["healthcheck-retries"])
    elif "healthcheck" in texts:
        check.setdefault("Retries", _RETRIES)
    config["Healthcheck"] = check


def _test(text: str) -> list[str]:
    """`Test` of a check, as buildah config's --healthcheck says it; [] for none at all.

    Raises InvalidArgument.
    """
    words = command(text)
    if not words:
        return []
    kind = words[0].upper()
    if kind not in ("CMD", "CMD-SHELL", "NONE"):
        raise InvalidArgument(f"healthcheck {text!r}: must begin with CMD, CMD-SHELL or NONE")
    if kind == "NONE":
        return [kind]
    if kind == "CMD-SHELL":
        return [kind, text.partition(" ")[2].strip()]
    return [kind, *words[1:]]


def _steps(changes: Changes) -> list[str]:
    """The changes as instructions, for --add-history."""
    found = []
    singles = {
        "cmd": "CMD",
        "entrypoint": "ENTRYPOINT",
        "healthcheck": "HEALTHCHECK",
        "shell": "SHELL",
        "stop-signal": "STOPSIGNAL",
        "user": "USER",
        "workingdir": "WORKDIR",
    }
    several = {
        "env": "ENV",
        "label": "LABEL",
        "onbuild": "ONBUILD",
        "port": "EXPOSE",
        "volume": "VOLUME",
    }
    found = [f"{word} {changes.texts[flag]}" for flag, word in singles.items()
             if flag in changes.texts]  # fmt: skip
    for flag, word in several.items():
        found += [f"{word} {text}" for text in changes.lists.get(flag, ())]
    return [f"/bin/sh -c #(nop) {step}" for step in found]
