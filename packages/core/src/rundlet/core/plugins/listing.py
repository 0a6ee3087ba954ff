"""What `rundlet plugin ls` shows: every plugin, and whether it works here."""

from __future__ import annotations

from ..errors import RundletError
from ..value import Value
from .index import KINDS
from .manager import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .index import EntryPoint
    from .manager import Plugins


class Listed(Value):
    """One plugin. works: None where there is nothing to probe (hooks, commands, transports)."""

    kind: str
    name: str
    distribution: str
    version: str
    works: bool | None
    reason: str = ""


def listing(plugins: Plugins) -> Iterator[Listed]:
    """All plugins by kind and name; broken ones with their error in place of a probe."""
    for kind in KINDS:
        for entry in plugins.available(kind):
            works, reason = _look(plugins, kind, entry)
            yield Listed(kind, entry.name, entry.distribution, entry.version, works, reason)


def _look(plugins: Plugins, kind: str, entry: EntryPoint) -> tuple[bool | None, str]:
    try:
        if kind in ("hooks", "command"):
            load(entry)
            return None, ""
        driver = getattr(plugins, kind)(entry.name)
        if kind == "transport":
            return None, ""
        probe = driver.probe()
        return bool(probe.works), str(probe.reason)
    except RundletError as error:
        return False, error.message
    except Exception as error:
        return False, f"probe failed: {error!r}"
