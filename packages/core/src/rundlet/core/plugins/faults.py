"""Importing a plugin, and the error that names it when it is broken."""

from __future__ import annotations

from ..errors import PluginError, RundletError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .index import EntryPoint


def load(entry: EntryPoint) -> object:
    """Import a plugin. Raises PluginError naming it, its distribution and the reason."""
    try:
        return entry.load()
    except (KeyboardInterrupt, MemoryError, PluginError):
        raise
    except BaseException as error:  # also SystemExit: a plugin must not end its user
        raise broken(entry, f"cannot be imported: {error!r}") from error


def broken(entry: EntryPoint, why: str) -> PluginError:
    """The error for a plugin that is at fault itself."""
    return PluginError(
        f"plugin {entry.name} ({entry.distribution} {entry.version}, {entry.group}): {why}",
        remedy=f"Upgrade or uninstall {entry.distribution or entry.value}, or add"
        f" {entry.name!r} to disabled_plugins in rundlet.toml.",
    )


def skipped(error: RundletError) -> None:
    """Say that a broken plugin is left out, in the form of podman's warnings."""
    import sys

    sys.stderr.write(f"WARN[0000] skipped: {error.message}\n")
