"""Reading the settings: from a cached snapshot while no file or variable has changed.

Order, weakest first: built-in defaults, containers.conf and storage.conf, rundlet.toml with
its drop-ins, RUNDLET_ variables, command-line options. Reading and validating all that
takes pydantic and 200 ms; the result is kept as a marshal file, keyed by the times of
every file that could have a say and by the variables.
"""

from __future__ import annotations

import marshal
import os

from .. import __version__
from .snapshot import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..commands.context import Parsed

_VARIABLES = (
    "CONTAINERS_CONF",
    "CONTAINERS_CONF_OVERRIDE",
    "CONTAINERS_STORAGE_CONF",
    "XDG_CONFIG_HOME",
    "HOME",
)
_WATCHED = (
    "/usr/share/containers/containers.conf",
    "/etc/containers/containers.conf",
    "/etc/containers/containers.conf.d",
    "/etc/containers/storage.conf",
    "/usr/share/containers/storage.conf",
)


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this machine and user. Raises SettingsError naming file and key."""
    environment = os.environ if environment is None else environment
    key = _key(environment)
    if key[3:] == ((), ()) and not any(key[2]):
        return Settings()  # nothing is configured at all
    path = _cache(environment)
    values = _read(path, key)
    if values is None:
        values = _compile(environment)
        _write(path, key, values)
    return Settings(**values)


def toml_files(environment: Mapping[str, str]) -> list[str]:
    """The rundlet.toml files in force, weakest first; RUNDLET_CONF replaces them all."""
    if environment.get("RUNDLET_CONF"):
        return [environment["RUNDLET_CONF"]]
    found = []
    bases = ["/usr/share/rundlet", "/etc/rundlet"]
    if os.geteuid() != 0:
        home = environment.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        bases.append(f"{home}/rundlet")
    for base in bases:
        found.append(f"{base}/rundlet.toml")
        try:
            names = sorted(os.listdir(f"{base}/rundlet.toml.d"))
        except OSError:
            continue
        found += [f"{base}/rundlet.toml.d/{name}" for name in names if name.endswith(".toml")]
    return [path for path in found if os.path.exists(path)]


def _key(environment: Mapping[str, str]) -> tuple[Any, ...]:
    """All that the snapshot depends on. Plain tuples: marshal keeps them."""
    files = toml_files(environment)
    variables = sorted(
        (name, value)
        for name, value in environment.items()
        if name in _VARIABLES or (name.startswith("RUNDLET_") and name != "RUNDLET_CONF")
    )
    said = tuple(item for item in variables if item[0] not in ("HOME", "XDG_CONFIG_HOME"))
    return (
        __version__,
        tuple(variables),
        tuple(_time(path) for path in (*_WATCHED, *_overrides(environment))),
        tuple((path, _time(path)) for path in files),
        said,
    )


def _overrides(environment: Mapping[str, str]) -> list[str]:
    return [environment[name] for name in _VARIABLES[:3] if environment.get(name)]


def _time(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _cache(environment: Mapping[str, str]) -> str:
    if os.geteuid() == 0:
        return "/run/rundlet/cache/settings"
    home = environment.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return f"{home}/rundlet/settings"


def _read(path: str, key: tuple[Any, ...]) -> dict[str, Any] | None:
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                return None  # somebody else's: not to be unmarshalled
            saved, values = marshal.loads(file.read())
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return values if saved == key else None


def _write(path: str, key: tuple[Any, ...], values: dict[str, Any]) -> None:
    """Keep it, or do without: the cache only saves time."""
    temporary = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(marshal.dumps((key, values)))
        os.replace(temporary, path)
    except (OSError, ValueError):
        return


def _compile(environment: Mapping[str, str]) -> dict[str, Any]:
    from . import containers_conf
    from .model import validated

    return validated(toml_files(environment), containers_conf.read(environment))


def from_options(options: Parsed) -> Settings:
    """The settings, with what the global options of a program say over them."""
    settings = load()
    changes: dict[str, Any] = {}
    for option, name in _OPTIONS.items():
        value = options.values.get(option)
        if option in options.given and value is not None:
            changes[name] = (str(value),) if name in _LISTS else value
    pairs = options.values.get("storage-opt") or ()
    if "storage-opt" in options.given and isinstance(pairs, tuple):
        changes["storage_options"] = _storage_options(settings, pairs)
    flags = options.values.get("runtime-flag") or ()
    if flags and isinstance(flags, tuple):
        changes["runtimes"] = _runtime_flags(settings, changes.get("runtime", ""), flags)
    return settings.replace(**changes) if changes else settings


_LISTS = ("network_config_dirs",)
_OPTIONS = {
    "root": "graph_root",
    "runroot": "run_root",
    "runtime": "runtime",
    "storage-driver": "storage_driver",
    "cgroup-manager": "cgroup_manager",
    "conmon": "conmon",
    "tmpdir": "temporary",
    "network-config-dir": "network_config_dirs",
    "log-level": "log_level",
    "events-backend": "events_backend",
}


def _storage_options(settings: Settings, pairs: tuple[str, ...]) -> dict[str, Any]:
    """`--storage-opt overlay.mountopt=nodev`; "" as an only pair drops all options (podman)."""
    if pairs == ("",):
        return {}
    tables = {name: dict(table) for name, table in settings.storage_options.items()}
    for pair in pairs:
        key, _, value = pair.partition("=")
        driver, dot, option = key.partition(".")
        if not dot:
            driver, option = settings.storage_driver or "overlay", key
        tables.setdefault(driver, {})[option] = value
    return tables


def _runtime_flags(settings: Settings, runtime: str, flags: tuple[str, ...]) -> dict[str, Any]:
    """`--runtime-flag log-format=json` is `--log-format=json` for every runtime used."""
    names = [runtime or settings.runtime] if runtime or settings.runtime else ["crun", "runc"]
    tables: dict[str, Any] = {name: dict(table) for name, table in settings.runtimes.items()}
    for name in names:
        table = dict(tables.get(name, {}))
        table["args"] = (*table.get("args", ()), *(f"--{flag}" for flag in flags))
        tables[name] = table
    return tables
