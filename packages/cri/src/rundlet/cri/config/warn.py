"""What was asked for and has no effect here: each said once, with its reason."""

from __future__ import annotations

from collections.abc import Iterator

from rundlet.core.commands.context import Parsed

from .flags import WITHOUT
from .keys import KEYS
from .keys.tables import RUNTIME_KEYS, RUNTIMES
from .model import Config


def warnings(config: Config, options: Parsed) -> Iterator[str]:
    """A line for each key and flag that was set to other than its default, in vain."""
    for key in KEYS:
        if key.without and config.values[key.path] != key.default:
            where = config.said.get(key.path, "")
            yield f"{where}: {key.path} has no effect: {key.without}"
    for name, table in config.runtimes.items():
        for key in RUNTIME_KEYS:
            if key.without and table[key.name] != key.default:
                yield f"{RUNTIMES}.{name}.{key.name} has no effect: {key.without}"
        if table["runtime_type"] == "pod":
            yield f"{RUNTIMES}.{name}: conmon-rs is not used: conmon watches its containers"
    for option, reason in WITHOUT.items():
        if option in options.given:
            yield f"--{option} has no effect: {reason}"
