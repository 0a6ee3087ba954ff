"""What `rundlet plugin ls` shows: every plugin, and whether it works here."""

from __future__ import annotations

from ..errors import RundletError
from ..value import EMPTY, Value
from .faults import broken, load
from .index import BROKEN, KINDS, EntryPoint, entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .manager import Plugins


class Listed(Value):
    """One plugin. works: None where there is nothing to probe (hooks, commands, transports).

    reason: why it does not work, or how it does where that is remarkable.
    shipped: whether it is of one of Rundlet's own distributions.
    """

    kind: str
    name: str
    distribution: str
    version: str
    works: bool | None
    reason: str = ""
    details: Mapping[str, str] = EMPTY
    shipped: bool = False


def listing(plugins: Plugins) -> Iterator[Listed]:
    """All plugins by kind and name; broken and disabled ones with the reason."""
    for entry in entries(BROKEN):
        yield _listed("broken", entry, False, entry.value)
    for kind, group in KINDS.items():
        winners: dict[str, EntryPoint] = {}
        for entry in sorted(entries(group), key=lambda entry: (entry.name, not entry.shipped)):
            first = winners.setdefault(entry.name, entry)
            if entry is not first:
                yield _listed(kind, entry, False, f"hidden by that of {first.distribution}")
            elif entry.name in plugins.settings.disabled_plugins:
                yield _listed(kind, entry, False, "disabled by disabled_plugins")
            else:
                yield _look(plugins, kind, entry)


def _listed(
    kind: str,
    entry: EntryPoint,
    works: bool | None,
    reason: str = "",
    details: Mapping[str, str] = EMPTY,
) -> Listed:
    reason = " ".join(reason.split())
    place = (entry.distribution, entry.version)
    return Listed(kind, entry.name, *place, works, reason, details, entry.shipped)


def _look(plugins: Plugins, kind: str, entry: EntryPoint) -> Listed:
    """Import it, make its driver and ask it. Whatever goes wrong is its reason."""
    try:
        if kind == "command":
            from ..commands.declare import Group, Verb

            if not isinstance(load(entry), (Verb, Group)):
                raise broken(entry, "names no Verb or Group")
            return _listed(kind, entry, None)
        if kind == "hooks":
            load(entry)
            return _listed(kind, entry, None)
        driver = getattr(plugins, kind)(entry.name)
        if kind == "transport":
            return _listed(kind, entry, None)
        probe = driver.probe()
        return _listed(kind, entry, bool(probe.works), str(probe.reason), dict(probe.details))
    except RundletError as error:
        return _listed(kind, entry, False, error.message)
    except Exception as error:  # a plugin's: it is what we tell
        return _listed(kind, entry, False, f"probe failed: {error!r}")
