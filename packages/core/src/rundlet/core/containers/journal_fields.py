"""Fields of a container's own in the journal (podman-run(1), `--log-opt label`, `labels`, `env`).

Newer conmons write them with each line of the log driver journald (`--log-label`).
"""

from __future__ import annotations

import re

from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ..engine import Engine
    from .request import ContainerRequest

_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")  # sd_journal_send(3)


def check(request: ContainerRequest) -> None:
    """Raises InvalidArgument for a `label` that is no field of the journal."""
    for text in request.log_labels:
        name, equals, _ = text.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise InvalidArgument(
                f"invalid --log-opt label={text}: must be FIELD=VALUE",
                remedy="A field has capital letters, digits and `_`, and begins with a letter.",
            )


def supported(engine: Engine) -> bool:
    """Whether conmon can write them."""
    from ..linux.processes import run
    from ..monitor.launch import find

    return b"--log-label" in run([find(engine.settings.conmon), "--help"]).stdout


def fields(request: ContainerRequest, inspected: Mapping[str, Any]) -> tuple[str, ...]:
    """ "FIELD=VALUE" each; `label` may be a template over what inspect tells, as `tag`.

    A variable goes before a label of the same name.
    """
    from ..format.template import Template

    config = inspected["Config"]
    variables = dict(text.partition("=")[::2] for text in config["Env"] or ())
    found = dict(_chosen(request.log_options.get("labels", ""), config["Labels"] or {}))
    found.update(_chosen(request.log_options.get("env", ""), variables))
    for text in request.log_labels:
        name, _, value = text.partition("=")
        found[name] = Template(value).render(inspected) if "{{" in value else value
    return tuple(f"{name}={value}" for name, value in found.items())


def _chosen(names: str, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is there of the names "a,b", as fields: `app.name` is APP_NAME."""
    for name in names.split(","):
        field = re.sub("[^A-Z0-9]", "_", name.strip().upper()).lstrip("_0123456789")
        if field and name.strip() in values:
            yield field[:64], values[name.strip()]
