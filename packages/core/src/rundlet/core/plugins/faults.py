"""Importing a plugin, and the error that names it when it is broken or does not answer."""

from __future__ import annotations

from ..errors import InvalidArgument, PluginError, RundletError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .index import EntryPoint

PATIENCE = 30.0
"""Seconds for what other people's plugins need no work for: an import, an answer about itself."""


def load(entry: EntryPoint) -> object:
    """Import a plugin. Raises PluginError naming it, its distribution and the reason."""
    return attempt(entry, "", entry.load)


def attempt(entry: EntryPoint, doing: str, work: Callable[[], object]) -> object:
    """What a plugin's code gives. doing: the hook, or "" for its import.

    Raises PluginError for whatever comes of it, and, but for shipped ones, for silence;
    InvalidArgument as it is, for a user's option that a driver does not take.
    """
    try:
        if entry.shipped:
            return work()
        from .limits import bounded

        return bounded(work, PATIENCE)
    except (KeyboardInterrupt, MemoryError, PluginError, InvalidArgument):
        raise
    except BaseException as error:  # also SystemExit: a plugin must not end its user
        said = f"{doing} failed" if doing else "cannot be imported"
        raise broken(entry, f"{said}: {error!r}") from error


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
