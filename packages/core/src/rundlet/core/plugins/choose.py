"""Which driver is used: the one asked for or configured, else the first that works here."""

from __future__ import annotations

from ..errors import DriverUnavailable, PluginError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol, TypeVar

    from ..commands.context import Parsed
    from ..contracts.probe import Probe
    from .manager import Plugins

    class _Probed(Protocol):
        def probe(self) -> Probe: ...

    Driver = TypeVar("Driver", bound=_Probed)

ORDER = {
    "storage": ("overlay", "vfs"),
    "runtime": ("crun", "runc", "runsc"),
    "network": ("cni", "none"),
}
"""Shipped drivers in the order of preference; others are used when they are named."""


def choose(plugins: Plugins, kind: str, wanted: str, make: Callable[[str], Driver]) -> Driver:
    """The driver `wanted`; with "", the first of ORDER whose probe says that it works (before
    these, the storage drivers that are configured to be).

    Raises DriverUnavailable with every reason when none does, PluginError for an unknown name.
    """
    if wanted:
        return make(wanted)
    installed = {entry.name for entry in plugins.available(kind)}
    reasons = []
    first = plugins.settings.storage_driver_priority if kind == "storage" else ()
    for name in dict.fromkeys((*first, *ORDER[kind])):
        if name not in installed:
            reasons.append(f"{name}: not installed")
            continue
        try:
            driver = make(name)
            probe = driver.probe()
        except PluginError as error:
            reasons.append(f"{name}: {error.message}")
            continue
        if probe.works:
            return driver
        reasons.append(f"{name}: {probe.reason}")
    raise DriverUnavailable(f"no {kind} driver works on this machine", remedy="\n".join(reasons))


def broken(plugins: Plugins, kind: str, make: Callable[[str], Driver]) -> Iterator[tuple[str, str]]:
    """(name, reason) of each driver of ORDER that is installed and does not work here."""
    installed = {entry.name for entry in plugins.available(kind)}
    for name in ORDER[kind]:
        if name not in installed:
            continue
        try:
            probe = make(name).probe()
        except PluginError as error:
            yield name, error.message
            continue
        if not probe.works:
            yield name, probe.reason


def check_storage(plugins: Plugins, options: Parsed) -> None:
    """Raise PluginError, which says where it is written, for a storage driver that is not there.

    For verbs that read only the state: they would show that of another store.
    """
    settings = plugins.settings
    if settings.storage_driver in ORDER["storage"] and not settings.disabled_plugins:
        return  # without a look at the index
    try:
        plugins.entry("storage", settings.storage_driver)
    except PluginError as error:
        from ..settings.said import storage_driver

        said = storage_driver(options)
        raise PluginError(f"{said}: {error.message}", remedy=error.remedy) from None
